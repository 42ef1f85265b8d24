"""Quota and defaults of the namespace: what goes beyond is refused by name, what states nothing gets the defaults."""

from collections.abc import Callable

import pytest

from tests.cluster.harness.api import Refused
from tests.cluster.workloads.shapes import condition
from tests.cluster.workloads.tenant import Tenant

pytestmark = pytest.mark.proves("behaves", "namespaces")


def test_pods_beyond_the_quota_are_refused_by_its_name(
    tenant: Tenant, record_property: Callable[[str, object], None]
) -> None:
    deployment = tenant.one("Deployment", "bulky")
    tenant.apply(tenant.one("ServiceAccount", "bulky"))
    tenant.apply(deployment)
    try:
        said = tenant.until("a pod is refused", lambda: condition(tenant.deployment("bulky"), "ReplicaFailure"))
        assert (said["status"], said["reason"]) == ("True", "FailedCreate")
        assert "exceeded quota: tenant, requested: requests.cpu=3" in said["message"]
        created = len(tenant.pods(service="bulky"))
        assert 0 < created < deployment["spec"]["replicas"]
        record_property("note", f"quota: {created} of {deployment['spec']['replicas']} pods of 3 CPUs fit")
    finally:
        tenant.delete(deployment)


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_a_service_that_opens_another_way_in_is_refused(tenant: Tenant, kind: str) -> None:
    service = tenant.one("Service", "shop")
    tenant.plane.api.apply(service, dry_run=True)
    opened = service | {"metadata": service["metadata"] | {"name": "opened"}, "spec": service["spec"] | {"type": kind}}
    with pytest.raises(Refused, match="exceeded quota: tenant") as refusal:
        tenant.plane.api.apply(opened, dry_run=True)
    assert refusal.value.status == 403


def test_a_container_that_states_no_resources_gets_the_defaults(tenant: Tenant) -> None:
    """As one that a mesh injects, which the quota would refuse without them."""
    (container,) = tenant.deployment("queue")["spec"]["template"]["spec"]["containers"]
    bare = {key: value for key, value in container.items() if key != "resources"}
    pod = tenant.pod(
        "bare", tenant.deployment("queue"), containers=[container, bare | {"name": "injected", "ports": []}]
    )
    try:
        defaults = tenant.one("LimitRange", "defaults")["spec"]["limits"][0]
        own, injected = (one["resources"] for one in tenant.live(pod)["spec"]["containers"])
        assert injected == {"requests": defaults["defaultRequest"], "limits": defaults["default"]}
        assert own == container["resources"]
    finally:
        tenant.delete(pod)
