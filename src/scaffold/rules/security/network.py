"""Network policies: names can be resolved, gateways get in, and selectors take something."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import ADDED_AT_RUN_TIME, selects, text
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import all_opened, brought_whole
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.kyverno import NAME_LABEL, with_name
from scaffold.rules.reading.labelled import Labelled
from scaffold.rules.reading.networkpolicies import GROUP, Policies, peers, rules, takes_port, types
from scaffold.rules.reading.owners import EVERYWHERE

_DNS = 53
_SYSTEM = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_INJECTED = (*ADDED_AT_RUN_TIME, "security.istio.io/", "service.istio.io/", "sidecar.istio.io/")


@rule("SEC-04", Severity.WARNING, fix="Allow egress to kube-dns, UDP and TCP 53, for every pod that calls others.")
def pods_that_call_can_resolve_names(repo: Repo) -> Iterator[Hit]:
    """Where policies let a pod call other pods, some policy lets it ask for their names.

    A policy for egress without a rule for DNS ends name resolution, and with it all calls that another rule allows.
    Judged where all policies of a namespace come from here and no other kind of network policy is in use; that a
    namespace has a policy that denies everything is not asked. Prometheus is OBS-14's.
    """
    for cluster in clusters(repo):
        policies = Policies(cluster, "Egress")
        if policies.others or not all_opened(repo):
            continue
        seen: set[int] = set()
        for namespace, workloads in cluster.workloads.items():
            for workload in workloads if brought_whole(cluster, namespace) else ():
                taking = policies.of(workload)
                calling = next((found for one in taking if (found := _calls(one))), None)
                host = workload.manifest.get(*workload.spec, "hostNetwork") is True
                if not calling or host or any(map(_resolves, taking)) or id(calling[0]) in seen:
                    continue
                seen.add(id(calling[0]))
                what = f"lets {workload.manifest} call others, but no policy lets it ask for names (port 53)"
                yield at(calling[0], calling[1], f"{calling[0]} {what}")


@rule("SEC-05", Severity.WARNING, fix="Correct the labels of the selector, or remove the rule that has no effect.")
def network_policies_take_something(repo: Repo) -> Iterator[Hit]:
    """The selectors of a NetworkPolicy match pods and namespaces that exist, and each of its rules has an effect.

    All is taken without a word: a selector that matches nothing lets nobody in, egress rules under policyTypes without
    Egress do nothing, an empty list of peers lets everybody in. Pods are judged in namespaces of which all comes from
    here, namespaces where nothing else may bring them.
    """
    for cluster in clusters(repo):
        known = _Known(repo, cluster)
        for policy in cluster.each(GROUP, "NetworkPolicy"):
            yield from _dead(policy)
            selector = policy.get("spec", "podSelector")
            if known.no_pods(policy.namespace, selector):
                what = f"no pod of namespace {policy.namespace} has the labels {_said(selector)}"
                yield at(policy, ("spec", "podSelector"), f"{policy}: {what}")
            for direction in sorted(types(policy) & {"Ingress", "Egress"}):
                for keys, peer in peers(policy, direction):
                    yield from _peer(known, policy, keys, peer)


class _Known:
    """The pods and namespaces of a cluster, as far as all of them are here."""

    def __init__(self, repo: Repo, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opened = all_opened(repo)
        self._pods: Mapping[str, Labelled[Workload]] = {
            namespace: Labelled((one.labels, one) for one in found) for namespace, found in cluster.workloads.items()
        }

    def no_pods(self, namespace: str, selector: Any) -> bool:
        """Tell whether for sure no pod of a namespace is selected."""
        if not self._opened or not self._cluster.closed(namespace) or namespace not in self._pods:
            return False
        if not isinstance(selector, Mapping) or not selector or "${" in str(selector) or _is_added(selector):
            return False
        wanted = selector.get("matchLabels")
        found = self._pods[namespace].having(wanted if isinstance(wanted, Mapping) else {})
        return not any(selects(selector, one.labels) for one in found)

    def namespaces(self, selector: Any) -> list[str] | None:
        """Return the namespaces that are selected; None where there may be others."""
        if not isinstance(selector, Mapping) or "${" in str(selector):
            return None
        # By name alone: no other namespace can have it.
        labels = selector.get("matchLabels")
        if isinstance(labels, Mapping) and set(labels) == {NAME_LABEL} and not selector.get("matchExpressions"):
            return [str(labels[NAME_LABEL])]
        whole = self._opened and EVERYWHERE not in self._cluster.open and bool(self._cluster.namespaces)
        # One that is made without an object (CreateNamespace, Helm) has labels that nobody sees.
        unseen = (self._cluster.open | self._cluster.populated) - self._cluster.namespaces.keys() - _SYSTEM
        if not whole or unseen:
            return None
        every = {*self._cluster.namespaces, *_SYSTEM}
        return sorted(name for name in every if selects(selector, with_name(self._cluster, name)))


def _calls(policy: Manifest) -> tuple[Manifest, Path] | None:
    """Return a policy and the keys of its rule that lets pods call other pods by their names."""
    for keys, to, ports in rules(policy, "Egress"):
        named = any("ipBlock" not in peer for peer in to)
        if named and ports and not takes_port(ports, _DNS, "UDP") and not takes_port(ports, _DNS, "TCP"):
            return policy, keys
    return None


def _resolves(policy: Manifest) -> bool:
    return any(takes_port(ports, _DNS, one) for _, _, ports in rules(policy, "Egress") for one in ("UDP", "TCP"))


def _dead(policy: Manifest) -> Iterator[Hit]:
    for direction, field, side in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        if policy.get("spec", field) and direction not in types(policy):
            written = policy.get("spec", "policyTypes")
            yield at(policy, ("spec", field), f"{policy}: {field} has no effect, policyTypes is {written}")
            continue
        for index, found in policy.items("spec", field):
            if found.get(side) == [] and side in found:
                keys: Path = ("spec", field, index, side)
                yield at(policy, keys, f"{policy}: {side} is an empty list, which is everybody")


def _peer(known: _Known, policy: Manifest, keys: Path, peer: Mapping[str, Any]) -> Iterator[Hit]:
    pods, spaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if spaces is None:
        if known.no_pods(policy.namespace, pods):
            what = f"no pod of namespace {policy.namespace} has the labels {_said(pods)}"
            yield at(policy, (*keys, "podSelector"), f"{policy}: {what}")
        return
    found = known.namespaces(spaces)
    if found == []:
        yield at(policy, (*keys, "namespaceSelector"), f"{policy}: no namespace has the labels {_said(spaces)}")
    elif found and pods and all(known.no_pods(name, pods) for name in found):
        what = f"no pod of namespace {', '.join(found)} has the labels {_said(pods)}"
        yield at(policy, (*keys, "podSelector"), f"{policy}: {what}")


def _is_added(selector: Mapping[str, Any]) -> bool:
    """Tell whether a selector asks for labels that pods get when they run."""
    labels = selector.get("matchLabels")
    named = [str(key) for key in labels] if isinstance(labels, Mapping) else []
    listed = selector.get("matchExpressions")
    named += [str(one.get("key")) for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return any(key.startswith(_INJECTED) for key in named)


def _said(selector: Any) -> str:
    labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    return text(labels) if isinstance(labels, Mapping) and labels else "it asks for"
