"""What one cluster holds, by namespace: for rules about objects that refer to each other.

"Not found" may only be said of a namespace that is closed: everything in it comes from this repository.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.selectors import has_all
from scaffold.model.yamltext import Path
from scaffold.rules.reading.owners import EVERYWHERE, brought_from_elsewhere, destination

POD_TEMPLATES: Mapping[tuple[str, str], Path] = {
    ("", "Pod"): (),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("argoproj.io", "Rollout"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): ("spec", "template"),
}

_MAKES_NO_SERVICE = frozenset({
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apps", "argoproj.io", "autoscaling",
    "autoscaling.k8s.io", "batch", "bitnami.com", "cert-manager.io", "coordination.k8s.io", "discovery.k8s.io",
    "extensions.istio.io", "external-secrets.io", "generators.external-secrets.io", "helm.toolkit.fluxcd.io",
    "image.toolkit.fluxcd.io", "keda.sh", "kustomize.toolkit.fluxcd.io", "kyverno.io", "networking.istio.io",
    "networking.k8s.io", "notification.toolkit.fluxcd.io", "policies.kyverno.io", "policy",
    "policy.networking.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io", "secrets.hashicorp.com",
    "security.istio.io", "snapshot.storage.k8s.io", "source.toolkit.fluxcd.io", "storage.k8s.io",
    "telemetry.istio.io", "velero.io",
})  # fmt: skip
"""API groups whose objects make neither Services nor pods of their own beyond the workloads above."""

_MAKES_NO_SERVICE_EITHER = frozenset({
    ("gateway.networking.k8s.io", kind)
    for kind in ("BackendTLSPolicy", "GRPCRoute", "HTTPRoute", "ReferenceGrant", "TCPRoute", "TLSRoute", "UDPRoute")
} | {
    ("monitoring.coreos.com", kind)
    for kind in ("AlertmanagerConfig", "PodMonitor", "Probe", "PrometheusRule", "ScrapeConfig", "ServiceMonitor")
})  # fmt: skip

_ALWAYS_OPEN = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that runs pods, and the keys of its pod template (none for a Pod)."""

    manifest: Manifest
    template: Path

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels of its pods."""
        labels = self.manifest.mapping(*self.template, "metadata", "labels")
        return {key: value for key, value in labels.items() if isinstance(value, str)}

    @property
    def spec(self) -> Path:
        """Return the keys of its pods' spec."""
        return (*self.template, "spec")

    def containers(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Yield keys and fields of every container, init containers first."""
        for field_name in ("initContainers", "containers", "ephemeralContainers"):
            for index, container in self.manifest.items(*self.spec, field_name):
                yield (*self.spec, field_name, index), container

    def ports(self) -> Iterator[Mapping[str, Any]]:
        """Yield the declared ports of what runs side by side: containers and native sidecars."""
        for keys, container in self.containers():
            if keys[-2] == "containers" or container.get("restartPolicy") == "Always":
                yield from ports_of(container)


@dataclass(frozen=True)
class Cluster:
    """The objects applied to one cluster.

    ``populated`` are the namespaces with a Service or a workload, ``open`` those that get objects from elsewhere,
    too; ``operated`` names, by namespace, the custom resources that an operator may answer with Services and pods.
    """

    name: str
    kinds: Mapping[tuple[str, str], list[Manifest]] = field(repr=False)
    services: Mapping[tuple[str, str], Manifest] = field(repr=False)
    workloads: Mapping[str, tuple[Workload, ...]] = field(repr=False)
    namespaces: Mapping[str, Mapping[str, Any]] = field(repr=False)
    populated: frozenset[str]
    open: frozenset[str]
    operated: Mapping[str, frozenset[str]] = field(repr=False)

    def each(self, group: str, *kinds: str) -> Iterator[Manifest]:
        """Yield the manifests of a group and kinds."""
        return (manifest for kind in kinds for manifest in self.kinds.get((group, kind), ()))

    def closed(self, namespace: str) -> bool:
        """Tell whether all Services and pods of a namespace come from here and from nowhere else."""
        return self._ours(namespace) and namespace not in self.operated

    def lacks(self, namespace: str, service: str) -> bool:
        """Tell whether a namespace has no Service of that name for sure; operators name theirs after an object."""
        made = any(service.startswith(name) for name in self.operated.get(namespace, ()))
        return (namespace, service) not in self.services and self._ours(namespace) and not made

    def _ours(self, namespace: str) -> bool:
        elsewhere = self.open | _ALWAYS_OPEN
        return namespace in self.populated and namespace not in elsewhere and EVERYWHERE not in elsewhere

    def selected(self, service: Manifest) -> list[Workload]:
        """Return the workloads whose pods a Service selects; none if it has no selector."""
        wanted = service.mapping("spec", "selector")
        candidates = self.workloads.get(service.namespace, ()) if wanted else ()
        return [workload for workload in candidates if has_all(workload.labels, wanted)]


def clusters(repo: Repo) -> Iterator[Cluster]:
    """Yield every cluster with what is applied to it; read once for all rules."""
    known: list[Cluster] | None = repo.__dict__.get("_clusters")
    if known is None:
        known = repo.__dict__["_clusters"] = list(_clusters(repo))
    return iter(known)


def _clusters(repo: Repo) -> Iterator[Cluster]:
    foreign = set(brought_from_elsewhere(repo))
    for name in repo.clusters:
        manifests = tuple(repo.in_cluster(name))
        kinds: dict[tuple[str, str], list[Manifest]] = {}
        for manifest in manifests:
            kinds.setdefault((manifest.group, manifest.kind), []).append(manifest)
        services = {(service.namespace, service.name): service for service in kinds.get(("", "Service"), ())}
        workloads = _workloads(manifests)
        yield Cluster(
            name,
            kinds,
            services,
            workloads,
            populated=frozenset(workloads) | {namespace for namespace, _ in services},
            namespaces=_namespaces(repo, name, manifests),
            open=frozenset(namespace for cluster, namespace in foreign if cluster in {name, EVERYWHERE}),
            operated=_operated(manifests),
        )


def ports_of(container: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the declared ports of one container."""
    ports = container.get("ports")
    return (port for port in (ports if isinstance(ports, list) else ()) if isinstance(port, Mapping))


def workload(manifest: Manifest) -> Workload | None:
    """Return a manifest as a workload, None if it runs no pods."""
    keys = POD_TEMPLATES.get((manifest.group, manifest.kind))
    return Workload(manifest, keys) if keys is not None and manifest.mapping(*keys) else None


def _workloads(manifests: tuple[Manifest, ...]) -> dict[str, tuple[Workload, ...]]:
    found: dict[str, list[Workload]] = {}
    for manifest in manifests:
        if made := workload(manifest):
            found.setdefault(manifest.namespace, []).append(made)
    return {namespace: tuple(workloads) for namespace, workloads in found.items()}


def _namespaces(repo: Repo, cluster: str, manifests: tuple[Manifest, ...]) -> dict[str, Mapping[str, Any]]:
    """Return the labels of each namespace: of its object, else what an Application gives the one it creates."""
    made = {
        destination(app)[1]: app.mapping("spec", "syncPolicy", "managedNamespaceMetadata", "labels")
        for app in repo.each("argoproj.io", "Application")
        if destination(app)[0] == cluster and app.get("spec", "syncPolicy", "managedNamespaceMetadata")
    }
    return made | {m.name: m.labels for m in manifests if (m.group, m.kind) == ("", "Namespace")}


def _operated(manifests: tuple[Manifest, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        if _may_make_services(manifest):
            # Some are named after the kind: prometheus-operated.
            found.setdefault(manifest.namespace, set()).update({manifest.name, manifest.kind.lower()})
    return {namespace: frozenset(names) for namespace, names in found.items()}


def _may_make_services(manifest: Manifest) -> bool:
    """Tell whether an operator may answer an object with Services or pods, as ECK, Knative and Flagger do."""
    kind = (manifest.group, manifest.kind)
    known = manifest.group in _MAKES_NO_SERVICE or kind in _MAKES_NO_SERVICE_EITHER
    return not known or kind in {("networking.istio.io", "WorkloadEntry"), ("networking.istio.io", "WorkloadGroup")}
