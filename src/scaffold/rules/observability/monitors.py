"""Monitors: a Prometheus reads them, and what they read is there."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import text
from scaffold.rules.reading import monitoring
from scaffold.rules.reading.completeness import is_plain, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload, clusters
from scaffold.rules.reading.promql import GROUP, seconds
from scaffold.rules.reading.releases import releases
from scaffold.rules.reading.selection import Selection

_NO_READERS = (
    "adapter", "blackbox", "crds", "exporter", "msteams", "pushgateway", "to-sd", "node-problem-detector",
)  # fmt: skip
_READERS = (
    "agent", "alloy", "datadog", "loki", "mimir", "monitoring", "newrelic", "observability", "opentelemetry",
    "prometheus", "signoz", "thanos", "vector", "victoria", "vm",
)  # fmt: skip
"""What the names of charts have in common that read monitors or rules, and of those that do not."""

_OTHER_READERS = frozenset({"opentelemetry.io", "operator.victoriametrics.com", "monitoring.grafana.com"})
_FROM_INJECTION = frozenset({"http-envoy-prom", "linkerd-admin", "admin-http", "envoy-stats", "dapr-metrics"})


@rule("OBS-01", Severity.WARNING, fix="Give it the labels that the Prometheus selects, in a namespace it looks into.")
def monitors_are_selected(repo: Repo) -> Iterator[Hit]:
    """Every monitor and every rule has the labels, and is in a namespace, that a Prometheus of its cluster selects.

    What no selector takes is passed over without a word: no target, no alert. Judged where a Prometheus is in the
    repository, or the chart kube-prometheus-stack with all its values, and nothing else that reads these kinds.
    """
    installed = monitoring.stacks(repo)
    others = {release.cluster for release in releases(repo) if _may_read(release.chart)}
    for cluster in clusters(repo):
        if cluster.name in others or any(group in _OTHER_READERS for group, _ in cluster.kinds):
            continue
        found = monitoring.readers(cluster, installed)
        for manifest in cluster.each(GROUP, *monitoring.FIELDS) if found else ():
            if not any(reader.takes(manifest, cluster) for reader in found or ()):
                said = f" (labels {text(manifest.labels)})" if manifest.labels else " (no labels)"
                who = ", ".join(f"{reader.what} wants {_wanted(reader, manifest)}" for reader in found or ())
                yield at(manifest, ("metadata",), f"{manifest}{said} is not selected: {who}")


@rule("OBS-03", Severity.ERROR, fix="Select labels of the pod template, and name one of its container ports.")
def pod_monitors_select_a_port(repo: Repo) -> Iterator[Hit]:
    """Every PodMonitor selects pods, by labels of their template, and a named port of a container.

    A monitor that selects nothing is no error to Prometheus: the target is just not there. Namespaces that get
    objects from elsewhere and ports of injected containers are not judged.
    """
    if makes(repo, "mutate"):
        return
    for cluster in clusters(repo):
        selection = Selection(cluster)
        for monitor in cluster.each(GROUP, "PodMonitor"):
            names = monitoring.namespaces(cluster, monitor)
            if monitor.get("spec", "namespaceSelector", "any") is True or not all(map(cluster.closed, names)):
                continue
            selector = monitor.get("spec", "selector")
            found = [one for name in names for one in selection.of_selector(name, selector)]
            if not found:
                yield at(monitor, ("spec", "selector"), f"{monitor} selects no pod of namespace {', '.join(names)}")
                continue
            for index, endpoint in monitor.items("spec", "podMetricsEndpoints"):
                if why := _no_port(endpoint, found):
                    yield at(monitor, ("spec", "podMetricsEndpoints", index, "port"), f"{monitor}: {why}")


@rule("OBS-04", Severity.ERROR, fix="Make scrapeTimeout at most as long as the interval.")
def scrapes_end_before_the_next(repo: Repo) -> Iterator[Hit]:
    """No scrape may take longer than the time to the next one.

    The schema takes any two durations; the operator refuses the monitor, and Prometheus its whole configuration. A
    timeout without an interval is held against that of the Prometheus where its object is in the repository.
    """
    for cluster in clusters(repo):
        objects = [*cluster.each(GROUP, "Prometheus", "PrometheusAgent")]
        defaults = [seconds(one.get("spec", "scrapeInterval") or "30s") for one in objects]
        shortest = min((one for one in defaults if one is not None), default=None)
        kinds = ("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig", "Prometheus", "PrometheusAgent")
        for monitor in cluster.each(GROUP, *kinds):
            for keys, fields in monitoring.endpoints(monitor):
                own = fields.get("interval") or fields.get("scrapeInterval")
                every = seconds(own) if own else shortest
                takes = seconds(fields.get("scrapeTimeout"))
                if takes is not None and every is not None and takes > every:
                    said = own or f"{every:g}s of the Prometheus"
                    what = f"{monitor}: scrapeTimeout {fields['scrapeTimeout']} is longer than the interval {said}"
                    yield at(monitor, (*keys, "scrapeTimeout"), what)


def _may_read(chart: str) -> bool:
    """Tell whether a chart other than the one that is known may bring a reader of its own."""
    if chart == monitoring.STACK or any(word in chart for word in _NO_READERS):
        return False
    return any(word in chart for word in _READERS)


def _wanted(reader: monitoring.Reader, manifest: Manifest) -> str:
    name = monitoring.FIELDS[manifest.kind]
    selector = reader.spec.get(f"{name}Selector")
    if reader.rules_alone and name != "rule":
        return "rules alone"
    if selector is None:
        return f"no {manifest.kind} at all"
    labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    if isinstance(labels, Mapping) and labels and not selector.get("matchExpressions"):
        return text(labels)
    return "other labels or namespaces"


def _no_port(endpoint: Mapping[str, Any], workloads: list[Workload]) -> str:
    """Return why no container has the port of an endpoint, empty if one has it or that cannot be told."""
    port = endpoint.get("port")
    if not is_plain(port) or port in _FROM_INJECTION or not all(list(one.ports()) for one in workloads):
        return ""
    if any(item.get("name") == port for one in workloads for item in one.ports()):
        return ""
    return f"no port named {port} on {', '.join(sorted({str(one.manifest) for one in workloads}))}"
