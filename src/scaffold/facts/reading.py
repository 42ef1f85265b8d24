"""From schemas to facts: what an API server checks, and nothing else.

Read are the OpenAPI v3 components of an API server and the structural schemas of CustomResourceDefinitions.
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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scaffold.facts.required import ENFORCED, NOT_ENFORCED

Node = Mapping[str, Any]
Schema = Mapping[str, Any]

_BOUNDS = (
    "enum", "empty", "format", "pattern", "minimum", "maximum", "above", "below", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "nullable",
)  # fmt: skip
_DECODED = ("type", "format", "properties", "values", "items", "open")
_JUNCTIONS = ("allOf", "anyOf", "oneOf")
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
# Types whose Go code reads JSON on its own: the schema does not say what they take.
_SPECIAL: Mapping[str, Node] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "int-or-string"},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object", "open": True},
    f"{_META}FieldsV1": {"type": "object", "open": True},
    f"{_META}MicroTime": {"type": "string", "format": "micro-time"},
}


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


class OpenApi:
    """The components of an API server's OpenAPI v3. A type of several servers is read once if it is the same.

    The server decodes a status, but then drops it: what must be there is not asked (``bare``).
    """

    def __init__(self, components: Mapping[str, Schema], table: Table, seen: dict[str, int]) -> None:
        self._components = components
        self._table = table
        self._seen = seen

    def root(self, name: str) -> int:
        """Read a kind."""
        node = dict(self._table.nodes[self._named(name, bare=False)])
        status = self._components[name].get("properties", {}).get("status")
        if status:
            node["properties"] = {**node["properties"], "status": self._number(status, bare=True)}
        return self._table.add(node)

    def _named(self, name: str, *, bare: bool) -> int:
        if name in _SPECIAL:
            return self._table.add(_SPECIAL[name])
        digest = line([name, bare, {other: self._components[other] for other in sorted(self._reached(name))}])
        if digest not in self._seen:
            if name in self._reached(*_references(self._components[name])):  # it refers to itself
                self._seen[digest] = self._table.reserve({})
                self._table.nodes[self._seen[digest]] = self._component(name, bare=bare)
            else:
                self._seen[digest] = self._table.add(self._component(name, bare=bare))
        return self._seen[digest]

    def _component(self, name: str, *, bare: bool) -> Node:
        schema = self._components[name]
        required = self._required(name)
        # Go cannot tell an empty text from none, and defaults come in code that the schema does not show.
        optional = {
            key: {**value, "empty": True} if "enum" in value and key not in required else value
            for key, value in schema.get("properties", {}).items()
        }
        node = self._node({**schema, "required": required, "properties": optional}, bare=bare)
        filled = [] if bare else self._filled(name)
        return {**node, "filled": filled} if filled else node

    def _required(self, name: str) -> list[str]:
        said = self._components[name].get("required", ())
        return sorted({*said, *ENFORCED.get(name, ())} - {*NOT_ENFORCED.get(name, ())})

    def _filled(self, name: str) -> list[str]:
        """Return the fields that are there even if nobody gives them (no pointers in Go), and cannot be empty."""
        fields = {
            key: _reference(schema)
            for key, schema in self._components[name].get("properties", {}).items()
            if schema.get("default") == {} and key not in self._required(name)
        }
        return sorted(
            key
            for key, other in fields.items()
            if other in self._components and (self._required(other) or self._filled(other))
        )

    def _reached(self, *names: str) -> set[str]:
        found: set[str] = set()
        todo = [name for name in names if name not in _SPECIAL]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(other for other in _references(self._components[name]) if other not in _SPECIAL)
        return found

    def _number(self, schema: Schema, *, bare: bool) -> int:
        reference = _reference(schema)
        return self._named(reference, bare=bare) if reference else self._table.add(self._node(schema, bare=bare))

    def _node(self, schema: Schema, *, bare: bool) -> Node:
        if "type" not in schema:
            return {"type": "any", "open": True}
        node: dict[str, Any] = {"type": schema["type"]} | _bounds(schema)
        if required := schema.get("required"):
            node["required"] = sorted(required)
        if properties := schema.get("properties"):
            node["properties"] = {name: self._number(value, bare=bare) for name, value in properties.items()}
        if "additionalProperties" in schema:
            node["values"] = self._number(schema["additionalProperties"], bare=bare)
        if "items" in schema:
            node["items"] = self._number(schema["items"], bare=bare)
            properties = self._components.get(_reference(schema["items"]), {}).get("properties", {})
            # An empty text is the default of every field that is no pointer in Go, and no name of anything.
            node |= _list_type(schema, {key: value for key, value in properties.items() if value.get("default")})
        return {key: value for key, value in node.items() if key in _DECODED} if bare else node


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _reference(schema: Schema) -> str:
    inner = schema["allOf"][0] if len(schema.get("allOf", ())) == 1 else schema
    return str(inner.get("$ref", "")).rpartition("/")[2]


def read_custom_resource(schema: Schema, subresources: Mapping[str, Any], table: Table) -> int:
    """Read the schema of one version of a CustomResourceDefinition."""
    schema = _with_scale(schema, subresources)
    node = dict(_structural(schema, table))
    text = table.add({"type": "string"})
    properties = schema.get("properties") or {}
    metadata = table.add({**_structural(properties.get("metadata", {}), table), "type": "metadata"})
    node["properties"] = {**node.get("properties", {}), "apiVersion": text, "kind": text, "metadata": metadata}
    if "status" in properties and "status" in subresources:
        node["properties"]["status"] = _names_only(properties["status"], table)
    return table.add(node)


def _names_only(schema: Schema, table: Table) -> int:
    """Read a status: the server drops it from a new object after it has looked for unknown fields."""
    node: dict[str, Any] = {"type": "any"}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        node["open"] = True
    if properties := schema.get("properties"):
        node["properties"] = {name: _names_only(value, table) for name, value in properties.items()}
    if values := schema.get("additionalProperties"):
        node["values"] = True if values is True else _names_only(values, table)
    if items := schema.get("items"):
        node["items"] = _names_only(items, table)
    return table.add(node)


def _with_scale(schema: Schema, subresources: Mapping[str, Any]) -> Schema:
    """Add what a scale subresource asks of the field with the replicas."""
    path = str((subresources.get("scale") or {}).get("specReplicasPath", "")).lstrip(".").split(".")
    return _bounded(schema, path) if path != [""] else schema


def _bounded(schema: Schema, path: Sequence[str]) -> Schema:
    if not path:
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
        return {**schema, "minimum": max(low, 0), "maximum": min(high, 2**31 - 1)}
    properties = schema.get("properties", {})
    if path[0] not in properties:
        return schema
    return {**schema, "properties": {**properties, path[0]: _bounded(properties[path[0]], path[1:])}}


def _number(schema: Schema, table: Table) -> int:
    return table.add(_structural(schema, table))


def _structural(schema: Schema, table: Table) -> Node:
    node: dict[str, Any] = {"type": _type(schema)} | _bounds(schema)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        node["open"] = True
    if schema.get("x-kubernetes-embedded-resource"):
        node["embedded"] = True
    if properties := schema.get("properties"):
        node["properties"] = {name: _number(value, table) for name, value in properties.items()}
    if required := _not_defaulted(schema.get("required"), schema):
        node["required"] = required
    if values := schema.get("additionalProperties"):
        node["values"] = True if values is True else _number(values, table)
    if items := schema.get("items"):
        node["items"] = _number(items, table)
        node |= _list_type(schema, items.get("properties") or {})
    return node | _junctions(schema, schema)


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "int-or-string"
    kind = schema.get("type")
    return kind if isinstance(kind, str) and kind else "any"


def _bounds(schema: Schema) -> dict[str, Any]:
    for flag, bound, exclusive in (("exclusiveMinimum", "minimum", "above"), ("exclusiveMaximum", "maximum", "below")):
        if schema.get(flag) is True:
            schema = {**schema, bound: None, exclusive: schema.get(bound)}
    return {key: schema[key] for key in _BOUNDS if schema.get(key) is not None and schema[key] is not False}


def _list_type(schema: Schema, properties: Schema) -> dict[str, Any]:
    """Return what makes two items of a list the same."""
    if schema.get("x-kubernetes-list-type") == "set":
        return {"unique": True}
    if schema.get("x-kubernetes-list-type") == "map":
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        return {"keys": {key: properties.get(key, {}).get("default") for key in keys}}
    return {}


def _not_defaulted(required: Sequence[str] | None, structure: Schema) -> list[str]:
    """Return the names that must be there: the server fills in defaults before it looks."""
    properties = structure.get("properties") or {}
    return sorted(name for name in required or () if properties.get(name, {}).get("default") is None)


def _junctions(schema: Schema, structure: Schema) -> dict[str, Any]:
    """Return the conditions of a schema; ``structure`` is the part of the whole that they speak of."""
    found: dict[str, Any] = {}
    for junction in _JUNCTIONS:
        branches = schema.get(junction)
        if branches and branches != _INT_OR_STRING:
            found[junction] = [_condition(branch, structure) for branch in branches]
    if not any(found.get("allOf", ())):
        found.pop("allOf", None)
    if "not" in schema:
        found["not"] = _condition(schema["not"], structure)
    return found


def _condition(schema: Schema, structure: Schema) -> Node:
    node = _bounds(schema) | _junctions(schema, structure)
    if required := _not_defaulted(schema.get("required"), structure):
        node["required"] = required
    if isinstance(schema.get("type"), str):
        node["type"] = schema["type"]
    if properties := schema.get("properties"):
        inner = structure.get("properties") or {}
        node["properties"] = {
            name: {**_condition(value, inner.get(name, {})), **_default(inner.get(name, {}))}
            for name, value in properties.items()
        }
    if items := schema.get("items"):
        node["items"] = _condition(items, structure.get("items") or {})
    return node


def _default(schema: Schema) -> dict[str, Any]:
    return {"default": schema["default"]} if schema.get("default") is not None else {}
