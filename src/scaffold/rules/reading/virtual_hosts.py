"""The routes of VirtualServices for one name: in which order they are tried, and where the first match leads.

As istiod builds it: one virtual host a name, the most specific one wins alone; the routes of its VirtualServices stand
one after the other, those that take everything moved to the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.route import Answer, Request, Share, Step
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hosts import covers, patterns
from scaffold.rules.reading.http_matches import Match, matches, takes_all
from scaffold.rules.reading.istio_objects import hosts_of, http_routes
from scaffold.rules.reading.mesh import Mesh
from scaffold.rules.reading.route_conditions import misses, origin_misses, without_origin
from scaffold.rules.reading.route_targets import to_destination

_DELEGATED = 8


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests come in: ``name`` as VirtualServices write it, empty port where it is not known."""

    step: Step
    name: str
    reader: str
    port: int | None
    scheme: str
    labels: Mapping[str, Any]
    gateway: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One match of one route, with the matches of routes that delegate to it.

    ``away`` says why it is not for what comes in here at all.
    """

    service: Manifest
    keys: Path
    match: Match
    above: tuple[Match, ...] = ()
    away: str = ""

    @property
    def name(self) -> str:
        """Return the name of the route, or its number."""
        name = self.service.get(*self.keys, "name")
        return f"route {name}" if isinstance(name, str) and name else f"route {int(self.keys[-1]) + 1}"


def answer(
    mesh: Mesh, request: Request, door: Door, domains: Mapping[str, list[Manifest]], notes: tuple[str, ...]
) -> Answer:
    """Return what the VirtualServices of the most specific name make of a request; ``notes`` are kept."""
    cluster = mesh.cluster.name
    domain = next((one for one in patterns(request.host) if one in domains), None)
    if domain is None:
        return Answer(
            cluster,
            door.step,
            why="404: no VirtualService is bound to it for this host",
            notes=notes,
            decided_by=door.gateway,
        )
    services = sorted({id(one): one for one in domains[domain]}.values(), key=lambda one: (one.namespace, one.name))
    if len(services) > 1:
        listed = ", ".join(map(str, services))
        notes = (*notes, f"{listed} share the host: the older one comes first, which no repository shows")
    steps = tuple(Step.at(one, _host_keys(one, domain), f"{one}, host {domain}") for one in services)
    tried: list[Step] = []
    for route in _in_order(mesh, services, door):
        found = (why for match in (*route.above, route.match) if (why := misses(match, request, door.scheme)))
        why = route.away or next(found, "")
        if why:
            tried.append(Step.at(route.service, route.keys, f"{route.name}: {why}"))
            continue
        steps = tuple(step for one, step in zip(services, steps, strict=True) if one is route.service or route.above)
        return _taken(mesh, request, door, route, Answer(cluster, door.step, steps, tuple(tried), notes=notes))
    first = services[0]
    why = "404: no route matches"
    return Answer(cluster, door.step, steps, tuple(tried), why=why, notes=notes, decided_by=first)


def _in_order(mesh: Mesh, services: list[Manifest], door: Door) -> Iterator[Route]:
    """Yield the routes as they are tried: those that take everything come last."""
    last: list[Route] = []
    for service in services:
        for route in _routes(mesh, service, door):
            if not route.away and takes_all(route.match) and all(map(takes_all, route.above)):
                last.append(route)
                break
            yield route
    yield from last


def _routes(mesh: Mesh, service: Manifest, door: Door, above: tuple[Match, ...] = ()) -> Iterator[Route]:
    for keys, route in http_routes(service):
        for match in matches(service, keys):
            away = "" if _short(service, match, door) else origin_misses(match, door.name, door.port, door.labels)
            rest = without_origin(match)
            delegate = route.get("delegate")
            if away or not isinstance(delegate, Mapping):
                yield Route(service, keys, rest, above, away)
                continue
            namespace = str(delegate.get("namespace") or service.namespace)
            for other in mesh.each("VirtualService") if len(above) < _DELEGATED else ():
                if (other.namespace, other.name) == (namespace, delegate.get("name")):
                    yield from _routes(mesh, other, door, (*above, rest))


def _short(service: Manifest, match: Match, door: Door) -> bool:
    """Tell whether a match names the gateway by its short name."""
    namespace, _, name = door.name.partition("/")
    return namespace == service.namespace and name in (match.get("gateways") or ())


def _taken(mesh: Mesh, request: Request, door: Door, route: Route, so_far: Answer) -> Answer:
    service, keys = route.service, route.keys
    steps = [*so_far.steps]
    if route.above:
        steps.append(Step.at(service, (), f"delegated to {service}"))
    steps.append(Step.at(service, keys, route.name))
    reply = ""
    if redirect := service.mapping(*keys, "redirect"):
        where = f"{redirect.get('authority') or request.host}{redirect.get('uri') or request.target}"
        reply = f"{redirect.get('redirectCode') or 301} to {redirect.get('scheme') or door.scheme}://{where}"
    elif direct := service.mapping(*keys, "directResponse"):
        reply = f"{direct.get('status')} by the proxy itself"
    if rewrite := service.mapping(*keys, "rewrite"):
        said = ", ".join(f"{key} {value}" for key, value in rewrite.items())
        steps.append(Step.at(service, (*keys, "rewrite"), f"rewritten: {said}"))
    if service.mapping(*keys, "fault"):
        steps.append(Step.at(service, (*keys, "fault"), "faults are injected"))
    shares = () if reply else _shares(mesh, service, keys, door)
    why = "" if reply or shares else "404: the route has no destination"
    return replace(so_far, steps=tuple(steps), shares=shares, reply=reply, why=why, decided_by=service)


def _shares(mesh: Mesh, service: Manifest, keys: Path, door: Door) -> tuple[Share, ...]:
    found = list(service.items(*keys, "route"))
    weights = [share["weight"] if isinstance(share.get("weight"), int) else 0 for _, share in found]
    total = sum(weights)
    return tuple(
        to_destination(
            mesh,
            service,
            (*keys, "route", number, "destination"),
            door.reader or service.namespace,
            door.port,
            100 * weight / total if total else 100 / len(found),
        )
        for (number, _), weight in zip(found, weights, strict=True)
        if weight or not total
    )


def passed_through(mesh: Mesh, request: Request, door: Door, services: list[Manifest]) -> Answer:
    """Return what a port that does not open TLS makes of a request: it sees the name alone."""
    for service in services:
        for index, _ in service.items("spec", "tls"):
            keys: Path = ("spec", "tls", index)
            names = [name for _, match in service.items(*keys, "match") for name in texts(match.get("sniHosts"))]
            if any(covers(name.lower(), request.host) for name in names):
                steps = (Step.at(service, keys, f"{service}, TLS route {index + 1}: the path is not seen"),)
                shares = _shares(mesh, service, keys, door)
                return Answer(mesh.cluster.name, door.step, steps, shares=shares, decided_by=service)
    return Answer(
        mesh.cluster.name, door.step, why="no TLS route is bound to it for this host", decided_by=door.gateway
    )


def _host_keys(service: Manifest, domain: str) -> Path:
    named = {host.full.lower(): keys for keys, host in hosts_of(service)}
    named |= {host.text.lower(): keys for keys, host in hosts_of(service)}
    return named.get(domain) or next((keys for one, keys in named.items() if covers(one, domain)), ("spec", "hosts"))


def texts(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
