"""Who scales what: HorizontalPodAutoscalers and ScaledObjects, their targets and bounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.inventory import Cluster, Workload

KEDA = "keda.sh"

Target = tuple[str, str, str, str]
"""Namespace, group, kind and name."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """One horizontal scaler; the bounds are None where they are no numbers."""

    manifest: Manifest
    target: Target
    least: int | None
    most: int | None


class Scaling:
    """The scalers of a cluster and the workloads by what scalers name."""

    def __init__(self, cluster: Cluster) -> None:
        self.scalers = list(_scalers(cluster))
        self.by_target: dict[Target, list[Scaler]] = {}
        for scaler in self.scalers:
            self.by_target.setdefault(scaler.target, []).append(scaler)
        self.workloads: dict[Target, Workload] = {
            target_of(workload.manifest): workload for workloads in cluster.workloads.values() for workload in workloads
        }

    def of(self, workload: Workload) -> list[Scaler]:
        """Return what scales a workload."""
        return self.by_target.get(target_of(workload.manifest), [])

    def bounds(self, workload: Workload) -> tuple[int, int] | None:
        """Return the fewest and the most pods of a workload, None where they are not known."""
        if scalers := self.of(workload):
            least, most = scalers[0].least, scalers[0].most
            return (least, most) if least is not None and most is not None else None
        replicas = workload.manifest.get("spec", "replicas")
        number = 1 if replicas is None else count(replicas)
        return None if number is None else (number, number)


def count(value: Any) -> int | None:
    """Return a whole number, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def target_of(manifest: Manifest) -> Target:
    """Return a workload as scalers name it."""
    return manifest.namespace, manifest.group, manifest.kind, manifest.name


def named(scaler: Manifest, field: str = "scaleTargetRef") -> Target:
    """Return what a scaler names; without kind and apiVersion a ScaledObject means a Deployment."""
    target = scaler.mapping("spec", field)
    group, slash, _ = str(target.get("apiVersion") or "apps/v1").partition("/")
    kind, name = str(target.get("kind") or "Deployment"), str(target.get("name") or "")
    return scaler.namespace, group if slash else "", kind, name


def _scalers(cluster: Cluster) -> Iterator[Scaler]:
    for manifest in cluster.each("autoscaling", "HorizontalPodAutoscaler"):
        least, most = manifest.get("spec", "minReplicas"), manifest.get("spec", "maxReplicas")
        yield Scaler(manifest, named(manifest), 1 if least is None else count(least), count(most))
    for manifest in cluster.each(KEDA, "ScaledObject"):
        least, most = manifest.get("spec", "minReplicaCount"), manifest.get("spec", "maxReplicaCount")
        yield Scaler(
            manifest,
            named(manifest),
            0 if least is None else count(least),
            100 if most is None else count(most),
        )
