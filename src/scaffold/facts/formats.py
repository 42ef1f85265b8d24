"""How Kubernetes reads text: quantities, times, durations, base64, patterns.

The names are those of OpenAPI, the meaning is that of the server's Go code (1.37): its ``duration`` is not the one of
JSON Schema, its ``byte`` may not be empty in a custom resource. Formats that are not here (``uri``, ``email``,
``hostname`` and rarer ones) are not checked.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from jsonschema_rs import RegexOptions, validator_for

Matcher = Callable[[str], bool]

_QUANTITY = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?\s*\Z", re.ASCII)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)
_LOOSE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.\d+)?([zZ]|[+-]\d\d:\d\d)\Z", re.ASCII
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)
_WORDY_DURATION = re.compile(r"\d+\s*([A-Za-zµ]+)", re.ASCII)
_UNITS = re.compile(r"ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*", re.IGNORECASE)
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z", re.ASCII)
_IPV4 = re.compile(r"(0*(25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!\Z)|\Z)){4}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.IGNORECASE | re.ASCII)
_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def quantity(value: object) -> bool:
    """Tell whether a value is a resource quantity: ``500m``, ``1.5Gi``, ``2``."""
    if isinstance(value, str):
        return bool(_QUANTITY.match(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def pattern(text: str) -> Matcher:
    """Return what finds a pattern of a schema in a text, in linear time whoever wrote the pattern.

    Go's RE2 and Rust's regex share their syntax; Python's ``re`` shares neither that nor the guarantee. A pattern
    that does not compile matches everything.
    """
    try:
        return validator_for({"pattern": text}, pattern_options=RegexOptions()).is_valid
    except ValueError:
        return lambda _: True


def _date(match: re.Match[str] | None) -> bool:
    try:
        return bool(match and date(int(match[1]) or 4, int(match[2]), int(match[3])))  # Go takes the year 0000
    except ValueError:
        return False


def _duration(text: str) -> bool:
    if _DURATION.match(text):
        return True
    return any(_UNITS.fullmatch(unit) for unit in _WORDY_DURATION.findall(text))


def _ipv6(text: str) -> bool:
    if "." in text:
        head, _, tail = text.rpartition(":")
        return bool(head and _IPV4.match(tail) and _ipv6(f"{head}:0:0"))
    groups = text.split(":")
    if "::" in text:
        left, _, right = text.partition("::")
        groups = [*filter(None, left.split(":")), *filter(None, right.split(":"))]
        if "::" in right or right.startswith(":") or left.endswith(":") or text.count(":") > 7 + (len(groups) < 7):
            return False
        shape = len(groups) <= 7 and not left.startswith(":") and not right.endswith(":")
    else:
        shape = len(groups) == 8
    return shape and all(re.fullmatch(r"[0-9a-fA-F]{1,4}", group) for group in groups)
