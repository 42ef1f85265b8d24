"""Durations as Go writes them: ``1h2m3.5s``, ``300ms``."""

import re
from typing import Any

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: Any) -> float | None:
    """Return a duration in seconds; None if it is none."""
    if not isinstance(value, str) or not _PART.match(value):
        return None
    total, end = 0.0, 0
    for part in _PART.finditer(value):
        if part.start() != end:
            return None
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    return total if end == len(value) else None
