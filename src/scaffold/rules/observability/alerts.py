"""Alerts and metrics: what Prometheus is told to scrape and to evaluate is there and can be read.

A monitor that selects nothing and a rule that does not parse are silent: the alert just never comes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import selects
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.promql import short, tree_or_reason

_MONITORING = "monitoring.coreos.com"
NO_VECTOR = "neither a vector nor a scalar"
_PROXY_PORTS = range(15000, 15100)
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_NOT_IN_THE_PARSER = re.compile(
    r"\|"  # LogQL: Loki's ruler reads the same kind
    r"|\b(anchored|smoothed)\b"
    r"|\[[^\]]*([-+*/%^(]|step)[^\]]*\]"
    r"|\boffset\s*[-+]?\s*(\(|[a-z])"
)
"""Syntax that Prometheus has behind feature flags (duration expressions) and the parser has not."""


@rule("OBS-02", Severity.ERROR, fix="Select the labels of the Service, and name one of its ports that a container has.")
def service_monitors_select_a_port(repo: Repo) -> Iterator[Hit]:
    """Every ServiceMonitor selects a Service, by labels of the Service, and a named port of it with a container behind.

    A monitor that selects nothing is no error to Prometheus: the target is just not there. Namespaces that get
    objects from elsewhere are not judged.
    """
    for cluster in clusters(repo):
        for monitor in cluster.each(_MONITORING, "ServiceMonitor"):
            namespaces = _namespaces(monitor)
            if not namespaces or not all(cluster.closed(namespace) for namespace in namespaces):
                continue
            services = [
                service
                for (namespace, _), service in cluster.services.items()
                if namespace in namespaces and selects(monitor.get("spec", "selector"), service.labels)
            ]
            if services:
                yield from _endpoints(cluster, monitor, services)
            else:
                where = ", ".join(namespaces)
                yield at(monitor, ("spec", "selector"), f"{monitor} selects no Service of namespace {where}")


@rule("OBS-07", Severity.ERROR, fix="Correct the expression; `promtool check rules` says more about it.")
def promql_parses(repo: Repo) -> Iterator[Hit]:
    """Every expression of a PrometheusRule is PromQL that gives a vector or a scalar.

    The custom resource takes any text; a rule that does not parse makes Prometheus drop its whole file. Duration
    expressions and other syntax behind feature flags are not judged.
    """
    for manifest in repo.each(_MONITORING, "PrometheusRule"):
        for group, _ in manifest.items("spec", "groups"):
            for index, item in manifest.items("spec", "groups", group, "rules"):
                expression = item.get("expr")
                if isinstance(expression, str) and (why := expression_fault(expression)):
                    name = item.get("alert") or item.get("record")
                    keys = ("spec", "groups", group, "rules", index, "expr")
                    yield at(manifest, keys, f"{manifest}: expression of {name}: {why}: {short(expression)}")


def _namespaces(monitor: Manifest) -> list[str]:
    """Return the namespaces a monitor looks into; none where that is every namespace."""
    wanted = monitor.mapping("spec", "namespaceSelector")
    if wanted.get("any"):
        return []
    names = wanted.get("matchNames")
    return [str(name) for name in names] if isinstance(names, list) and names else [monitor.namespace]


def _endpoints(cluster: Cluster, monitor: Manifest, services: list[Manifest]) -> Iterator[Hit]:
    for index, endpoint in monitor.items("spec", "endpoints"):
        name = endpoint.get("port")
        if not isinstance(name, str):
            continue
        keys = ("spec", "endpoints", index, "port")
        ports = [
            (service, port) for service in services for _, port in service.items("spec", "ports")
            if port.get("name") == name
        ]  # fmt: skip
        if not ports:
            yield at(monitor, keys, f"{monitor}: no port named {name} on {', '.join(map(str, services))}")
        for service, port in ports:
            if why := _not_served(cluster, service, port):
                yield at(monitor, keys, f"{monitor}: port {name} of {service}: {why}")


def _not_served(cluster: Cluster, service: Manifest, port: Mapping[str, Any]) -> str:
    """Return why no container serves a numbered port (names are WORK-16's), empty where one may."""
    number = port.get("targetPort", port.get("port"))
    declared = [list(workload.ports()) for workload in cluster.selected(service)]
    if not isinstance(number, int) or number in _PROXY_PORTS or not declared or not all(declared):
        return ""
    if any(item.get("containerPort") == number for items in declared for item in items):
        return ""
    return f"no container has port {number}"


def expression_fault(expression: str) -> str:
    """Return why an expression is refused, empty if it is not or if that cannot be told."""
    parsed = tree_or_reason(expression)
    if isinstance(parsed, str):
        return "" if _NOT_IN_THE_PARSER.search(_QUOTED.sub('""', expression)) else parsed
    ranges = (promql_parser.MatrixSelector, promql_parser.SubqueryExpr, promql_parser.StringLiteral)
    return NO_VECTOR if isinstance(parsed, ranges) else ""
