"""What containers ask for: their own requests and limits, or what a LimitRange of the namespace gives them."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from scaffold.facts.server.amounts import amount
from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Cluster, Workload

BOTH = ("cpu", "memory")


class Defaults:
    """The defaults that LimitRanges give to containers, by namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._given: dict[tuple[str, str, str], Fraction] = {}
        for ranges in cluster.each("", "LimitRange"):
            for index, item in ranges.items("spec", "limits"):
                if item.get("type") == "Container":
                    self._take(ranges, index)

    def _take(self, ranges: Manifest, index: int) -> None:
        # Without a default request the default limit is the request; without a default, max is the limit.
        for kind, fields in (("limits", ("default", "max")), ("requests", ("defaultRequest", "default", "max", "min"))):
            for field in fields:
                for resource, value in ranges.mapping("spec", "limits", index, field).items():
                    if (number := amount(value)) is not None:
                        self._given.setdefault((ranges.namespace, kind, resource), number)

    def of(self, namespace: str, kind: str, resource: str) -> Fraction | None:
        """Return the default of ``requests`` or ``limits`` of a resource."""
        return self._given.get((namespace, kind, resource))


def asks(container: Mapping[str, Any], kind: str, resource: str, namespace: str, defaults: Defaults) -> Fraction | None:
    """Return what a container asks for, None if nobody says it; a limit is the request where there is none."""
    for field in ("limits",) if kind == "limits" else ("requests", "limits"):
        if (number := amount(_resources(container, field).get(resource))) is not None:
            return number
    return defaults.of(namespace, kind, resource)


def of_pod(workload: Workload, kind: str, resource: str) -> Fraction | None:
    """Return what the pod as a whole asks for, None if it leaves that to its containers."""
    found = workload.manifest.mapping(*workload.spec, "resources", kind)
    return amount(found.get(resource))


def pod_total(workload: Workload, kind: str, resource: str, defaults: Defaults) -> Fraction | None:
    """Return what one pod counts for; None if a container says nothing.

    That is the larger of what runs side by side, and of each init container with the sidecars before it.
    """
    if (whole := of_pod(workload, kind, resource)) is not None:
        return whole
    beside, peak = Fraction(0), Fraction(0)
    for keys, container in workload.containers():
        number = asks(container, kind, resource, workload.manifest.namespace, defaults)
        if number is None:
            return None
        if keys[-2] == "initContainers" and container.get("restartPolicy") != "Always":
            peak = max(peak, beside + number)
        else:
            beside += number
    return max(beside, peak)


def counted(workload: Workload) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield what runs side by side: containers and native sidecars."""
    for keys, container in workload.containers():
        if keys[-2] == "containers" or (keys[-2] == "initContainers" and container.get("restartPolicy") == "Always"):
            yield keys, container


def _resources(container: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    resources = container.get("resources")
    found = resources.get(field) if isinstance(resources, Mapping) else None
    return found if isinstance(found, Mapping) else {}
