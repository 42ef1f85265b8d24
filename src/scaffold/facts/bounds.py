"""Bounds of a value: enums, lengths, limits, patterns, formats. Each says what is wrong with a value, in words."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scaffold.facts.formats import CUSTOM, Matcher, matcher

Breach = Callable[[Any], str | None]
"""What is wrong with a value, or None. A bound says nothing of a value that is of another type than its own."""


def _fields(value: Mapping[str, Any]) -> int:
    return sum(item is not None for item in value.values())  # null is dropped before anybody counts


_NUMBER = (int, float)
_TEXT = (str,)
_LIST = (list,)
_MAP = (dict,)
_LIMITS: Mapping[str, tuple[tuple[type, ...], Callable[[Any, Any], bool], str]] = {
    "minimum": (_NUMBER, lambda value, bound: value >= bound, "is less than {}"),
    "maximum": (_NUMBER, lambda value, bound: value <= bound, "is more than {}"),
    "above": (_NUMBER, lambda value, bound: value > bound, "is not more than {}"),
    "below": (_NUMBER, lambda value, bound: value < bound, "is not less than {}"),
    "multipleOf": (_NUMBER, lambda value, bound: value % bound == 0, "is not a multiple of {}"),
    "minLength": (_TEXT, lambda value, bound: len(value) >= bound, "has less than {} characters"),
    "maxLength": (_TEXT, lambda value, bound: len(value) <= bound, "has more than {} characters"),
    "minItems": (_LIST, lambda value, bound: len(value) >= bound, "has less than {} items"),
    "maxItems": (_LIST, lambda value, bound: len(value) <= bound, "has more than {} items"),
    "minProperties": (_MAP, lambda value, bound: _fields(value) >= bound, "has less than {} fields"),
    "maxProperties": (_MAP, lambda value, bound: _fields(value) <= bound, "has more than {} fields"),
}
_INTEGERS = {"int32": 2**31, "int64": 2**63}


def breaches(node: Mapping[str, Any], formats: Mapping[str, tuple[Matcher, str]] = CUSTOM) -> Iterator[Breach]:
    """Yield the bounds of a node."""
    for key, (types, ok, text) in _LIMITS.items():
        if key in node:
            yield _limit(types, ok, text, node[key])
    if size := _INTEGERS.get(node.get("format", "")):
        yield _limit(_NUMBER, lambda value, bound: -bound <= value < bound, f"does not fit into {node['format']}", size)
    if "pattern" in node:
        yield _text(matcher(node["pattern"]), f"does not match {node['pattern']}")
    if node.get("format") in formats:
        good, what = formats[node["format"]]
        yield _text(good, f"is not {what}")
    if "enum" in node:
        yield _enum(node["enum"], {""} if node.get("empty") else set())


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def _limit(types: tuple[type, ...], ok: Callable[[Any, Any], bool], text: str, bound: Any) -> Breach:
    def breach(value: Any) -> str | None:
        return f"{shown(value)} {text.format(bound)}" if type(value) in types and not ok(value, bound) else None

    return breach


def _text(good: Matcher, text: str) -> Breach:
    def breach(value: Any) -> str | None:
        return f"{shown(value)} {text}" if type(value) is str and not good(value) else None

    return breach


def _enum(allowed: list[Any], beside: set[str]) -> Breach:
    strings = beside.union(item for item in allowed if isinstance(item, str))
    names = [item if isinstance(item, str) and item else json.dumps(item) for item in allowed]

    def breach(value: Any) -> str | None:
        if value in strings if isinstance(value, str) else _listed(value, allowed):
            return None
        listed = f"one of {', '.join(names)}" if len(names) > 1 else names[0]
        return f"{shown(value)} is not {listed}"

    return breach


def _listed(value: Any, allowed: list[Any]) -> bool:
    return any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in allowed)
