"""From a node to a function that finds what is wrong with a value, made when it is first needed.

Good values are the rule, so the way through them is short: a field that is a plain string costs one lookup and one
comparison of types, and a path is put together only where something is wrong.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from scaffold.facts.bounds import Breach, breaches, shown
from scaffold.facts.conditions import conditions
from scaffold.facts.formats import BUILTIN, CUSTOM, is_quantity
from scaffold.facts.reading import Node
from scaffold.model.yamltext import Path

Problems = list[tuple[Path, str]]
Check = Callable[[Any], Problems]
Nodes = Callable[[int], Node]

_FINE: Problems = []  # shared by all checks that find nothing: never changed
_TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda value: type(value) is str),
    "boolean": ("true or false", lambda value: type(value) is bool),
    "integer": ("an integer", lambda value: type(value) is int or (type(value) is float and value.is_integer())),
    "number": ("a number", lambda value: type(value) in {int, float}),
    "int-or-string": ("an integer or a string", lambda value: type(value) in {int, str} or _TYPES["integer"][1](value)),
    "quantity": ("an amount such as 500m or 1.5Gi", is_quantity),
}
_PLAIN: Mapping[str, type] = {"string": str, "boolean": bool}


class Checks:
    """The checks of a table of nodes.

    Kubernetes' own kinds (``builtin``) are decoded into Go's structures, where null is the same as nothing at all.
    In a custom resource null is dropped from maps, but not from lists.
    """

    def __init__(self, nodes: Nodes, metadata: Check | None = None, *, builtin: bool = False) -> None:
        self._nodes = nodes
        self._metadata = metadata
        self._builtin = builtin
        self._made: dict[int, tuple[type | None, Check]] = {}

    def of(self, number: int) -> Check:
        """Return the check of a node."""
        return self.field(number)[1]

    def field(self, number: int) -> tuple[type | None, Check]:
        """Return the check of a node and, where nothing else is asked, the type of its values."""
        if number not in self._made:
            self._made[number] = self._make(self._nodes(number))
        return self._made[number]

    def _make(self, node: Node) -> tuple[type | None, Check]:
        kind = node["type"]
        bounds = [*breaches(node, BUILTIN if self._builtin else CUSTOM), *conditions(node)]
        if kind in _TYPES:
            if kind == "int-or-string" and self._builtin:
                bounds.extend(breaches({"format": "int32"}))
            return None if bounds else _PLAIN.get(kind), _scalar(*_TYPES[kind], bounds)
        if kind == "metadata":
            return None, self._both(self._metadata, self._object(node | {"type": "object", "open": True}, bounds))
        if kind == "array":
            return None, self._list(node, bounds)
        if kind == "object":
            return None, self._object(node, bounds)
        return None, self._any(node, bounds)
