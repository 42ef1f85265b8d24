"""Which labels the result of a PromQL expression can have, as far as the expression alone says it."""

import promql_parser

from scaffold.rules.reading.promql import Expr, bare, equal

Labels = frozenset[str] | None
"""The labels there can be at most; None where series may have any."""

_NONE: frozenset[str] = frozenset()
_KEEP_ALL = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_ABSENT = frozenset({"absent", "absent_over_time"})
_RELABELS = frozenset({"label_replace", "label_join"})
_ANY = frozenset({"info", "histogram_quantiles"})


def labels(node: Expr) -> Labels:
    """Return the labels that the result of an expression can have at most, the name of the metric aside."""
    node = bare(node)
    if isinstance(node, promql_parser.NumberLiteral | promql_parser.StringLiteral):
        return _NONE
    if isinstance(node, promql_parser.AggregateExpr):
        return _aggregated(node)
    if isinstance(node, promql_parser.BinaryExpr):
        return _combined(node)
    if isinstance(node, promql_parser.Call):
        return _called(node)
    if isinstance(node, promql_parser.UnaryExpr | promql_parser.SubqueryExpr):
        return labels(node.expr)
    return None


def grouped_by(node: Expr) -> list[str] | None:
    """Return the labels an aggregation groups by; None where it names those to drop."""
    modifier = node.modifier
    if modifier is None:
        return []
    return list(modifier.labels) if modifier.type == promql_parser.AggModifierType.By else None


def is_scalar(node: Expr) -> bool:
    """Tell whether an expression is a number, not series."""
    node = bare(node)
    if isinstance(node, promql_parser.Call):
        return bool(node.func.return_type == promql_parser.ValueType.Scalar)
    if isinstance(node, promql_parser.BinaryExpr):
        return is_scalar(node.lhs) and is_scalar(node.rhs)
    if isinstance(node, promql_parser.UnaryExpr):
        return is_scalar(node.expr)
    return isinstance(node, promql_parser.NumberLiteral | promql_parser.StringLiteral)


def matched_on(node: Expr) -> list[str] | None:
    """Return the labels after ``on`` of an operation; None if there is no such word."""
    matching = node.modifier.matching if node.modifier else None
    if matching is None or matching.type != promql_parser.LabelModifierType.Include:
        return None
    return list(matching.labels)


def many_and_one(node: Expr) -> tuple[Expr, Expr] | None:
    """Return the side of many series and that of one, where an operation has ``group_left`` or ``group_right``."""
    card = node.modifier.card if node.modifier else None
    if card == promql_parser.VectorMatchCardinality.ManyToOne:
        return node.lhs, node.rhs
    if card == promql_parser.VectorMatchCardinality.OneToMany:
        return node.rhs, node.lhs
    return None


def copied(node: Expr) -> list[str]:
    """Return the labels that an operation copies from the side of one series."""
    return list(node.modifier.group_labels or ()) if node.modifier else []


def _aggregated(node: Expr) -> Labels:
    inner = labels(node.expr)
    op = str(node.op)
    if op in _KEEP_ALL:
        return inner
    by = grouped_by(node)
    if by is not None:
        kept: Labels = frozenset(by) if inner is None else frozenset(by) & inner
    else:
        kept = None if inner is None else inner - frozenset(node.modifier.labels)
    if op == "count_values" and kept is not None and isinstance(node.param, promql_parser.StringLiteral):
        return kept | {node.param.val}
    return kept


def _combined(node: Expr) -> Labels:
    left, right = labels(node.lhs), labels(node.rhs)
    op = str(node.op)
    if op == "or":
        return None if left is None or right is None else left | right
    if op in {"and", "unless"} or is_scalar(node.rhs):
        return left
    if is_scalar(node.lhs):
        return right
    if sides := many_and_one(node):
        many = labels(sides[0])
        return None if many is None else many | frozenset(copied(node))
    on = matched_on(node)
    if on is not None:
        return frozenset(on)
    ignored = frozenset(node.modifier.matching.labels) if node.modifier and node.modifier.matching else _NONE
    known = [side - ignored for side in (left, right) if side is not None]
    return frozenset.intersection(*known) if known else None


def _called(node: Expr) -> Labels:
    name = node.func.name
    if name in _ANY:
        return None
    if name in _ABSENT:
        selector = bare(node.args[0])
        selector = getattr(selector, "vector_selector", selector)
        is_selector = isinstance(selector, promql_parser.VectorSelector)
        return frozenset(equal(selector)) - {"__name__"} if is_selector else _NONE
    vectors = [arg for arg in node.args if not is_scalar(arg)]
    if not vectors:
        return _NONE
    kept = labels(vectors[0]) if len(vectors) == 1 else None
    if name in {"scalar", "vector"}:
        return _NONE
    if name == "histogram_quantile" and kept is not None:
        return kept - {"le"}
    if name in _RELABELS and kept is not None and isinstance(node.args[1], promql_parser.StringLiteral):
        return kept | {node.args[1].val}
    return kept
