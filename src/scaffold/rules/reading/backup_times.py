"""When backups run and how long they are kept: cron as Velero reads it, with a time zone before it."""

import re
from typing import Any

from scaffold.facts.server.cron import cron_fault
from scaffold.facts.server.workloads import CRON_JOB
from scaffold.rules.reading.durations import seconds
from scaffold.rules.reading.schedules import Cron, cron

KEPT_BY_DEFAULT = 720 * 3600.0
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s+")
_EVERY = re.compile(r"@every\s+(\S+)\Z")
_YEAR = 366 * 86400.0


def schedule_fault(text: str) -> str:
    """Return why Velero refuses a schedule, empty if it takes it."""
    match = _ZONE.match(text)
    if text.startswith(("TZ=", "CRON_TZ=")) and match is None:
        return "the time zone has no schedule behind it"
    if match:
        for _, why in CRON_JOB.wrong({"spec": {"timeZone": match[1]}}):
            return why
    return cron_fault(text[match.end() :] if match else text) or ""


def times(text: Any) -> Cron | None:
    """Return the times of a schedule, in its own time zone; None where they are not read."""
    return cron(_ZONE.sub("", text, count=1)) if isinstance(text, str) else None


def zone(text: Any) -> str:
    """Return the time zone of a schedule; UTC where it names none, as the server's clock has it."""
    match = _ZONE.match(text) if isinstance(text, str) else None
    return match[1] if match else "UTC"


def interval(text: Any) -> float | None:
    """Return the time between two runs in seconds, as an average over a year."""
    if not isinstance(text, str):
        return None
    if match := _EVERY.match(_ZONE.sub("", text, count=1)):
        return seconds(match[1])
    read = times(text)
    if read is None or read.never:
        return None
    return _YEAR / (_days(read) * len(read.hours) * len(read.minutes))


def _days(read: Cron) -> float:
    """Return on how many days of a year it runs."""
    months = len(read.months) / 12
    by_date, by_weekday = len(read.days) * 12.0, len(read.weekdays) * 366 / 7
    if read.any_day and read.any_weekday:
        return 366 * months
    if read.any_day:
        return by_weekday * months
    if read.any_weekday:
        return min(by_date, 366.0) * months
    # With both, either is enough.
    return min(by_date + by_weekday, 366.0) * months
