"""The ways to break a value: each returns what is put in its place, or nothing where it does not apply."""

import copy
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

Change = Callable[[Any, Random], Any]
SAME: Any = object()
"""A change that does not apply to a value."""

_WORDS = (
    "Bogus",
    "x",
    "a.b",
    "10",
    "0",
    "-1",
    "99999",
    "1.5",
    "110%",
    "10 Gi",
    "1.5.5",
    "500x",
    "http://",
    "/a",
    "a/b/c",
)
_NUMBERS = (-1, 0, 1, 101, 65536, 2**31, 2**63)


def _text(change: Callable[[str], Any]) -> Change:
    return lambda value, _: change(value) if isinstance(value, str) else SAME


def _number(change: Callable[[Any, Random], Any]) -> Change:
    return lambda value, chance: (
        change(value, chance) if isinstance(value, int | float) and not isinstance(value, bool) else SAME
    )


def _flag(change: Callable[[bool], Any]) -> Change:
    return lambda value, _: change(value) if isinstance(value, bool) else SAME


def _list(change: Callable[[list[Any], Random], Any]) -> Change:
    return lambda value, chance: change(value, chance) if isinstance(value, list) else SAME


def _map(change: Callable[[dict[str, Any], Random], Any]) -> Change:
    return lambda value, chance: change(value, chance) if isinstance(value, dict) else SAME


CHANGES: Mapping[str, Change] = {
    "null": lambda _value, _chance: None,
    "retyped": lambda value, chance: chance.choice(_others(value)),
    # texts
    "empty text": _text(lambda value: "" if value else SAME),
    "capitals turned": _text(str.swapcase),
    "space at the end": _text(lambda value: f"{value} "),
    "too long": _text(lambda value: f"{value}{'x' * 254}"),
    "long": _text(lambda value: f"{value}{'x' * 60}"[:66]),
    "dash before": _text(lambda value: f"-{value}"),
    "underscore": _text(lambda value: f"{value}_x"),
    "two dots": _text(lambda value: f"{value}..x"),
    "slash": _text(lambda value: f"/{value}"),
    "bad characters": _text(lambda value: f"{value}!?"),
    "another name": _text(lambda value: f"{value}x"),
    "first letter lost": _text(lambda value: value[1:] if len(value) > 1 else SAME),
    "another text": lambda value, chance: chance.choice(_WORDS) if isinstance(value, str) else SAME,
    # numbers
    "out of range": _number(lambda _, chance: chance.choice(_NUMBERS)),
    "fraction": _number(lambda value, _: value + 0.5),
    "integral float": _number(lambda value, _: float(value)),
    "negative": _number(lambda value, _: -value),
    "flag turned": _flag(lambda value: not value),
    # lists
    "empty list": _list(lambda value, _: [] if value else SAME),
    "duplicate item": _list(lambda value, chance: [*value, copy.deepcopy(chance.choice(value))] if value else SAME),
    "one item more": _list(lambda value, chance: [*value, chance.choice([{}, None, "x", 5])]),
    "one item less": _list(lambda value, _: value[1:] if len(value) > 1 else SAME),
    # maps
    "empty map": _map(lambda value, _: {} if value else SAME),
    "unknown field": _map(lambda value, chance: {**value, chance.choice(["bogusField", "x"]): chance.choice(["x", 1])}),
    "renamed field": _map(lambda value, chance: _renamed(value, chance, lambda key: f"{key}s")),
    "misspelt field": _map(lambda value, chance: _renamed(value, chance, lambda key: key[:-1] or "xx")),
    "capitals of a field": _map(lambda value, chance: _renamed(value, chance, str.swapcase)),
    "bad key": _map(lambda value, chance: _renamed(value, chance, lambda key: f"{key}/a b")),
    "one field only": _map(lambda value, chance: _only(value, chance) if len(value) > 1 else SAME),
}


def _others(value: object) -> Sequence[Any]:
    others: list[Any] = [7, "x", True, [value], {"x": value}]
    if isinstance(value, int | float):
        others += [str(value).lower()] * 2
    return [one for one in others if type(one) is not type(value)]


def _renamed(value: dict[str, Any], chance: Random, name: Callable[[str], str]) -> Any:
    if not value:
        return SAME
    chosen = chance.choice(list(value))
    return {name(key) if key == chosen else key: item for key, item in value.items()}


def _only(value: dict[str, Any], chance: Random) -> dict[str, Any]:
    key = chance.choice(list(value))
    return {key: value[key]}
