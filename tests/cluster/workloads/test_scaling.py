"""Scaling: the autoscaler owns the number of pods, at the pace that the chart gives it; a sync does not reset it."""

from collections.abc import Callable

import pytest

from tests.cluster.harness.api import Object
from tests.cluster.workloads.shapes import condition, with_spec
from tests.cluster.workloads.tenant import MANAGER, Tenant, replicas

pytestmark = pytest.mark.proves("behaves", "service chart")


def test_only_a_fixed_number_of_pods_is_in_the_repository(tenant: Tenant) -> None:
    rendered = tenant.rendered
    scaled = {item["metadata"]["name"] for item in rendered if item["kind"] == "HorizontalPodAutoscaler"}
    fixed = {
        item["metadata"]["name"] for item in rendered if item["kind"] == "Deployment" and "replicas" in item["spec"]
    }
    assert (scaled, fixed) == ({"shop", "shop-canary", "ebb"}, {"queue", "store", "bulky"})


@pytest.fixture(scope="module")
def steps(tenant: Tenant) -> list[int]:
    """The numbers of pods of shop, from 3 without load to the most that its autoscaler wants under load."""
    found = [replicas(tenant, "shop")]
    tenant.usage["shop"] = "200m"

    def at_most() -> bool:
        if replicas(tenant, "shop") != found[-1]:
            found.append(replicas(tenant, "shop"))
        return found[-1] == 10

    tenant.until("the autoscaler is at its maximum", at_most)
    return found


def test_load_adds_pods_in_the_steps_of_the_policy(
    steps: list[int], record_property: Callable[[str, object], None]
) -> None:
    """At twice the request 9 pods would be right: 4 more at once, and the rest after the 15 seconds of the policy."""
    record_property("note", f"autoscaler under load: {steps} pods")
    assert (steps[:2], steps[-1]) == ([3, 7], 10)


@pytest.mark.usefixtures("steps")
def test_a_sync_leaves_the_number_to_the_autoscaler(tenant: Tenant) -> None:
    assert replicas(tenant, "shop") == 10
    synced = tenant.apply(tenant.one("Deployment", "shop"))
    assert synced["spec"]["replicas"] == 10
    assert "f:replicas" not in str(owned(synced))


def test_a_number_in_the_repository_would_be_reset_by_a_sync(tenant: Tenant) -> None:
    """So the test before can fail."""
    planted = with_spec(tenant.one("Deployment", "shop"), replicas=4)
    assert tenant.plane.api.apply(planted, dry_run=True, manager=MANAGER)["spec"]["replicas"] == 4


def test_without_load_pods_go_slowly(tenant: Tenant) -> None:
    """Not for five minutes, then a fifth of them a minute. Only the five minutes are not waited for."""
    assert replicas(tenant, "ebb") == 10
    tenant.usage["ebb"] = "10m"
    tenant.until("the autoscaler waits", lambda: said(tenant, "AbleToScale").get("reason") == "ScaleDownStabilized")
    assert replicas(tenant, "ebb") == 10
    scaler = tenant.one("HorizontalPodAutoscaler", "ebb")
    assert scaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    tenant.plane.api.patch(scaler, {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}})
    tenant.until("pods go", lambda: replicas(tenant, "ebb") < 10)
    tenant.until("the policy holds it back", lambda: said(tenant, "ScalingLimited").get("reason") == "ScaleDownLimit")
    assert replicas(tenant, "ebb") == 8


def said(tenant: Tenant, kind: str) -> dict[str, str]:
    """Return a condition of the autoscaler of ebb."""
    return condition(tenant.live(tenant.one("HorizontalPodAutoscaler", "ebb")), kind)


def owned(item: Object) -> Object:
    """Return the fields that the controller of the repository owns in an object."""
    (entry,) = [one for one in item["metadata"]["managedFields"] if one["manager"] == MANAGER]
    fields: Object = entry["fieldsV1"]
    return fields
