"""Images: what runs is what was promoted."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference, images

_FILLED_IN = ("${", "{{", "$(", "*")
_STAND_INS = frozenset({"auto"})
"""Istio's injector puts the proxy's image in the place of "auto"."""


@rule("GITOPS-23", Severity.WARNING, fix="Name the version of the image by its tag, its digest, or both.")
def images_name_a_version(repo: Repo) -> Iterator[Hit]:
    """Every image has a tag other than "latest", or a digest.

    What runs then depends on when a node pulled it, a rollback brings back the same image, and nothing in Git says
    what was promoted. Images that Skaffold builds and fills in are passed over.
    """
    built = set(_built_here(repo))
    for manifest, keys, image in images(repo):
        reference = Reference.of(image)
        if image in built:
            continue
        if reference.digest or image in _STAND_INS or not image or any(mark in image for mark in _FILLED_IN):
            continue
        if reference.tag in {"", "latest"}:
            why = "has no tag, so it is latest" if not reference.tag else "moves"
            yield at(manifest, keys, f"{manifest}: image {image} {why}")


def _built_here(repo: Repo) -> Iterator[str]:
    """Yield the names that Skaffold puts the image it built in the place of."""
    for path in repo.files:
        if path.rpartition("/")[2] not in {"skaffold.yaml", "skaffold.yml"}:
            continue
        for document in repo.documents(path):
            build = document.data.get("build") if isinstance(document.data, dict) else None
            artifacts = build.get("artifacts") if isinstance(build, dict) else None
            for artifact in artifacts if isinstance(artifacts, list) else ():
                if isinstance(artifact, dict) and isinstance(artifact.get("image"), str):
                    yield artifact["image"]
