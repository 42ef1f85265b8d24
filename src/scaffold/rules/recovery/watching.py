"""Watching: somebody hears of it when backups stop."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.backup_times import interval
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster
from scaffold.rules.reading.promql import GROUP, Expr, Item, items, metric, nodes, number, selectors
from scaffold.rules.reading.velero import Plan, veleros

_LAST = "velero_backup_last_successful_timestamp"
_SUCCESSES = "velero_backup_success_total"


@dataclass(frozen=True, slots=True)
class _Alarm:
    """An alert on successful backups; the age of the last one, in seconds, where it is compared with one number."""

    item: Item
    selector: Expr
    by_age: bool
    age: float | None

    def hears(self, plan: Plan) -> bool:
        """Tell whether it is about a schedule."""
        return all(_matches(one, plan.name) for one in self.selector.matchers.matchers if one.name == "schedule")


@rule("DR-13", Severity.WARNING, fix="Alert on the age of the last successful backup, soon after its interval.")
def stale_backups_are_noticed(repo: Repo) -> Iterator[Hit]:
    """Every schedule has an alert on the age of its last successful backup: longer than its interval, less than two.

    Backups stop without a word: a full bucket, an expired key. An age within the interval fires before each backup,
    and one of two intervals or more notices the second loss. Judged where alerts are in the repository; the ages are
    those that an alert compares with `time()`.
    """
    for velero in veleros(repo):
        cluster = velero.cluster
        by_chart = any(one.get("metrics", "prometheusRule", "enabled") is True for one in velero.installs)
        if by_chart or not any(True for _ in cluster.each(GROUP, "PrometheusRule")):
            continue
        alarms = list(_alarms(cluster))
        for plan in velero.plans:
            every = interval(plan.get("schedule"))
            if plan.paused or not every:
                continue
            hearing = [alarm for alarm in alarms if alarm.hears(plan)]
            if not hearing:
                yield plan.hit((), f"no alert here uses {_LAST} of schedule {plan.name}")
                continue
            ages = [(alarm, alarm.age) for alarm in hearing if alarm.by_age]
            if ages and all(age is not None and not every < age < 2 * every for _, age in ages):
                alarm, age = ages[0]
                what = f"{alarm.item.name} fires after {(age or 0) / 3600:g}h, {plan.name} runs every"
                keys = (*alarm.item.keys, "expr")
                yield at(alarm.item.manifest, keys, f"{alarm.item.manifest}: {what} {every / 3600:.0f}h")


def _alarms(cluster: Cluster) -> Iterator[_Alarm]:
    for manifest in cluster.each(GROUP, "PrometheusRule"):
        for item in items(manifest):
            tree = item.expression if item.is_alert else None
            for selector in selectors(tree) if tree else ():
                if metric(selector) in {_LAST, _SUCCESSES}:
                    yield _Alarm(item, selector, *_age(tree))


def _age(tree: Expr) -> tuple[bool, float | None]:
    """Tell whether an expression asks the time, and what it is compared with; None where that is not one number."""
    calls = {node.func.name for node in nodes(tree) if isinstance(node, promql_parser.Call)}
    found = [
        number(node.rhs)
        for node in nodes(tree)
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) in {">", ">="}
    ]
    return "time" in calls, found[0] if len(found) == 1 else None


def _matches(matcher: Expr, name: str) -> bool:
    match matcher.op:
        case promql_parser.MatchOp.Equal:
            return bool(matcher.value == name)
        case promql_parser.MatchOp.NotEqual:
            return bool(matcher.value != name)
    try:
        found = re.fullmatch(matcher.value, name) is not None
    except re.error:
        return True
    return found if matcher.op == promql_parser.MatchOp.Re else not found
