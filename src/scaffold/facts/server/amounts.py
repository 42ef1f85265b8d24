"""Amounts of resources: how much ``500m`` or ``1.5Gi`` is, and which resources there are."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.formats import is_quantity
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import LABEL_NAME, is_qualified

_PARTS = re.compile(r" *([+-]?)(\d*)\.?(\d*)([a-zA-Z]*[-+]?\d*) *\Z", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_STANDARD = frozenset({
    "cpu", "memory", "ephemeral-storage", "storage", "pods", "services", "replicationcontrollers", "secrets",
    "configmaps", "persistentvolumeclaims", "resourcequotas", "services.nodeports", "services.loadbalancers",
    "requests.cpu", "requests.memory", "requests.ephemeral-storage", "requests.storage", "limits.cpu", "limits.memory",
    "limits.ephemeral-storage",
})  # fmt: skip
_OF_CONTAINERS = frozenset({"cpu", "memory", "ephemeral-storage"})
_OF_QUOTAS = _STANDARD - {"storage"}
_WHOLE = frozenset({
    "pods", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas",
    "services.nodeports", "services.loadbalancers",
})  # fmt: skip
_PREFIXES = ("hugepages-", "requests.hugepages-", "limits.hugepages-", "count/")


def amount(value: Any) -> Fraction | None:
    """Return a quantity as a number; None for what is none."""
    if isinstance(value, bool) or not is_quantity(value):
        return None
    match = _PARTS.match(str(value))
    if not match:
        return None
    sign, whole, rest, unit = match.groups()
    number = Fraction(int(f"{whole}{rest}" or "0"), 10 ** len(rest))
    number = -number if sign == "-" else number
    if unit in _BINARY:
        return number * Fraction(1024 ** _BINARY[unit])
    exponent = _DECIMAL[unit] if unit in _DECIMAL else int(unit[1:] or "0")
    if abs(exponent) > 400:
        return None
    return number * Fraction(10**exponent) if exponent >= 0 else number / Fraction(10**-exponent)


def not_negative(value: Any) -> Wrong:
    """Test that an amount is not below zero."""
    if (number := amount(value)) is not None and number < 0:
        yield (), f"{shown(value)} is less than 0"


def positive(value: Any) -> Wrong:
    """Test that an amount is above zero."""
    if (number := amount(value)) is not None and number <= 0:
        yield (), f"{shown(value)} is not more than 0"


def _resource(standard: frozenset[str], what: str) -> Test:
    def test(value: Any) -> Wrong:
        if not isinstance(value, str):
            return
        if not is_qualified(value):
            yield (), f"{shown(value)} is not {LABEL_NAME}"
        elif "/" not in value and value not in standard and not value.startswith(_PREFIXES):
            yield (), f"{shown(value)} is no {what}, and none of an extension such as example.com/gpu"

    return test


def whole_numbers(value: Any) -> Wrong:
    """Test that what is counted, or comes from an extension, is a whole number."""
    if isinstance(value, dict):
        for name, much in value.items():
            number = amount(much)
            if number is not None and number.denominator != 1 and (name in _WHOLE or "/" in str(name)):
                yield (name,), f"{shown(much)} is not a whole number"


def _requests_within_limits(value: Any) -> Wrong:
    limits, requests = (_map(value, name) for name in ("limits", "requests"))
    for name, much in requests.items():
        # A null is an amount, too: 0.
        wanted, most = amount(much), Fraction(0) if limits.get(name, "") is None else amount(limits.get(name))
        fixed = "/" in str(name) or str(name).startswith("hugepages-")
        if wanted is None:
            continue
        if most is None and fixed and name not in limits:
            yield ("limits",) if limits else (), f"a limit of {name} is required: it cannot be shared"
        elif most is not None and fixed and wanted != most:
            yield ("requests", name), f"{shown(much)} is not the limit of {name}, {shown(limits[name])}"
        elif most is not None and wanted > most:
            yield ("requests", name), f"{shown(much)} is more than the limit of {name}, {shown(limits[name])}"


def _map(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


RESOURCE = _resource(_STANDARD, "resource of Kubernetes")
CONTAINER_RESOURCE = _resource(_OF_CONTAINERS, "resource of a container")
QUOTA_RESOURCE = _resource(_OF_QUOTAS, "resource that a quota limits")

RESOURCES: Shape = table({
    "limits{key}": CONTAINER_RESOURCE, "limits{}": not_negative, "limits": whole_numbers,
    "requests{key}": CONTAINER_RESOURCE, "requests{}": not_negative, "requests": whole_numbers,
    "": _requests_within_limits,
})  # fmt: skip
