"""Scraping: a port that is called metrics is read."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters, ports_of
from scaffold.rules.reading.scalers import count
from scaffold.rules.reading.selection import RUNS_ON, Index, Selection

_GROUP = "monitoring.coreos.com"
_NAME = "metrics"
_Reader = tuple[Manifest, str]
"""A monitor and the path that it reads."""


@rule("WORK-07", Severity.WARNING, fix="Let one endpoint of one PodMonitor or ServiceMonitor name the port.")
def metrics_are_read_once(repo: Repo) -> Iterator[Hit]:
    """Every port named metrics is read by one endpoint of one monitor.

    What nobody reads is a dashboard without lines and an alert that never fires; what is read twice counts double.
    Judged in clusters with monitors, where all of the pod's namespace comes from this repository; pods with the
    annotation prometheus.io/scrape are read another way. Whether a NetworkPolicy lets Prometheus in is OBS-14's.
    """
    for cluster in clusters(repo):
        kinds = ("ServiceMonitor", "PodMonitor")
        monitors = [one for kind in kinds for one in cluster.each(_GROUP, kind)]
        if not monitors or any(True for _ in cluster.each(_GROUP, "ScrapeConfig")):
            continue
        readers = _readers(cluster, monitors)
        for namespace, workloads in cluster.workloads.items():
            for workload in workloads if cluster.closed(namespace) else ():
                if workload.manifest.kind in RUNS_ON:
                    yield from _judged(cluster, workload, readers)


def _judged(cluster: Cluster, workload: Workload, readers: Mapping[tuple[int, Any], list[_Reader]]) -> Iterator[Hit]:
    manifest = workload.manifest
    for keys, container in workload.containers():
        for index, port in enumerate(ports_of(container)):
            if port.get("name") != _NAME:
                continue
            where = (*keys, "ports", index, "name")
            found = [
                *readers.get((id(manifest), _NAME), []),
                *readers.get((id(manifest), count(port.get("containerPort"))), []),
            ]
            paths = [path for _, path in found]
            if not found and not _annotated(cluster, workload):
                yield at(manifest, where, f"{manifest}: no PodMonitor or ServiceMonitor reads its port {_NAME}")
            elif twice := next((path for path in paths if paths.count(path) > 1), ""):
                who = ", ".join(dict.fromkeys(str(monitor) for monitor, path in found if path == twice))
                yield at(manifest, where, f"{manifest}: its port {_NAME} is read twice, by {who}")


def _annotated(cluster: Cluster, workload: Workload) -> bool:
    noted = [workload.manifest.mapping(*workload.template, "metadata", "annotations"), workload.manifest.annotations]
    noted += [one.annotations for (place, _), one in cluster.services.items() if place == workload.manifest.namespace]
    return any(str(key).startswith("prometheus.io/") for annotations in noted for key in annotations)


def _readers(cluster: Cluster, monitors: list[Manifest]) -> dict[tuple[int, Any], list[_Reader]]:
    """Return who reads which port, by identity of the workload and name or number of the port."""
    found: dict[tuple[int, Any], list[_Reader]] = {}
    selection = Selection(cluster)
    services = Index((place, service.labels, service) for (place, _), service in cluster.services.items())
    for monitor in monitors:
        for namespace in _namespaces(cluster, monitor):
            selector = monitor.get("spec", "selector") or {}
            if monitor.kind == "PodMonitor":
                for workload in selection.of_selector(namespace, selector):
                    for _, endpoint in monitor.items("spec", "podMetricsEndpoints"):
                        port = endpoint.get("portNumber") or endpoint.get("port") or endpoint.get("targetPort")
                        _take(found, workload, port, monitor, endpoint)
                continue
            for service in services.selected(namespace, selector):
                for workload in selection.of_service(service):
                    for _, endpoint in monitor.items("spec", "endpoints"):
                        _take(found, workload, _target(service, endpoint), monitor, endpoint)
    return found


def _take(
    found: dict[tuple[int, Any], list[_Reader]],
    workload: Workload,
    port: Any,
    monitor: Manifest,
    endpoint: Mapping[str, Any],
) -> None:
    if isinstance(port, str | int):
        path = f"{endpoint.get('path') or '/metrics'} {endpoint.get('params') or ''}"
        found.setdefault((id(workload.manifest), port), []).append((monitor, path))


def _target(service: Manifest, endpoint: Mapping[str, Any]) -> Any:
    if endpoint.get("targetPort") is not None:
        return endpoint["targetPort"]
    ports = [port for _, port in service.items("spec", "ports") if port.get("name") == endpoint.get("port")]
    return (ports[0].get("targetPort") or ports[0].get("port")) if ports and endpoint.get("port") else None


def _namespaces(cluster: Cluster, monitor: Manifest) -> list[str]:
    if monitor.get("spec", "namespaceSelector", "any") is True:
        return sorted(cluster.populated)
    names = monitor.get("spec", "namespaceSelector", "matchNames")
    return [str(name) for name in names] if isinstance(names, list) and names else [monitor.namespace]
