"""Rollouts: a new version takes over without a gap, one that does not work stops and says so, and is taken back."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.harness.api import Object, Refused
from tests.cluster.workloads.alerts import firing, observed
from tests.cluster.workloads.shapes import condition, ready, with_spec
from tests.cluster.workloads.tenant import COMPONENT, GENERAL, NAME, Tenant

pytestmark = pytest.mark.proves("behaves", "service chart")

STABLE = {"service": "shop", "component": "web"}


@pytest.fixture(scope="module")
def rolled(tenant: Tenant) -> list[list[Object]]:
    """Version 1.1.0 of shop and of store, rolled out; returns the pods of the namespace as they were meanwhile."""
    tenant.settled()
    seen: list[list[Object]] = []
    tenant.promote({"shop": "1.1.0", "store": "1.1.0"})
    with tenant.watched(seen.append):
        for service in ("shop", "store"):
            tenant.apply(tenant.one("Deployment", service))
        tenant.settled("shop", "store")
    return seen


def test_a_new_version_takes_over_without_a_gap(tenant: Tenant, rolled: list[list[Object]], tmp_path: Path) -> None:
    working = [[version(pod) for pod in pods if works(pod)] for pods in rolled]
    assert min(map(len, working)) >= 3
    assert {"1.0.0", "1.1.0"} in map(set, working), "nothing was seen to change"
    assert {version(pod) for pod in tenant.pods(**STABLE)} == {"1.1.0"}
    # The old pods, which were there until last, do not count.
    assert Counter(pod["spec"]["nodeName"][-1] for pod in tenant.pods(**STABLE)) == Counter("abc")
    assert firing(tenant, tmp_path, tenant.one("PrometheusRule", "shop"), observed(tenant), Counter()) == ""


def test_pods_with_a_volume_never_overlap(rolled: list[list[Object]]) -> None:
    found = [[version(pod) for pod in pods if pod["metadata"]["labels"].get(NAME) == "store"] for pods in rolled]
    assert max(map(len, found)) == 1
    assert {name for names in found for name in names} == {"1.0.0", "1.1.0"}


@pytest.fixture(scope="module")
def stuck(tenant: Tenant, rolled: list[list[Object]]) -> Iterator[list[Object]]:
    """Version "failing", whose pods crash, rolled out until its time is up; afterwards it is reverted.

    Of the rendered Deployment one number is another: the time is 8 seconds instead of 300.
    """
    assert rolled
    before = tenant.pods(**STABLE)
    tenant.promote({"shop": "failing"})
    tenant.apply(with_spec(tenant.one("Deployment", "shop"), progressDeadlineSeconds=8))
    tenant.until(
        "the time of the rollout is up",
        lambda: condition(tenant.deployment("shop"), "Progressing").get("reason") == "ProgressDeadlineExceeded",
    )
    yield before
    tenant.promote({"shop": "1.1.0"})
    tenant.apply(tenant.one("Deployment", "shop"))
    tenant.settled("shop")


def test_a_version_that_does_not_work_stops_and_the_old_one_stays(tenant: Tenant, stuck: list[Object]) -> None:
    deployment = tenant.deployment("shop")
    assert condition(deployment, "Progressing")["status"] == "False"
    assert condition(deployment, "Available")["status"] == "True"
    names = {pod["metadata"]["name"] for pod in stuck}
    pods = tenant.pods(**STABLE)
    assert {pod["metadata"]["name"] for pod in pods if ready(pod)} == names
    # A quarter of 3 rounded up.
    assert [version(pod) for pod in pods if pod["metadata"]["name"] not in names] == ["failing"]
    status = tenant.kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    assert (status.returncode, "exceeded its progress deadline" in status.stderr) == (1, True), status


@pytest.mark.usefixtures("stuck")
def test_the_alerts_of_a_stuck_rollout_fire(
    tenant: Tenant, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """By the rule that was rendered, on series that state what the control plane says now."""
    rule, series = tenant.one("PrometheusRule", "shop"), observed(tenant)
    expected = Counter({"ServiceRolloutStuck": 1, "ServiceCrashLooping": 1, "ServiceTargetDown": 1})
    assert firing(tenant, tmp_path, rule, series, expected) == ""
    record_property("note", f"stuck rollout: {', '.join(expected)} fire on {len(series)} observed series")
    # promtool looks: with one alert less expected it objects, and names the one.
    said = firing(tenant, tmp_path, rule, series, expected - Counter({"ServiceRolloutStuck": 1}))
    assert "ServiceRolloutStuck" in said


def test_a_pod_that_does_not_work_holds_up_no_drain(tenant: Tenant, stuck: list[Object]) -> None:
    """Though the budget is spent: no healthy pod may go any more."""
    (broken,) = [pod for pod in tenant.pods(**STABLE) if version(pod) == "failing"]
    with tenant.cordoned(GENERAL):
        tenant.evict(stuck[0])
        with pytest.raises(Refused, match="would violate the pod's disruption budget"):
            tenant.evict(stuck[1])
        tenant.evict(broken)
    tenant.until("three pods work again", lambda: len([pod for pod in tenant.pods(**STABLE) if ready(pod)]) == 3)


def version(pod: Object) -> str:
    """Return the version that a pod runs."""
    return str(pod["metadata"]["labels"]["app.kubernetes.io/version"])


def works(pod: Object) -> bool:
    """Say whether a pod is a ready one of shop's stable track."""
    labels = pod["metadata"].get("labels", {})
    ours = (labels.get(NAME), labels.get(COMPONENT)) == ("shop", "web")
    return ours and ready(pod) and "deletionTimestamp" not in pod["metadata"]
