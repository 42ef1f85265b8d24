"""Argo CD Applications as rules see them: what each brings, its options, and the templates of ApplicationSets."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path
from scaffold.rules.reading.owners import destination, is_here, sources, title

ARGO = "argoproj.io"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
_ARGO_PHASES = {"PreSync": -1, "Sync": 0, "PostSync": 1}
_HELM_PHASES = {"pre-install": -1, "pre-upgrade": -1, "post-install": 1, "post-upgrade": 1}

Brought = Mapping[tuple[str, str], list[Manifest]]
"""What is applied, by cluster and title of the owner."""


def applications(repo: Repo) -> Iterator[Manifest]:
    """Yield every Application."""
    return repo.each(ARGO, "Application")


def carriers(repo: Repo) -> Iterator[tuple[Manifest, Path]]:
    """Yield what a person writes: each Application and each template of an ApplicationSet, with the keys above spec.

    Values of a template may hold ``{{ }}``.
    """
    for app in applications(repo):
        if not app.origin.owner.startswith("ApplicationSet "):
            yield app, ()
    for made in repo.each(ARGO, "ApplicationSet"):
        yield made, ("spec", "template")


def carried_sources(manifest: Manifest, above: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every source below the keys of a carrier; ``sources`` wins over ``source``."""
    keys: Path = (*above, "spec")
    if dry := manifest.mapping(*keys, "sourceHydrator", "drySource"):
        yield (*keys, "sourceHydrator", "drySource"), dry
    elif manifest.get(*keys, "sources"):
        for index, source in manifest.items(*keys, "sources"):
            yield (*keys, "sources", index), source
    elif source := manifest.mapping(*keys, "source"):
        yield (*keys, "source"), source


def options(app: Manifest) -> set[str]:
    """Return the sync options of an Application."""
    return texts(app.get("spec", "syncPolicy", "syncOptions"))


def texts(value: Any) -> set[str]:
    """Return the texts of a list."""
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()


def words(manifest: Manifest, annotation: str) -> list[str]:
    """Return the comma separated words of an annotation."""
    value = manifest.annotations.get(annotation)
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else []


def brought(repo: Repo) -> Brought:
    """Return what is applied by owner."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in repo.manifests:
        if manifest.origin.owner:
            found.setdefault((manifest.cluster, manifest.origin.owner), []).append(manifest)
    return found


def brought_by(app: Manifest, by_owner: Brought) -> list[Manifest]:
    """Return what an Application brings."""
    return by_owner.get((destination(app)[0], title(app)), [])


def is_whole(repo: Repo, app: Manifest, by_owner: Brought) -> bool:
    """Tell whether all that an Application brings is known: every source is here, and each was rendered."""
    name = title(app)
    return (
        bool(brought_by(app, by_owner))
        and all(is_here(repo, source) for _, source in sources(app))
        and not any(one.what == name for one in repo.not_checked)
        and not any(hit.context == name for hit in repo.faults)
        and not any(chart.faults and chart.owner == name for chart in repo.charts)
    )


def wave(manifest: Manifest) -> int:
    """Return the sync wave of an object: Argo CD takes what is no integer for 0, Helm's weight counts for hooks."""
    for annotation in (SYNC_WAVE, "helm.sh/hook-weight"):
        value = manifest.annotations.get(annotation)
        if isinstance(value, str):
            try:
                return int(value)
            except ValueError:
                continue
    return 0


def phases(manifest: Manifest) -> set[int]:
    """Return the phases of a sync that an object belongs to: -1 before, 0 in, 1 after it; none for other hooks."""
    hooks = words(manifest, "argocd.argoproj.io/hook")
    if hooks:
        return {_ARGO_PHASES[hook] for hook in hooks if hook in _ARGO_PHASES}
    if hooks := words(manifest, "helm.sh/hook"):
        return {_HELM_PHASES[hook] for hook in hooks if hook in _HELM_PHASES}
    return {0}


def order(manifest: Manifest) -> tuple[int, int] | None:
    """Return phase and wave in which Argo CD applies an object first, None for hooks outside of a sync."""
    found = phases(manifest)
    return (min(found), wave(manifest)) if found else None
