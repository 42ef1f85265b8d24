"""Who reads monitors and rules, in which namespaces, and which job the targets of a monitor get."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.selectors import selects
from scaffold.model.yamltext import Path
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import Cluster
from scaffold.rules.reading.labelled import Labelled
from scaffold.rules.reading.promql import GROUP, seconds

STACK = "kube-prometheus-stack"
FIELDS = {
    "ServiceMonitor": "serviceMonitor",
    "PodMonitor": "podMonitor",
    "Probe": "probe",
    "ScrapeConfig": "scrapeConfig",
    "PrometheusRule": "rule",
}
"""Kinds that a Prometheus selects, and how the fields of their selectors begin."""

_SCRAPED = ("serviceMonitor", "podMonitor", "probe", "scrapeConfig")


@dataclass(frozen=True, slots=True)
class Reader:
    """A Prometheus, an agent or a ThanosRuler, as an object or as the values of a chart."""

    what: str
    namespace: str
    spec: Mapping[str, Any] = field(repr=False)
    rules_alone: bool = False

    def takes(self, manifest: Manifest, cluster: Cluster) -> bool:
        """Tell whether it may select a monitor or rule; what cannot be told is taken for yes."""
        name = FIELDS[manifest.kind]
        if self.rules_alone and name != "rule":
            return False
        selector, there = self.spec.get(f"{name}Selector"), self.spec.get(f"{name}NamespaceSelector")
        if selector is None:
            # With none of the four, its configuration is written by hand.
            return name != "rule" and all(self.spec.get(f"{one}Selector") is None for one in _SCRAPED)
        if "${" in f"{selector}{there}" or "{{" in f"{selector}{there}":
            return True
        if not selects(selector, manifest.labels):
            return False
        if there is None:
            return manifest.namespace == self.namespace
        if manifest.namespace not in cluster.namespaces and there:
            return set(_keys(there)) != {_NAME} or selects(there, {_NAME: manifest.namespace})
        known = {**cluster.namespaces.get(manifest.namespace, {}), _NAME: manifest.namespace}
        return selects(there, known)

    @property
    def interval(self) -> float | None:
        """Return how often it reads what does not say it, in seconds."""
        return seconds(self.spec.get("scrapeInterval") or "30s")


@dataclass(frozen=True, slots=True)
class Job:
    """What the targets of a monitor are called: the label ``job``, and how often they are read, where that is said."""

    monitor: Manifest
    name: str
    interval: float | None
    service: Manifest | None = None


_NAME = "kubernetes.io/metadata.name"


def stacks(repo: Repo) -> list[Install]:
    """Return every install of the chart that brings the operator, Prometheus and Alertmanager."""
    return installs_of(repo, frozenset({STACK}))


def readers(cluster: Cluster, installed: list[Install]) -> list[Reader] | None:
    """Return all that reads monitors in a cluster; None where something is known not to be known."""
    found: list[Reader] = []
    for one in cluster.each(GROUP, "Prometheus", "PrometheusAgent", "ThanosRuler"):
        found += [Reader(str(one), one.namespace, one.mapping("spec"), rules_alone=one.kind == "ThanosRuler")]
    for install in installed:
        if install.cluster != cluster.name or install.get("prometheus", "enabled") is False:
            continue
        if not install.complete or install.get("thanosRuler", "enabled"):
            return None
        found.append(Reader(f"{install.owner} (chart {install.chart})", install.namespace, _spec(install)))
    return found


def endpoints(monitor: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of whatever of a monitor has an interval and a timeout."""
    if monitor.kind in {"Probe", "ScrapeConfig", "Prometheus", "PrometheusAgent"}:
        yield ("spec",), monitor.mapping("spec")
    fields = "podMetricsEndpoints" if monitor.kind == "PodMonitor" else "endpoints"
    for index, endpoint in monitor.items("spec", fields):
        yield ("spec", fields, index), endpoint


def namespaces(cluster: Cluster, monitor: Manifest) -> list[str]:
    """Return the namespaces that a monitor looks into."""
    if monitor.get("spec", "namespaceSelector", "any") is True:
        return sorted(cluster.populated)
    named = monitor.get("spec", "namespaceSelector", "matchNames")
    return [str(name) for name in named] if isinstance(named, list) and named else [monitor.namespace]


def jobs(cluster: Cluster) -> Iterator[Job]:
    """Yield the jobs of all monitors of a cluster; those whose targets are renamed have no name."""
    services: dict[str, list[tuple[Mapping[str, Any], Manifest]]] = {}
    for service in cluster.services.values():
        services.setdefault(service.namespace, []).append((service.labels, service))
    indexes = {namespace: Labelled(found) for namespace, found in services.items()}
    for monitor in cluster.each(GROUP, "ServiceMonitor"):
        label, every = str(monitor.get("spec", "jobLabel") or ""), _interval(monitor)
        for namespace in namespaces(cluster, monitor):
            index = indexes.get(namespace)
            for service in index.having(monitor.mapping("spec", "selector", "matchLabels")) if index else ():
                if selects(monitor.get("spec", "selector"), service.labels):
                    name = str(service.labels.get(label) or service.name)
                    yield Job(monitor, "" if _renamed(monitor) else name, every, service)
    for monitor in cluster.each(GROUP, "PodMonitor"):
        label = str(monitor.get("spec", "jobLabel") or "")
        for namespace in namespaces(cluster, monitor) if label else ():
            for workload in cluster.workloads.get(namespace, ()):
                if label in workload.labels and selects(monitor.get("spec", "selector"), workload.labels):
                    yield Job(monitor, "" if _renamed(monitor) else workload.labels[label], _interval(monitor))
        yield Job(monitor, "" if _renamed(monitor) else f"{monitor.namespace}/{monitor.name}", _interval(monitor))
    for kind, prefix in (("Probe", "probe"), ("ScrapeConfig", "scrapeConfig")):
        for monitor in cluster.each(GROUP, kind):
            name = str(monitor.get("spec", "jobName") or f"{prefix}/{monitor.namespace}/{monitor.name}")
            # Static labels and relabelling stand in several places of these.
            yield Job(monitor, "" if "'job'" in str(monitor.get("spec")) else name, _interval(monitor))


def _interval(monitor: Manifest) -> float | None:
    """Return the longest interval of a monitor, None where an endpoint says none."""
    found = [seconds(one.get("interval") or one.get("scrapeInterval")) for _, one in endpoints(monitor)]
    known = [one for one in found if one is not None]
    return max(known) if found and len(known) == len(found) else None


def _renamed(monitor: Manifest) -> bool:
    """Tell whether relabelling may change the job."""
    for _, endpoint in endpoints(monitor):
        for name in ("relabelings", "metricRelabelings"):
            listed = endpoint.get(name)
            for step in listed if isinstance(listed, list) else ():
                if isinstance(step, Mapping) and (step.get("targetLabel") == "job" or step.get("action") == "labelmap"):
                    return True
        if endpoint.get("honorLabels") is True:
            return True
    return False


def _spec(install: Install) -> dict[str, Any]:
    """Return the part of a Prometheus that the values of the chart make; an empty selector counts for none there."""
    given = install.get("prometheus", "prometheusSpec")
    spec = dict(given) if isinstance(given, Mapping) else {}
    for name in FIELDS.values():
        if not spec.get(f"{name}Selector"):
            all_of_them = spec.get(f"{name}SelectorNilUsesHelmValues") is False
            spec[f"{name}Selector"] = {} if all_of_them else {"matchLabels": {"release": install.release}}
        if spec.get(f"{name}NamespaceSelector") is None:
            spec[f"{name}NamespaceSelector"] = {}
    return spec


def _keys(selector: Any) -> Iterator[str]:
    if isinstance(selector, Mapping):
        labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
        yield from (str(key) for key in (labels if isinstance(labels, Mapping) else ()))
        for one in expressions if isinstance(expressions, list) else ():
            yield str(one.get("key")) if isinstance(one, Mapping) else ""
