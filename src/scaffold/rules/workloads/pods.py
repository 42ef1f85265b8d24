"""Workloads: selectors, ports and Pod Security, as far as the API server takes them without a word.

The server checks an object alone. What is found here it accepts, and the pods then do not come or get no traffic.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import missing, selects, text
from scaffold.model.yamltext import Path
from scaffold.rules.reading import podsecurity
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters, ports_of

_OWNS_BY_SELECTOR = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "Rollout", "StatefulSet"})
_ROUTES = ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute")
_PROXY_PORTS = range(15000, 15100)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = frozenset({"helm.sh/hook", "argocd.argoproj.io/hook"})


@rule("WORK-01", Severity.ERROR, fix="Give the workload a selector of its own that its pod template's labels satisfy.")
def selectors_fit_their_pods(repo: Repo) -> Iterator[Hit]:
    """Every workload selects its own pods and no other workload's.

    The server refuses a selector that misses its own template, but not one that matches the pods of another
    workload: then an autoscaler, a budget or a rollout counts pods that are not its own.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _own_pods(workload)
            for workload, other in _overlaps(workloads):
                what = f"{workload.manifest}: its selector matches the pods of {other.manifest}, too"
                yield at(workload.manifest, ("spec", "selector"), what)


@rule("WORK-16", Severity.ERROR, fix="Use a port that the container, or the Service, declares.")
def ports_exist(repo: Repo) -> Iterator[Hit]:
    """Named target ports, probe ports and the backend ports of routes are declared where they point to.

    The server checks none of them: the Service then has no endpoints, the pod never gets ready, the route answers
    500.
    """
    for cluster in clusters(repo):
        for service in cluster.services.values():
            yield from _target_ports(cluster, service)
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _probe_ports(workload)
        for route in cluster.each("gateway.networking.k8s.io", *_ROUTES):
            yield from _backend_ports(cluster, route)


@rule("WORK-21", Severity.ERROR, fix="Set the security context the namespace's Pod Security level asks for.")
def pods_satisfy_their_namespace(repo: Repo) -> Iterator[Hit]:
    """Every pod template satisfies the Pod Security level that its namespace enforces.

    A workload is accepted with a warning; its pods are refused, init containers, sidecars, jobs and hooks alike.
    """
    for cluster in clusters(repo):
        for namespace, workloads in cluster.workloads.items():
            labels = cluster.namespaces.get(namespace, {})
            level = labels.get("pod-security.kubernetes.io/enforce")
            if level not in ("baseline", "restricted"):
                continue
            version = labels.get("pod-security.kubernetes.io/enforce-version")
            minor = podsecurity.minor(version) or podsecurity.minor(f"v{repo.kube_version}") or podsecurity.NEWEST
            for workload in workloads:
                pod = workload.manifest.mapping(*workload.template) if workload.template else workload.manifest.data
                for keys, why in podsecurity.violations(pod, str(level), minor):
                    what = f"{workload.manifest}: {why} (namespace {namespace} enforces {level})"
                    yield at(workload.manifest, (*workload.template, *keys), what)


def _own_pods(workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    if manifest.kind not in _OWNS_BY_SELECTOR:
        return
    selector = manifest.get("spec", "selector")
    # A missing selector is the schema's to say.
    if selector and not selects(selector, workload.labels):
        lacking = missing(workload.labels, manifest.mapping("spec", "selector", "matchLabels"))
        why = f", they are not labelled {text(lacking)}" if lacking else ""
        # The selector of a workload that runs cannot be changed: its labels are what can be mended.
        labels = (*workload.template, "metadata", "labels")
        yield at(manifest, labels, f"{manifest}: its selector does not match its own pods{why}")


def _overlaps(workloads: Iterable[Workload]) -> Iterator[tuple[Workload, Workload]]:
    """Yield every two workloads of which one takes the other's pods; two that do so mutually once."""
    by_label: dict[tuple[str, str], list[Workload]] = {}
    for other in workloads:
        for label in other.labels.items():
            by_label.setdefault(label, []).append(other)
    seen: set[frozenset[str]] = set()
    for workload in workloads:
        # All of matchLabels have to match, so whoever has not the first one is out.
        wanted = workload.manifest.mapping("spec", "selector", "matchLabels")
        first = next(((key, value) for key, value in wanted.items() if isinstance(value, str)), None)
        for other in by_label.get(first, ()) if first else workloads:
            pair = frozenset({str(workload.manifest), str(other.manifest)})
            if len(pair) == 2 and pair not in seen and _takes(workload, other):
                seen.add(pair)
                yield workload, other


def _takes(workload: Workload, other: Workload) -> bool:
    """Tell whether a workload's selector matches another's pods; hooks, which come and go, are passed over."""
    if workload.manifest.kind not in _OWNS_BY_SELECTOR or other.manifest.kind == "Pod":
        return False
    if _HOOKS & other.manifest.annotations.keys():
        return False
    selector = workload.manifest.get("spec", "selector")
    return bool(selector) and selects(selector, other.labels)


def _target_ports(cluster: Cluster, service: Manifest) -> Iterator[Hit]:
    if service.get("spec", "type") == "ExternalName" or not (pods := cluster.selected(service)):
        return
    declared = [(port.get("name"), port.get("protocol") or "TCP") for workload in pods for port in workload.ports()]
    for index, port in service.items("spec", "ports"):
        name = port.get("targetPort")
        wanted = (name, port.get("protocol") or "TCP")
        if isinstance(name, str) and not name.isdigit() and wanted not in declared:
            those = ", ".join(sorted({str(workload.manifest) for workload in pods}))
            keys = ("spec", "ports", index, "targetPort")
            yield at(service, keys, f"{service}: no container port is named {name} ({wanted[1]}) in {those}")


def _probe_ports(workload: Workload) -> Iterator[Hit]:
    numbers = [port.get("containerPort") for port in workload.ports()]
    for keys, container in workload.containers():
        names = [port.get("name") for port in ports_of(container)]
        for probe in _PROBES:
            for action, port, where in _checked_port(container.get(probe)):
                if port in names if isinstance(port, str) else port in numbers or port in _PROXY_PORTS:
                    continue
                what = f"{workload.manifest}: {probe} of container {container.get('name')} asks port {port}, " + (
                    "no port of the container has that name" if isinstance(port, str) else "no container declares it"
                )
                yield at(workload.manifest, (*keys, probe, action, where), what)


def _checked_port(probe: Any) -> Iterator[tuple[str, str | int, str]]:
    """Yield action, port and key of what a probe asks of its own pod."""
    for action in ("httpGet", "tcpSocket", "grpc"):
        asked = probe.get(action) if isinstance(probe, Mapping) else None
        if isinstance(asked, Mapping) and not asked.get("host"):
            port = asked.get("port")
            if isinstance(port, str | int) and not isinstance(port, bool):
                yield action, int(port) if isinstance(port, str) and port.isdigit() else port, "port"


def _backend_ports(cluster: Cluster, route: Manifest) -> Iterator[Hit]:
    for keys, backend in _backends(route):
        if (backend.get("group") or "", backend.get("kind") or "Service") != ("", "Service"):
            continue
        service = cluster.services.get((str(backend.get("namespace") or route.namespace), str(backend.get("name"))))
        port = backend.get("port")
        if service is None or port is None or service.get("spec", "type") == "ExternalName":
            continue
        ports = [item.get("port") for _, item in service.items("spec", "ports")]
        if port not in ports:
            has = ", ".join(map(str, ports)) or "none"
            yield at(route, (*keys, "port"), f"{route}: {service} has no port {port}, it has {has}")


def _backends(route: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, _ in route.items("spec", "rules"):
        rule_keys: Path = ("spec", "rules", index)
        for number, backend in route.items(*rule_keys, "backendRefs"):
            yield (*rule_keys, "backendRefs", number), backend
        for number, _ in route.items(*rule_keys, "filters"):
            keys = (*rule_keys, "filters", number, "requestMirror", "backendRef")
            if backend := route.mapping(*keys):
                yield keys, backend
