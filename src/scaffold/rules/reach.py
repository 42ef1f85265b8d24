"""Reach: a GitOps repository holds no file that does nothing."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.owners import destination, flux_cluster, is_here, sources, title

_ENTRIES = frozenset({"argoproj.io", "fluxcd.controlplane.io", "helm.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"})
_TOOL_GROUPS = re.compile(r"((cli|chainsaw)\.kyverno\.io|kuttl\.dev|(scaffolder\.)?backstage\.io)/")
_TOOL_FOLDERS = frozenset({"docs", "examples", "test", "tests"})
_TOOL_FILES = re.compile(
    r"(.*[._-]tests?|(docker-)?compose.*|\w+-pipelines|_config|catalog-info|cloudbuild|codecov|copier|cr|ct|helmfile"
    r"|kyverno-test|lefthook|mkdocs|pnpm-lock|renovate|skaffold|[Tt]askfile|.*values\.schema)\.ya?ml"
)


@rule("REACH-01", Severity.WARNING, fix="Refer to the file from what applies it, or delete it.")
def every_file_is_reached(repo: Repo) -> Iterator[Hit]:
    """Every YAML file is reached from an entry point: applied, rendered, or read for a render.

    A file that nothing refers to looks like a setting and is none. Files of known tools, tests, documentation, and
    folders of which nothing is reached are passed over; a chart counts as one. While something that brings objects
    of this repository could not be opened, nothing is said.
    """
    if not any(manifest.group in _ENTRIES for manifest in repo.raw) or not repo.reached or _unopened(repo):
        return
    tools = set(_read_by_tools(repo))
    used = {folder for path in repo.reached for folder in _folders(path)}
    charts = repo.chart_folders
    for chart in sorted(charts - _used_charts(repo)):
        if charts.isdisjoint(_folders(chart)) and used & set(_folders(f"{chart}/Chart.yaml")):
            yield Hit(Place(f"{chart}/Chart.yaml"), f"chart {chart} is rendered by nothing")
    for path in repo.files:
        if path in repo.reached or path in tools or not path.endswith((".yaml", ".yml")) or _is_a_tools(path):
            continue
        if charts.isdisjoint(_folders(path)) and (used & set(_folders(path)) or list(repo.raw_in(path))):
            yield Hit(Place(path), "reached from no entry point")


def _unopened(repo: Repo) -> list[Manifest]:
    """Return what should bring objects from here and brings none: a fault elsewhere, or more than we evaluate."""
    seen = {(manifest.cluster, manifest.origin.owner) for manifest in repo.manifests}
    generating = {owner for _, owner in seen}
    outside = {external.place for external in repo.external}
    return [
        *(
            app
            for app in repo.each("argoproj.io", "Application")
            if (destination(app)[0], title(app)) not in seen
            and any(is_here(repo, source) and "path" in source for _, source in sources(app))
        ),
        *(made for made in repo.each("argoproj.io", "ApplicationSet") if title(made) not in generating),
        *(
            one
            for one in repo.each("kustomize.toolkit.fluxcd.io", "Kustomization")
            if (flux_cluster(one), title(one)) not in seen and one.place("spec", "sourceRef") not in outside
        ),
    ]


def _read_by_tools(repo: Repo) -> Iterator[str]:
    """Yield files that a tool finds by itself, or that such a file names (fixtures of policy tests)."""
    for manifest in repo.raw:
        if not _TOOL_GROUPS.match(manifest.api_version):
            continue
        yield manifest.origin.path
        folder = PurePosixPath(manifest.origin.path).parent
        for field in ("resources", "targetResources", "exceptions", "userinfo", "variables"):
            named = manifest.get(field)
            for entry in named if isinstance(named, list) else [named]:
                if isinstance(entry, str):
                    yield normalise(f"{folder}/{entry}")
    for path in repo.files:
        if any(isinstance(document.data, dict) and {"rule_files", "tests"} <= document.data.keys()
               for document in repo.documents(path)):  # fmt: skip
            yield path


def _is_a_tools(path: str) -> bool:
    *folders, name = path.split("/")
    hidden = any(part.startswith(".") for part in (*folders, name))
    return hidden or bool(_TOOL_FOLDERS & set(folders)) or bool(_TOOL_FILES.fullmatch(name))


def _used_charts(repo: Repo) -> set[str]:
    """Return the charts that are rendered or read, with their ``file://`` dependencies."""
    used = {chart for chart in repo.chart_folders if any(path.startswith(f"{chart}/") for path in repo.reached)}
    used |= {chart.path for chart in repo.charts}
    waiting = list(used)
    while waiting:
        chart = waiting.pop()
        for document in repo.documents(f"{chart}/Chart.yaml"):
            listed = document.data.get("dependencies") if isinstance(document.data, dict) else None
            for dependency in listed if isinstance(listed, list) else ():
                where = str(dependency.get("repository") or "") if isinstance(dependency, dict) else ""
                path = normalise(f"{chart}/{where.removeprefix('file://')}")
                if where.startswith("file://") and path in repo.chart_folders - used:
                    used.add(path)
                    waiting.append(path)
    return used


def _folders(path: str) -> list[str]:
    """Return the folders a path lies in, the root left out."""
    return [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
