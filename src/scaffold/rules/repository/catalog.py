"""The catalog of Backstage: what an entity refers to is in the repository."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from scaffold.model.giturl import plain
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import has_all
from scaffold.model.yamltext import Path
from scaffold.rules.reading.applications import ARGO, applications
from scaffold.rules.reading.inventory import workload
from scaffold.rules.reading.owners import IN_CLUSTER, brought_from_elsewhere

_SLUGS = {"github.com/project-slug": "github.com", "gitlab.com/project-slug": "gitlab.com"}
_LOCATION = "backstage.io/source-location"


@rule("REPO-04", Severity.WARNING, fix="Name what is there now, or remove the annotation.")
def entities_refer_to_what_exists(repo: Repo) -> Iterator[Hit]:
    """An entity of the catalog refers to Applications, workloads and documents that exist.

    The page of the component is empty otherwise, and nobody sees why. It is judged where all Applications, and all
    that is applied, come from the repository.
    """
    entities = [m for m in repo.raw if m.group == "backstage.io"]
    if not entities:
        return
    apps = list(applications(repo))
    foreign = set(brought_from_elsewhere(repo))
    homes = {app.namespace for app in apps} | {"*"}
    all_apps = apps and not any(cluster in {IN_CLUSTER, "*"} and namespace in homes for cluster, namespace in foreign)
    for entity in entities:
        yield from _documents(repo, entity)
        if all_apps:
            yield from _applications(entity, apps)
        yield from _workloads(repo, entity, {namespace for _, namespace in foreign})


@rule("REPO-11", Severity.WARNING, fix="Write the same repository in both annotations.")
def an_entity_has_one_repository(repo: Repo) -> Iterator[Hit]:
    """The source location and the project slug of an entity name the same repository.

    One of them is left over from a rename: links lead to one repository, pull requests and pipelines are shown of
    another.
    """
    for entity in repo.raw:
        if entity.group != "backstage.io":
            continue
        location = entity.annotations.get(_LOCATION)
        for annotation, host in _SLUGS.items():
            slug = entity.annotations.get(annotation)
            if not isinstance(slug, str) or not isinstance(location, str) or not slug.strip():
                continue
            there = plain(location.strip().removeprefix("url:"))
            wanted = f"{host}/{slug.strip()}".lower()
            if there.startswith(f"{host}/") and there != wanted and not there.startswith(f"{wanted}/"):
                yield Hit(
                    entity.place(*_keys(annotation)), f"{_name(entity)}: {slug.strip()}, its source is in {there}"
                )


def _keys(annotation: str) -> Path:
    return ("metadata", "annotations", annotation)


def _name(entity: Manifest) -> str:
    return f"{entity.kind} {entity.name}"


def _documents(repo: Repo, entity: Manifest) -> Iterator[Hit]:
    reference = entity.annotations.get("backstage.io/techdocs-ref")
    if not isinstance(reference, str) or not reference.strip().startswith("dir:"):
        return
    folder = normalise(f"{PurePosixPath(entity.origin.path).parent}/{reference.strip().removeprefix('dir:')}")
    files = (normalise(f"{folder}/{name}") for name in ("mkdocs.yml", "mkdocs.yaml"))
    if not any(file in repo.files for file in files) and not repo.has_folder(f"{folder}/docs"):
        place = entity.place(*_keys("backstage.io/techdocs-ref"))
        yield Hit(place, f"{_name(entity)}: no mkdocs.yml and no docs in {folder or '.'}")


def _applications(entity: Manifest, apps: list[Manifest]) -> Iterator[Hit]:
    name = entity.annotations.get("argocd/app-name")
    if isinstance(name, str) and name.strip() and not any(app.name == name.strip() for app in apps):
        yield Hit(entity.place(*_keys("argocd/app-name")), f"{_name(entity)}: no Application {name.strip()}")
    selector = entity.annotations.get("argocd/app-selector")
    wanted = _labels(selector)
    if wanted and not any(has_all(app.labels, wanted) for app in apps):
        place = entity.place(*_keys("argocd/app-selector"))
        yield Hit(place, f"{_name(entity)}: no Application is labelled {str(selector).strip()}")


def _workloads(repo: Repo, entity: Manifest, foreign: set[str]) -> Iterator[Hit]:
    namespace = entity.annotations.get("backstage.io/kubernetes-namespace")
    if foreign & ({namespace, "*"} if isinstance(namespace, str) and namespace else foreign):
        return
    applied = [m for m in repo.manifests if m.group not in {ARGO, "backstage.io"} and workload(m)]
    for annotation in ("backstage.io/kubernetes-label-selector", "backstage.io/kubernetes-id"):
        value = entity.annotations.get(annotation)
        text = value.strip() if isinstance(value, str) else ""
        wanted = _labels(text) if annotation.endswith("selector") else {annotation: text} if text else {}
        if wanted and applied and not any(has_all(labels, wanted) for m in applied for labels in _all_labels(m)):
            yield Hit(entity.place(*_keys(annotation)), f"{_name(entity)}: no workload is labelled {text}")
        if wanted:
            return  # the selector takes precedence


def _all_labels(manifest: Manifest) -> Iterator[dict[str, str]]:
    yield dict(manifest.labels)
    if found := workload(manifest):
        yield dict(found.labels)


def _labels(selector: object) -> dict[str, str]:
    """Return the labels of ``key=value,key=value``; none for selectors that say more than that."""
    parts = [part.strip() for part in selector.split(",")] if isinstance(selector, str) else []
    if not all("=" in part and "!=" not in part and " " not in part for part in parts):
        return {}
    pairs = [part.replace("==", "=").partition("=") for part in parts]
    return {key: value for key, _, value in pairs}
