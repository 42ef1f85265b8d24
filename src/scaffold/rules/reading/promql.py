"""PromQL as rules read it: what an expression selects, which labels its result has, and the numbers in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path

GROUP = "monitoring.coreos.com"
_DEEPEST = 120
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\Z", re.ASCII)
_UNITS = (365 * 86400.0, 7 * 86400.0, 86400.0, 3600.0, 60.0, 1.0, 0.001)

Expr = Any
"""A node of the parser, which has no types of its own."""


@dataclass(frozen=True, slots=True)
class Item:
    """One rule of a PrometheusRule: its keys, its fields and the number of its group."""

    manifest: Manifest
    keys: Path
    fields: Mapping[str, Any]
    group: int

    @property
    def name(self) -> str:
        """Return what it is called."""
        return str(self.fields.get("alert") or self.fields.get("record") or "")

    @property
    def is_alert(self) -> bool:
        """Tell whether it is an alert."""
        return isinstance(self.fields.get("alert"), str) and bool(self.fields["alert"])

    @property
    def expression(self) -> Expr | None:
        """Return its expression; None if it does not parse."""
        text = self.fields.get("expr")
        return parsed(text) if isinstance(text, str) else None

    def mapping(self, field: str) -> Mapping[str, Any]:
        """Return its labels or annotations."""
        value = self.fields.get(field)
        return value if isinstance(value, Mapping) else {}


def items(manifest: Manifest) -> Iterator[Item]:
    """Yield the rules of a PrometheusRule in order."""
    for group, _ in manifest.items("spec", "groups"):
        for index, fields in manifest.items("spec", "groups", group, "rules"):
            yield Item(manifest, ("spec", "groups", group, "rules", index), fields, group)


def parsed(text: str) -> Expr | None:
    """Return an expression as a tree; None for what does not parse (OBS-07 says so) or is nested too deeply."""
    tree = tree_or_reason(text)
    return None if isinstance(tree, str) or not _is_shallow(tree) else tree


@lru_cache(maxsize=8192)
def tree_or_reason(text: str) -> Expr | str:
    """Return an expression as a tree, or why it does not parse; read once for all rules."""
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        return str(error) or "invalid promql query"


def children(node: Expr) -> Iterator[Expr]:
    """Yield what a node is made of."""
    if isinstance(node, promql_parser.Call):
        yield from node.args
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    else:
        for field in ("param", "expr", "lhs", "rhs"):
            child = getattr(node, field, None)
            if isinstance(child, promql_parser.Expr):
                yield child


def nodes(tree: Expr) -> Iterator[Expr]:
    """Yield every node of a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(children(node))


def selectors(tree: Expr) -> Iterator[Expr]:
    """Yield every selector of series."""
    return (node for node in nodes(tree) if isinstance(node, promql_parser.VectorSelector))


def metric(selector: Expr) -> str:
    """Return the name of the metric that is selected; empty where a pattern may select several."""
    return str(selector.name or equal(selector).get("__name__", ""))


def metrics(tree: Expr) -> set[str]:
    """Return the names of all metrics of a tree."""
    return {name for selector in selectors(tree) if (name := metric(selector))}


def equal(selector: Expr) -> dict[str, str]:
    """Return the labels that a selector wants to be equal to a text."""
    return {m.name: m.value for m in selector.matchers.matchers if m.op == promql_parser.MatchOp.Equal}


def bare(node: Expr) -> Expr:
    """Return a node without the brackets around it."""
    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    return node


def number(node: Expr) -> float | None:
    """Return the value of an expression of numbers alone; None for any other."""
    node = bare(node)
    if isinstance(node, promql_parser.NumberLiteral):
        return float(node.val)
    if isinstance(node, promql_parser.UnaryExpr):
        inner = number(node.expr)
        return None if inner is None else -inner
    if isinstance(node, promql_parser.BinaryExpr):
        left, right = number(node.lhs), number(node.rhs)
        if left is None or right is None:
            return None
        match str(node.op):
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/" if right:
                return left / right
    return None


def seconds(text: Any) -> float | None:
    """Return a duration as Prometheus writes it (``1h30m``, ``15d``) in seconds; None if it is none."""
    match = _DURATION.match(text) if isinstance(text, str) and text else None
    if match is None:
        return 0.0 if text == "0" else None
    return sum(int(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)


def short(text: Any) -> str:
    """Return an expression on one line, not too long."""
    line = " ".join(str(text).split())
    return line if len(line) <= 80 else f"{line[:77]}..."


def _is_shallow(tree: Expr) -> bool:
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            return False
        waiting.extend((child, depth + 1) for child in children(node))
    return True
