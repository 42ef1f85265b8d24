"""Schedules of CronJobs: five fields or a word, as the API server's library reads them."""

import re

_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
"""Name, lowest and highest number, and the words for numbers of each field."""
_EVERY = re.compile(r"@every [-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)


def cron_fault(schedule: str) -> str | None:
    """Say what is wrong with a schedule; None for a good one."""
    if schedule.startswith(("TZ=", "CRON_TZ=")) or "TZ" in schedule:
        return "the time zone belongs into timeZone"
    if schedule.startswith("@"):
        known = schedule in _WORDS or _EVERY.match(schedule)
        return None if known else f"is none of {', '.join(sorted(_WORDS))}"
    parts = schedule.split()
    if len(parts) != len(FIELDS):
        return f"has {len(parts)} fields, not five"
    for text, (name, low, high, words) in zip(parts, FIELDS, strict=True):
        for part in text.split(","):
            if fault := _part_fault(part, low, high, words):
                return f"{name} {part}: {fault}"
    return None


def _part_fault(part: str, low: int, high: int, words: tuple[str, ...]) -> str | None:
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step[:6]) > 0):
        return "the step is not a number above 0"
    if span in {"*", "?"}:
        return None
    ends = [_number(end, low, words) for end in span.split("-")]
    if len(ends) > 2 or None in ends:
        return "is not a number, a range or *"
    first, last = ends[0], ends[-1]
    if first is None or last is None or not low <= first <= last <= high:
        return f"is not from {low} to {high}"
    return None


def _number(text: str, low: int, words: tuple[str, ...]) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + low
    return int(text[:6]) if text.isascii() and text.isdigit() else None
