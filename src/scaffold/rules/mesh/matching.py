"""Mesh: which requests a route takes, and how it shares them out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Key, Path
from scaffold.rules.reading import re2
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.http_matches import dead_routes, matches
from scaffold.rules.reading.istio_objects import GATEWAY_API, gateways_of, hosts_of, http_routes
from scaffold.rules.reading.mesh import meshes

_CLAIMS = "@request.auth.claims"
_KEYED = ("headers", "withoutHeaders", "queryParams")
_SINGLE = ("uri", "scheme", "method", "authority")


@rule("MESH-06", Severity.WARNING, fix="Put the route before what takes its requests; let the last one take the rest.")
def routes_can_be_reached(repo: Repo) -> Iterator[Hit]:
    """Every HTTP route can be reached, and the last one takes what is left.

    The first route that matches wins: what stands after one without a match never sees a request (IST0130). Of two
    equal matches in an HTTPRoute the first one wins. Where every route asks for a header and none takes the rest, the
    rest gets a 404; that is only said of a host with one VirtualService.
    """
    for mesh in meshes(repo):
        services = list(mesh.each("VirtualService"))
        hosts = Counter(host.full for service in services for host in {host for _, host in hosts_of(service)})
        for service in services:
            for keys, taker in dead_routes(service, gateways_of(service)):
                what = f"{_route(service, keys)} is never reached, {_route(service, taker)} takes its requests"
                yield at(service, keys, f"{service}: {what}")
            if all(hosts[host.full] == 1 for _, host in hosts_of(service)):
                yield from _no_rest(service)
        for route in mesh.each("HTTPRoute", GATEWAY_API):
            yield from _equal_matches(route)


@rule("MESH-07", Severity.ERROR, fix="Write header names in lower case, and expressions that RE2 knows.")
def matches_can_match(repo: Repo) -> Iterator[Hit]:
    """Header names in matches are lower case, and regular expressions are RE2's.

    Names are compared as they arrive at the proxy, in lower case. RE2 knows no lookahead and no backreference: Istio's
    webhook refuses the object.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            for keys, _ in http_routes(service):
                for number, match in service.items(*keys, "match"):
                    found: Path = (*keys, "match", number)
                    for field in ("headers", "withoutHeaders"):
                        for name in service.mapping(*found, field):
                            if str(name) != str(name).lower() and not str(name).startswith(_CLAIMS):
                                yield at(service, (*found, field, name), f"{service}: header {name} is not lower case")
                    for path, value in _expressions(match):
                        if why := re2.fault(value):
                            yield at(service, (*found, *path), f"{service}: regex {value}: {why}")


@rule("MESH-08", Severity.WARNING, fix="Let the weights of a route sum to 100.")
def weights_sum_to_100(repo: Repo) -> Iterator[Hit]:
    """The weights of a route sum to 100.

    They are relative, so nothing refuses 50 and 40: who reads 40 as percent is wrong. Sums that nobody takes for
    percent (below 50, from 200 on) are passed over; a sum of 0 is refused by Istio's webhook, and a destination
    without weight beside others gets nothing.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            for protocol in ("http", "tcp", "tls"):
                for index, _ in service.items("spec", protocol):
                    keys: Path = ("spec", protocol, index, "route")
                    shares = [share for _, share in service.items(*keys)]
                    weights = [_number(share.get("weight")) for share in shares]
                    total = sum(weights)
                    if len(shares) > 1 and total != 100 and (total == 0 or 50 <= total < 200):
                        listed = " + ".join(map(str, weights))
                        yield at(service, keys, f"{service}: the weights {listed} sum to {total}")


def _route(service: Manifest, keys: Path) -> str:
    name = service.get(*keys, "name")
    return f"route {name}" if isinstance(name, str) and name else f"route {int(keys[-1]) + 1}"


def _no_rest(service: Manifest) -> Iterator[Hit]:
    """Yield a hit where every route asks for a header or parameter, and no other says what happens without it."""
    routes = list(http_routes(service))
    for keys, route in routes:
        for match in matches(service, keys):
            asked = {key for key, value in match.items() if value} - {"name", "ignoreUriCase"}
            names = [str(name) for key in _KEYED for name in _names(match, key)]
            if not asked or not asked <= {"headers", "queryParams"} or route.get("delegate"):
                return
            if any(name.startswith((_CLAIMS, ":")) for name in names):
                return
    if routes:
        keys = routes[-1][0]
        what = f"{_route(service, keys)} is the last and asks for a header, what has none gets a 404"
        yield at(service, keys, f"{service}: {what}")


def _equal_matches(route: Manifest) -> Iterator[Hit]:
    first: dict[str, int] = {}
    for index, rule_ in route.items("spec", "rules"):
        listed = rule_.get("matches")
        own = [_canonical(match) for match in (listed if isinstance(listed, list) and listed else [{}])]
        takers = [first.get(match) for match in own]
        if own and all(taker is not None for taker in takers):
            what = f"rule {index + 1} is never reached, rule {int(takers[0] or 0) + 1} has its matches"
            yield at(route, ("spec", "rules", index), f"{route}: {what}")
        for match in own:
            first.setdefault(match, index)


def _canonical(match: Any) -> str:
    """Return a match of an HTTPRoute in one spelling: defaults written out, lists in order."""
    match = match if isinstance(match, Mapping) else {}
    path = match.get("path")
    path = path if isinstance(path, Mapping) else {}
    listed = {
        key: sorted(
            (str(item.get("name")).lower(), str(item.get("type") or "Exact"), str(item.get("value")))
            for item in (match.get(key) if isinstance(match.get(key), list) else [])
            if isinstance(item, Mapping)
        )
        for key in ("headers", "queryParams")
    }
    kind, value = path.get("type") or "PathPrefix", path.get("value") or "/"
    return repr((kind, value, match.get("method"), listed["headers"], listed["queryParams"]))


def _expressions(match: Mapping[str, Any]) -> Iterator[tuple[tuple[Key, ...], str]]:
    for field in _SINGLE:
        condition = match.get(field)
        if isinstance(condition, Mapping) and isinstance(condition.get("regex"), str):
            yield (field, "regex"), condition["regex"]
    for field in _KEYED:
        for name in _names(match, field):
            condition = match[field][name]
            # "*" alone is Istio's own way to say "any value", no expression.
            if isinstance(condition, Mapping) and isinstance(condition.get("regex"), str) and condition["regex"] != "*":
                yield (field, name, "regex"), condition["regex"]


def _names(match: Mapping[str, Any], field: str) -> list[str]:
    value = match.get(field)
    return list(value) if isinstance(value, Mapping) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
