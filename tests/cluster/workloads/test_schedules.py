"""Schedules: CronJobs run, one run at a time; a run that fails is retried and reported, one that is evicted goes on."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from tests.cluster.harness.api import Object
from tests.cluster.workloads.alerts import firing, observed
from tests.cluster.workloads.shapes import condition, lasting, with_spec
from tests.cluster.workloads.tenant import Tenant

pytestmark = pytest.mark.proves("behaves", "service chart")


@pytest.fixture(scope="module", autouse=True)
def _evicted(tenant: Tenant) -> None:
    """Two runs whose pod is evicted; the last test sees what becomes of them.

    Neither has a retry: where the eviction counts as a failure, the run is over.
    """
    for name in ("evicted", "evicted-without-policy"):
        made = tenant.kubectl("create", "job", name, "--from=cronjob/tick", "--dry-run=client", "--output=json")
        job = with_spec(lasting(json.loads(made.stdout), "3s"), backoffLimit=0)
        # Not the CronJob's, which would clear it away.
        del job["metadata"]["ownerReferences"]
        if name != "evicted":
            del job["spec"]["podFailurePolicy"]
        assert tenant.kubectl("create", "--filename=-", text=json.dumps(job)).returncode == 0
        tenant.evict(tenant.until("its pod runs", lambda name=name: running(tenant, name))[0])


def test_a_job_made_from_a_cronjob_completes(tenant: Tenant) -> None:
    done = tenant.kubectl("create", "job", "by-hand", "--from=cronjob/tick")
    assert done.returncode == 0, done.stderr
    job = finished(tenant, "by-hand")
    assert (condition(job, "Complete")["status"], job["status"]["succeeded"]) == ("True", 1)


def test_runs_start_by_the_schedule_and_old_ones_are_cleared_away(tenant: Tenant) -> None:
    def completed() -> list[Object]:
        return [job for job in jobs(tenant, "tick") if condition(job, "Complete").get("status") == "True"]

    tenant.until("a scheduled run has completed", lambda: any(map(by_schedule, completed())))
    for number in range(4):
        assert tenant.kubectl("create", "job", f"more-{number}", "--from=cronjob/tick").returncode == 0
    for number in range(4):
        tenant.until("it is over or cleared away", lambda number=number: over(tenant, f"more-{number}"))
    kept = tenant.one("CronJob", "tick")["spec"]["successfulJobsHistoryLimit"]
    tenant.until("the history is at its limit", lambda: len(completed()) <= kept)


def test_a_run_that_hangs_is_ended_before_the_next_is_due(tenant: Tenant) -> None:
    def ended() -> list[Object]:
        return [job for job in jobs(tenant, "hung") if condition(job, "Failed").get("status") == "True"]

    job = tenant.until("its time is up", ended)[0]
    failure = condition(job, "Failed")
    assert (by_schedule(job), failure["reason"]) == (True, "DeadlineExceeded")
    assert seconds(failure["lastTransitionTime"], job["status"]["startTime"]) >= 48
    assert tenant.one("CronJob", "hung")["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 48


def test_no_run_starts_while_another_lasts(tenant: Tenant) -> None:
    """Seen on runs that may take longer than the pause between them, which the template does not render."""

    def skipped() -> list[Object]:
        events = tenant.plane.api.list("v1", "Event", tenant.namespace, fieldSelector="reason=JobAlreadyActive")
        return [one for one in events if one["involvedObject"]["name"] == "patient"]

    tenant.until("a run was left out", skipped)
    assert len(jobs(tenant, "patient")) == 1


def test_a_run_that_fails_is_retried_as_often_as_the_chart_says(tenant: Tenant) -> None:
    retries = tenant.one("CronJob", "broken")["spec"]["jobTemplate"]["spec"]["backoffLimit"]
    job = finished(tenant, "broken-1")
    assert condition(job, "Failed")["reason"] == "BackoffLimitExceeded"
    assert (retries, job["status"]["failed"]) == (3, retries + 1)


def test_the_alert_of_a_failed_run_fires(tenant: Tenant, tmp_path: Path) -> None:
    finished(tenant, "broken-1")
    series = observed(tenant)
    expected = Counter({"ServiceCronJobFailed": 1})
    assert firing(tenant, tmp_path, tenant.one("PrometheusRule", "broken"), series, expected) == ""
    # Were nothing to change for longer, no run of the last minute were news.
    assert firing(tenant, tmp_path, tenant.one("PrometheusRule", "tick"), series, Counter(), minutes=4) == ""


@pytest.mark.parametrize(("name", "end"), [("evicted", "Complete"), ("evicted-without-policy", "Failed")])
def test_by_the_policy_a_run_that_is_evicted_has_not_failed(tenant: Tenant, name: str, end: str) -> None:
    job = finished(tenant, name)
    assert condition(job, end).get("status") == "True", job["status"]
    assert job["status"].get("failed", 0) == int(end == "Failed")


def jobs(tenant: Tenant, cronjob: str) -> list[Object]:
    """Return the Jobs of a CronJob."""
    return [
        job
        for job in tenant.plane.api.list("batch/v1", "Job", tenant.namespace)
        if [one["name"] for one in job["metadata"].get("ownerReferences", ())] == [cronjob]
    ]


def by_schedule(job: Object) -> bool:
    """Say whether the CronJob itself made this Job; the alerts know those by their name, too."""
    number = job["metadata"]["name"].rpartition("-")[2]
    return number.isdigit() and "batch.kubernetes.io/cronjob-scheduled-timestamp" in job["metadata"]["annotations"]


def over(tenant: Tenant, name: str) -> bool:
    """Say whether a Job has ended; in the end it is cleared away."""
    job = tenant.plane.api.get("batch/v1", "Job", tenant.namespace, name)
    return job is None or any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def finished(tenant: Tenant, name: str) -> Object:
    """Wait until a Job has ended and return it."""
    tenant.until(f"Job {name} is over", lambda: over(tenant, name))
    return tenant.live({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}})


def running(tenant: Tenant, job: str) -> list[Object]:
    """Return the running pods of a Job."""
    pods = tenant.plane.api.list("v1", "Pod", tenant.namespace, labelSelector=f"job-name={job}")
    return [pod for pod in pods if pod["status"].get("phase") == "Running"]


def seconds(end: str, start: str) -> float:
    """Return how long it is from one time to another."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
