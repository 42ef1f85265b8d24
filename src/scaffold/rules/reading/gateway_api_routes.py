"""Which HTTPRoute or GRPCRoute rule takes a request, by the order the Gateway API lays down.

The listener with the most specific name, then the routes with the most specific one; of their matches an exact path
before the longest prefix, a method, the most headers, the most parameters; then the older route, which no repository
shows: the name decides here, and a note says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scaffold.model import selectors
from scaffold.model.manifest import Manifest
from scaffold.model.route import Answer, Request, Share, Step
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hosts import covers, overlap, patterns
from scaffold.rules.reading.istio_objects import GATEWAY_API
from scaffold.rules.reading.mesh import Mesh
from scaffold.rules.reading.route_conditions import full_match
from scaffold.rules.reading.route_targets import to_service

_KINDS = ("GRPCRoute", "HTTPRoute")
_RANK = {"Exact": 2, "PathPrefix": 1, "RegularExpression": 0}
_ANY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class _Match:
    route: Manifest
    keys: Path
    match: Mapping[str, Any]

    def order(self) -> tuple[Any, ...]:
        kind, value = _path(self.route, self.match)
        counts = (-len(_listed(self.match, "headers")), -len(_listed(self.match, "queryParams")))
        return (-_RANK.get(kind, 0), -len(value), not self.match.get("method"), *counts)


def at_listeners(mesh: Mesh, request: Request) -> Iterator[Answer]:
    """Yield what each listener that the host leads to makes of a request, and each Gateway that is not here."""
    routes = [route for kind in _KINDS for route in mesh.each(kind, GATEWAY_API)]
    here = {(gateway.namespace, gateway.name): gateway for gateway in mesh.each("Gateway", GATEWAY_API)}
    for gateway in here.values():
        for index, listener in _listeners(gateway, request):
            step = Step.at(gateway, ("spec", "listeners", index), _title(gateway, listener))
            attached = [route for route in routes if _attaches(mesh, route, gateway, listener)]
            names = {id(route): _names(route, str(listener.get("hostname") or "*")) for route in attached}
            yield _answer(mesh, request, step, attached, names, gateway)
    elsewhere: dict[tuple[str, str], list[Manifest]] = {}
    for route in routes:
        for parent in _parents(route):
            if parent not in here:
                elsewhere.setdefault(parent, []).append(route)
    for (namespace, name), attached in elsewhere.items():
        names = {id(route): _names(route, "*") for route in attached}
        if any(covers(one, request.host) for found in names.values() for one in found):
            step = Step(f"Gateway {namespace}/{name}, which is not in this repository: taken to serve the host")
            yield _answer(mesh, request, step, attached, names, attached[0])


def _title(gateway: Manifest, listener: Mapping[str, Any]) -> str:
    named = f", host {listener['hostname']}" if listener.get("hostname") else ""
    return f"{gateway}, listener {listener.get('name')}, port {listener.get('port')} {listener.get('protocol')}{named}"


def _listeners(gateway: Manifest, request: Request) -> list[tuple[int, Mapping[str, Any]]]:
    """Return, for each port, the listener with the most specific name that takes the host."""
    best: dict[Any, tuple[int, Mapping[str, Any]]] = {}
    order = list(patterns(request.host))
    for index, listener in gateway.items("spec", "listeners"):
        port, name = listener.get("port"), str(listener.get("hostname") or "*").lower()
        if request.port not in (None, port) or name not in order or listener.get("protocol") not in ("HTTP", "HTTPS"):
            continue
        other = best.get(str(port))
        if other is None or order.index(name) < order.index(str(other[1].get("hostname") or "*").lower()):
            best[str(port)] = (index, listener)
    return list(best.values())


def _parents(route: Manifest) -> list[tuple[str, str]]:
    return [
        (str(parent.get("namespace") or route.namespace), str(parent.get("name")))
        for _, parent in route.items("spec", "parentRefs")
        if parent.get("kind") in (None, "Gateway")
    ]


def _attaches(mesh: Mesh, route: Manifest, gateway: Manifest, listener: Mapping[str, Any]) -> bool:
    for _, parent in route.items("spec", "parentRefs"):
        same = (parent.get("namespace") or route.namespace, parent.get("name")) == (gateway.namespace, gateway.name)
        section, port = parent.get("sectionName"), parent.get("port")
        chosen = section in (None, listener.get("name")) and port in (None, listener.get("port"))
        if same and chosen and parent.get("kind") in (None, "Gateway"):
            return _allowed(mesh, route, gateway, listener)
    return False


def _allowed(mesh: Mesh, route: Manifest, gateway: Manifest, listener: Mapping[str, Any]) -> bool:
    allowed = listener.get("allowedRoutes")
    namespaces = allowed.get("namespaces") if isinstance(allowed, Mapping) else None
    namespaces = namespaces if isinstance(namespaces, Mapping) else {}
    origin = namespaces.get("from") or "Same"
    if origin == "Selector":
        return selectors.selects(namespaces.get("selector"), mesh.cluster.namespaces.get(route.namespace, {}))
    return origin == "All" or (origin == "Same" and route.namespace == gateway.namespace)


def _names(route: Manifest, served: str) -> list[str]:
    """Return the names a route takes at a listener: the narrower of both."""
    own = route.get("spec", "hostnames")
    hosts = [str(host).lower() for host in own] if isinstance(own, list) and own else ["*"]
    return [host if covers(served.lower(), host) else served.lower() for host in hosts if overlap(host, served.lower())]


def _answer(
    mesh: Mesh, request: Request, step: Step, routes: list[Manifest], names: Mapping[int, list[str]], entry: Manifest
) -> Answer:
    cluster = mesh.cluster.name
    found = {name for route in routes for name in names[id(route)]}
    name = next((one for one in patterns(request.host) if one in found), None)
    if name is None:
        return Answer(cluster, step, why="404: no route is attached to it for this host", decided_by=entry)
    chosen = sorted((one for one in routes if name in names[id(one)]), key=lambda one: (one.namespace, one.name))
    steps = tuple(Step.at(one, ("spec", "hostnames"), f"{one}, host {name}") for one in chosen)
    tried: list[Step] = []
    ordered = sorted((match for route in chosen for match in _matches(route)), key=_Match.order)
    for position, match in enumerate(ordered):
        if why := next(_missed(match, request), ""):
            tried.append(Step.at(match.route, match.keys, f"{_rule(match)}: {why}"))
            continue
        same = [other for other in ordered[position + 1 :] if other.order() == match.order()
                and other.route is not match.route and not next(_missed(other, request), "")]  # fmt: skip
        notes = tuple(f"{other.route} matches as well: the older one wins, which no repository shows" for other in same)
        own = tuple(one for one, route in zip(steps, chosen, strict=True) if route is match.route)
        return _taken(mesh, request, match, Answer(cluster, step, own, tuple(tried), notes=notes))
    return Answer(cluster, step, steps, tuple(tried), why="404: no rule matches", decided_by=chosen[0])


def _matches(route: Manifest) -> Iterator[_Match]:
    for index, rule in route.items("spec", "rules"):
        for match in _listed(rule, "matches") or [_ANY]:
            yield _Match(route, ("spec", "rules", index), match)


def _rule(match: _Match) -> str:
    name = match.route.get(*match.keys, "name")
    return f"rule {name}" if name else f"rule {int(match.keys[-1]) + 1}"


def _path(route: Manifest, match: Mapping[str, Any]) -> tuple[str, str]:
    if route.kind == "GRPCRoute":
        method = match.get("method")
        method = method if isinstance(method, Mapping) else {}
        service, call = method.get("service"), method.get("method")
        if service and call:
            return "Exact", f"/{service}/{call}"
        return "PathPrefix", f"/{service}" if service else "/"
    path = match.get("path")
    path = path if isinstance(path, Mapping) else {}
    return str(path.get("type") or "PathPrefix"), str(path.get("value") or "/")


def _missed(one: _Match, request: Request) -> Iterator[str]:
    kind, value = _path(one.route, one.match)
    if not _takes_path(kind, value, request.path):
        yield f"path is not {kind} {value}"
    method = one.match.get("method")
    if isinstance(method, str) and method != request.method:
        yield f"method is not {method}"
    for key, values in (("headers", request.headers), ("queryParams", request.query)):
        for item in _listed(one.match, key):
            name = str(item.get("name"))
            got = values.get(name.lower() if key == "headers" else name)
            wanted = str(item.get("value"))
            exact = item.get("type") in (None, "Exact")
            if got is None or not (got == wanted if exact else full_match(wanted, got)):
                thing = "header" if key == "headers" else "parameter"
                yield f"{thing} {name} is {'missing' if got is None else got}, not {wanted}"


def _takes_path(kind: str, value: str, path: str) -> bool:
    if kind == "RegularExpression":
        return full_match(value, path)
    if kind == "Exact":
        return path == value
    prefix = value.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _taken(mesh: Mesh, request: Request, match: _Match, so_far: Answer) -> Answer:
    route, keys = match.route, match.keys
    steps = [*so_far.steps, Step.at(route, keys, _rule(match))]
    reply = ""
    for number, item in route.items(*keys, "filters"):
        kind = item.get("type")
        if kind == "RequestRedirect":
            to = route.mapping(*keys, "filters", number, "requestRedirect")
            reply = f"{to.get('statusCode') or 302} to {to.get('scheme') or 'the same scheme'}, "
            reply += f"host {to.get('hostname') or request.host}"
        elif kind:
            steps.append(Step.at(route, (*keys, "filters", number), f"filter {kind}"))
    found = list(route.items(*keys, "backendRefs"))
    weights = [one["weight"] if isinstance(one.get("weight"), int) else 1 for _, one in found]
    total = sum(weights)
    shares = tuple(
        _backend(mesh, route, (*keys, "backendRefs", number), 100 * weight / total)
        for (number, _), weight in zip(found, weights, strict=True)
        if weight > 0 and not reply
    )
    why = "" if reply or shares else "500: the rule has no backend"
    return replace(so_far, steps=tuple(steps), shares=shares, reply=reply, why=why, decided_by=route)


def _backend(mesh: Mesh, route: Manifest, keys: Path, percent: float) -> Share:
    backend = route.mapping(*keys)
    namespace, name = str(backend.get("namespace") or route.namespace), str(backend.get("name"))
    kind, port = backend.get("kind") or "Service", backend.get("port")
    step = Step.at(route, keys, f"backend {namespace}/{name} port {port}")
    if kind != "Service" or backend.get("group"):
        return Share(percent, (Step.at(route, keys, f"backend {kind} {namespace}/{name}"),), outside=True)
    if namespace != route.namespace and not _granted(mesh, route, namespace, name):
        return Share(percent, (step,), why=f"500: no ReferenceGrant of {namespace} lets {route} refer to {name}")
    service = mesh.cluster.services.get((namespace, name))
    if service is not None:
        return to_service(mesh, service, port, None, percent, (step,))
    if mesh.cluster.lacks(namespace, name):
        return Share(percent, (step,), why=f"500: no Service {namespace}/{name}")
    return Share(percent, (step, Step(f"Service {namespace}/{name} is not in this repository")), outside=True)


def _granted(mesh: Mesh, route: Manifest, namespace: str, name: str) -> bool:
    """Tell whether a namespace lets a route in; grants may come from elsewhere."""
    if not mesh.ours(namespace):
        return True
    for grant in mesh.each("ReferenceGrant", GATEWAY_API):
        froms = [one for _, one in grant.items("spec", "from")]
        ours = any(one.get("kind") == route.kind and one.get("namespace") == route.namespace for one in froms)
        to = [one for _, one in grant.items("spec", "to")]
        theirs = any(one.get("kind") == "Service" and one.get("name") in (None, "", name) for one in to)
        if grant.namespace == namespace and ours and theirs:
            return True
    return False


def _listed(parent: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = parent.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
