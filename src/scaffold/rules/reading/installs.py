"""How Istio and others are installed: the charts that Applications and HelmReleases bring, with their values.

The charts lie elsewhere, but what they are told stands in the repository.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest, Place
from scaffold.model.merged import merge
from scaffold.model.repo import Repo, normalise
from scaffold.model.yamltext import Key, Path, parse
from scaffold.rules.reading.owners import destination, flux_cluster, is_here, sources

_CHARTS = frozenset({"base", "cni", "gateway", "istiod", "ztunnel"})


@dataclass(frozen=True, slots=True)
class Install:
    """One chart in one cluster.

    ``values`` are those that are known; ``complete`` tells whether there are no others. ``written`` are they again,
    one layer after the other, each with the lines of its keys.
    """

    owner: Manifest
    chart: str
    version: str
    release: str
    namespace: str
    cluster: str
    source: Path
    values: Mapping[str, Any] = field(repr=False)
    complete: bool
    written: tuple["_Layer", ...] = field(repr=False)

    def get(self, *keys: Key) -> Any:
        """Return a value, None where nothing sets it."""
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def silent(self, *keys: Key) -> bool:
        """Tell whether for sure nothing sets a value: the chart's default holds."""
        return self.complete and self.get(*keys) is None

    def place(self, *keys: Key) -> Place:
        """Return where a value is set, or where the chart is named."""
        for layer in reversed(self.written) if keys else ():
            if found := layer.place(keys):
                return found
        return self.owner.place(*self.source)

    @property
    def minor(self) -> int | None:
        """Return 30 of version 1.30.3; None where it is not said exactly."""
        parts = self.version.removeprefix("v").split(".")
        return int(parts[1]) if len(parts) >= 2 and parts[0] == "1" and parts[1].isdigit() else None


@dataclass(frozen=True, slots=True)
class _Layer:
    path: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int]
    prefix: Path = ()

    def place(self, keys: Path) -> Place | None:
        value: Any = self.data
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        line = self.lines.get((*self.prefix, *keys))
        return Place(self.path, line) if line and value is not None else None


def installs_of(repo: Repo, charts: frozenset[str]) -> list[Install]:
    """Return every chart of these names that is installed anywhere, from whichever repository."""
    return [install for _, install in (*_argocd(repo, charts), *_flux(repo, charts))]


def installs(repo: Repo) -> list[Install]:
    """Return every chart of Istio that is installed anywhere."""
    found = [*_argocd(repo, _CHARTS), *_flux(repo, _CHARTS)]
    homes = {home for home, install in found if install.chart == "istiod"}
    return [install for home, install in found if install.chart == "istiod" or home in homes or "istio" in home]


def _argocd(repo: Repo, charts: frozenset[str]) -> Iterator[tuple[str, Install]]:
    for app in repo.each("argoproj.io", "Application"):
        cluster, namespace = destination(app)
        references = {str(source.get("ref")): source for _, source in sources(app) if source.get("ref")}
        for keys, source in sources(app):
            home = str(source.get("repoURL") or "").rstrip("/").lower()
            chart = str(source.get("chart") or "").rpartition("/")[2]
            if chart not in charts:
                continue
            options = source.get("helm")
            options = options if isinstance(options, Mapping) else {}
            layers, complete = _argocd_values(repo, app, keys, options, references)
            yield home, Install(
                app, chart, str(source.get("targetRevision") or ""), str(options.get("releaseName") or app.name),
                namespace, cluster, (*keys, "chart"), _merged(layers), complete, tuple(layers),
            )  # fmt: skip


def _argocd_values(
    repo: Repo, app: Manifest, keys: Path, options: Mapping[str, Any], references: Mapping[str, Mapping[str, Any]]
) -> tuple[list[_Layer], bool]:
    layers: list[_Layer] = []
    complete = not (options.get("parameters") or options.get("fileParameters"))
    named = options.get("valueFiles")
    for entry in named if isinstance(named, list) else []:
        reference, _, path = str(entry).removeprefix("$").partition("/")
        source = references.get(reference) if str(entry).startswith("$") else None
        documents = repo.documents(normalise(path)) if source and is_here(repo, source) else []
        data = documents[0].data if documents else None
        if isinstance(data, Mapping):
            layers.append(_Layer(normalise(path), data, documents[0].lines))
        elif normalise(path) not in repo.files or not source:
            complete = complete and bool(options.get("ignoreMissingValueFiles") and source and is_here(repo, source))
    if isinstance(given := options.get("valuesObject"), Mapping):
        layers.append(_Layer(app.origin.path, given, app.lines, (*keys, "helm", "valuesObject")))
    elif isinstance(text := options.get("values"), str):
        data = _parsed(text)
        complete = complete and data is not None
        line = app.place(*keys, "helm", "values").line
        layers.append(_Layer(app.origin.path, data or {}, _Everywhere(line)))
    return layers, complete


def _flux(repo: Repo, charts: frozenset[str]) -> Iterator[tuple[str, Install]]:
    texts = {(m.cluster, m.namespace, m.name): m for m in repo.each("", "ConfigMap")}
    homes = {(m.cluster, m.kind, m.namespace, m.name): str(m.get("spec", "url") or "").rstrip("/").lower()
             for m in repo.each("source.toolkit.fluxcd.io", "HelmRepository", "OCIRepository")}  # fmt: skip
    for release in repo.each("helm.toolkit.fluxcd.io", "HelmRelease"):
        chart = release.mapping("spec", "chart", "spec")
        reference = release.mapping("spec", "chartRef") or chart.get("sourceRef")
        reference = reference if isinstance(reference, Mapping) else {}
        kind, name = str(reference.get("kind")), str(reference.get("name"))
        home = homes.get((release.cluster, kind, str(reference.get("namespace") or release.namespace), name), name)
        named = str(chart.get("chart") or home).rpartition("/")[2]
        if named not in charts or kind == "GitRepository":
            continue
        home = home.removesuffix(f"/{named}")
        target = str(release.get("spec", "targetNamespace") or "")
        layers, complete = _flux_values(release, texts)
        yield home, Install(
            release, named, str(chart.get("version") or ""),
            str(release.get("spec", "releaseName") or (f"{target}-{release.name}" if target else release.name)),
            target or release.namespace, flux_cluster(release), ("spec", "chart", "spec", "chart"),
            _merged(layers), complete, tuple(layers),
        )  # fmt: skip


def _flux_values(release: Manifest, texts: Mapping[tuple[str, str, str], Manifest]) -> tuple[list[_Layer], bool]:
    layers: list[_Layer] = []
    complete = not release.get("spec", "chart", "spec", "valuesFiles")
    for index, reference in release.items("spec", "valuesFrom"):
        source = texts.get((release.cluster, release.namespace, str(reference.get("name"))))
        known = reference.get("kind") in (None, "ConfigMap") and source is not None and not reference.get("targetPath")
        text = source.get("data", str(reference.get("valuesKey") or "values.yaml")) if known and source else None
        data = _parsed(text) if isinstance(text, str) else None
        complete = complete and data is not None
        line = release.place("spec", "valuesFrom", index).line
        layers.append(_Layer(release.origin.path, data or {}, _Everywhere(line)))
    if given := release.mapping("spec", "values"):
        layers.append(_Layer(release.origin.path, given, release.lines, ("spec", "values")))
    return layers, complete


def _parsed(text: str) -> Mapping[str, Any] | None:
    documents, faults = parse(text)
    data = documents[0].data if documents else {}
    return data if isinstance(data, Mapping) and not faults else None


def _merged(layers: list[_Layer]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer.data)
    return merged


class _Everywhere(dict[Path, int]):
    """Lines of a text within a text: all that is known is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self._line = line

    def get(self, key: Path, default: Any = None) -> Any:  # noqa: ARG002 - the shape of a dict's get
        """Return the one line."""
        return self._line
