"""Versions of charts: what is used is said exactly, and fits what it is used with."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path, parse
from scaffold.rules.reading.applications import carried_sources, carriers
from scaffold.rules.reading.chartfiles import ChartFile, own_charts
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import KUSTOMIZATION_FILES
from scaffold.rules.reading.ranges import admits, is_exact, version_of

_HELM = "helm.toolkit.fluxcd.io"
_SOURCE = "source.toolkit.fluxcd.io"
_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_KEPT = frozenset({"name", "repository"})
_NEWEST_PATCH = 9_999


@rule("HELM-01", Severity.WARNING, fix="Name the exact version, or commit the Chart.lock.")
def charts_are_used_in_exact_versions(repo: Repo) -> Iterator[Hit]:
    """Whoever uses a chart of a chart repository names its exact version.

    A range moves without a commit: what was tested yesterday is not what is applied today, and a revert brings
    nothing back. That a chart raises its own version with every change needs its history and is not judged.
    """
    yield from _of_argo_cd(repo)
    yield from _of_flux(repo)
    for path in repo.files:
        if path.rpartition("/")[2] in KUSTOMIZATION_FILES:
            for document in repo.documents(path):
                charts = document.data.get("helmCharts") if isinstance(document.data, dict) else None
                for index, chart in enumerate(charts if isinstance(charts, list) else ()):
                    if isinstance(chart, dict) and chart.get("repo") and not is_exact(chart.get("version")):
                        line = document.lines.get(("helmCharts", index), 1)
                        yield Hit(Place(path, line), _loose(chart.get("name"), chart.get("version")))
    for chart in own_charts(repo):
        if f"{chart.folder}/Chart.lock".lstrip("/") in repo.files:
            continue
        for index, dependency in chart.dependencies():
            if str(dependency.get("repository") or "").startswith(("http://", "https://", "oci://")):
                vendored = f"{chart.folder}/charts/{dependency.get('name')}".lstrip("/")
                if is_exact(dependency.get("version")) or any(f.startswith(vendored) for f in repo.below(vendored)):
                    continue
                text = _loose(dependency.get("name"), dependency.get("version"))
                yield Hit(chart.place("dependencies", index, "version"), text)


@rule("HELM-10", Severity.ERROR, fix="Run `helm dependency update` and commit Chart.lock.")
def locks_match_their_charts(repo: Repo) -> Iterator[Hit]:
    """A Chart.lock is that of its Chart.yaml: the same dependencies, in versions that it admits.

    Helm refuses one that is out of step, and so does Argo CD: the chart does not render. A dependency on a chart of
    the repository by ``file://`` exists and has a version that is admitted.
    """
    charts = {chart.folder: chart for chart in own_charts(repo)}
    for chart in charts.values():
        path = f"{chart.folder}/Chart.lock".lstrip("/")
        if path in repo.files:
            yield from _lock(repo, chart, path)
        for index, dependency in chart.dependencies():
            repository = str(dependency.get("repository") or "")
            if not repository.startswith("file://"):
                continue
            folder = normalise(f"{chart.folder}/{repository.removeprefix('file://')}")
            other = charts.get(folder)
            if other is None and not folder.startswith("..") and folder not in repo.chart_folders:
                yield Hit(chart.place("dependencies", index, "repository"), f"no chart in {folder}")
            elif other and (version := version_of(other.text("version"))):
                wanted = str(dependency.get("version") or "*")
                if admits(wanted, version) is False:
                    what = f"{dependency.get('name')} {wanted} does not admit {other.text('version')} ({other.path})"
                    yield Hit(chart.place("dependencies", index, "version"), what)


@rule("HELM-13", Severity.WARNING, fix="Bring all charts to the same major version of the library.")
def libraries_have_one_major_version(repo: Repo) -> Iterator[Hit]:
    """All charts of the repository use a library chart in one major version.

    The same values then mean the same everywhere. A library is a chart of type library that is here, or one that is
    named so: common, library, or ending in -common, -lib or -library.
    """
    charts = own_charts(repo)
    local = {chart.text("name") for chart in charts if chart.data.get("type") == "library"}
    first: dict[tuple[str, str], tuple[int, ChartFile]] = {}
    for chart in charts:
        for index, dependency in chart.dependencies():
            name, repository = str(dependency.get("name") or ""), str(dependency.get("repository") or "")
            library = name in local | {"common", "library"} or name.endswith(("-common", "-lib", "-library"))
            version = version_of(str(dependency.get("version") or "").lstrip("~^= "))
            if not library or version is None or repository.startswith("file://"):
                continue
            major, other = first.setdefault((name, repository), (version[0], chart))
            if major != version[0]:
                what = f"library {name} {dependency.get('version')}, {other.path} uses {major}.x"
                yield Hit(chart.place("dependencies", index, "version"), what)


@rule("HELM-14", Severity.ERROR, fix="Widen kubeVersion, such as >=1.33.0-0, once the chart works there.")
def charts_admit_the_kubernetes_version(repo: Repo) -> Iterator[Hit]:
    """The kubeVersion of every chart that is rendered admits the Kubernetes version of the repository.

    Helm and Argo CD refuse to render it otherwise, as a whole.
    """
    minor = repo.kube_version.split(".")
    if len(minor) < 2 or not all(part.isdigit() for part in minor[:2]):
        return
    rendered = {chart.path for chart in repo.charts}
    first, second = int(minor[0]), int(minor[1])
    for chart in own_charts(repo):
        wanted = chart.text("kubeVersion")
        if not wanted or chart.folder not in rendered:
            continue
        if all(admits(wanted, (first, second, patch)) is False for patch in (0, _NEWEST_PATCH)):
            yield Hit(chart.place("kubeVersion"), f"chart {chart.folder}: {wanted} excludes {repo.kube_version}")


def _loose(name: object, version: object) -> str:
    return f"chart {name} in version {version or 'whatever is newest'}"


def _of_argo_cd(repo: Repo) -> Iterator[Hit]:
    for carrier, above in carriers(repo):
        for keys, source in carried_sources(carrier, above):
            version = source.get("targetRevision")
            if not source.get("chart") or "{{" in str(version) or str(version).startswith("sha256:"):
                continue
            if not is_exact(version):
                place = (*keys, "targetRevision") if version else keys
                yield at(carrier, place, f"{carrier}: {_loose(source.get('chart'), version)}")


def _of_flux(repo: Repo) -> Iterator[Hit]:
    charts: set[tuple[str, str]] = set()
    for release in repo.each(_HELM, "HelmRelease"):
        chart = release.mapping("spec", "chart", "spec")
        version = chart.get("version")
        source = chart.get("sourceRef")
        from_index = isinstance(source, Mapping) and source.get("kind") == "HelmRepository"
        if from_index and "${" not in str(version) and not is_exact(version):
            keys: Path = ("spec", "chart", "spec", "version") if version else ("spec", "chart", "spec")
            yield at(release, keys, f"{release}: {_loose(chart.get('chart'), version)}")
        if release.get("spec", "chartRef", "kind") == "OCIRepository":
            reference = release.mapping("spec", "chartRef")
            charts.add((str(reference.get("namespace") or release.namespace), str(reference.get("name"))))
    for repository in repo.each(_SOURCE, "OCIRepository"):
        wanted = repository.mapping("spec", "ref")
        if (repository.namespace, repository.name) not in charts or wanted.get("digest") or "${" in str(wanted):
            continue
        version = wanted.get("semver") or wanted.get("tag")
        if not version or version == "latest" or (wanted.get("semver") and not is_exact(version)):
            keys = ("spec", "ref") if wanted else ("spec",)
            yield at(repository, keys, f"{repository}: {_loose(repository.get('spec', 'url'), version)}")


def _lock(repo: Repo, chart: ChartFile, path: str) -> Iterator[Hit]:
    documents, _ = parse(repo.files[path])
    from_text = documents[0].data if documents else None
    if not isinstance(from_text, dict):
        return
    listed = from_text.get("dependencies")
    locked = [entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, dict)]
    wanted = [entry for _, entry in chart.dependencies()]
    names = [str(entry.get("name")) for entry in wanted]
    if sorted(names) != sorted(str(entry.get("name")) for entry in locked):
        yield Hit(Place(path), f"it does not lock what {chart.path} depends on: {', '.join(names) or 'nothing'}")
    elif (digest := from_text.get("digest")) and digest != _digest(wanted, locked):
        yield Hit(Place(path), f"it is out of step with {chart.path}: the digest is that of other dependencies")


def _digest(wanted: list[Mapping[str, Any]], locked: list[dict[str, Any]]) -> str:
    """Return the digest that Helm writes: of both lists as Go prints them."""
    both = [[_printed(entry) for entry in entries] for entries in (wanted, locked)]
    text = json.dumps(both, separators=(",", ":"), ensure_ascii=False)
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _printed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name, "") for name in _FIELDS if name in _KEPT or entry.get(name)}
