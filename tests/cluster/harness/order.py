"""The order in which each engine applies a repository to one cluster.

What may happen at the same time (Applications of one wave, Kustomizations that wait for nothing more) comes in an
order drawn by chance: any of them has to do.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scaffold.expand.source import IN_CLUSTER, owner_of
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from tests.cluster.harness.api import Object
from tests.cluster.harness.expansion import delivered, title

# Helm's order of installation, which Argo CD took over; a kind that is not listed comes last.
_HELM = (
    "PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy",
    "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "StorageClass", "PersistentVolume",
    "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler",
    "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
)  # fmt: skip
_ARGO_CD = _HELM[1:]
_HELM_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# kustomize-controller's, within a stage.
_FLUX = (
    "CustomResourceDefinition", "Namespace", "ClusterClass", "RuntimeClass", "PriorityClass", "StorageClass",
    "VolumeSnapshotClass", "IngressClass", "GatewayClass", "ResourceQuota", "ServiceAccount", "Role", "ClusterRole",
    "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret", "Service", "LimitRange", "Deployment", "StatefulSet",
    "CronJob", "PodDisruptionBudget",
)  # fmt: skip
_DEFINITIONS = {"CustomResourceDefinition", "Namespace", "ClusterRole"}
_WAVE = "argocd.argoproj.io/sync-wave"
_HOOK = "helm.sh/hook"


@dataclass(frozen=True)
class Step:
    """Objects that an engine asks the server about together, and then applies one after the other.

    ``account`` (``namespace:name``) is in whose name, empty for the engine's own; ``chart`` the name of an upstream
    chart that is installed here and brings no objects of ours.
    """

    owner: str
    objects: tuple[Object, ...] = ()
    account: str = ""
    chart: str = ""


def argo_cd(repo: Repo, environment: str, chance: random.Random) -> Iterator[Step]:
    """Yield the steps of Argo CD, whose own cluster is at the same time that of the environment.

    Begins after ``bootstrap/root.yaml`` was applied by hand. A wave begins when the one before is healthy, so all that
    its Applications bring is there.
    """
    clusters = {IN_CLUSTER, environment}
    brought = _by_owner(repo, clusters)

    def sync(owner: str) -> Iterator[Step]:
        waves: dict[int, list[Manifest]] = defaultdict(list)
        for manifest in brought.pop(owner, ()):
            # Of Helm's hooks Argo CD runs those of installs and upgrades; a test is none of them.
            if manifest.annotations.get(_HOOK) != "test":
                assert _HOOK not in manifest.annotations, manifest
                waves[int(manifest.annotations.get(_WAVE, "0"))].append(manifest)
        for _, wave in sorted(waves.items()):
            for manifest in sorted(wave, key=lambda one: (_index(one.kind, _ARGO_CD), one.name)):
                yield Step(owner, (delivered(manifest),))
            children = [one for one in wave if one.kind in {"Application", "ApplicationSet"}]
            for child in chance.sample(children, len(children)):
                if child.kind == "ApplicationSet" or owner_of(child).cluster in clusters:
                    sources = [child.mapping("spec", "source"), *(one for _, one in child.items("spec", "sources"))]
                    yield from (Step(title(child), chart=one["chart"]) for one in sources if "chart" in one)
                    yield from sync(title(child))

    yield from sync("Application argocd/root")


def flux(repo: Repo, cluster: str, chance: random.Random) -> Iterator[Step]:
    """Yield the steps of Flux in one cluster, after its ``gotk-sync.yaml`` was applied by hand.

    A Kustomization or HelmRelease starts when all it depends on is ready; where it waits for what it brings, that
    includes the owners among it.
    """
    brought = _by_owner(repo, {cluster})
    root = "Kustomization flux-system/flux-system"
    waiting = [one for one in brought[root] if title(one) == root]
    children: dict[str, set[str]] = {}
    waits = set()

    def ready(name: str) -> bool:
        return name in children and (name not in waits or all(map(ready, children[name])))

    while waiting:
        free = [one for one in waiting if all(map(ready, _dependencies(one)))]
        assert free, f"these wait for ever: {sorted(map(title, waiting))}"
        owner = chance.choice(free)
        waiting.remove(owner)
        objects = brought.pop(title(owner), [])
        yield from _flux_steps(owner, objects)
        owners = [one for one in objects if _is_flux_owner(one) and title(one) not in {*children, title(owner)}]
        children[title(owner)] = {title(one) for one in owners}
        waiting += owners
        if owner.kind == "HelmRelease" or owner.get("spec", "wait"):
            waits.add(title(owner))


def _flux_steps(owner: Manifest, objects: list[Manifest]) -> Iterator[Step]:
    name = owner.get("spec", "serviceAccountName")
    account = f"{owner.namespace}:{name}" if name else ""
    if owner.kind == "Kustomization":
        stages: list[list[Manifest]] = [[], [], []]
        for one in objects:
            stages[0 if one.kind in _DEFINITIONS else 1 if one.kind.endswith("Class") else 2].append(one)
        for stage in stages:
            stage.sort(key=lambda one: (_index(one.kind, _FLUX), one.group, one.kind, one.namespace, one.name))
            if stage:
                yield Step(title(owner), tuple(map(delivered, stage)), account)
    elif objects:
        tests = [one for one in objects if one.annotations.get(_HOOK) == "test"]
        release = [one for one in objects if one not in tests]
        release.sort(key=lambda one: (_index(one.kind, _HELM), one.kind in _HELM_LAST, one.kind))
        for part in (release, tests if owner.get("spec", "test", "enable") else []):
            if part:
                yield Step(title(owner), tuple(map(delivered, part)), account)
    else:
        yield Step(title(owner), chart=str(owner.get("spec", "chart", "spec", "chart")))


def _by_owner(repo: Repo, clusters: set[str]) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in repo.manifests:
        if manifest.cluster in clusters:
            found[manifest.origin.owner].append(manifest)
    return found


def _dependencies(owner: Manifest) -> list[str]:
    return [
        f"{owner.kind} {one.get('namespace', owner.namespace)}/{one['name']}"
        for _, one in owner.items("spec", "dependsOn")
    ]


def _is_flux_owner(manifest: Manifest) -> bool:
    return manifest.kind in {"Kustomization", "HelmRelease"} and manifest.group.endswith(".toolkit.fluxcd.io")


def _index(kind: str, order: tuple[str, ...]) -> int:
    return order.index(kind) if kind in order else len(order)
