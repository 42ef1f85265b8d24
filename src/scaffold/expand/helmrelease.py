"""What Flux's helm-controller would render for a HelmRelease (helm-controller 1.6)."""

from collections.abc import Mapping
from typing import Any

from scaffold.expand import values
from scaffold.expand.argocd import chart_elsewhere
from scaffold.expand.flux import source_elsewhere
from scaffold.expand.found import FileKey, Found, Lookup, Owner, Render
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.merged import merge
from scaffold.model.ports import ChartRequest
from scaffold.model.repo import External, NotChecked, Repo, normalise
from scaffold.model.yamltext import Key, parse


def open_release(repo: Repo, release: Manifest, lookup: Lookup, texts: Mapping[FileKey, str]) -> Found:
    """Find what a HelmRelease brings. ``texts`` says which file a ConfigMap's key was made of."""
    found = Found()
    if reference := release.mapping("spec", "chartRef"):
        _referenced(release, reference, lookup, found)
        return found
    chart = release.mapping("spec", "chart", "spec")
    source = chart.get("sourceRef") if isinstance(chart.get("sourceRef"), Mapping) else {}
    name, version = str(chart.get("chart") or ""), str(chart.get("version") or "")
    if not name or not source:
        text = f"{release} names no chart or no source of it"
        found.faults.append(Hit(release.place("spec", "chart"), text, _title(release)))
    elif source.get("kind") == "HelmRepository":
        namespace = str(source.get("namespace") or release.namespace)
        repository = lookup(release.cluster, "HelmRepository", namespace, str(source.get("name")))
        url = str(repository.get("spec", "url")) if repository else f"HelmRepository {source.get('name')}"
        found.external.append(External(release.place("spec", "chart", "spec"), chart_elsewhere(name, version, url)))
    else:
        folder = normalise(name)
        where = source_elsewhere(repo, release, source, lookup, folder)
        if isinstance(where, NotChecked):
            found.not_checked.append(where)
        elif where is not None:
            found.external.append(External(where.place, f"chart {name} from {where.what}"))
        elif normalise(f"{folder}/Chart.yaml") not in repo.files:
            place = release.place("spec", "chart", "spec", "chart")
            found.faults.append(Hit(place, f"{release}: no chart in {name}", _title(release)))
        else:
            _render(_Values(repo, release, found, lookup, texts), folder)
    return found


def _title(release: Manifest) -> str:
    return f"HelmRelease {release.namespace}/{release.name}"


def _referenced(release: Manifest, reference: Mapping[str, Any], lookup: Lookup, found: Found) -> None:
    kind, name = str(reference.get("kind")), str(reference.get("name"))
    source = lookup(release.cluster, kind, str(reference.get("namespace") or release.namespace), name)
    url = source.get("spec", "url") if source else None
    versions = [source.get("spec", "ref", key) for key in ("digest", "semver", "tag")] if source else []
    version = str(next(filter(None, versions), ""))
    what = chart_elsewhere(str(url), version, f"{kind} {name}") if url else f"chart of {kind} {name}"
    found.external.append(External(release.place("spec", "chartRef"), what))


def _render(gathered: "_Values", folder: str) -> None:
    repo, release, found = gathered.repo, gathered.release, gathered.found
    target = str(release.get("spec", "targetNamespace") or "")
    name = str(release.get("spec", "releaseName") or (f"{target}-{release.name}" if target else release.name))
    owner = Owner(_title(release), release.cluster, target or release.namespace, release.place())
    for key in ("postRenderers", "kubeConfig"):
        if release.get("spec", key):
            found.not_checked.append(owner.not_checked(release.place("spec", key), f"{key} is not evaluated"))
    files = _chart_values(repo, release, folder, found)
    for index, reference in release.items("spec", "valuesFrom"):
        gathered.add(("spec", "valuesFrom", index), reference)
    request = ChartRequest(
        path=folder,
        release=name,
        namespace=owner.namespace,
        place=release.place("spec", "chart"),
        owner=owner.name,
        values=(*files, *gathered.files),
        inline=gathered.inline(),
        kube_version=repo.kube_version,
    )
    found.reached |= {*files, *gathered.paths}
    crds = release.get("spec", "install", "crds") != "Skip"
    metadata = release.mapping("spec", "commonMetadata")
    found.renders.append(Render(request, owner, (*files, *gathered.paths), crds, tests=True, metadata=metadata))


def _chart_values(repo: Repo, release: Manifest, folder: str, found: Found) -> list[str]:
    """Return ``valuesFiles``: they replace the chart's values.yaml, so it has to be the first of them."""
    named = release.get("spec", "chart", "spec", "valuesFiles")
    files = [normalise(path) for path in named if isinstance(path, str)] if isinstance(named, list) else []
    if not files:
        return []
    place = release.place("spec", "chart", "spec", "valuesFiles")
    if files[0] != normalise(f"{folder}/values.yaml"):
        reason = "valuesFiles without the chart's own values.yaml first are not evaluated"
        found.not_checked.append(NotChecked(place, _title(release), reason))
    ignore = release.get("spec", "chart", "spec", "ignoreMissingValuesFiles")
    for path in files:
        if path not in repo.files and not ignore:
            found.faults.append(Hit(place, f"{release}: no values file {path}", _title(release)))
    return [path for path in files if path in repo.files and path != normalise(f"{folder}/values.yaml")]


class _Values:
    """Values in the order Flux merges them: as files as long as files hold them, merged here from then on.

    ``paths`` are all files that any of them comes from.
    """

    def __init__(
        self, repo: Repo, release: Manifest, found: Found, lookup: Lookup, texts: Mapping[FileKey, str]
    ) -> None:
        self.repo, self.release, self.found = repo, release, found
        self.files: list[str] = []
        self.paths: list[str] = []
        self._merged: dict[str, Any] = {}
        self._own = release.mapping("spec", "values")
        self._lookup, self._texts = lookup, texts

    def inline(self) -> dict[str, Any]:
        """Return what wins over the files."""
        return merge(self._merged, self._own)

    def add(self, keys: tuple[Key, ...], reference: Mapping[str, Any]) -> None:
        """Add one entry of ``valuesFrom``."""
        release = self.release
        kind, name = str(reference.get("kind") or "ConfigMap"), str(reference.get("name") or "")
        key, optional = str(reference.get("valuesKey") or "values.yaml"), bool(reference.get("optional"))
        source = self._lookup(release.cluster, kind, release.namespace, name)
        if kind != "ConfigMap" or source is None:
            if not optional or source is not None:
                why = "are not read" if kind != "ConfigMap" else "are unknown: it is applied by nothing here"
                self._skip(keys, f"values of {kind} {name} {why}")
            return
        text = source.get("data", key)
        if not isinstance(text, str):
            if not optional:
                self._fault(keys, f"{kind} {name} has no key {key}")
            return
        path = self._texts.get((source.cluster, source.namespace, source.name, key), "")
        self.paths += [path] if path else []
        if target := reference.get("targetPath"):
            self._set(keys, str(target), text, literal=bool(reference.get("literal")))
        elif path and not self._merged and path in self.repo.files:
            self.files.append(path)
        else:
            self._merge(keys, f"{kind} {name}", text)

    def _merge(self, keys: tuple[Key, ...], name: str, text: str) -> None:
        documents, faults = parse(text)
        data = documents[0].data if documents else {}
        if faults or not isinstance(data, dict):
            self._fault(keys, f"values of {name}: {faults[0].message if faults else 'they are no map'}")
            return
        self._merged = merge(self._merged, data)

    def _set(self, keys: tuple[Key, ...], target: str, text: str, *, literal: bool) -> None:
        quoted = len(text) > 1 and text[0] in "'\"" and text[-1] in "'\""
        as_text = literal or quoted
        value = text.strip("'\"") if quoted and not literal else text
        value = value.replace("\\", "\\\\") if literal else value
        # spec.values come first here: what a targetPath sets wins over them where it is the last one.
        changed = values.set_path(merge(self._merged, self._own), target, value, as_text=as_text)
        if changed is None:
            self._skip(keys, f"targetPath {target} is not evaluated: it changes an item of a list")
        else:
            self._merged = changed

    def _skip(self, keys: tuple[Key, ...], reason: str) -> None:
        self.found.not_checked.append(NotChecked(self.release.place(*keys), _title(self.release), reason))

    def _fault(self, keys: tuple[Key, ...], text: str) -> None:
        self.found.faults.append(Hit(self.release.place(*keys), f"{self.release}: {text}", _title(self.release)))
