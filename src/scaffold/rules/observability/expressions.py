"""Expressions: series that exist, labels that are left, and functions that fit what they are given."""

import re
from collections.abc import Iterator, Mapping

import promql_parser

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading import monitoring, promql_labels
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import clusters
from scaffold.rules.reading.promql import (
    GROUP,
    Expr,
    Item,
    bare,
    equal,
    items,
    metric,
    metrics,
    nodes,
    number,
    selectors,
    short,
)

_GONE = {
    "argocd_app_created_time": "argocd_app_info",
    "argocd_app_health_status": "argocd_app_info",
    "argocd_app_sync_status": "argocd_app_info",
    "gotk_reconcile_condition": "gotk_resource_info",
    "gotk_suspend_status": "gotk_resource_info",
    "kube_endpoint_address_available": "kube_endpoint_address",
    "kube_endpoint_address_not_ready": "kube_endpoint_address",
    "kube_node_status_allocatable_cpu_cores": "kube_node_status_allocatable",
    "kube_node_status_allocatable_memory_bytes": "kube_node_status_allocatable",
    "kube_node_status_allocatable_pods": "kube_node_status_allocatable",
    "kube_node_status_capacity_cpu_cores": "kube_node_status_capacity",
    "kube_node_status_capacity_memory_bytes": "kube_node_status_capacity",
    "kube_node_status_capacity_pods": "kube_node_status_capacity",
    "kube_pod_container_resource_limits_cpu_cores": "kube_pod_container_resource_limits",
    "kube_pod_container_resource_limits_memory_bytes": "kube_pod_container_resource_limits",
    "kube_pod_container_resource_requests_cpu_cores": "kube_pod_container_resource_requests",
    "kube_pod_container_resource_requests_memory_bytes": "kube_pod_container_resource_requests",
}
"""Metrics that Argo CD 3.0, the controllers of Flux and kube-state-metrics no longer export, and what replaced them."""

_RATES = frozenset({"rate", "irate", "increase"})
_GAUGE = re.compile(r"up|ALERTS|.*_(info|timestamp|timestamp_seconds)")
_ENOUGH = 4
_LONGEST = 86400.0
_RESTARTS = "kube_pod_container_status_restarts_total"


@rule("OBS-05", Severity.WARNING, fix="Use what replaced the metric, and group by labels that are still there.")
def expressions_use_what_exists(repo: Repo) -> Iterator[Hit]:
    """Rules use metrics that their exporters still have, and group and join by labels that are left.

    A series that nobody exports gives no error and no alert. Decided are metrics that Argo CD, Flux and
    kube-state-metrics have dropped, and labels that an inner aggregation has removed before an outer one groups or
    joins by them. What a program of your own exports is not known.
    """
    for item in _items(repo):
        if (tree := item.expression) is None:
            continue
        used = metrics(tree)
        for name in sorted(used & _GONE.keys()):
            if _GONE[name] not in used:
                yield _hit(item, f"{name} is no longer exported, {_GONE[name]} replaced it")
        for what in dict.fromkeys(what for node in nodes(tree) for what in _lost(node)):
            yield _hit(item, what)


@rule("OBS-06", Severity.WARNING, fix="Sum rates of counters by service and le, over at least four scrapes.")
def functions_fit_their_series(repo: Repo) -> Iterator[Hit]:
    """Quantiles keep `le` and are taken of a service, and rates of counters over enough samples.

    Without `le` a quantile is empty; of single series it shows the slowest pod of anybody; the rate of a gauge or of
    a sum is a number without meaning, and a window shorter than four scrapes has holes when one of them fails. A
    container that crashes is started again ever more slowly: more restarts than that are never counted.
    """
    for cluster in clusters(repo):
        every: dict[str, float] = {}
        for job in monitoring.jobs(cluster):
            if job.name and job.interval:
                every[job.name] = min(every.get(job.name, job.interval), job.interval)
        for manifest in cluster.each(GROUP, "PrometheusRule"):
            for item in items(manifest):
                tree = item.expression
                wrong = [what for node in nodes(tree) for what in _misused(node, item, every)] if tree else []
                for what in dict.fromkeys(wrong):
                    yield _hit(item, what)


@rule("OBS-11", Severity.WARNING, fix="Record the series before it is used, or correct its name.")
def recorded_series_are_recorded_first(repo: Repo) -> Iterator[Hit]:
    """A recorded series that a rule uses is recorded, and earlier where it is of the same group.

    Rules of a group are evaluated one after the other: what an alert uses before it is recorded is one interval old. A
    name is missed where the same level and metric are recorded here under another operation only, or where the
    Prometheus is here and nothing comes from elsewhere.
    """
    for cluster in clusters(repo):
        found = [item for manifest in cluster.each(GROUP, "PrometheusRule") for item in items(manifest)]
        recorded = {item.name for item in found if not item.is_alert}
        stems = {name.rpartition(":")[0]: name for name in recorded if name.count(":") > 1}
        whole = not cluster.open and bool(recorded) and any(True for _ in cluster.each(GROUP, "Prometheus"))
        order = {(id(item.manifest), item.group, item.name): item.keys for item in reversed(found) if not item.is_alert}
        for item in found:
            tree = item.expression
            for name in sorted(metrics(tree)) if tree else ():
                first = order.get((id(item.manifest), item.group, name))
                if item.is_alert and first and int(first[-1]) > int(item.keys[-1]):
                    yield _hit(item, f"{name} is recorded later in its group")
                elif ":" in name and name not in recorded and (whole or name.rpartition(":")[0] in stems):
                    near = stems.get(name.rpartition(":")[0])
                    yield _hit(item, f"nobody records {name}" + (f", but {near}" if near else ""))


@rule("OBS-09", Severity.WARNING, fix="Name the job as jobLabel makes it: the value of that label of the Service.")
def jobs_are_those_of_monitors(repo: Repo) -> Iterator[Hit]:
    """The `job` that a rule selects is the one that the targets of a monitor get.

    That is the value of the Service's label which jobLabel names, else the name of the Service; for a PodMonitor it
    is namespace and name. Judged are names of Services and monitors here whose targets are called otherwise.
    """
    for cluster in clusters(repo):
        known: set[str] = set()
        called: dict[str, tuple[str, str]] = {}
        for job in monitoring.jobs(cluster):
            known.add(job.name)
            called[job.monitor.name] = (job.name, str(job.monitor))
            if job.service:
                called[job.service.name] = (job.name, str(job.monitor))
        for manifest in cluster.each(GROUP, "PrometheusRule") if called else ():
            for item in items(manifest):
                tree = item.expression
                named = (one for one in selectors(tree) if metric(one)) if tree else ()
                wanted = {equal(one).get("job", "") for one in named}
                for name in sorted(wanted - known):
                    real, monitor = called.get(name, ("", ""))
                    if real:
                        yield _hit(item, f"no target has job {name}, those of {monitor} have {real}")


def _items(repo: Repo) -> Iterator[Item]:
    return (item for manifest in repo.each(GROUP, "PrometheusRule") for item in items(manifest))


def _hit(item: Item, what: str) -> Hit:
    return at(item.manifest, (*item.keys, "expr"), f"{item.manifest}: expression of {item.name}: {what}")


def _lost(node: Expr) -> Iterator[str]:
    """Yield what a node groups or joins by in vain: labels that an aggregation below has removed."""
    if isinstance(node, promql_parser.AggregateExpr):
        by, inner = promql_labels.grouped_by(node), promql_labels.labels(node.expr)
        gone = sorted(set(by) - inner) if by and inner is not None and not _constant(node.expr) else []
        if gone:
            yield f"grouped by {', '.join(gone)}, which {short(node.expr)} has not"
    elif isinstance(node, promql_parser.BinaryExpr) and str(node.op) != "or":
        on = promql_labels.matched_on(node)
        left, right = promql_labels.labels(node.lhs), promql_labels.labels(node.rhs)
        for label in on or ():
            if (left is not None and label not in left) != (right is not None and label not in right):
                side = node.lhs if left is not None and label not in left else node.rhs
                yield f"joined on {label}, which {short(side)} has not"
        if sides := promql_labels.many_and_one(node):
            one = promql_labels.labels(sides[1])
            if gone := sorted(set(promql_labels.copied(node)) - one) if one is not None else []:
                yield f"takes {', '.join(gone)} from {short(sides[1])}, which has not"


def _constant(node: Expr) -> bool:
    return not any(True for _ in selectors(node))


def _misused(node: Expr, item: Item, every: Mapping[str, float]) -> Iterator[str]:
    if isinstance(node, promql_parser.BinaryExpr) and str(node.op) in {">", ">="}:
        yield from _restarts(node)
    elif isinstance(node, promql_parser.Call):
        yield from _called(node, item, every)


def _restarts(node: Expr) -> Iterator[str]:
    """Yield why a number of restarts is never reached: the kubelet waits 10 s, then twice as long, up to 300 s."""
    call, limit = bare(node.lhs), number(node.rhs)
    series = call.args[0] if isinstance(call, promql_parser.Call) and call.func.name == "increase" else None
    if limit is None or not isinstance(series, promql_parser.MatrixSelector):
        return
    if metric(series.vector_selector) != _RESTARTS or series.range.total_seconds() > _LONGEST:
        return
    window, waited, pause, most = series.range.total_seconds(), 10.0, 10.0, 0
    while waited <= window and most < limit + 2:
        most, pause = most + 1, min(2 * pause, 300.0)
        waited += pause
    if most < limit or (most == limit and str(node.op) == ">"):
        yield f"a container is restarted at most {most} times in {window:g} s, never {node.op} {limit:g}"


def _called(call: Expr, item: Item, every: Mapping[str, float]) -> Iterator[str]:
    name = call.func.name
    if name == "histogram_quantile" and len(call.args) == 2:
        yield from _quantile(call.args[1], item)
    elif name in _RATES and call.args:
        series = bare(call.args[0])
        inner = bare(series.expr) if isinstance(series, promql_parser.SubqueryExpr) else series
        if isinstance(inner, promql_parser.AggregateExpr) and str(inner.op) in {"sum", "avg"}:
            yield f"{name} of {short(inner)}: a sum hides that a counter began anew, take the {name} first"
        elif isinstance(series, promql_parser.MatrixSelector):
            yield from _window(name, series, every)


def _quantile(series: Expr, item: Item) -> Iterator[str]:
    buckets = [one for one in selectors(series) if metric(one).endswith("_bucket")]
    kept = promql_labels.labels(series)
    if buckets and kept is not None and "le" not in kept:
        yield f"a quantile of {short(series)}, which has no label le"
    grouped = any(isinstance(node, promql_parser.AggregateExpr) for node in nodes(series))
    if buckets and item.is_alert and not grouped and not any(one.matchers.matchers for one in buckets):
        yield f"a quantile of every single series of {metric(buckets[0])}, whoever exports it"


def _window(function: str, series: Expr, every: Mapping[str, float]) -> Iterator[str]:
    selector = series.vector_selector
    name = metric(selector)
    if _GAUGE.fullmatch(name):
        yield f"{function} of {name}, which is no counter"
    job = equal(selector).get("job", "")
    window, interval = series.range.total_seconds(), every.get(job)
    if name and interval and window < _ENOUGH * interval:
        yield f"{function} over {window:g} s, but job {job} is read every {interval:g} s"
