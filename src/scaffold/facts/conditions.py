"""Conditions of a schema: ``allOf``, ``anyOf``, ``oneOf`` and ``not``, evaluated and put into words."""

from collections.abc import Callable, Mapping
from typing import Any

from scaffold.facts.bounds import Breach, breaches

Condition = Mapping[str, Any]
Predicate = Callable[[Any], bool]


def conditions(node: Condition) -> list[Breach]:
    """Return the conditions of a node as bounds of its value."""
    found = [breach for branch in node.get("allOf", ()) for breach in _branch(branch)]
    if "anyOf" in node:
        found.append(_count(node["anyOf"], lambda count: count > 0))
    if "oneOf" in node:
        found.append(_count(node["oneOf"], lambda count: count == 1))
    if "not" in node:
        found.append(_not(node["not"]))
    return found


def _branch(branch: Condition) -> list[Breach]:
    own = {key: value for key, value in branch.items() if key not in {"allOf", "anyOf", "oneOf", "not"}}
    good = _predicate(own)
    return [lambda value: None if good(value) else _LOST, *conditions(branch)] if own else conditions(branch)


def _count(branches: list[Condition], enough: Callable[[int], bool]) -> Breach:
    predicates = [_predicate(branch) for branch in branches]
    names = [" with ".join(branch["required"]) for branch in branches if set(branch) == {"required"}]
    absent = [branch for branch in branches if set(branch) == {"not"}]
    worded = len(names) + len(absent) == len(branches)
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)

    def breach(value: Any) -> str | None:
        count = sum(predicate(value) for predicate in predicates)
        if enough(count):
            return None
        if not worded:
            return _LOST
        return f"only one of {listed} may be set" if count > 1 or absent else f"{listed} is required"

    return breach


def _not(condition: Condition) -> Breach:
    predicate = _predicate(condition)
    names = condition.get("required", ()) if set(condition) == {"required"} else ()
    text = f"{' and '.join(names)} may not be set together" if len(names) > 1 else _LOST
    return lambda value: text if predicate(value) else None


def _predicate(condition: Condition) -> Predicate:
    """Return what tells whether a value fulfils a condition. What speaks of another type says nothing of a value."""
    required = condition.get("required", ())
    properties = [
        (name, _predicate(inner), inner.get("default")) for name, inner in condition.get("properties", {}).items()
    ]
    items = _predicate(condition["items"]) if "items" in condition else None
    bounds = [*breaches(condition), *conditions(condition)]

    def holds(value: Any) -> bool:
        if any(breach(value) is not None for breach in bounds):
            return False
        if isinstance(value, dict):
            # Before it looks, the server drops null and fills in defaults.
            if any(value.get(name) is None for name in required):
                return False
            for name, inner, default in properties:
                item = default if value.get(name) is None else value[name]
                if item is not None and not inner(item):
                    return False
            return True
        return not (isinstance(value, list) and items) or all(map(items, value))

    return holds


_LOST = "is none of the alternatives that its schema allows"
