"""YAML text to data with the line of every node, as Kubernetes' own parsers read it.

PyYAML composes the nodes; its own constructors are not used, because they turn ``12:30`` into 750, dates into
dates, and fail on a bare ``=``. Here a plain scalar is what YAML 1.2's core schema makes of it, plus the
YAML 1.1 booleans ``yes``, ``no``, ``on``, ``off`` that the Go library behind Kubernetes still accepts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Key = str | int
Path = tuple[Key, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_OCTAL = re.compile(r"[-+]?0o?([0-7_]+)\Z")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_LONGEST = 400
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
# The C parser says "" for a plain scalar, the Python one None.
_QUOTED = frozenset({"'", '"', "|", ">"})
_SPECIAL_FLOAT = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}

_TOO_DEEP = "nested too deeply"

MAX_NODES = 500_000
"""Nodes after alias expansion that one text may hold; more is a fault, not a hang."""

MAX_DEPTH = 200
"""Levels of nesting that one text may have; no Kubernetes object comes near, and deeper ones exhaust the stack."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes a text no YAML: a syntax error, a duplicate key, an alias bomb."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data and the 1-based line of each node (of the key, for a map's entries)."""

    data: Any
    line: int
    lines: Mapping[Path, int] = field(repr=False)


def parse(text: str) -> tuple[list[Document], list[Fault]]:
    """Return all non-empty documents of a text and all faults found; documents before a syntax error are kept."""
    documents: list[Document] = []
    faults: list[Fault] = []
    for node in _compose(text, faults):
        lines: dict[Path, int] = {}
        builder = _Builder(lines, faults)
        data = builder.build(node, ())
        if data is not None:
            documents.append(Document(data, node.start_mark.line + 1, lines))
    return documents, faults


def scalar(text: str) -> Any:
    """Return what a plain (unquoted) scalar stands for."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    first = text[0]
    if first.isdigit() or first in "+-.":
        if _INTEGER.match(text):
            # Go reads what fits no integer as a float; Python refuses integers of thousands of digits.
            return int(text.replace("_", "")) if len(text) < _LONGEST else float(text.replace("_", ""))
        if _HEX.match(text) and len(text) < _LONGEST:
            return int(text.replace("_", ""), 16)
        if len(text) < _LONGEST and (match := _OCTAL.match(text)):
            value = int(match[1].replace("_", "") or "0", 8)
            return -value if first == "-" else value
        if _FLOAT.match(text):
            return float(text)
        if text.lower() in _SPECIAL_FLOAT:
            return _SPECIAL_FLOAT[text.lower()]
    return text


class _AnchorsTwice(yaml.SafeLoader):
    """A loader for texts that name an anchor twice: the later one counts from there on, as YAML 1.2 and Go have it."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(getattr(event, "anchor", None), None)
        return super().compose_node(parent, index)


def _compose(text: str, faults: list[Fault]) -> Iterator[Any]:
    found: list[Fault] = []
    nodes = list(_composed(text, _LOADER, found))
    if any("duplicate anchor" in fault.message for fault in found):
        found = []
        nodes = list(_composed(text, _AnchorsTwice, found))
    faults += found
    yield from nodes


def _composed(text: str, loader_class: Any, faults: list[Fault]) -> Iterator[Any]:
    try:
        loader = loader_class(text)
    except yaml.YAMLError as error:
        faults.append(_fault(error))
        return
    try:
        while loader.check_node():
            yield loader.get_node()
    except yaml.YAMLError as error:
        faults.append(_fault(error))
    except RecursionError:
        faults.append(Fault(1, 1, _TOO_DEEP))
    finally:
        loader.dispose()


def _fault(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    message = f"{what} {context}" if context else str(what)
    return Fault(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, message)


class _Builder:
    def __init__(self, lines: dict[Path, int], faults: list[Fault]) -> None:
        self._lines = lines
        self._faults = faults
        self._count = 0

    def build(self, node: Any, path: Path) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            if self._count == MAX_NODES + 1:
                self._faults.append(Fault(node.start_mark.line + 1, 1, "too many nodes after alias expansion"))
            return None
        if len(path) > MAX_DEPTH:
            if not any(fault.message == _TOO_DEEP for fault in self._faults):
                self._faults.append(Fault(node.start_mark.line + 1, node.start_mark.column + 1, _TOO_DEEP))
            return None
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.style in _QUOTED:
            return node.value
        if node.tag == "tag:yaml.org,2002:str" and _INTEGER.match(node.value):
            return node.value  # tagged !!str by hand: the implicit tag would say int
        return scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if key is None:
                self._faults.append(Fault(line, key_node.start_mark.column + 1, "a key must be a plain scalar"))
                continue
            if key == "<<" and key_node.style not in _QUOTED:
                for source in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                    value = self.build(source, path)
                    merged.update(value if isinstance(value, dict) else {})
                continue
            if key in own:
                self._faults.append(Fault(line, key_node.start_mark.column + 1, f"duplicate key {key}"))
            self._lines[(*path, key)] = line
            own[key] = self.build(value_node, (*path, key))
        return merged | own if merged else own
