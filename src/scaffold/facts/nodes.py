"""Facts of a schema: what an API server checks, and nothing else.

Kept are names, types, required, enums, bounds, patterns, formats and list keys. Left behind are descriptions,
validation rules (CEL), defaults other than those of list keys, and all that only clients use.

A fact is a *node*: a small map that refers to other nodes by their number in a table. Equal nodes have one number,
so the three versions of Kubernetes share nearly all of theirs.

    {"type": "object", "properties": {"name": 0, "ports": 7}, "required": ["name"]}

``type`` is one of JSON Schema's or ``any``, ``int-or-string``, ``quantity``, ``metadata``. ``values`` is the node of
a map's values (``true``: anything), ``open`` keeps unknown fields, ``keys`` are the keys of a list map with their
defaults, ``unique`` makes a list a set, ``embedded`` an object with a kind of its own. With ``empty`` an empty text is
as good as one of the ``enum``; ``filled`` names fields that are looked at as if they were given empty.
``above`` and ``below`` are bounds that a number may not reach.
``anyOf``, ``oneOf``, ``allOf`` and ``not`` hold conditions on the value as they are in the schema, with the defaults of
the fields they speak of.
"""

import json
from collections.abc import Mapping
from typing import Any

Node = Mapping[str, Any]
Schema = Mapping[str, Any]

_BOUNDS = (
    "enum", "format", "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "maxProperties", "nullable",
)  # fmt: skip
_EXCLUSIVE = (("exclusiveMinimum", "minimum", "above"), ("exclusiveMaximum", "maximum", "below"))


class Table:
    """Nodes in order; a node that is there already keeps its number."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[str, int] = {}

    def add(self, node: Node) -> int:
        """Return the number of a node."""
        text = line(node)
        if text not in self._numbers:
            self._numbers[text] = self.reserve(node)
        return self._numbers[text]

    def reserve(self, node: Node) -> int:
        """Give a node a number of its own, for one that refers to itself and is filled in later."""
        self.nodes.append(node)
        return len(self.nodes) - 1


def line(value: object) -> str:
    """Return a value as one line of JSON, the same for equal values."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def bounds(schema: Schema) -> dict[str, Any]:
    """Return the bounds of a schema as a node has them."""
    found = {key: schema[key] for key in _BOUNDS if schema.get(key) is not None and schema[key] is not False}
    for flag, bound, exclusive in _EXCLUSIVE:
        if schema.get(flag) and bound in found:
            found[exclusive] = found.pop(bound)
    return found


def list_type(schema: Schema, properties: Schema) -> dict[str, Any]:
    """Return what makes two items of a list the same."""
    if schema.get("x-kubernetes-list-type") == "set":
        return {"unique": True}
    if schema.get("x-kubernetes-list-type") == "map":
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        return {"keys": {key: properties.get(key, {}).get("default") for key in keys}}
    return {}
