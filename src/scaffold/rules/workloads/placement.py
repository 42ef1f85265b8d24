"""Placement: there may be nodes enough, and the nodes that are meant take the pods."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.affinity import REQUIRED, means_own
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.releases import releases
from scaffold.rules.reading.scalers import Scaling

_HOSTNAME = "kubernetes.io/hostname"
_POOL = "karpenter.sh/nodepool"
_GROWS = frozenset({"cluster-autoscaler", "karpenter"})
_OWN = frozenset({"cpu", "memory", "ephemeral-storage"})


@rule("WORK-11", Severity.WARNING, fix="Prefer the anti-affinity, or spread by topologySpreadConstraints.")
def there_are_nodes_for_all_replicas(repo: Repo) -> Iterator[Hit]:
    """A workload that may have only one pod a node asks for no more pods than there may be nodes.

    A required anti-affinity to its own pods on kubernetes.io/hostname caps the replicas at the number of nodes: what
    the autoscaler asks for beyond stays pending. The number is known where Node objects stand in the repository; else
    workloads are judged that an autoscaler may grow, unless nodes are made on demand (Karpenter, cluster-autoscaler).
    """
    growing = {release.cluster for release in releases(repo) if release.chart in _GROWS}
    for cluster in clusters(repo):
        if cluster.name in growing or any(key[0].startswith("karpenter.") for key in cluster.kinds) or _grows(cluster):
            continue
        nodes = len(list(cluster.each("", "Node")))
        scaling = Scaling(cluster)
        for workloads in cluster.workloads.values():
            for workload in workloads:
                keys = _own_anti_affinity(workload)
                bounds = scaling.bounds(workload)
                if not keys or bounds is None or workload.manifest.kind == "DaemonSet":
                    continue
                most = bounds[1]
                if most > nodes if nodes else bounds[0] < most:
                    there = f"and there are {nodes}" if nodes else "whose number nothing here says"
                    what = f"{workload.manifest}: up to {most} pods need as many nodes, {there}"
                    yield at(workload.manifest, keys, what)


@rule(
    "WORK-13", Severity.WARNING, fix="Pair the toleration with a nodeSelector or a required affinity, and the reverse."
)
def tolerations_go_with_a_choice_of_nodes(repo: Repo) -> Iterator[Hit]:
    """What tolerates nodes that are dedicated to it also asks for them, and what asks for them tolerates them.

    A toleration permits, it does not attract: without a choice of nodes the pods run anywhere. Judged are tolerations
    of a taint named `dedicated`, and pods that choose a Karpenter NodePool of the repository whose taints they do not
    tolerate: they stay pending. An extended resource, as of a GPU, is a choice of nodes itself.
    """
    for cluster in clusters(repo):
        pools = {pool.name: pool for pool in cluster.each("karpenter.sh", "NodePool")}
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _not_chosen(workload)
                pool = pools.get(str(workload.manifest.get(*workload.spec, "nodeSelector", _POOL)))
                if pool:
                    yield from _not_tolerated(workload, pool)


def _grows(cluster: Cluster) -> bool:
    return any(
        workload.manifest.name.endswith("cluster-autoscaler")
        for workloads in cluster.workloads.values()
        for workload in workloads
    )


def _own_anti_affinity(workload: Workload) -> Path:
    """Return the keys of a required anti-affinity to the workload's own pods on the same node; empty for none."""
    where: Path = (*workload.spec, "affinity", "podAntiAffinity", REQUIRED)
    for index, term in workload.manifest.items(*where):
        own = means_own(term.get("labelSelector"), workload)
        if own and term.get("topologyKey") == _HOSTNAME and not term.get("matchLabelKeys"):
            return (*where, index)
    return ()


def _not_chosen(workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    if manifest.kind == "DaemonSet" or _chooses(workload):
        return
    for index, toleration in manifest.items(*workload.spec, "tolerations"):
        key, value = toleration.get("key"), toleration.get("value")
        equal = toleration.get("operator") in (None, "", "Equal")
        if isinstance(key, str) and key.rpartition("/")[2] == "dedicated" and equal and value:
            what = f"{manifest} tolerates {key}={value}, and chooses no nodes: it may run anywhere"
            yield at(manifest, (*workload.spec, "tolerations", index), what)


def _chooses(workload: Workload) -> bool:
    manifest = workload.manifest
    extended = any(
        set(map(str, listed)) - _OWN
        for _, container in workload.containers()
        if isinstance(resources := container.get("resources"), Mapping)
        for field in ("limits", "requests")
        if isinstance(listed := resources.get(field), Mapping)
    )
    return bool(
        extended
        or manifest.get(*workload.spec, "nodeSelector")
        or manifest.get(*workload.spec, "nodeName")
        or manifest.get(*workload.spec, "affinity", "nodeAffinity")
        or manifest.get(*workload.spec, "resourceClaims")
    )


def _not_tolerated(workload: Workload, pool: Manifest) -> Iterator[Hit]:
    tolerations = [one for _, one in workload.manifest.items(*workload.spec, "tolerations")]
    for _, taint in pool.items("spec", "template", "spec", "taints"):
        if taint.get("effect") != "PreferNoSchedule" and not any(_tolerates(one, taint) for one in tolerations):
            shown = f"{taint.get('key')}={taint.get('value') or ''}:{taint.get('effect')}"
            what = f"{workload.manifest} chooses {pool} and does not tolerate its taint {shown}"
            yield at(workload.manifest, (*workload.spec, "nodeSelector", _POOL), what)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint.get("key")):
        return False
    return toleration.get("operator") == "Exists" or (toleration.get("value") or "") == (taint.get("value") or "")
