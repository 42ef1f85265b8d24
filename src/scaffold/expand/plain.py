"""Repositories without a controller: kustomizations, manifests and bare charts, as a person would apply them."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from scaffold.expand.found import Found, Owner, Render
from scaffold.expand.kustomization import FILE_NAMES, KustomizeError, closure, file_in
from scaffold.expand.objects import items
from scaffold.expand.roots import Root
from scaffold.expand.whole_kustomize import build_whole
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.ports import ChartRequest, Kustomizer
from scaffold.model.repo import Repo, normalise

_NO_OBJECTS = frozenset({
    "kustomize.config.k8s.io", "backstage.io", "scaffolder.backstage.io", "cli.kyverno.io", "chainsaw.kyverno.io",
    "kind.x-k8s.io", "skaffold", "kuttl.dev", "kubelet.config.k8s.io", "audit.k8s.io", "apiserver.config.k8s.io",
})  # fmt: skip
"""Groups of files that tools read and no API server takes."""


def plain_roots(repo: Repo, kustomizer: Kustomizer | None = None) -> list[Root]:
    """Return each topmost kustomization, all other manifests, and each chart with its default values."""
    found = list(_kustomizations(repo, kustomizer))
    used = {path for one in found for path in one.reached}
    found.append(_manifests(repo, used))
    found += _charts(repo)
    return [Root(frozenset(), one) for one in found]


def _kustomizations(repo: Repo, kustomizer: Kustomizer | None) -> Iterator[Found]:
    """Yield the build of each kustomization that no other one names; each may go to a cluster of its own."""
    folders = sorted({str(PurePosixPath(path).parent) for path in repo.files if path.rpartition("/")[2] in FILE_NAMES})
    reached = {normalise(folder): closure(repo, folder) for folder in folders}
    for folder, own in reached.items():
        file = file_in(repo, folder)
        if any(file in paths for other, paths in reached.items() if other != folder) or _is_component(repo, file):
            continue
        owner = Owner(f"kustomization {folder or '.'}", folder, "", Place(file))
        try:
            built = build_whole(repo, folder, kustomizer)
        except KustomizeError as error:
            text = f"kustomize build {folder or '.'}: {error.text}"
            yield Found(faults=[Hit(error.place, text, owner.name)], reached=own)
            continue
        yield Found(
            manifests=[owner.brings(manifest) for manifest in built.manifests], reached=built.reached,
            external=built.external, not_checked=built.not_checked,
        )  # fmt: skip


def _is_component(repo: Repo, path: str) -> bool:
    return any(manifest.kind == "Component" for manifest in repo.raw_in(path))


def _manifests(repo: Repo, used: set[str]) -> Found:
    found = Found()
    charts = tuple(f"{chart}/".lstrip("/") for chart in repo.chart_folders)
    for manifest in repo.raw:
        path = manifest.origin.path
        if path in used or path.startswith(charts) or manifest.group in _NO_OBJECTS:
            continue
        found.reached.add(path)
        found.manifests += [Owner("", "", "", one.place()).brings(one) for one in items(manifest)]
    return found


def _charts(repo: Repo) -> Iterator[Found]:
    for chart in sorted(repo.chart_folders):
        if any(chart != other and chart.startswith(f"{other}/charts/".lstrip("/")) for other in repo.chart_folders):
            continue  # a subchart is rendered with its parent
        described = next((document.data for document in repo.documents(f"{chart}/Chart.yaml".lstrip("/"))), None)
        if not isinstance(described, dict) or described.get("type") == "library":
            continue
        place = Place(f"{chart}/Chart.yaml".lstrip("/"))
        owner = Owner(f"chart {chart}", "", "default", place)
        name = PurePosixPath(chart).name or "chart"
        request = ChartRequest(chart, name, "default", place, owner.name, kube_version=repo.kube_version)
        yield Found(renders=[Render(request, owner, ())])
