"""The nodes of a control plane: what KWOK plays and the scheduler sees."""

from dataclasses import dataclass, field

from tests.cluster.harness.api import Object

# The label that says to which pool a node belongs; its taint has the same key.
POOL = "node.example.com/pool"
ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Node:
    """One node: CPU in cores, memory in GiB, other resources by name; pools but the general one are tainted."""

    name: str
    zone: str
    pool: str = "general"
    cpu: int = 8
    memory: int = 32
    others: dict[str, str] = field(default_factory=dict)

    @property
    def tainted(self) -> bool:
        """Say whether only pods that tolerate it may run here."""
        return self.pool != "general"

    def manifest(self) -> Object:
        """Return the node as its kubelet would register it, not ready yet."""
        labels = {ZONE: self.zone, POOL: self.pool, "kubernetes.io/hostname": self.name}
        labels |= {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        size = {"cpu": str(self.cpu), "memory": f"{self.memory}Gi", "pods": "110"} | self.others
        taints = [{"key": POOL, "value": self.pool, "effect": "NoSchedule"}] if self.tainted else []
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {"taints": taints},
            "status": {"capacity": size, "allocatable": size},
        }


# Three zones with a larger and a smaller node of the general pool each. The other pools are larger and empty: to a
# scheduler that did not mind their taints they would be the best places.
INVENTORY = (
    Node("node-a", "a"),
    Node("node-b", "b"),
    Node("node-c", "c"),
    Node("small-a", "a", cpu=4, memory=16),
    Node("small-b", "b", cpu=4, memory=16),
    Node("small-c", "c", cpu=4, memory=16),
    Node("spot-a", "a", "spot", cpu=32, memory=128),
    Node("spot-b", "b", "spot", cpu=32, memory=128),
    Node("gpu-c", "c", "gpu", cpu=16, memory=64, others={"nvidia.com/gpu": "2"}),
)
