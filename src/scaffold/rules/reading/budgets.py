"""PodDisruptionBudgets: how many of which pods they let go."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.scalers import Scaling, count
from scaffold.rules.reading.selection import Selection


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget, and the workloads whose pods it counts."""

    manifest: Manifest
    workloads: tuple[Workload, ...]

    @property
    def field(self) -> str:
        """Return the one that is set, empty for none or both."""
        there = [name for name in ("minAvailable", "maxUnavailable") if self.manifest.get("spec", name) is not None]
        return there[0] if len(there) == 1 else ""

    def allows(self, pods: int) -> int | None:
        """Return how many of so many pods may go at once; None if that is not known."""
        number = _number(self.manifest.get("spec", self.field), pods) if self.field else None
        if number is None:
            return None
        return pods - number if self.field == "minAvailable" else number

    def fewest(self, scaling: Scaling) -> int | None:
        """Return the fewest pods it counts while nothing is down; None if that is not known."""
        bounds = [scaling.bounds(one) for one in self.workloads]
        return sum(one[0] for one in bounds if one) if bounds and None not in bounds else None


def budgets(cluster: Cluster) -> Iterator[Budget]:
    """Yield every budget; without a selector it counts none, with an empty one all of its namespace."""
    selection = Selection(cluster)
    for manifest in cluster.each("policy", "PodDisruptionBudget"):
        selector = manifest.get("spec", "selector")
        found = selection.of_selector(manifest.namespace, selector) if selector is not None else []
        yield Budget(manifest, tuple(found))


def _number(value: Any, pods: int) -> int | None:
    """Return a number or a part, rounded up, as the controller does for both fields."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit() and len(value) < 6:
        return ceil(int(value[:-1]) * pods / 100)
    return count(value)
