"""Jobs: corners of schedules, deadlines, failure policies, delivery and of what never ends."""

import pytest

from scaffold.rules.reading.schedules import cron
from tests.helpers import URL, expanded_hits, hits


def job(
    spec: str = "", *, name: str = "job", notes: str = "{}", pod: str = "containers: [{name: job, image: j}]"
) -> str:
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: shop, annotations: {notes}}}\n"
        f"spec: {{{spec}template: {{metadata: {{labels: {{app: web, job: x}}}}, spec: {{{pod}}}}}}}\n"
    )


def cron_job(spec: str, run: str = "") -> str:
    return (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: job, namespace: shop}\n"
        f"spec: {{{spec}, jobTemplate: {{spec: {{{run}template: {{spec: {{containers: []}}}}}}}}}}\n"
    )


def texts(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


@pytest.mark.parametrize(
    ("schedule", "minutes", "never", "fixed"),
    [
        ("* * * * *", 1, False, False),
        ("*/10 * * * *", 10, False, False),
        ("*/7 * * * *", 4, False, False),
        ("0 * * * *", 60, False, False),
        ("@hourly", 60, False, False),
        ("0 */6 * * *", 360, False, True),
        ("0,30 9-17 * * mon-fri", 30, False, True),
        ("@daily", 1440, False, True),
        ("0 0 30 2 *", 1440, True, True),
        ("0 0 31 4,6,9,11 *", 1440, True, True),
        ("0 0 29 FEB *", 1440, False, True),
        # A weekday that is limited, too, is another way to be due.
        ("0 0 31 2 mon", 1440, False, True),
        ("5/20 * * * ?", 20, False, False),
    ],
)
def test_schedules_are_read(schedule: str, minutes: int, never: bool, fixed: bool) -> None:
    found = cron(schedule)
    assert found is not None
    assert (found.shortest_minutes, found.never, found.fixes_hours) == (minutes, never, fixed)


@pytest.mark.parametrize(
    "schedule", ["", "@every 5m", "* * * *", "0 0 * * * *", "61 * * * *", "x * * * *", "*/0 * * * *", "5-1 * * * *"]
)
def test_what_is_no_schedule_is_not_judged(schedule: str) -> None:
    assert cron(schedule) is None
    assert hits("JOB-01", {"job.yaml": cron_job(f"schedule: '{schedule}'")}) == []


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ("schedule: '0 4 * * *'", 1),
        ("schedule: '0 4 * * *', timeZone: Etc/UTC", 0),
        ("schedule: '*/5 * * * *'", 0),
        ("schedule: '*/5 * * * *', startingDeadlineSeconds: 0", 1),
        ("schedule: '*/5 * * * *', startingDeadlineSeconds: 10", 0),
    ],
)
def test_a_run_has_a_zone_and_time_to_start(spec: str, count: int) -> None:
    assert len(hits("JOB-01", {"job.yaml": cron_job(spec)})) == count


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("onExitCodes: {containerName: job, operator: In, values: [1, 255]}, action: FailJob", ""),
        (
            "onExitCodes: {containerName: app, operator: In, values: [1]}, action: FailJob",
            "there is no container app, there are job",
        ),
        ("onExitCodes: {operator: In, values: [300]}, action: FailJob", "no program ends with [300], 255 is the last"),
        ("onExitCodes: {operator: In, values: [3]}, action: FailIndex", "FailIndex needs backoffLimitPerIndex"),
        ("onPodConditions: [{type: DisruptionTarget}], action: Ignore", ""),
    ],
)
def test_a_failure_policy_can_apply(policy: str, said: str) -> None:
    found = texts(hits("JOB-02", {"job.yaml": job(f"podFailurePolicy: {{rules: [{{{policy}}}]}}, ")}))
    assert found == ([said] if said else [])


@pytest.mark.parametrize(
    ("spec", "bad"),
    [
        ("completions: 2, ", True),
        ("completions: 2, completionMode: Indexed, ", False),
        ("completions: 1, parallelism: 1, ", False),
        ("parallelism: 4, ", False),
    ],
)
def test_only_an_indexed_job_has_parts(spec: str, bad: bool) -> None:
    assert bool(hits("JOB-03", {"job.yaml": job(spec)})) is bad


def delivered(text: str, *, rule: str = "JOB-04") -> list[str]:
    app = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\n"
        f"spec:\n  project: shop\n  source: {{repoURL: '{URL}', path: shop, targetRevision: main}}\n"
        "  destination: {name: test, namespace: shop}\n"
    )
    return expanded_hits(rule, {"app.yaml": app, "shop/job.yaml": text})


@pytest.mark.parametrize(
    ("name", "notes", "spec", "bad"),
    [
        ("migrate", "{}", "", True),
        ("migrate", "{argocd.argoproj.io/hook: Sync}", "ttlSecondsAfterFinished: 0, ", False),
        ("migrate", "{helm.sh/hook: pre-install}", "", False),
        ("migrate", "{argocd.argoproj.io/sync-options: 'Force=true,Replace=true'}", "", False),
        ("migrate-1", "{}", "", False),
        ("migrate-5f2b1c", "{}", "", False),
        ("migrate-v1-2-0", "{}", "", False),
        ("migrate-1", "{}", "ttlSecondsAfterFinished: 0, ", True),
    ],
)
def test_a_job_that_is_delivered_can_be_delivered_again(name: str, notes: str, spec: str, bad: bool) -> None:
    assert bool(delivered(job(spec, name=name, notes=notes))) is bad
    # Nobody delivers a plain one again.
    assert hits("JOB-04", {"job.yaml": job(spec, name=name, notes=notes)}) == []


def test_flux_may_be_told_to_replace_it() -> None:
    def files(extra: str, notes: str = "{}") -> dict[str, str]:
        return {
            "clusters/flux-system/sync.yaml": (
                "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
                f"metadata: {{name: flux-system, namespace: flux-system}}\nspec: {{url: '{URL}'}}\n"
                "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
                "metadata: {name: flux-system, namespace: flux-system}\n"
                f"spec: {{path: clusters, {extra}sourceRef: {{kind: GitRepository, name: flux-system}}}}\n"
            ),
            "clusters/job.yaml": job(name="migrate", notes=notes),
        }

    assert len(expanded_hits("JOB-04", files(""))) == 1
    assert expanded_hits("JOB-04", files("force: true, ")) == []
    assert expanded_hits("JOB-04", files("", "{kustomize.toolkit.fluxcd.io/force: enabled}")) == []
    assert expanded_hits("JOB-04", files("", "{kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}")) == []


@pytest.mark.parametrize(
    ("spec", "bad"),
    [
        ("backoffLimit: 3, activeDeadlineSeconds: 71, ", False),
        ("backoffLimit: 3, activeDeadlineSeconds: 70, ", True),
        ("backoffLimit: 0, activeDeadlineSeconds: 10, ", False),
        ("activeDeadlineSeconds: 10, ", False),
        ("backoffLimit: 1000, activeDeadlineSeconds: 3600, ", True),
    ],
)
def test_retries_wait_within_the_deadline(spec: str, bad: bool) -> None:
    assert bool(hits("JOB-05", {"job.yaml": job(spec)})) is bad


def test_a_run_that_may_overlap_may_last() -> None:
    schedule = "schedule: '*/10 * * * *'"
    for policy, seconds, count in (("Forbid", 601, 1), ("Forbid", 600, 0), ("Allow", 601, 0), ("Replace", 601, 0)):
        spec = f"{schedule}, concurrencyPolicy: {policy}"
        assert len(hits("JOB-05", {"job.yaml": cron_job(spec, f"activeDeadlineSeconds: {seconds}, ")})) == count


@pytest.mark.parametrize(
    ("containers", "bad"),
    [
        ("{name: work, image: w}, {name: proxy, image: gcr.io/x/cloud-sql-proxy}", True),
        (
            "{name: work, image: w, args: ['work; curl localhost/quitquitquit']}, {name: p, image: cloud-sql-proxy}",
            False,
        ),
        ("{name: export, image: data-exporter}", False),
        ("{name: work, image: w, command: [sleep, infinity]}", True),
        ("{name: work, image: w, args: [tail, -f, /dev/null]}", True),
        ("{name: work, image: w, command: [sh, -c, 'sleep 10']}", False),
        ("{name: work, image: w, restartPolicy: Always}", True),
    ],
)
def test_every_container_of_a_job_ends(containers: str, bad: bool) -> None:
    assert bool(hits("JOB-06", {"job.yaml": job(pod=f"containers: [{containers}]")})) is bad


def backup(name: str, schedule: str, extra: str = "") -> str:
    return (
        f"apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec: {{schedule: '{schedule}', cluster: {{name: db}}{extra}}}\n"
    )


def test_backups_have_six_fields_and_an_hour_of_their_own() -> None:
    assert len(hits("JOB-07", {"a.yaml": backup("a", "0 2 * * *")})) == 1
    assert hits("JOB-07", {"a.yaml": backup("a", "0 0 2 * * *")}) == []
    assert hits("JOB-07", {"a.yaml": backup("a", "@daily")}) == []
    both = {"a.yaml": backup("a", "0 0 2 * * *"), "b.yaml": backup("b", "0 0 2  * * *")}
    assert len(hits("JOB-07", both)) == 1
    assert hits("JOB-07", {**both, "b.yaml": backup("b", "0 0 2 * * *", ", suspend: true")}) == []


def test_pods_of_jobs_are_selected_beside_what_runs_alone() -> None:
    web = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec: {selector: {matchLabels: {run: web}}, template: {metadata: {labels: {app: web, run: web}}}}\n"
    )

    def service(port: str) -> str:
        head = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"
        return f"{head}spec: {{selector: {{app: web}}, ports: [{{port: 80{port}}}]}}\n"

    files = {"web.yaml": web, "job.yaml": job(), "s.yaml": service(", targetPort: 8080")}
    (text,) = texts(hits("JOB-08", files))
    assert text == "Service shop/web selects its pods by app=web, and sends requests to port 8080"
    assert hits("JOB-08", {**files, "s.yaml": service(", targetPort: http")}) == []
    assert len(hits("JOB-08", {**files, "s.yaml": service("")})) == 1
    del files["web.yaml"]
    assert hits("JOB-08", files) == []


def test_a_budget_of_what_runs_counts_no_job() -> None:
    web = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec: {selector: {matchLabels: {run: web}}, template: {metadata: {labels: {app: web, run: web}}}}\n"
    )
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\n"
        "spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}\n"
    )
    assert len(hits("JOB-08", {"web.yaml": web, "job.yaml": job(), "b.yaml": budget})) == 1
    assert hits("JOB-08", {"web.yaml": web, "job.yaml": job(), "b.yaml": budget.replace("app: web", "run: web")}) == []
