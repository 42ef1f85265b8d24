"""How an API server reads text: quantities, times, durations, base64, patterns.

The names are those of OpenAPI, the meaning is that of the server's Go code (1.37): its ``duration`` is not that of
JSON Schema. Formats that are not here (``uri``, ``email``, ``hostname`` and rarer ones) are not checked.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from ipaddress import IPv4Address, IPv6Address

from jsonschema_rs import RegexOptions, ValidationError, validator_for

Matcher = Callable[[str], bool]

# The server takes a lone unit, sign or dot for 0.
_QUANTITY = re.compile(r" *(?=[^ ])[+-]?\d*\.?\d*([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)? *\Z", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d:[0-5]\d"
_ZONE = r"(Z|[+-]([01]\d|2[0-4]):([0-5]\d|60))\Z"
_TIME = re.compile(rf"T{_CLOCK}([.,]\d+)?{_ZONE}", re.ASCII)
_MICRO_TIME = re.compile(rf"T{_CLOCK}[.,]\d{{6}}{_ZONE}", re.ASCII)
_LOOSE_TIME = re.compile(r"[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.\d+)?([zZ]|[+-]\d\d:\d\d)\Z", re.ASCII)
_NOTHING = re.compile(r"\Z")
_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)
_WORDY_DURATION = re.compile(r"\d\s*([A-Za-zµ]+)", re.ASCII)
_UNIT = re.compile(r"ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*", re.IGNORECASE)
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.IGNORECASE | re.ASCII)
_SHORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LONG_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z", re.ASCII)


def is_quantity(value: object) -> bool:
    """Tell whether a value is an amount of a resource: ``500m``, ``1.5Gi``, ``2``."""
    if isinstance(value, str):
        return bool(_QUANTITY.match(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def matcher(pattern: str) -> Matcher:
    """Return what finds a schema's pattern in a text, in linear time whoever wrote the pattern.

    Go's RE2 and Rust's regex share their syntax and that guarantee; Python's ``re`` has neither. A pattern that does
    not compile (the server refuses a definition with one) matches everything.
    """
    try:
        return validator_for({"pattern": pattern}, pattern_options=RegexOptions()).is_valid
    except ValidationError:
        return lambda _: True


def _date(text: str, rest: re.Pattern[str]) -> bool:
    match = _DATE.match(text)
    try:
        # Go knows a year 0, Python does not; it is a leap year in both calendars.
        return bool(match and date(int(match[1]) or 4, int(match[2]), int(match[3])) and rest.match(text, match.end()))
    except ValueError:
        return False


def _duration(text: str) -> bool:
    return bool(_DURATION.match(text)) or any(_UNIT.fullmatch(unit) for unit in _WORDY_DURATION.findall(text))


def _ip(text: str, kind: type[IPv4Address | IPv6Address]) -> bool:
    if kind is IPv4Address:  # Kubernetes takes leading zeros
        text = ".".join(part.lstrip("0") or "0" if part else "x" for part in text.split("."))
    try:
        return bool(kind(text)) and "%" not in text
    except ValueError:
        return False


def is_ip(text: str) -> bool:
    """Tell whether a text is an IP address of either family."""
    return _ip(text, IPv4Address) or _ip(text, IPv6Address)


def is_cidr(text: str) -> bool:
    """Tell whether a text is a network: an address and the length of its prefix."""
    address, slash, length = text.partition("/")
    bits = 32 if _ip(address, IPv4Address) else 128 if _ip(address, IPv6Address) else -1
    return bool(slash) and length.isascii() and length.isdigit() and int(length[:9]) <= bits


CUSTOM: Mapping[str, tuple[Matcher, str]] = {
    "date-time": (lambda text: _date(text, _LOOSE_TIME), "a time such as 2026-01-31T12:00:00Z"),
    "datetime": (lambda text: _date(text, _LOOSE_TIME), "a time such as 2026-01-31T12:00:00Z"),
    "date": (lambda text: _date(text, _NOTHING), "a date such as 2026-01-31"),
    "duration": (_duration, "a duration such as 30s or 1h30m"),
    "byte": (lambda text: bool(text and _BASE64.match(text)), "base64"),
    "ipv4": (lambda text: _ip(text, IPv4Address), "an IPv4 address"),
    "ipv6": (lambda text: _ip(text, IPv6Address), "an IPv6 address"),
    "cidr": (is_cidr, "a network such as 10.0.0.0/8"),
    "uuid": (lambda text: bool(_UUID.match(text)), "a UUID"),
    "k8s-short-name": (lambda text: bool(_SHORT_NAME.match(text)), "a name of small letters, digits and dashes"),
    "k8s-long-name": (lambda text: bool(_LONG_NAME.match(text)), "a name of small letters, digits, dashes and dots"),
}
"""Formats in custom resources: what tells a good text, and what it should be."""

BUILTIN: Mapping[str, tuple[Matcher, str]] = {
    "date-time": (lambda text: _date(text, _TIME), "a time such as 2026-01-31T12:00:00Z"),
    "micro-time": (lambda text: _date(text, _MICRO_TIME), "a time such as 2026-01-31T12:00:00.000000Z"),
    "byte": (lambda text: bool(_BASE64.match(text.replace("\n", "").replace("\r", ""))), "base64"),
}
"""Formats in Kubernetes' own kinds, which Go decodes."""
