"""What a selector takes, found by label: no selector is held against every object."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import has_all, selects
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.labelled import Labelled, Labels

RUNS_ON = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "ReplicationController", "Rollout", "StatefulSet"})
"""What keeps pods running; the others come to an end."""

T = TypeVar("T")


class Index(Generic[T]):
    """Things with labels, by namespace and label."""

    def __init__(self, things: Iterable[tuple[str, Labels, T]]) -> None:
        found: dict[str, list[tuple[Labels, T]]] = {}
        for namespace, labels, thing in things:
            found.setdefault(namespace, []).append((labels, thing))
        self._found = {namespace: Labelled(there) for namespace, there in found.items()}

    def with_labels(self, namespace: str, wanted: Labels) -> list[T]:
        """Return what has all of some labels in a namespace."""
        return [thing for labels, thing in self._candidates(namespace, wanted) if has_all(labels, wanted)]

    def selected(self, namespace: str, selector: Any) -> list[T]:
        """Return what a LabelSelector takes in a namespace; an empty one takes all of it."""
        wanted = selector.get("matchLabels") if isinstance(selector, Mapping) else None
        candidates = self._candidates(namespace, wanted if isinstance(wanted, Mapping) else {})
        return [thing for labels, thing in candidates if selects(selector, labels)]

    def _candidates(self, namespace: str, labels: Labels) -> list[tuple[Labels, T]]:
        there = self._found.get(namespace)
        return there.candidates(labels) if there else []


class Selection:
    """The workloads of a cluster, by the labels of their pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._index = Index(
            (namespace, workload.labels, workload)
            for namespace, workloads in cluster.workloads.items()
            for workload in workloads
        )

    def of_service(self, service: Manifest) -> list[Workload]:
        """Return what a Service sends requests to."""
        wanted = service.mapping("spec", "selector")
        if not wanted or service.get("spec", "type") == "ExternalName":
            return []
        return self._index.with_labels(service.namespace, wanted)

    def of_selector(self, namespace: str, selector: Any) -> list[Workload]:
        """Return what a LabelSelector takes in a namespace; an empty one takes all of it."""
        return self._index.selected(namespace, selector)


def running(workloads: list[Workload]) -> Iterator[Workload]:
    """Yield those that keep pods running."""
    return (one for one in workloads if one.manifest.kind in RUNS_ON)
