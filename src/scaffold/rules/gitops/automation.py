"""Image automation of Flux: every marker leads to an image that is looked for."""

import re
from collections.abc import Iterator

from scaffold.model.giturl import same_repository
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference

_IMAGE = "image.toolkit.fluxcd.io"
_MARKER = re.compile(
    r"""(?P<before>[^#\n]*)\#\s*\{\s*"\$imagepolicy":\s*"(?P<namespace>[^":\s]+):(?P<name>[^":\s]+)"""
    r"""(?::(?P<part>\w+))?"\s*\}""",
    re.VERBOSE,
)
_VALUE = re.compile(r""".*?:\s+["']?(?P<value>[^"'\s]+)["']?\s*\Z""")
_PARTS = frozenset({"digest", "name", "tag"})


@rule("GITOPS-39", Severity.WARNING, fix="Name a policy that exists for this image, and a path that holds the file.")
def image_markers_are_served(repo: Repo) -> Iterator[Hit]:
    """Every ``$imagepolicy`` marker names an ImagePolicy for the same image, in a file that an automation updates.

    A marker that leads nowhere is a comment: the image stays as it is, and nobody is told. It is judged where
    ImagePolicies are in the repository.
    """
    found = {(m.kind, m.namespace, m.name): m for m in (*repo.raw, *repo.manifests) if m.group == _IMAGE and m.name}
    policies = {key[1:]: manifest for key, manifest in found.items() if key[0] == "ImagePolicy"}
    repositories = {key[1:]: manifest for key, manifest in found.items() if key[0] == "ImageRepository"}
    if not policies:
        return
    names = {(name, manifest.namespace or "") for (_, name), manifest in policies.items()}
    for one in policies.values():
        yield from _without_repository(one, repositories)
    paths = [_path(repo, m) for key, m in found.items() if key[0] == "ImageUpdateAutomation"]
    for path, text in repo.files.items():
        if "$imagepolicy" not in text or not path.endswith((".yaml", ".yml")):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if marker := _MARKER.search(line):
                place = Place(path, number)
                namespace, name, part = marker["namespace"], marker["name"], marker["part"]
                policy = policies.get((namespace, name))
                if policy is None and (name, "") not in names:
                    yield Hit(place, f"no ImagePolicy {namespace}/{name}")
                elif part and part not in _PARTS:
                    yield Hit(place, f"a marker ends in :tag, :name or :digest, not in :{part}")
                elif policy and not part and (why := _another_image(marker["before"], policy, repositories)):
                    yield Hit(place, why)
                elif paths and not any(not one or path.startswith(f"{one}/") for one in paths):
                    yield Hit(place, "no ImageUpdateAutomation updates this folder")


def _path(repo: Repo, automation: Manifest) -> str:
    """Return the folder that an automation updates here; the root where it may be another repository that it clones."""
    source = automation.mapping("spec", "sourceRef")
    named = (str(source.get("namespace") or automation.namespace), source.get("name"))
    ours = any(
        (one.kind, one.namespace, one.name) == ("GitRepository", *named)
        and same_repository(repo.url, one.get("spec", "url"))
        for one in (*repo.raw, *repo.manifests)
    )
    return normalise(str(automation.get("spec", "update", "path") or "")) if ours else ""


def _repository(policy: Manifest) -> tuple[str, str]:
    reference = policy.mapping("spec", "imageRepositoryRef")
    return str(reference.get("namespace") or policy.namespace), str(reference.get("name") or "")


def _without_repository(policy: Manifest, repositories: dict[tuple[str, str], Manifest]) -> Iterator[Hit]:
    namespace, name = _repository(policy)
    if repositories and (namespace, name) not in repositories and not any(key[1] == name for key in repositories):
        yield at(policy, ("spec", "imageRepositoryRef"), f"{policy}: no ImageRepository {namespace}/{name}")


def _another_image(before: str, policy: Manifest, repositories: dict[tuple[str, str], Manifest]) -> str:
    """Return what is wrong with the image of a marker, empty if it is that of its policy."""
    repository = repositories.get(_repository(policy))
    wanted = repository.get("spec", "image") if repository else None
    value = _VALUE.match(before)
    if not isinstance(wanted, str) or value is None or "${" in wanted or "/" not in value["value"]:
        return ""
    written = Reference.of(value["value"]).name
    return f"{policy} is for image {wanted}, not for {written}" if written != wanted else ""
