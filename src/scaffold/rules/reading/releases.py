"""Charts that are installed by name, wherever they come from: what Applications and HelmReleases ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path
from scaffold.rules.reading.owners import destination, flux_cluster, sources

_SOURCES = "source.toolkit.fluxcd.io"


@dataclass(frozen=True, slots=True)
class Release:
    """One chart: its last name, and the values that stand beside it (those of files are not read)."""

    owner: Manifest
    keys: Path
    chart: str
    cluster: str
    values: Mapping[str, Any] = field(repr=False)


def releases(repo: Repo) -> Iterator[Release]:
    """Yield every chart that is asked for by name."""
    for app in repo.each("argoproj.io", "Application"):
        for keys, source in sources(app):
            if chart := str(source.get("chart") or "").rpartition("/")[2]:
                values = app.mapping(*keys, "helm", "valuesObject")
                yield Release(app, (*keys, "chart"), chart, destination(app)[0], values)
    urls = {
        (one.cluster, one.namespace, one.name): str(one.get("spec", "url") or "").rstrip("/").rpartition("/")[2]
        for one in repo.each(_SOURCES, "OCIRepository")
    }
    for release in repo.each("helm.toolkit.fluxcd.io", "HelmRelease"):
        reference = release.mapping("spec", "chartRef")
        place = (release.cluster, str(reference.get("namespace") or release.namespace), str(reference.get("name")))
        chart = str(release.get("spec", "chart", "spec", "chart") or "").rpartition("/")[2] or urls.get(place, "")
        if chart:
            keys = ("spec", "chartRef") if reference else ("spec", "chart", "spec", "chart")
            yield Release(release, keys, chart, flux_cluster(release), release.mapping("spec", "values"))
