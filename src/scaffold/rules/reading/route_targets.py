"""From a destination on: host, Service, subset, and the pods that answer."""

from collections.abc import Mapping
from typing import Any

from scaffold.model import selectors
from scaffold.model.manifest import Manifest
from scaffold.model.route import Share, Step
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hosts import Host
from scaffold.rules.reading.istio_objects import seen_by
from scaffold.rules.reading.mesh import Mesh
from scaffold.rules.reading.scrapes import number


def to_destination(mesh: Mesh, service: Manifest, keys: Path, reader: str, port: int | None, percent: float) -> Share:
    """Follow a destination of a VirtualService; ``port`` is that of the entry, kept where the route names none."""
    destination = service.mapping(*keys)
    host = Host.of(str(destination.get("host") or ""), service.namespace)
    target = host.service(mesh.cluster)
    wanted = service.get(*keys, "port", "number")
    first = Step.at(service, (*keys, "host"), f"host {host.text}" + (f" port {wanted}" if wanted else ""))
    if target is None:
        return _without_service(mesh, host, first, percent)
    subset = destination.get("subset")
    if not subset:
        return to_service(mesh, target, wanted, port, percent, (first,))
    policies = [policy for policy in mesh.rules(host) if seen_by(policy, reader)]
    for policy in policies:
        for index, one in policy.items("spec", "subsets"):
            if one.get("name") == subset:
                labels = one.get("labels")
                step = Step.at(policy, ("spec", "subsets", index), f"subset {subset} of {policy}")
                wish = labels if isinstance(labels, Mapping) else {}
                return to_service(mesh, target, wanted, port, percent, (first, step), wish)
    missing = Step.at(service, (*keys, "subset"), f"subset {subset}")
    return Share(percent, (first, missing), why=f"503: no DestinationRule defines the subset {subset} of {host.text}")


def to_service(
    mesh: Mesh,
    service: Manifest,
    wanted: Any,
    fallback: int | None,
    percent: float,
    steps: tuple[Step, ...],
    subset: Mapping[str, Any] | None = None,
) -> Share:
    """Follow a Service to its pods, by a port number or, without one, by the only port or that of the entry."""
    if service.get("spec", "type") == "ExternalName":
        name = service.get("spec", "externalName")
        return Share(
            percent, (*steps, Step.at(service, ("spec", "externalName"), f"{service} is {name}")), outside=True
        )
    ports = list(service.items("spec", "ports"))
    chosen = [(index, port) for index, port in ports if port.get("port") == (wanted or fallback)]
    chosen = chosen or (ports if wanted is None and len(ports) == 1 else [])
    if not chosen:
        has = ", ".join(str(port.get("port")) for _, port in ports) or "none"
        why = f"503: {service} has no port {wanted or fallback}, it has {has}"
        return Share(percent, (*steps, Step.at(service, ("spec", "ports"), str(service))), why=why)
    index, port = chosen[0]
    inner = port.get("targetPort") or port.get("port")
    step = Step.at(service, ("spec", "ports", index), f"{service}, port {port.get('port')} to {inner}")
    labels = {**service.mapping("spec", "selector"), **(subset or {})}
    if not service.mapping("spec", "selector"):
        return Share(
            percent, (*steps, step, Step("its endpoints are made elsewhere: it has no selector")), outside=True
        )
    pods = [pod for pod in mesh.cluster.workloads.get(service.namespace, ())
            if not selectors.missing(pod.labels, labels)]  # fmt: skip
    if not pods and not mesh.cluster.closed(service.namespace):
        beyond = Step(f"pods labelled {selectors.text(labels)} come from outside this repository")
        return Share(percent, (*steps, step, beyond), labels=labels, outside=True)
    found = tuple(
        Step.at(pod.manifest, (), f"{pod.manifest}" + (f", port {got}" if (got := number(pod, inner)) else ""))
        for pod in pods
    )
    why = "" if pods else f"503: no pods of namespace {service.namespace} are labelled {selectors.text(labels)}"
    return Share(percent, (*steps, step), found, labels, why)


def _without_service(mesh: Mesh, host: Host, first: Step, percent: float) -> Share:
    for entry in mesh.entries(host):
        return Share(percent, (first, Step.at(entry, ("spec", "hosts"), f"{entry}")), outside=True)
    if full := host.half(mesh.cluster):
        return Share(percent, (first,), why=f"503: {host.text} is not completed, write {full}")
    if host.name and mesh.cluster.lacks(host.namespace, host.name):
        return Share(percent, (first,), why=f"503: no Service {host.namespace}/{host.name}")
    return Share(percent, (first, Step(f"{host.full} is nothing of this repository")), outside=True)
