"""Admission: what Prometheus is told to read lets it in."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading import monitoring
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.labelled import Selecting
from scaffold.rules.reading.mesh import meshes
from scaffold.rules.reading.scrapes import number, plain_scrapes
from scaffold.rules.reading.selectors import selects

_NETWORKING = "networking.k8s.io"
_OTHERS = frozenset({"cilium.io", "crd.projectcalico.org", "policy.networking.k8s.io", "projectcalico.org"})
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
        if not places or any(group in _OTHERS for group, _ in cluster.kinds):
            continue
        policies = _policies(cluster)
        for scrape in plain_scrapes(mesh) if policies else ():
            manifest = scrape.workload.manifest
            if not mesh.ours(manifest.namespace) or manifest.get(*scrape.workload.spec, "hostNetwork") is True:
                continue
            if (there := policies.get(manifest.namespace)) is None:
                continue
            # A selector of expressions is told by the expressions, not by its labels alone.
            taking = [one for one in there.taking(scrape.workload.labels) if _holds(one, scrape.workload)]
            if taking and not any(_admits(one, scrape.workload, scrape.port, places, cluster) for one in taking):
                named = ", ".join(sorted({one.name for one in taking}))
                what = f"keeps namespace {', '.join(places)} from port {scrape.port} of {manifest}"
                what = f"NetworkPolicy {named} {what}"
                yield at(scrape.monitor, scrape.keys, f"{scrape.monitor}: {what}")


def _policies(cluster: Cluster) -> Mapping[str, Selecting[Manifest]]:
    found: dict[str, list[tuple[Mapping[str, Any], Manifest]]] = {}
    for policy in cluster.each(_NETWORKING, "NetworkPolicy"):
        kinds = policy.get("spec", "policyTypes")
        if not isinstance(kinds, list) or "Ingress" in kinds:
            labels = policy.mapping("spec", "podSelector", "matchLabels")
            found.setdefault(policy.namespace, []).append((labels, policy))
    return {namespace: Selecting(policies) for namespace, policies in found.items()}


def _holds(policy: Manifest, workload: Workload) -> bool:
    return selects(policy.get("spec", "podSelector") or {}, workload.labels)


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
