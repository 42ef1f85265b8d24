"""Admission: what Prometheus is told to read lets it in."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import selects
from scaffold.rules.reading import monitoring
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.mesh import meshes
from scaffold.rules.reading.networkpolicies import Policies
from scaffold.rules.reading.scrapes import number, plain_scrapes

_NAME = "kubernetes.io/metadata.name"


@rule("OBS-14", Severity.WARNING, fix="Admit the namespace of Prometheus to the port, in a NetworkPolicy of the pods.")
def scraped_pods_admit_prometheus(repo: Repo) -> Iterator[Hit]:
    """The NetworkPolicies of scraped pods admit the namespace of Prometheus to the port that it reads.

    Where any policy selects a pod for ingress, what none of them admits is dropped: the target is down, though the
    pod is well. Judged where all of the pod's namespace comes from here and the Prometheus is known; policies of
    other kinds are not read, nor which pods of that namespace are meant. Mutual TLS is MESH-18's.
    """
    installed = monitoring.stacks(repo)
    for mesh in meshes(repo):
        cluster = mesh.cluster
        found = monitoring.readers(cluster, installed) or []
        places = sorted({reader.namespace for reader in found if not reader.rules_alone and reader.namespace})
        policies = Policies(cluster, "Ingress") if places else None
        if policies is None or policies.others:
            continue
        for scrape in plain_scrapes(mesh):
            manifest = scrape.workload.manifest
            if not mesh.ours(manifest.namespace) or manifest.get(*scrape.workload.spec, "hostNetwork") is True:
                continue
            taking = policies.of(scrape.workload)
            if taking and not any(_admits(one, scrape.workload, scrape.port, places, cluster) for one in taking):
                named = ", ".join(sorted({one.name for one in taking}))
                what = f"keeps namespace {', '.join(places)} from port {scrape.port} of {manifest}"
                what = f"NetworkPolicy {named} {what}"
                yield at(scrape.monitor, scrape.keys, f"{scrape.monitor}: {what}")


def _admits(policy: Manifest, workload: Workload, port: int, places: list[str], cluster: Cluster) -> bool:
    return any(
        _has_port(policy, index, workload, port) and _has_place(policy, index, places, cluster)
        for index, _ in policy.items("spec", "ingress")
    )


def _has_port(policy: Manifest, index: int, workload: Workload, port: int) -> bool:
    listed = list(policy.items("spec", "ingress", index, "ports"))
    for _, one in listed:
        first, last = number(workload, one.get("port")), one.get("endPort")
        if one.get("port") is None or first == port:
            return True
        if isinstance(last, int) and isinstance(first, int) and first <= port <= last:
            return True
    return not listed


def _has_place(policy: Manifest, index: int, places: list[str], cluster: Cluster) -> bool:
    peers = list(policy.items("spec", "ingress", index, "from"))
    return not peers or any(_is_peer(policy, peer, place, cluster) for _, peer in peers for place in places)


def _is_peer(policy: Manifest, peer: Mapping[str, Any], place: str, cluster: Cluster) -> bool:
    selector = peer.get("namespaceSelector")
    if "ipBlock" in peer:
        return True
    if selector is None:
        return place == policy.namespace
    named = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    only_name = isinstance(named, Mapping) and set(named) == {_NAME} and not selector.get("matchExpressions")
    if place not in cluster.namespaces and not only_name:
        return True
    return selects(selector, {**cluster.namespaces.get(place, {}), _NAME: place})
