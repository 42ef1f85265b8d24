"""Labels of objects: those that rules use are exported by kube-state-metrics."""

import re
from collections.abc import Iterator
from typing import Any

import promql_parser

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading import promql_labels
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.promql import GROUP, Expr, items, metric, nodes, selectors
from scaffold.rules.reading.sidecars import command

_CHART = "kube-state-metrics"
_STACK = "kube-prometheus-stack"
_METRIC = re.compile(r"kube_([a-z]+)_labels")
_ENTRY = re.compile(r"([a-z*]+)=\[([^\]]*)\]")
_FLAG = re.compile(r"--metric-labels-allowlist[= ](\S+)")
_MADE = frozenset({"label_replace", "label_join"})

Allowed = dict[str, set[str]]
"""Labels by resource, both as kube-state-metrics is told them; ``*`` is any."""


@rule("OBS-13", Severity.WARNING, fix="Add the label to metricLabelsAllowlist of kube-state-metrics.")
def labels_of_objects_are_exported(repo: Repo) -> Iterator[Hit]:
    """The labels of Kubernetes objects that a rule uses are on the list of those that kube-state-metrics exports.

    `kube_pod_labels` and its like carry no label at all by default: a matcher finds nothing, and a join copies
    nothing. Judged where kube-state-metrics, or a chart with it and all its values, is in the repository.
    """
    installed = installs_of(repo, frozenset({_CHART, _STACK}))
    for cluster in clusters(repo):
        allowed = _allowed(cluster, [one for one in installed if one.cluster == cluster.name])
        for manifest in cluster.each(GROUP, "PrometheusRule") if allowed is not None else ():
            for item in items(manifest):
                tree = item.expression
                for resource, label in dict.fromkeys(_used(tree)) if tree else ():
                    if allowed is not None and not _is_allowed(allowed, resource, label):
                        what = f"kube_{resource}_labels has no {label}: it is not on the list of kube-state-metrics"
                        yield at(manifest, (*item.keys, "expr"), f"{manifest}: expression of {item.name}: {what}")


def _used(tree: Expr) -> Iterator[tuple[str, str]]:
    """Yield resource and label of what an expression uses of the labels of objects."""
    found: set[str] = set()
    # What is left out by a label that nobody exports is not left out: nothing is lost.
    left_out = {id(one) for node in nodes(tree) if _is_unless(node) for one in selectors(node.rhs)}
    for selector in selectors(tree):
        match = _METRIC.fullmatch(metric(selector))
        if match and id(selector) not in left_out:
            found.add(match[1])
            for one in selector.matchers.matchers:
                if one.name.startswith("label_"):
                    yield match[1], one.name
    made = any(isinstance(node, promql_parser.Call) and node.func.name in _MADE for node in nodes(tree))
    if len(found) == 1 and not made:
        for label in (label for node in nodes(tree) for label in _named(node) if label.startswith("label_")):
            yield next(iter(found)), label


def _named(node: Expr) -> list[str]:
    """Return the labels that an aggregation groups by, or that an operation joins on and copies."""
    if isinstance(node, promql_parser.AggregateExpr):
        return promql_labels.grouped_by(node) or []
    if isinstance(node, promql_parser.BinaryExpr):
        return [*(promql_labels.matched_on(node) or ()), *promql_labels.copied(node)]
    return []


def _is_unless(node: Expr) -> bool:
    return isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "unless"


def _allowed(cluster: Cluster, installed: list[Install]) -> Allowed | None:
    """Return what is exported in a cluster; None where that is not known."""
    given: list[Any] = []
    known = False
    for install in installed:
        prefix = (_CHART,) if install.chart == _STACK else ()
        if prefix and install.get("kubeStateMetrics", "enabled") is False:
            continue
        if not install.complete or install.get(*prefix, "extraArgs") or install.get(*prefix, "collectors"):
            return None
        known = True
        given.append(install.get(*prefix, "metricLabelsAllowlist"))
    for workloads in cluster.workloads.values():
        for workload in workloads:
            for _, container in workload.containers():
                image = container.get("image")
                if isinstance(image, str) and Reference.of(image).name.endswith("/kube-state-metrics"):
                    known = True
                    given.append(_FLAG.findall(command(container)))
    return _lists(given) if known else None


def _lists(given: list[Any]) -> Allowed:
    found: Allowed = {}
    for listed in given:
        for text in listed if isinstance(listed, list) else [listed]:
            for resource, labels in _ENTRY.findall(text) if isinstance(text, str) else ():
                found.setdefault(resource, set()).update(_plain(label.strip()) for label in labels.split(","))
    return found


def _is_allowed(allowed: Allowed, resource: str, label: str) -> bool:
    wanted = _plain(label.removeprefix("label_"))
    plurals = {f"{resource}s", f"{resource}es", f"{resource.removesuffix('y')}ies", resource, "*"}
    return any({wanted, "*"} & allowed.get(plural, set()) for plural in plurals)


def _plain(label: str) -> str:
    """Return a label without what distinguishes its spelling as a metric's label."""
    return label if label == "*" else re.sub(r"[^a-z0-9]", "", label.lower())
