"""Which VirtualService route takes a request: at a port of a Gateway, and inside the mesh."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from scaffold.model.manifest import Manifest
from scaffold.model.route import Answer, Request, Step
from scaffold.model.selectors import text
from scaffold.model.yamltext import Path
from scaffold.rules.reading import gateways
from scaffold.rules.reading.hosts import Host, covers, overlap, patterns
from scaffold.rules.reading.istio_objects import MESH, gateways_of, hosts_of, seen_by, server_hosts
from scaffold.rules.reading.mesh import Mesh
from scaffold.rules.reading.route_targets import to_service
from scaffold.rules.reading.virtual_hosts import Door, answer, passed_through, texts


def at_gateways(mesh: Mesh, request: Request) -> Iterator[Answer]:
    """Yield what each port of each Gateway makes of a request for a host that it serves."""
    bound: dict[str, list[Manifest]] = {}
    for service in mesh.each("VirtualService"):
        for name in gateways_of(service):
            found = mesh.gateway(name, service)
            full = f"{found.namespace}/{found.name}" if found else name
            bound.setdefault(full, []).append(service)
    for door, servers in _doors(mesh, request):
        domains: dict[str, list[Manifest]] = {}
        hidden: list[str] = []
        for gateway, _ in servers:
            for service in bound.get(f"{gateway.namespace}/{gateway.name}", ()):
                for domain in _domains(gateway, service, request.host):
                    if seen_by(service, door.reader):
                        domains.setdefault(domain, []).append(service)
                    else:
                        hidden.append(
                            f"{service} is not exported to {door.reader} ({service.place('spec', 'exportTo')})"
                        )
        redirects = [keys for gateway, keys in servers if gateway.get(*keys, "tls", "httpsRedirect") is True]
        passed = [keys for gateway, keys in servers if gateway.get(*keys, "tls", "mode") == "PASSTHROUGH"]
        if passed:
            yield passed_through(mesh, request, door, [one for found in domains.values() for one in found])
        elif redirects:
            yield Answer(
                mesh.cluster.name,
                door.step,
                reply=f"301 to https://{request.host}{request.target}",
                decided_by=servers[0][0],
            )
        else:
            yield answer(mesh, request, door, domains, tuple(hidden))
    yield from _at_unknown_gateways(mesh, request, bound)


def in_the_mesh(mesh: Mesh, request: Request) -> Iterator[Answer]:
    """Yield what a sidecar makes of a request, for each Service or declared host that the name may mean."""
    bound: dict[str, list[Manifest]] = {}
    for service in mesh.each("VirtualService"):
        if MESH in gateways_of(service):
            for _, host in hosts_of(service):
                bound.setdefault(host.full.lower(), []).append(service)
    targets = _services(mesh, request.host)
    for target in targets:
        full = f"{target.name}.{target.namespace}.svc.cluster.local"
        ports = [port.get("port") for _, port in target.items("spec", "ports")]
        port = request.port or (ports[0] if len(ports) == 1 and isinstance(ports[0], int) else None)
        door = Door(Step("the mesh, from a pod with a proxy"), MESH, target.namespace, port, "http", {})
        domains = {domain: bound[domain] for domain in patterns(full) if domain in bound}
        if domains:
            yield answer(mesh, replace(request, host=full), door, domains, _kept(domains))
        else:
            step = Step("no VirtualService for the mesh: every pod of the Service, whatever its version")
            share = to_service(mesh, target, request.port, port, 100, ())
            yield Answer(mesh.cluster.name, door.step, (step,), shares=(share,), decided_by=target)
    if not targets:
        domains = {domain: bound[domain] for domain in patterns(request.host.lower()) if domain in bound}
        if domains:
            door = Door(Step("the mesh, from a pod with a proxy"), MESH, "", request.port or 80, "http", {})
            yield answer(mesh, request, door, domains, _kept(domains))


def _kept(domains: Mapping[str, list[Manifest]]) -> tuple[str, ...]:
    """Return which callers see the routes, where that is not everybody."""
    found = {id(one): one for services in domains.values() for one in services}.values()
    exports = [(one, texts(one.get("spec", "exportTo"))) for one in found]
    return tuple(
        f"{one} is seen by callers of {', '.join(one.namespace if name == '.' else name for name in names)} alone"
        for one, names in exports
        if names and "*" not in names
    )


def _doors(mesh: Mesh, request: Request) -> Iterator[tuple[Door, list[tuple[Manifest, Path]]]]:
    """Yield each port that serves the host, with the servers that share its routes."""
    groups: dict[tuple[str, ...], list[tuple[Manifest, Path]]] = {}
    for gateway in mesh.each("Gateway"):
        for index, server in gateway.items("spec", "servers"):
            keys: Path = ("spec", "servers", index)
            number, spoken = gateway.get(*keys, "port", "number"), str(gateway.get(*keys, "port", "protocol")).upper()
            hosts = [host.rpartition("/")[2] for host in texts(server.get("hosts"))]
            if request.port not in (None, number) or not any(covers(one.lower(), request.host) for one in hosts):
                continue
            if spoken in {"TCP", "MONGO", "MYSQL", "REDIS"}:
                continue
            alone = () if spoken in {"HTTP", "HTTP2", "GRPC"} else (gateway.namespace, gateway.name, str(index))
            groups.setdefault((text(gateways.selector(gateway)), str(number), *alone), []).append((gateway, keys))
    for servers in groups.values():
        gateway, keys = servers[0]
        number, spoken = gateway.get(*keys, "port", "number"), gateway.get(*keys, "port", "protocol")
        homes = [pod.manifest.namespace for pod in gateways.pods(mesh, gateway)]
        homes += [install.namespace for install in gateways.charts(mesh, gateway)]
        scheme = "https" if gateway.get(*keys, "tls") and not gateway.get(*keys, "tls", "httpsRedirect") else "http"
        step = Step.at(gateway, keys, f"{gateway}, port {number} {spoken}")
        name = f"{gateway.namespace}/{gateway.name}"
        port = number if isinstance(number, int) else None
        reader = homes[0] if homes else gateway.namespace
        yield Door(step, name, reader, port, scheme, gateways.selector(gateway), gateway), servers


def _domains(gateway: Manifest, service: Manifest, asked: str) -> list[str]:
    """Return the names under which a Gateway and a VirtualService together take a host, without repetition."""
    found: dict[str, None] = {}
    for _, host in hosts_of(service):
        for _, served in server_hosts(gateway, service.namespace):
            one, other = host.text.lower(), served.lower()
            if overlap(one, other):
                domain = one if covers(other, one) else other
                if covers(domain, asked):
                    found[domain] = None
    return list(found)


def _at_unknown_gateways(mesh: Mesh, request: Request, bound: Mapping[str, list[Manifest]]) -> Iterator[Answer]:
    for name, services in bound.items():
        namespace, _, rest = name.partition("/")
        if name == MESH or (namespace, rest) in mesh.gateways:
            continue
        domains: dict[str, list[Manifest]] = {}
        for service in services:
            for _, host in hosts_of(service):
                if covers(host.text.lower(), request.host):
                    domains.setdefault(host.text.lower(), []).append(service)
        if domains:
            step = Step(f"Gateway {name}, which is not in this repository: taken to serve the host")
            yield answer(mesh, request, Door(step, name, namespace, request.port, "https", {}), domains, ())


def _services(mesh: Mesh, asked: str) -> list[Manifest]:
    """Return the Services that a name means inside the mesh; a short one means that of each namespace."""
    services = mesh.cluster.services
    if "." not in asked:
        return [service for (_, name), service in sorted(services.items()) if name == asked]
    host = Host.of(asked, "")
    half = Host.of(host.half(mesh.cluster) or asked, "")
    found = half.service(mesh.cluster)
    return [found] if found else []
