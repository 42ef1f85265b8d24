"""Ports of pods: which ones a workload's containers declare."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.rules.inventory import Workload


def container_ports(workload: Workload) -> Iterator[Mapping[str, Any]]:
    """Yield the declared ports of all containers that run beside each other: no init container, but sidecars."""
    for _, container in workload.containers():
        yield from ports_of(container)


def ports_of(container: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the declared ports of one container."""
    ports = container.get("ports")
    for port in ports if isinstance(ports, list) else ():
        if isinstance(port, Mapping):
            yield port
