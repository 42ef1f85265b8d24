"""Schedules: a run comes when it is meant to, and one after the other."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import clusters
from scaffold.rules.reading.scalers import count
from scaffold.rules.reading.schedules import cron

_LONGEST_NAME = 52
_SHORTEST_DEADLINE = 10
_CNPG = "postgresql.cnpg.io"
_FIRST_BACKOFF, _LONGEST_BACKOFF = 10, 600


@rule("JOB-01", Severity.WARNING, fix="Name the time zone, a day that exists, and a deadline of 10 seconds or more.")
def schedules_are_met(repo: Repo) -> Iterator[Hit]:
    """A CronJob runs at the hour that is meant, on days that exist, and has ten seconds to start.

    Without timeZone the hour is that of the control plane's machine. 31 February is accepted and never comes. The
    controller looks every ten seconds: with a shorter startingDeadlineSeconds a run may be missed, with 0 every one
    is. What the server refuses (a zone that does not exist, a name of more than 52 letters, Sunday as 7) is
    SCHEMA-01's. A schedule that is the same in every hour needs no zone.
    """
    for job in repo.each("batch", "CronJob"):
        schedule = job.get("spec", "schedule")
        found = cron(schedule) if isinstance(schedule, str) else None
        if found and found.never:
            yield at(job, ("spec", "schedule"), f"{job}: there is no day such as {schedule}")
        if found and found.fixes_hours and job.get("spec", "timeZone") is None:
            what = f"runs at {schedule} of a zone that nothing here says"
            yield at(job, ("spec", "schedule"), f"{job} {what}")
        deadline = count(job.get("spec", "startingDeadlineSeconds"))
        if deadline is not None and 0 <= deadline < _SHORTEST_DEADLINE:
            what = f"startingDeadlineSeconds {deadline} is less than the {_SHORTEST_DEADLINE} between two looks"
            yield at(job, ("spec", "startingDeadlineSeconds"), f"{job}: {what}")


@rule("JOB-05", Severity.WARNING, fix="Give the deadline room for every try, and let it end before the next run.")
def deadlines_leave_room(repo: Repo) -> Iterator[Hit]:
    """The deadline of a Job leaves room for its retries, and that of a CronJob ends before the next run is due.

    activeDeadlineSeconds is for all tries together: what is waited between them (10, 20, 40 seconds, doubled up to ten
    minutes) counts. With concurrencyPolicy Forbid a run that lasts longer than the period takes the place of the next
    one. How long a try takes is not known: judged are the waits alone, where backoffLimit is set.
    """
    for job, keys in _jobs(repo):
        deadline, limit = (count(job.get(*keys, field)) for field in ("activeDeadlineSeconds", "backoffLimit"))
        if deadline is None or deadline < 1:
            continue
        if limit is not None and limit > 0 and (waits := _waits(limit)) >= deadline:
            what = f"{limit} retries wait {waits} seconds between them, activeDeadlineSeconds is {deadline}"
            yield at(job, (*keys, "activeDeadlineSeconds"), f"{job}: {what}")
        schedule = job.get("spec", "schedule") if job.kind == "CronJob" else None
        found = cron(schedule) if isinstance(schedule, str) else None
        if found and job.get("spec", "concurrencyPolicy") == "Forbid" and deadline > found.shortest_minutes * 60:
            what = f"a run may last {deadline} seconds, the next one is due after {found.shortest_minutes} minutes"
            yield at(job, (*keys, "activeDeadlineSeconds"), f"{job}: {what}")


@rule("JOB-07", Severity.WARNING, fix="Write six fields, seconds first, and give each backup an hour of its own.")
def backups_have_a_time_of_their_own(repo: Repo) -> Iterator[Hit]:
    """The ScheduledBackups of a database have six fields, and no two of one database start at the same time.

    CloudNativePG reads seconds first: of five fields the first is taken for the seconds, and `0 2 * * *` runs every
    hour instead of every night. What other CronJobs do, and to what, no manifest shows; schedules of Velero are
    DR-08's.
    """
    for cluster in clusters(repo):
        first: dict[tuple[str, str, str], Manifest] = {}
        for backup in cluster.each(_CNPG, "ScheduledBackup"):
            schedule = backup.get("spec", "schedule")
            if not isinstance(schedule, str):
                continue
            fields = schedule.split()
            if len(fields) == 5 and cron(schedule):
                what = f"of the five fields of {schedule} the first is taken for the seconds"
                yield at(backup, ("spec", "schedule"), f"{backup}: {what}")
            database = str(backup.get("spec", "cluster", "name"))
            other = first.setdefault((backup.namespace, database, " ".join(fields)), backup)
            if other is not backup and not backup.get("spec", "suspend") and not other.get("spec", "suspend"):
                what = f"backs up {database} at {schedule}, and so does {other}"
                yield at(backup, ("spec", "schedule"), f"{backup} {what}")


def _jobs(repo: Repo) -> Iterator[tuple[Manifest, Path]]:
    """Yield every Job and CronJob, with the keys of what a run is."""
    for job in repo.each("batch", "Job"):
        yield job, ("spec",)
    for job in repo.each("batch", "CronJob"):
        yield job, ("spec", "jobTemplate", "spec")


def _waits(retries: int) -> int:
    """Return how many seconds are waited between so many retries."""
    return sum(min(_FIRST_BACKOFF * 2**number, _LONGEST_BACKOFF) for number in range(min(retries, 64)))
