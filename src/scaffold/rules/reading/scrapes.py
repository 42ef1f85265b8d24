"""Which port of which workload a ServiceMonitor or PodMonitor reads, in plain text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import selects
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.mesh import Mesh

_GROUP = "monitoring.coreos.com"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One endpoint of a monitor and a workload that it reads."""

    monitor: Manifest
    keys: Path
    workload: Workload
    port: int


def plain_scrapes(mesh: Mesh) -> Iterator[Scrape]:
    """Yield what is read without TLS, where the port is known by number."""
    for monitor in mesh.cluster.each(_GROUP, "ServiceMonitor"):
        for service in _services(mesh, monitor):
            pods = mesh.selected(service)
            for index, endpoint in monitor.items("spec", "endpoints"):
                for workload in pods if endpoint.get("scheme") in (None, "http") else ():
                    if port := _service_port(service, endpoint, workload):
                        yield Scrape(monitor, ("spec", "endpoints", index), workload, port)
    for monitor in mesh.cluster.each(_GROUP, "PodMonitor"):
        selector = monitor.get("spec", "selector") or {}
        for namespace in _namespaces(mesh.cluster, monitor):
            for workload in mesh.pods_in(namespace, monitor.mapping("spec", "selector", "matchLabels")):
                for index, endpoint in monitor.items("spec", "podMetricsEndpoints"):
                    plain = endpoint.get("scheme") in (None, "http") and selects(selector, workload.labels)
                    named = endpoint.get("portNumber") or endpoint.get("port") or endpoint.get("targetPort")
                    if plain and (port := number(workload, named)):
                        yield Scrape(monitor, ("spec", "podMetricsEndpoints", index), workload, port)


def number(workload: Workload, port: Any) -> int | None:
    """Return the number of a container port, by number or name."""
    if isinstance(port, int) and not isinstance(port, bool):
        return port
    if isinstance(port, str) and port.isdigit():
        return int(port)
    found = [one.get("containerPort") for one in workload.ports() if port and one.get("name") == port]
    return found[0] if found and isinstance(found[0], int) else None


def _services(mesh: Mesh, monitor: Manifest) -> Iterator[Manifest]:
    selector = monitor.get("spec", "selector") or {}
    for namespace in _namespaces(mesh.cluster, monitor):
        if services := mesh.services.get(namespace):
            for service in services.having(monitor.mapping("spec", "selector", "matchLabels")):
                if selects(selector, service.labels):
                    yield service


def _namespaces(cluster: Cluster, monitor: Manifest) -> list[str]:
    if monitor.get("spec", "namespaceSelector", "any") is True:
        return sorted(cluster.populated)
    named = monitor.get("spec", "namespaceSelector", "matchNames")
    return [str(name) for name in named] if isinstance(named, list) and named else [monitor.namespace]


def _service_port(service: Manifest, endpoint: Mapping[str, Any], workload: Workload) -> int | None:
    if endpoint.get("targetPort") is not None:
        return number(workload, endpoint["targetPort"])
    for _, port in service.items("spec", "ports"):
        if endpoint.get("port") and port.get("name") == endpoint["port"]:
            return number(workload, port.get("targetPort") or port.get("port"))
    return None
