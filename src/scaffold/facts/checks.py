"""From a node to a function that finds what is wrong with a value, made when it is first needed.

Good values are the rule, so the way through them is short: a field that is a plain string costs one lookup and one
comparison of types, and a path is put together only where something is wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from scaffold.facts.bounds import Breach, breaches, shown
from scaffold.facts.conditions import conditions
from scaffold.facts.formats import BUILTIN, CUSTOM, is_quantity
from scaffold.facts.nodes import Node, line
from scaffold.model.yamltext import Path

Problems = list[tuple[Path, str]]
Check = Callable[[Any], Problems]
Nodes = Callable[[int], Node]
Field = tuple[type | None, Check]
"""A check and, where nothing is asked but the type, that type."""

UNKNOWN = "unknown field"
"""How the message of an unknown field begins."""


def _integer(value: Any) -> bool:
    # 3.0 is 3 in the JSON that clients make of YAML.
    return type(value) is int or (type(value) is float and value.is_integer())


_SCALARS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda value: type(value) is str),
    "boolean": ("true or false", lambda value: type(value) is bool),
    "integer": ("an integer", _integer),
    "number": ("a number", lambda value: type(value) in {int, float}),
    "int-or-string": ("an integer or a string", lambda value: type(value) is str or _integer(value)),
    "quantity": ("an amount such as 500m or 1.5Gi", is_quantity),
}
_PLAIN: Mapping[str, type] = {"string": str, "boolean": bool}
_ZERO = frozenset({str, int, list})  # an empty map may be a structure that needs no field


class Checks:
    """The checks of a table of nodes.

    Kubernetes' own kinds (``builtin``) are decoded into Go's structures, where null, an empty text or list and 0 are
    the same as nothing at all. In a custom resource null is dropped from maps, but not from lists.
    """

    def __init__(self, nodes: Nodes, metadata: Check | None = None, *, builtin: bool = False) -> None:
        self._nodes = nodes
        self._metadata = metadata or _fine
        self._builtin = builtin
        self._made: dict[int, Field] = {}

    def of(self, number: int) -> Check:
        """Return the check of a node."""
        return self.field(number)[1]

    def field(self, number: int) -> Field:
        """Return the check of a node and the type of a plain one."""
        if number not in self._made:
            self._made[number] = self._make(self._nodes(number))
        return self._made[number]

    def _make(self, node: Node) -> Field:
        kind = node["type"]
        bounds = [*breaches(node, BUILTIN if self._builtin else CUSTOM), *conditions(node)]
        if kind in _SCALARS:
            if kind in {"integer", "int-or-string"} and "format" not in node:
                bounds += breaches({"format": "int32" if self._builtin else "int64"})
            return None if bounds else _PLAIN.get(kind), _scalar(*_SCALARS[kind], bounds)
        if kind == "array":
            return None, self._list(node, bounds)
        if kind == "object":
            return None, self._map(node, bounds)
        if kind == "metadata":
            return None, _both(self._metadata, self._map({**node, "open": True}, bounds))
        return None, _any(self._map(node, []), self._list(node, []), bounds)

    def _map(self, node: Node, bounds: list[Breach]) -> Check:
        properties = node.get("properties", {})
        values = node.get("values")
        other = (None, _fine) if node.get("open") or values is True else None
        fields = _Fields(self, properties, other if values is None or values is True else self.field(values))
        required = [
            (name, name in properties and bool(self._nodes(properties[name]).get("nullable")))
            for name in node.get("required", ())
        ]
        filled = node.get("filled", ())
        builtin = self._builtin
        if node.get("embedded"):
            text = _scalar(*_SCALARS["string"], list(breaches({"minLength": 1})))
            fields |= {"apiVersion": (None, text), "kind": (None, text), "metadata": (None, self._metadata)}
            required += [("apiVersion", False), ("kind", False)]

        def check(value: Any) -> Problems:
            if type(value) is not dict:
                return [((), f"{shown(value)} is not a map")]
            found: Problems = []
            for key, item in value.items():
                field = fields[key]
                if field is None:
                    found.append(((key,), _unknown(key, fields.names)))
                elif item is not None and type(item) is not field[0] and (inner := field[1](item)):
                    found.extend(((key, *path), text) for path, text in inner)
            for name, nullable in required:
                item = value.get(name)
                if item is None and name not in value:
                    found.append(((), f"{name} is required"))
                elif (item is None and not nullable) or (builtin and not item and type(item) in _ZERO):
                    found.append(((name,), f"is required, not {'null' if item is None else 'empty'}"))
            for name in filled:
                if value.get(name) is None and (field := fields[name]):
                    found.extend(((name, *path), text) for path, text in field[1]({}))
            return _with(bounds, value, found) if bounds else found

        return check

    def _list(self, node: Node, bounds: list[Breach]) -> Check:
        plain, inner = self.field(node["items"]) if "items" in node else (None, _fine)
        item_node = self._nodes(node["items"]) if "items" in node else {}
        identity = _identity(node)
        null = _fine if item_node.get("nullable") else inner
        if self._builtin:
            null = _zero(inner) if item_node.get("type") == "object" else _fine

        def check(value: Any) -> Problems:
            if type(value) is not list:
                return [((), f"{shown(value)} is not a list")]
            found: Problems = []
            for index, item in enumerate(value):
                if type(item) is not plain and (problems := null(item) if item is None else inner(item)):
                    found.extend(((index, *path), text) for path, text in problems)
            if identity and len(value) > 1:
                found.extend(_duplicates(value, identity))
            return _with(bounds, value, found) if bounds else found

        return check


class _Fields(dict[str, Field | None]):
    """The fields of a map by name; those that are not named are ``other`` or, without that, unknown."""

    def __init__(self, checks: Checks, numbers: Mapping[str, int], other: Field | None) -> None:
        super().__init__()
        self._checks = checks
        self._numbers = numbers
        self._other = other

    def __missing__(self, name: str) -> Field | None:
        if name not in self._numbers:
            return self._other
        self[name] = field = self._checks.field(self._numbers[name])
        return field

    @property
    def names(self) -> list[str]:
        return [*self._numbers, *self]


def _fine(_: Any) -> Problems:
    return []


def _scalar(what: str, good: Callable[[Any], bool], bounds: list[Breach]) -> Check:
    def check(value: Any) -> Problems:
        if not good(value):
            return [((), f"{shown(value)} is not {what}")]
        return _with(bounds, value, [])

    return check


def _any(of_map: Check, of_list: Check, bounds: list[Breach]) -> Check:
    def check(value: Any) -> Problems:
        found = of_map(value) if type(value) is dict else of_list(value) if type(value) is list else []
        return _with(bounds, value, found)

    return check


def _both(first: Check, second: Check) -> Check:
    return lambda value: first(value) or second(value)


def _zero(inner: Check) -> Check:
    return lambda _: inner({})


def _with(bounds: list[Breach], value: Any, found: Problems) -> Problems:
    found.extend(((), text) for breach in bounds if (text := breach(value)) is not None)
    return found


def _unknown(name: object, known: list[str]) -> str:
    alike = {other.lower(): other for other in known}
    near = get_close_matches(str(name).lower(), alike, n=1, cutoff=0.75)
    return f"{UNKNOWN}, did you mean {alike[near[0]]}?" if near else UNKNOWN


def _identity(node: Node) -> Callable[[Any], Mapping[str, Any] | None] | None:
    """Return what tells what makes an item of a list one of its own: nothing for an item that lacks it."""
    if node.get("unique"):
        return lambda item: {"": item}
    keys: Mapping[str, Any] = node.get("keys", {})

    def identity(item: Any) -> Mapping[str, Any] | None:
        if type(item) is not dict:
            return None
        found = {key: default if item.get(key) is None else item[key] for key, default in keys.items()}
        return None if None in found.values() else found

    return identity if keys else None


def _duplicates(items: list[Any], identity: Callable[[Any], Mapping[str, Any] | None]) -> Iterator[tuple[Path, str]]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        if key := identity(item):
            original = first.setdefault(_written(key), index)
            if original != index:
                what = ", ".join(f"{name} {shown(value)}".strip() for name, value in key.items())
                yield (index,), f"duplicate of item {original}: {what}"


def _written(key: Mapping[str, Any]) -> str:
    try:
        return line(key)
    except ValueError:  # an integer that Python does not write; it is shown as no integer that fits
        return str(id(key))
