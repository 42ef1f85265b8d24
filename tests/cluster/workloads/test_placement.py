"""Placement: pods are spread over zones and nodes, keep off tainted pools, outlive a zone, and follow their volume.

Affinity, node selectors, tolerations and priority classes are not here: the template renders none.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from tests.cluster.harness.api import Object
from tests.cluster.harness.nodes import INVENTORY, POOL, ZONE, Node
from tests.cluster.workloads.shapes import condition, copied, with_spec
from tests.cluster.workloads.tenant import COMPONENT, GENERAL, NAME, Tenant

pytestmark = pytest.mark.proves("behaves", "service chart")

HOST = "kubernetes.io/hostname"


@pytest.mark.parametrize(("service", "component", "count"), [("queue", "worker", 9), ("shop", "web", 3)])
def test_pods_are_spread_over_zones_and_nodes(
    tenant: Tenant, service: str, component: str, count: int, record_property: Callable[[str, object], None]
) -> None:
    """The nodes differ in size; no domain has more pods than another by more than the constraint says."""
    labels = {NAME: service, COMPONENT: component}
    pods = [one for one in tenant.first if labels.items() <= one["metadata"]["labels"].items()]
    assert len(pods) == count
    assert {one["topologyKey"] for one in spread(pods[0])} == {ZONE, HOST}
    for one in spread(pods[0]):
        found = by_domain(pods, one["topologyKey"], GENERAL)
        record_property("note", f"{service}, pods by {one['topologyKey']}: {dict(sorted(found.items()))}")
        assert skew(found) <= one["maxSkew"]


def test_no_pod_runs_on_a_tainted_node(tenant: Tenant) -> None:
    """Though the tainted nodes are the largest and the emptiest."""
    places = {one["spec"]["nodeName"] for one in tenant.first}
    assert len(places) >= len({node.zone for node in GENERAL})
    assert places <= {node.name for node in GENERAL}


def test_the_taint_is_what_keeps_pods_off(tenant: Tenant) -> None:
    """The same pod sent to the pool waits, and runs there once it tolerates the taint."""
    deployment, chosen = tenant.deployment("queue"), {POOL: "spot"}
    waiting = tenant.pod("spot-refused", deployment, nodeSelector=chosen)
    toleration = {"key": POOL, "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
    running = tenant.pod("spot-tolerated", deployment, nodeSelector=chosen, tolerations=[toleration])
    try:
        said = tenant.until("the scheduler has said no", lambda: condition(tenant.live(waiting), "PodScheduled"))
        assert (said["status"], said["reason"]) == ("False", "Unschedulable")
        assert "untolerated taint" in said["message"]
        node = tenant.until("the other is scheduled", lambda: tenant.live(running)["spec"].get("nodeName"))
        assert node.startswith("spot-")
    finally:
        tenant.delete(waiting)
        tenant.delete(running)


def test_without_a_zone_no_pod_waits_and_the_others_share_evenly(tenant: Tenant) -> None:
    deployment = with_spec(copied(tenant.one("Deployment", "queue"), "queue", "refuge"), replicas=6)

    def scheduled() -> list[Object]:
        pods = tenant.pods(service="refuge")
        return pods if len(pods) == 6 and all(pod["spec"].get("nodeName") for pod in pods) else []

    with tenant.cordoned(node for node in GENERAL if node.zone == "c"):
        tenant.apply(deployment)
        pods = tenant.until("all pods are scheduled", scheduled)
    tenant.delete(deployment)
    left = [node for node in GENERAL if node.zone != "c"]
    for key in (ZONE, HOST):
        found = by_domain(pods, key, left)
        assert (sum(found.values()), skew(found) <= 1) == (6, True), found


def test_a_pod_with_a_volume_runs_in_the_zone_of_the_volume(tenant: Tenant) -> None:
    (pod,) = tenant.pods(service="store")
    claim = tenant.live({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "store"}})
    assert claim["status"]["phase"] == "Bound"
    assert pod["spec"]["nodeName"] in {node.name for node in GENERAL if node.zone == "b"}


def spread(pod: Object) -> list[Object]:
    """Return the spread constraints of a pod."""
    found: list[Object] = pod["spec"].get("topologySpreadConstraints", [])
    return found


def by_domain(pods: Iterable[Object], key: str, nodes: Iterable[Node]) -> Counter[str]:
    """Count pods by the zone or the host that they run on; domains of these nodes without a pod count as 0."""
    domains = {node.name: node.zone if key == ZONE else node.name for node in INVENTORY}
    found = Counter({domains[node.name]: 0 for node in nodes})
    found.update(domains[pod["spec"]["nodeName"]] for pod in pods)
    return found


def skew(found: Counter[str]) -> int:
    """Return by how many pods the fullest domain has more than the emptiest."""
    return max(found.values()) - min(found.values())
