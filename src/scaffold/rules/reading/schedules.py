"""Schedules of five cron fields, read as sets of numbers: when they are due, and how far apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scaffold.facts.server.cron import FIELDS

_WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule: the values of each field, and whether the fields of days are limited at all."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @property
    def never(self) -> bool:
        """Tell whether no year has such a day (31 February); a limited weekday would do instead."""
        if not self.any_weekday:
            return False
        return not any(day <= _LONGEST_MONTHS[month - 1] for month in self.months for day in self.days)

    @property
    def fixes_hours(self) -> bool:
        """Tell whether it depends on the time zone: not every hour is alike."""
        return len(self.hours) < 24 or not (self.any_day and self.any_weekday and len(self.months) == 12)

    @property
    def shortest_minutes(self) -> int:
        """Return the shortest time between two runs in minutes, a day where there is one run a day at most."""
        due = sorted(hour * 60 + minute for hour in self.hours for minute in self.minutes)
        gaps = [later - sooner for sooner, later in pairwise(due)]
        # The last of a day and the first of the next one are taken for neighbours: at most the gap is longer.
        return min([*gaps, due[0] + _DAY - due[-1]]) if due else _DAY


def cron(schedule: str) -> Cron | None:
    """Read a schedule; None for what is no such one, as ``@every 5m`` is not."""
    parts = _WORDS.get(schedule.strip(), schedule).split()
    if len(parts) != len(FIELDS):
        return None
    found = [_values(part, low, high, words) for part, (_, low, high, words) in zip(parts, FIELDS, strict=True)]
    if any(not values for values in found):
        return None
    minutes, hours, days, months, weekdays = map(frozenset, found)
    return Cron(minutes, hours, days, months, weekdays, _is_any(parts[2]), _is_any(parts[4]))


def _is_any(part: str) -> bool:
    return part.startswith(("*", "?"))


def _values(part: str, low: int, high: int, words: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for item in part.split(","):
        span, _, step = item.partition("/")
        if not re.fullmatch(r"\d{0,3}", step, re.ASCII) or step == "0":
            return set()
        if span in {"*", "?"}:
            first, last = low, high
        else:
            ends = [_number(end, low, words) for end in span.split("-")]
            if len(ends) > 2 or any(end is None for end in ends):
                return set()
            first = ends[0] or 0
            last = ends[1] or 0 if len(ends) == 2 else (high if step else first)
        if not low <= first <= last <= high:
            return set()
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _number(text: str, low: int, words: Sequence[str]) -> int | None:
    if text.lower() in words:
        return list(words).index(text.lower()) + low
    return int(text) if re.fullmatch(r"\d{1,3}", text, re.ASCII) else None
