"""From the OpenAPI v3 of an API server to facts of Kubernetes' own kinds."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.facts.nodes import Node, Schema, Table, bounds, line, list_type
from scaffold.facts.required import ENFORCED, NOT_ENFORCED

_DECODED = ("type", "format", "properties", "values", "items", "open")
_MAY_BE_EMPTY = "x-may-be-empty"  # our own mark, on its way from a component to the field it is about
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
# Types whose Go code reads JSON on its own: the schema does not say what they take.
_SPECIAL: Mapping[str, Node] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "int-or-string"},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object", "open": True},
    f"{_META}FieldsV1": {"type": "object", "open": True},
    f"{_META}MicroTime": {"type": "string", "format": "micro-time"},
}


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
        return self._table.add(self._component(name, bare=False, dropped="status"))

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

    def _component(self, name: str, *, bare: bool, dropped: str = "") -> Node:
        schema = self._components[name]
        required = self._required(name)
        # Go cannot tell an empty text from none, and defaults come in code that the schema does not show.
        optional = {
            key: {**value, _MAY_BE_EMPTY: True} if "enum" in value and key not in required else value
            for key, value in schema.get("properties", {}).items()
        }
        node = self._node({**schema, "required": required, "properties": optional}, bare=bare, dropped=dropped)
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

    def _node(self, schema: Schema, *, bare: bool, dropped: str = "") -> Node:
        if "type" not in schema:
            return {"type": "any", "open": True}
        node: dict[str, Any] = {"type": schema["type"]} | bounds(schema)
        if _MAY_BE_EMPTY in schema:
            node["empty"] = True
        if required := schema.get("required"):
            node["required"] = sorted(required)
        if properties := schema.get("properties"):
            node["properties"] = {
                name: self._number(value, bare=bare or name == dropped) for name, value in properties.items()
            }
        if "additionalProperties" in schema:
            node["values"] = self._number(schema["additionalProperties"], bare=bare)
        if "items" in schema:
            node["items"] = self._number(schema["items"], bare=bare)
            properties = self._components.get(_reference(schema["items"]), {}).get("properties", {})
            # An empty text is the default of every field that is no pointer in Go, and no name of anything.
            node |= list_type(schema, {key: value for key, value in properties.items() if value.get("default")})
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
