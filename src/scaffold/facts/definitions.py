"""From the structural schema of a CustomResourceDefinition to facts."""

from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.facts.nodes import Node, Schema, Table, bounds, list_type

_JUNCTIONS = ("allOf", "anyOf", "oneOf")
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]


def read_custom_resource(schema: Schema, subresources: Mapping[str, Any], table: Table) -> int:
    """Read the schema of one version of a CustomResourceDefinition."""
    schema = _with_scale(schema, subresources)
    given = schema.get("properties") or {}
    dropped = "status" in given and "status" in subresources
    own = {name: value for name, value in given.items() if not (dropped and name == "status")}
    node = dict(_structural({**schema, "properties": own}, table))
    text = table.add({"type": "string"})
    metadata = table.add({**_structural(given.get("metadata", {}), table), "type": "metadata"})
    node["properties"] = {**node.get("properties", {}), "apiVersion": text, "kind": text, "metadata": metadata}
    if dropped:
        node["properties"]["status"] = _names_only(given["status"], table)
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
    node: dict[str, Any] = {"type": _type(schema)} | bounds(schema)
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
        node |= list_type(schema, items.get("properties") or {})
    return node | _junctions(schema, schema)


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "int-or-string"
    kind = schema.get("type")
    return kind if isinstance(kind, str) and kind else "any"


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
    node = bounds(schema) | _junctions(schema, structure)
    if required := _not_defaulted(schema.get("required"), structure):
        node["required"] = required
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
