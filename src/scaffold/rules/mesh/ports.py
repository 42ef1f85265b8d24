"""Mesh: the ports of what is routed to, which Istio guesses where nobody names them."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.gateways import comes_in
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host
from scaffold.rules.reading.istio_objects import MESH, destinations, gateways_of
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.protocols import GUESSED, HTTP, protocol

_EXTERNAL = "ExternalName"


@rule("MESH-09", Severity.ERROR, fix="Name the port of the Service that the route leads to.")
def destination_ports_exist(repo: Repo) -> Iterator[Hit]:
    """A route names the port where its Service has several, and one that the Service has.

    Without it a gateway takes the number of its own port, which the Service seldom has (IST0112). Routes of the mesh
    alone are not judged for that: there the port of the call is kept.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            for keys, destination in destinations(service):
                target = Host.of(str(destination.get("host")), service.namespace).service(mesh.cluster)
                if target is None or target.get("spec", "type") == _EXTERNAL:
                    continue
                ports = [port.get("port") for _, port in target.items("spec", "ports")]
                number = service.get(*keys, "port", "number")
                if number is not None:
                    if ports and number not in ports:
                        what = f"{target} has no port {number}, it has {', '.join(map(str, ports))}"
                        yield at(service, (*keys, "port", "number"), f"{service}: {what}")
                elif len(ports) > 1 and not set(_listened(mesh, service, keys)) <= set(map(str, ports)):
                    what = f"{target} has the ports {', '.join(map(str, ports))}, and the route names none"
                    yield at(service, (*keys, "host"), f"{service}: {what}")


@rule("MESH-10", Severity.WARNING, fix="Name the port after its protocol (http, grpc-api, tcp-db), or set appProtocol.")
def routed_ports_say_their_protocol(repo: Repo) -> Iterator[Hit]:
    """A port that HTTP routes lead to says its protocol, the same one in every Service of a workload.

    What says none is guessed from the first bytes (IST0118), and what says tcp gets no HTTP route, retry or metric:
    silently. Two Services that tell one container port to be HTTP and something else contradict each other (IST0116).
    """
    for mesh in meshes(repo):
        seen: set[tuple[int, int]] = set()
        for service in mesh.each("VirtualService"):
            for target, index, port in _routed(mesh, service):
                if (id(target), index) not in seen:
                    seen.add((id(target), index))
                    name = f"port {port.get('port')}" + (f" ({port['name']})" if port.get("name") else "")
                    if protocol(port) == GUESSED:
                        yield at(target, ("spec", "ports", index), f"{target}: {name} says no protocol")
                    elif protocol(port) not in HTTP and MESH in gateways_of(service):
                        what = f"{name} is {protocol(port)}, but {service} has HTTP routes to it"
                        yield at(target, ("spec", "ports", index), f"{target}: {what}")
        yield from _contradictions(mesh)


def _listened(mesh: Mesh, service: Manifest, keys: Path) -> Iterator[str]:
    """Yield the ports of the gateways from which a route takes requests, ``?`` for one that is not here."""
    for name in gateways_of(service):
        if name != MESH and not comes_in(mesh, service, keys, name):
            continue
        gateway = mesh.gateway(name, service) if name != MESH else None
        if gateway is None:
            yield from () if name == MESH else ("?",)
            continue
        for _, server in gateway.items("spec", "servers"):
            tls, port = server.get("tls"), server.get("port")
            redirects = isinstance(tls, Mapping) and tls.get("httpsRedirect") is True
            if not redirects and isinstance(port, Mapping):
                yield str(port.get("number"))


def _routed(mesh: Mesh, service: Manifest) -> Iterator[tuple[Manifest, int, Mapping[str, Any]]]:
    for keys, destination in destinations(service):
        target = Host.of(str(destination.get("host")), service.namespace).service(mesh.cluster)
        if keys[1] != "http" or target is None or target.get("spec", "type") == _EXTERNAL:
            continue
        number = service.get(*keys, "port", "number")
        ports = list(target.items("spec", "ports"))
        for index, port in ports:
            if port.get("port") == number or (number is None and len(ports) == 1):
                yield target, index, port


def _contradictions(mesh: Mesh) -> Iterator[Hit]:
    said: dict[tuple[int, str], tuple[str, Manifest]] = {}
    for service in mesh.cluster.services.values():
        pods = mesh.selected(service)
        for index, port in service.items("spec", "ports"):
            target, spoken = str(port.get("targetPort") or port.get("port")), protocol(port)
            if spoken in {GUESSED, "udp"}:
                continue
            for workload in pods:
                if not mesh.injected(workload):
                    continue
                before, other = said.setdefault((id(workload.manifest), target), (spoken, service))
                if (before in HTTP) != (spoken in HTTP):
                    what = f"port {target} of {workload.manifest} is {spoken} here and {before} in {other}"
                    yield at(service, ("spec", "ports", index), f"{service}: {what} ({other.place()})")
