"""Delivery: who brings a scaled workload does not number it, and what scales it is there before it."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Document, parse
from scaffold.rules.reading.applications import applications, brought, wave
from scaffold.rules.reading.fluxtree import HELM, trees
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import clusters
from scaffold.rules.reading.owners import KUSTOMIZATION_FILES, destination, is_here, sources, title
from scaffold.rules.reading.releases import Release, releases
from scaffold.rules.reading.scalers import KEDA, Scaling

_FLUX = (("kustomize.toolkit.fluxcd.io", "Kustomization"), (HELM, "HelmRelease"))
_CRDS = {
    "keda": KEDA, "vertical-pod-autoscaler": "autoscaling.k8s.io", "vpa": "autoscaling.k8s.io",
}  # fmt: skip
_Scaled = Mapping[str, Manifest]
"""Scaled workloads by name."""


@rule("AUTO-11", Severity.ERROR, fix="Take the number of replicas out: the autoscaler owns it.")
def owners_do_not_number_what_is_scaled(repo: Repo) -> Iterator[Hit]:
    """Nobody who brings a scaled workload sets its number of replicas: no `replicas:` of Kustomize, no patch.

    The workload in the base leaves the number out, and the overlay puts it in: every sync sets it back, and the
    autoscaler raises it again. What stands in the workload itself is WORK-03's; owners that ignore differences are
    GITOPS-07's.
    """
    for owner, scaled in _scaled(repo):
        if owner.kind == "Application":
            yield from _by_application(repo, owner, scaled)
            continue
        for keys in (("spec", "patches"), ("spec", "postRenderers")):
            for index, entry in owner.items(*keys):
                for patch in _patches(entry):
                    if name := _numbers(patch, scaled):
                        yield at(owner, (*keys, index), f"{owner} sets the replicas of {scaled[name]}")
        if owner.kind == "Kustomization" and isinstance(owner.get("spec", "path"), str):
            yield from _by_file(repo, owner, owner.get("spec", "path"), scaled)


@rule("AUTO-12", Severity.WARNING, fix="Install the autoscaler's controller in an earlier wave, or depend on it.")
def controllers_come_before_what_they_scale(repo: Repo) -> Iterator[Hit]:
    """What installs KEDA or the vertical autoscaler is delivered before whoever has objects of theirs.

    Until the chart has brought its definitions the objects are of an unknown kind, and nothing beside them is
    applied either. Judged are Applications of one parent, by their waves, and Flux's dependsOn; charts are known by
    their names. Definitions in the repository itself are GITOPS-09's and GITOPS-33's.
    """
    found = [release for release in releases(repo) if release.chart in _CRDS]
    if found:
        yield from _too_early(repo, found)
        yield from _not_waiting(repo, found)


def _scaled(repo: Repo) -> Iterator[tuple[Manifest, _Scaled]]:
    """Yield every owner of scaled workloads."""
    by_owner: dict[tuple[str, str], dict[str, Manifest]] = {}
    for cluster in clusters(repo):
        scaling = Scaling(cluster)
        for target, workload in scaling.workloads.items():
            manifest = workload.manifest
            if target in scaling.by_target and manifest.origin.owner:
                by_owner.setdefault((cluster.name, manifest.origin.owner), {})[manifest.name] = manifest
    if not by_owner:
        return
    for app in applications(repo):
        scaled = by_owner.get((destination(app)[0], title(app)))
        if scaled and not app.get("spec", "ignoreDifferences"):
            yield app, scaled
    for group, kind in _FLUX:
        for owner in repo.each(group, kind):
            ignores = owner.get("spec", "driftDetection", "ignore") or owner.get("spec", "ignore")
            scaled = by_owner.get((owner.cluster, title(owner)))
            if scaled and not ignores:
                yield owner, scaled


def _by_application(repo: Repo, app: Manifest, scaled: _Scaled) -> Iterator[Hit]:
    for keys, source in sources(app):
        for index, entry in app.items(*keys, "kustomize", "replicas"):
            if str(entry.get("name")) in scaled:
                what = f"{app} sets the replicas of {scaled[str(entry['name'])]}"
                yield at(app, (*keys, "kustomize", "replicas", index), what)
        if is_here(repo, source) and isinstance(source.get("path"), str):
            yield from _by_file(repo, app, source["path"], scaled)


def _by_file(repo: Repo, owner: Manifest, folder: str, scaled: _Scaled) -> Iterator[Hit]:
    for name in KUSTOMIZATION_FILES:
        path = normalise(f"{folder}/{name}")
        for document in repo.documents(path):
            listed = document.data.get("replicas") if isinstance(document.data, dict) else None
            for index, entry in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(entry, dict) and str(entry.get("name")) in scaled:
                    what = f"replicas of {scaled[str(entry['name'])]}, brought by {title(owner)}"
                    yield Hit(Place(path, _line(document, index)), f"{what}: {entry.get('count')}, and it is scaled")


def _line(document: Document, index: int) -> int:
    return document.lines.get(("replicas", index), document.line)


def _patches(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield an entry of patches, or those of a post renderer."""
    if "patch" in entry:
        yield entry
    inner = entry.get("kustomize")
    listed = inner.get("patches") if isinstance(inner, Mapping) else None
    yield from (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, Mapping))


def _numbers(patch: Mapping[str, Any], scaled: _Scaled) -> str:
    """Return the name of a workload whose replicas a patch sets, empty if it sets none."""
    text, target = patch.get("patch"), patch.get("target")
    documents = parse(text)[0] if isinstance(text, str) else []
    wanted = str(target.get("name") or "") if isinstance(target, Mapping) else ""
    for document in documents:
        if isinstance(document.data, list):
            sets = any(isinstance(one, dict) and one.get("path") == "/spec/replicas"
                       and one.get("op") in ("add", "replace") for one in document.data)  # fmt: skip
            if sets and wanted in scaled:
                return wanted
        elif isinstance(document.data, dict):
            found = Manifest(document.data, next(iter(scaled.values())).origin)
            name = wanted or found.name
            if found.get("spec", "replicas") is not None and name in scaled:
                return name
    return ""


def _too_early(repo: Repo, found: list[Release]) -> Iterator[Hit]:
    by_owner = brought(repo)
    installs = [one for one in found if one.owner.kind == "Application" and one.owner.origin.owner]
    for app in applications(repo) if installs else ():
        objects = by_owner.get((destination(app)[0], title(app)), [])
        groups = {manifest.group: manifest for manifest in objects}
        for one in installs:
            same = (app.origin.owner, destination(app)[0]) == (one.owner.origin.owner, one.cluster)
            first = groups.get(_CRDS[one.chart])
            if same and first and wave(app) < wave(one.owner):
                when = f"comes in wave {wave(app)}, {one.owner} with the chart {one.chart} in wave {wave(one.owner)}"
                yield at(app, ("metadata",), f"{app} brings {first.kind} {first.name} and {when}")


def _not_waiting(repo: Repo, found: list[Release]) -> Iterator[Hit]:
    for tree in trees(repo):
        installs = [one for one in found if one.owner.kind == "HelmRelease" and one.owner.cluster == tree.cluster]
        for user in tree.each("Kustomization") if installs else ():
            if user.get("spec", "kubeConfig"):
                continue
            groups = {manifest.group: manifest for manifest in tree.brings(user)}
            for one in installs:
                first, by = groups.get(_CRDS[one.chart]), one.owner.origin.owner
                if first and by and by not in tree.before(user):
                    what = "beside" if by == title(user) else "and does not depend on"
                    shown = f"{one.owner}, which installs {one.chart}" if by == title(user) else by
                    yield at(user, ("spec",), f"{user} brings {first.kind} {first.name} {what} {shown}")
