"""NetworkPolicies: whom they take, and whom they let in or out, as far as labels in the repository tell."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import selects
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Cluster, Workload
from scaffold.rules.reading.labelled import Selecting

GROUP = "networking.k8s.io"
OTHER_GROUPS = frozenset({"cilium.io", "crd.projectcalico.org", "policy.networking.k8s.io", "projectcalico.org"})
"""Groups with network policies of their own, which let in and out, too."""

_SIDES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


class Policies:
    """The NetworkPolicies of a cluster for one direction, by namespace and labels of pods."""

    def __init__(self, cluster: Cluster, direction: str) -> None:
        self.others = any(group in OTHER_GROUPS for group, _ in cluster.kinds)
        found: dict[str, list[tuple[Mapping[str, Any], Manifest]]] = {}
        for policy in cluster.each(GROUP, "NetworkPolicy"):
            if direction in types(policy):
                labels = policy.mapping("spec", "podSelector", "matchLabels")
                found.setdefault(policy.namespace, []).append((labels, policy))
        self._found = {namespace: Selecting(policies) for namespace, policies in found.items()}

    def of(self, workload: Workload) -> list[Manifest]:
        """Return the policies that hold for the pods of a workload."""
        there = self._found.get(workload.manifest.namespace)
        labels = workload.labels
        # A selector of expressions is told by the expressions, not by its labels alone.
        taking = there.taking(labels) if there else []
        return [policy for policy in taking if selects(policy.get("spec", "podSelector") or {}, labels)]


def types(policy: Manifest) -> set[str]:
    """Return the directions a policy is for, as the API server sets them where they are not written."""
    written = policy.get("spec", "policyTypes")
    if isinstance(written, list) and written:
        return {str(one) for one in written}
    return {"Ingress", "Egress"} if policy.get("spec", "egress") else {"Ingress"}


def peers(policy: Manifest, direction: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every peer of a direction."""
    field, side = _SIDES[direction]
    for index, _ in policy.items("spec", field):
        for number, peer in policy.items("spec", field, index, side):
            yield ("spec", field, index, side, number), peer


def rules(policy: Manifest, direction: str) -> Iterator[tuple[Path, list[Mapping[str, Any]], list[Mapping[str, Any]]]]:
    """Yield keys, peers and ports of every rule; without peers it is for all, without ports for every one."""
    field, side = _SIDES[direction]
    for index, _ in policy.items("spec", field):
        keys: Path = ("spec", field, index)
        yield keys, [one for _, one in policy.items(*keys, side)], [one for _, one in policy.items(*keys, "ports")]


def takes_port(ports: list[Mapping[str, Any]], number: int, protocol: str) -> bool:
    """Tell whether ports of a rule may take a number; a name may be any."""
    for one in ports:
        first, last = one.get("port"), one.get("endPort")
        if str(one.get("protocol") or "TCP") != protocol:
            continue
        if first in (None, number) or isinstance(first, str):
            return True
        if isinstance(first, int) and isinstance(last, int) and first <= number <= last:
            return True
    return not ports
