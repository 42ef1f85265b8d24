"""Disruption: every node can be drained while its services stay up, and a budget stops what would be too much."""

from collections.abc import Callable

import pytest

from tests.cluster.harness.api import Object, Refused
from tests.cluster.workloads.shapes import ready
from tests.cluster.workloads.tenant import COMPONENT, GENERAL, NAME, Tenant

pytestmark = pytest.mark.proves("behaves", "service chart")

# Of 9 pods 25% rounded up, of 3 pods one. The canary of shop and store have one pod, and no budget.
ALLOWED = {"queue": 3, "shop": 1}
DRAINED = {"queue", "shop", "store"}
TRACKS = {"queue": "worker", "shop": "web"}


def test_each_node_in_turn_can_be_drained(tenant: Tenant, record_property: Callable[[str, object], None]) -> None:
    wanted = {name: tenant.deployment(name)["spec"]["replicas"] for name in ALLOWED}
    least = dict(wanted)
    evicted: list[str] = []
    looks = 0

    def look(pods: list[Object]) -> None:
        nonlocal looks
        looks += 1
        for name, count in least.items():
            least[name] = min(count, sum(works(pod, name) for pod in pods))

    with tenant.watched(look):
        for node in GENERAL:
            names = on(tenant, node.name)
            try:
                # Only pods of this tenant: others may use the same control plane.
                done = tenant.kubectl(
                    "drain",
                    node.name,
                    "--ignore-daemonsets",
                    "--delete-emptydir-data",
                    f"--pod-selector={NAME} in ({','.join(DRAINED)})",
                    "--timeout=240s",
                )
                assert done.returncode == 0, done.stderr
                assert not set(names) & set(on(tenant, node.name))
                evicted += names
            finally:
                tenant.kubectl("uncordon", node.name)
    tenant.settled()
    record_property(
        "note", f"{len(GENERAL)} nodes drained of {len(evicted)} pods; of {wanted} pods at least {least} ready"
    )
    assert len(evicted) >= sum(wanted.values())
    assert {name for name in wanted if least[name] < wanted[name] - ALLOWED[name]} == set()
    assert looks > len(GENERAL)


def test_a_budget_stops_the_eviction_that_would_be_one_too_many(tenant: Tenant) -> None:
    """The evicted pods find no node meanwhile; once they do, the refused one may go, too."""
    whole(tenant)
    pods = {name: tenant.pods(service=name, component=TRACKS[name]) for name in ALLOWED}
    with tenant.cordoned(GENERAL):
        for name, allowed in ALLOWED.items():
            for pod in pods[name][:allowed]:
                tenant.evict(pod)
            with pytest.raises(Refused, match="would violate the pod's disruption budget") as refusal:
                tenant.evict(pods[name][allowed])
            assert refusal.value.status == 429
    whole(tenant)
    for name, allowed in ALLOWED.items():
        tenant.evict(pods[name][allowed])


def test_a_service_of_one_pod_has_no_budget_that_holds_up_a_drain(tenant: Tenant) -> None:
    budgets = tenant.plane.api.list("policy/v1", "PodDisruptionBudget", tenant.namespace)
    assert {one["metadata"]["name"] for one in budgets} == {*ALLOWED, "ebb"}
    (pod,) = tenant.pods(service="store")
    tenant.evict(pod)
    old = pod["metadata"]["uid"]
    tenant.until(
        "another pod runs",
        lambda: [ready(new) for new in tenant.pods(service="store") if new["metadata"]["uid"] != old],
    )


def whole(tenant: Tenant) -> None:
    """Wait until every budget allows all that it ever does."""

    def allowed(name: str) -> int:
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}}
        return int(tenant.live(budget).get("status", {}).get("disruptionsAllowed", 0))

    tenant.settled()
    tenant.until("the budgets are whole", lambda: {name: allowed(name) for name in ALLOWED} == ALLOWED)


def works(pod: Object, service: str) -> bool:
    """Say whether a pod is a ready one of a service's stable track."""
    labels = pod["metadata"].get("labels", {})
    ours = (labels.get(NAME), labels.get(COMPONENT)) == (service, TRACKS[service])
    return ours and ready(pod) and "deletionTimestamp" not in pod["metadata"]


def on(tenant: Tenant, node: str) -> list[str]:
    """Return the names of the pods on a node that a drain has to move."""
    pods = [pod for pod in tenant.pods() if pod["spec"].get("nodeName") == node]
    return [pod["metadata"]["name"] for pod in pods if pod["metadata"].get("labels", {}).get(NAME) in DRAINED]
