"""Conditions of a schema: ``anyOf``, ``oneOf``, ``allOf`` and ``not``, evaluated and put into words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scaffold.facts.formats import CUSTOM, matcher

Condition = Mapping[str, Any]
Predicate = Callable[[Any], bool]


def broken(condition: Condition, value: Any) -> Iterator[str]:
    """Yield what a value does not fulfil of a node's conditions, in words."""
    for branch in condition.get("allOf", ()):
        if not holds(branch, value):
            yield from list(broken(branch, value)) or ["is not what its schema allows (allOf)"]
    if "anyOf" in condition and not any(holds(branch, value) for branch in condition["anyOf"]):
        yield _none_of(condition["anyOf"], "anyOf")
    if "oneOf" in condition:
        count = sum(holds(branch, value) for branch in condition["oneOf"])
        if count == 0 and any("not" in branch for branch in condition["oneOf"]) or count > 1:
            yield _several_of(condition["oneOf"])
        elif count == 0:
            yield _none_of(condition["oneOf"], "oneOf")
    if "not" in condition and holds(condition["not"], value):
        names = _names(condition["not"])
        yield f"{' and '.join(names)} may not be set together" if names else "is not what its schema allows (not)"


def holds(condition: Condition, value: Any) -> bool:
    """Tell whether a value fulfils a condition; what speaks of another type than the value's says nothing."""
    if "type" in condition and not _TYPES.get(condition["type"], _anything)(value):
        return False
    if "enum" in condition and value not in condition["enum"]:
        return False
    if isinstance(value, str):
        own = _text(condition, value)
    elif isinstance(value, dict):
        own = _map(condition, value)
    elif isinstance(value, list):
        own = _within(condition, "Items", len(value))
        own = own and ("items" not in condition or all(holds(condition["items"], item) for item in value))
    else:
        own = isinstance(value, bool) or not isinstance(value, int | float) or _within(condition, "imum", value)
    return (
        own
        and all(holds(branch, value) for branch in condition.get("allOf", ()))
        and ("anyOf" not in condition or any(holds(branch, value) for branch in condition["anyOf"]))
        and ("oneOf" not in condition or sum(holds(branch, value) for branch in condition["oneOf"]) == 1)
        and ("not" not in condition or not holds(condition["not"], value))
    )
