"""What the mesh of one cluster is told: indexes of its objects, and which pods have a proxy."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.rules.reading.hosts import Host, patterns
from scaffold.rules.reading.installs import Install, installs
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.istio_objects import NETWORKING, SECURITY, rule_host
from scaffold.rules.reading.labelled import Labelled, Selecting
from scaffold.rules.reading.owners import EVERYWHERE, brought_from_elsewhere

_RESERVED = "istio-system"
_NONE: Selecting[Manifest] = Selecting(())


class Mesh:
    """One cluster as Istio sees it."""

    def __init__(self, cluster: Cluster, charts: tuple[Install, ...], brought: frozenset[str]) -> None:
        self.cluster = cluster
        self.charts = charts
        self._brought = brought

    def each(self, kind: str, group: str = NETWORKING) -> Iterator[Manifest]:
        """Yield the objects of a kind."""
        return self.cluster.each(group, kind)

    @cached_property
    def _places(self) -> Mapping[tuple[str, str], Selecting[Manifest]]:
        found: dict[tuple[str, str], list[tuple[Mapping[str, Any], Manifest]]] = {}
        for kind in ("AuthorizationPolicy", "PeerAuthentication"):
            for policy in self.each(kind, SECURITY):
                labels = policy.mapping("spec", "selector", "matchLabels")
                found.setdefault((kind, policy.namespace), []).append((labels, policy))
        return {place: Selecting(policies) for place, policies in found.items()}

    def policies(self, kind: str, namespace: str) -> Selecting[Manifest]:
        """Return the AuthorizationPolicies or PeerAuthentications of a namespace, by what they select."""
        return self._places.get((kind, namespace), _NONE)

    def install(self, chart: str) -> Install | None:
        """Return the one install of a chart; None if there is none, or several revisions."""
        found = [install for install in self.charts if install.chart == chart]
        return found[0] if len(found) == 1 else None

    @cached_property
    def root(self) -> str:
        """Return the root namespace: what stands there holds for the whole mesh."""
        istiod = self.install("istiod")
        named = istiod.get("meshConfig", "rootNamespace") if istiod else None
        return str(named or (istiod.namespace if istiod else "") or _RESERVED)

    def ours(self, namespace: str) -> bool:
        """Tell whether all policies of a namespace stand here; Istio's own charts bring none."""
        return namespace not in self._brought and EVERYWHERE not in self._brought

    @cached_property
    def pods(self) -> Labelled[Workload]:
        """All workloads by the labels of their pods."""
        return Labelled((workload.labels, workload) for workload in self.workloads())

    @cached_property
    def _pods(self) -> Mapping[str, Labelled[Workload]]:
        return {
            namespace: Labelled((workload.labels, workload) for workload in found)
            for namespace, found in self.cluster.workloads.items()
        }

    def pods_in(self, namespace: str, wanted: Mapping[str, Any]) -> list[Workload]:
        """Return the workloads of a namespace whose pods have all these labels."""
        found = self._pods.get(namespace)
        return found.having(wanted) if found else []

    def selected(self, service: Manifest) -> list[Workload]:
        """Return the workloads whose pods a Service selects; none if it has no selector."""
        wanted = service.mapping("spec", "selector")
        return self.pods_in(service.namespace, wanted) if wanted else []

    @cached_property
    def services(self) -> Mapping[str, Labelled[Manifest]]:
        """The Services of each namespace by their labels."""
        found: dict[str, list[tuple[Mapping[str, Any], Manifest]]] = {}
        for (namespace, _), service in self.cluster.services.items():
            found.setdefault(namespace, []).append((service.labels, service))
        return {namespace: Labelled(services) for namespace, services in found.items()}

    @cached_property
    def _services(self) -> Mapping[int, list[Manifest]]:
        found: dict[int, list[Manifest]] = {}
        for service in self.cluster.services.values():
            for workload in self.selected(service):
                found.setdefault(id(workload.manifest), []).append(service)
        return found

    def services_of(self, workload: Workload) -> list[Manifest]:
        """Return the Services that lead to a workload."""
        return self._services.get(id(workload.manifest), [])

    @cached_property
    def _entries(self) -> Mapping[str, list[Manifest]]:
        found: dict[str, list[Manifest]] = {}
        for entry in self.each("ServiceEntry"):
            hosts = entry.get("spec", "hosts")
            for pattern in hosts if isinstance(hosts, list) else ():
                if isinstance(pattern, str):
                    found.setdefault(pattern, []).append(entry)
        return found

    def entries(self, host: Host) -> list[Manifest]:
        """Return the ServiceEntries that name a host."""
        return [entry for pattern in patterns(host.text) for entry in self._entries.get(pattern, ())]

    @cached_property
    def _rules(self) -> Mapping[str, list[Manifest]]:
        found: dict[str, list[Manifest]] = {}
        for policy in self.each("DestinationRule"):
            found.setdefault(rule_host(policy).full, []).append(policy)
        return found

    def rules(self, host: Host) -> list[Manifest]:
        """Return the DestinationRules for a host, the most specific ones first."""
        return [policy for pattern in patterns(host.full) for policy in self._rules.get(pattern, ())]

    @cached_property
    def gateways(self) -> Mapping[tuple[str, str], Manifest]:
        """Istio's Gateways by namespace and name."""
        return {(gateway.namespace, gateway.name): gateway for gateway in self.each("Gateway")}

    def gateway(self, name: str, service: Manifest) -> Manifest | None:
        """Return the Gateway that a VirtualService names."""
        namespace, slash, rest = name.partition("/")
        return self.gateways.get((namespace, rest) if slash else (service.namespace, name))

    def knows_gateways_of(self, namespace: str) -> bool:
        """Tell whether a Gateway that is not here is nowhere: the namespace is populated from here alone."""
        here = namespace in self.cluster.populated or namespace in self.cluster.namespaces
        here = here or any(there == namespace for there, _ in self.gateways)
        return here and self.ours(namespace)

    def injected(self, workload: Workload) -> bool:
        """Tell whether pods get a proxy for sure; templates of gateways are no proxies beside a program."""
        pod = workload.manifest.mapping(*workload.template, "metadata")
        labels = workload.labels
        annotations = pod.get("annotations")
        annotations = annotations if isinstance(annotations, Mapping) else {}
        wish = labels.get("sidecar.istio.io/inject") or annotations.get("sidecar.istio.io/inject")
        if wish == "false" or workload.manifest.get(*workload.spec, "hostNetwork") is True:
            return False
        if "inject.istio.io/templates" in annotations:
            return False
        namespace = self.cluster.namespaces.get(workload.manifest.namespace, {})
        if namespace.get("istio-injection") == "disabled":
            return False
        revised = bool(namespace.get("istio.io/rev") or labels.get("istio.io/rev"))
        return wish == "true" or namespace.get("istio-injection") == "enabled" or revised

    def workloads(self) -> Iterator[Workload]:
        """Yield all workloads."""
        for found in self.cluster.workloads.values():
            yield from found


_last: list[tuple[Repo, tuple[Mesh, ...]]] = []


def meshes(repo: Repo) -> tuple[Mesh, ...]:
    """Return every cluster as Istio sees it; read once for all rules."""
    if not _last or _last[0][0] is not repo:
        _last[:] = [(repo, tuple(_meshes(repo)))]
    return _last[0][1]


def _meshes(repo: Repo) -> Iterator[Mesh]:
    charts = installs(repo)
    owners = {id(install.owner) for install in charts}
    rest = repo.with_(manifests=tuple(m for m in repo.manifests if id(m) not in owners))
    brought = set(brought_from_elsewhere(rest))
    for cluster in clusters(repo):
        names = {cluster.name, EVERYWHERE}
        yield Mesh(
            cluster,
            tuple(install for install in charts if install.cluster == cluster.name),
            frozenset(namespace for name, namespace in brought if name in names),
        )
