"""Images: a tag is one image in the whole repository."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference, images


@rule("REPO-01", Severity.WARNING, fix="Use one digest for the tag, or another tag for the other image.")
def a_tag_has_one_digest(repo: Repo) -> Iterator[Hit]:
    """A tag of an image goes with one digest everywhere.

    Two digests under one tag mean that it was pushed twice, or that one of them is a slip: what was tested in one
    place is not what runs in the other. That images name a version is GITOPS-23's; which registries are allowed is
    for the policies to say.
    """
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for manifest, keys, image in images(repo):
        reference = Reference.of(image)
        if not reference.tag or not reference.digest:
            continue
        digest, other = first.setdefault((reference.name, reference.tag), (reference.digest, str(manifest)))
        if digest != reference.digest:
            what = f"{reference.name}:{reference.tag} has digest {reference.digest[:19]}, with {other} {digest[:19]}"
            yield at(manifest, keys, f"{manifest}: {what}")
