"""Mesh: timeouts, retries, ejection and limits do what they seem to do."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.durations import seconds
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host
from scaffold.rules.reading.http_matches import matches
from scaffold.rules.reading.istio_objects import destinations, http_routes, rule_host
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.protocols import protocol

_REPEATABLE = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"})
_AFTER_AN_ANSWER = frozenset({"5xx", "gateway-error"})
_LIMITS = (("tcp", "maxConnections"), ("http", "http1MaxPendingRequests"), ("http", "http2MaxRequests"))
_INHERITED = ("connectionPool", "outlierDetection", "tls")
_OWN_ANSWERS = ("redirect", "directResponse", "delegate")


@rule("MESH-11", Severity.WARNING, fix="Set a timeout that all tries fit into: (1 + attempts) x perTryTimeout.")
def retries_fit_into_the_timeout(repo: Repo) -> Iterator[Hit]:
    """Every HTTP route has a timeout, and all tries of a request fit into it.

    Without one a request waits as long as the service hangs: Istio has no default. What does not fit is never tried,
    and the last try is cut off. Routes to gRPC ports have deadlines of their own. Whether the timeouts of a chain of
    services fit into each other needs the calls of the programs, which no manifest shows.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            endless = []
            for keys, route in http_routes(service):
                retries = route.get("retries")
                retries = retries if isinstance(retries, Mapping) else {}
                timeout, each, again = seconds(route.get("timeout")), seconds(retries.get("perTryTimeout")), 0
                if isinstance(retries.get("attempts"), int):
                    again = int(retries["attempts"])
                if timeout is not None and each is not None and again > 0 and (1 + again) * each > timeout + 1e-9:
                    tries = f"1 + {again} tries of {retries['perTryTimeout']}"
                    what = f"{tries} do not fit into the timeout {route['timeout']}"
                    yield at(service, (*keys, "retries"), f"{service}: {what}")
                if "timeout" not in route and route.get("route") and not _is_grpc(mesh, service, keys):
                    endless.append(keys)
            if endless:
                names = ", ".join(str(service.get(*keys, "name") or int(keys[-1]) + 1) for keys in endless)
                yield at(service, endless[0], f"{service}: no timeout in route {names}")


@rule("MESH-12", Severity.WARNING, fix="Retry what failed before an answer came: connect-failure,refused-stream.")
def retries_repeat_nothing_twice(repo: Repo) -> Iterator[Hit]:
    """A route that takes POST or PATCH is not retried on answers of the server (5xx, gateway-error, 503).

    The server may have done the work before it failed, and a payment is made twice. A route that matches other methods
    alone, or asks for an idempotency key, is fine.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            for keys, _ in http_routes(service):
                retry_on = service.get(*keys, "retries", "retryOn")
                attempts = service.get(*keys, "retries", "attempts")
                if not isinstance(retry_on, str) or not isinstance(attempts, int) or attempts < 1:
                    continue
                conditions = [condition.strip() for condition in retry_on.split(",")]
                unsafe = [one for one in conditions if one in _AFTER_AN_ANSWER or _is_server_error(one)]
                if unsafe and not all(_is_repeatable(match) for match in matches(service, keys)):
                    what = f"retryOn has {', '.join(unsafe)} on a route that takes POST"
                    yield at(service, (*keys, "retries", "retryOn"), f"{service}: {what}")


@rule("MESH-13", Severity.WARNING, fix="Set outlierDetection and connectionPool limits, in fields that count.")
def routed_hosts_are_limited(repo: Repo) -> Iterator[Hit]:
    """The DestinationRule of a routed Service ejects failing pods, limits connections, and uses no old field.

    Without ejection a broken pod keeps its share of the requests; without limits a slow service takes its callers down.
    `consecutiveErrors`, LEAST_CONN and `warmupDurationSecs` are deprecated. consecutiveGatewayErrors from
    consecutive5xxErrors on never counts. A Service without any DestinationRule is not judged.
    """
    for mesh in meshes(repo):
        routed = {
            Host.of(str(found.get("host")), service.namespace).full
            for service in mesh.each("VirtualService")
            for keys, found in destinations(service)
            if keys[1] == "http"
        }
        for policy in mesh.each("DestinationRule"):
            host = rule_host(policy)
            for keys, traffic in _traffic(policy):
                yield from _old_fields(policy, keys, traffic)
            if host.full in routed and host.name:
                yield from _unlimited(mesh, policy, host)


@rule("MESH-14", Severity.WARNING, fix="Repeat the settings in portLevelSettings, or leave the port out of it.")
def port_settings_are_whole(repo: Repo) -> Iterator[Hit]:
    """A port with settings of its own has all that the host has, and is a port of the Service.

    Ports inherit nothing: what is left out there is Istio's default again, no limit, no ejection, no TLS.
    """
    for mesh in meshes(repo):
        for policy in mesh.each("DestinationRule"):
            target = rule_host(policy).service(mesh.cluster)
            for keys, traffic in _traffic(policy, ports=False):
                whole = {**policy.mapping("spec", "trafficPolicy"), **traffic}
                for number, port in policy.items(*keys, "portLevelSettings"):
                    found: Path = (*keys, "portLevelSettings", number)
                    wanted = policy.get(*found, "port", "number")
                    lost = [field for field in _INHERITED if whole.get(field) and not port.get(field)]
                    lost += ["loadBalancer"] if _has_affinity(whole) and not port.get("loadBalancer") else []
                    if lost:
                        yield at(policy, found, f"{policy}: port {wanted} has not the {', '.join(lost)} of the host")
                    ports = [one.get("port") for _, one in target.items("spec", "ports")] if target else []
                    if ports and wanted is not None and wanted not in ports:
                        what = f"{target} has no port {wanted}, it has {', '.join(map(str, ports))}"
                        yield at(policy, (*found, "port", "number"), f"{policy}: {what}")


def _has_affinity(traffic: Mapping[str, Any]) -> bool:
    balancer = traffic.get("loadBalancer")
    return isinstance(balancer, Mapping) and bool(balancer.get("consistentHash"))


def _is_grpc(mesh: Mesh, service: Manifest, keys: Path) -> bool:
    """Tell whether all destinations of a route are gRPC ports."""
    found = list(service.items(*keys, "route"))
    for number, _ in found:
        destination = service.mapping(*keys, "route", number, "destination")
        target = Host.of(str(destination.get("host")), service.namespace).service(mesh.cluster)
        wanted = service.get(*keys, "route", number, "destination", "port", "number")
        ports = [port for _, port in target.items("spec", "ports")] if target else []
        chosen = [port for port in ports if port.get("port") == wanted or (wanted is None and len(ports) == 1)]
        if not chosen or not all(protocol(port) in {"grpc", "grpc-web"} for port in chosen):
            return False
    return bool(found)


def _is_server_error(condition: str) -> bool:
    return condition.isdigit() and condition.startswith("5") and len(condition) == 3


def _is_repeatable(match: Mapping[str, Any]) -> bool:
    headers = match.get("headers")
    if any("idempotency" in str(name).lower() for name in (headers if isinstance(headers, Mapping) else ())):
        return True
    method = match.get("method")
    if not isinstance(method, Mapping):
        return False
    said = str(method.get("exact") or method.get("regex") or "").strip("^$()")
    return bool(said) and set(said.split("|")) <= _REPEATABLE


def _traffic(policy: Manifest, *, ports: bool = True) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every traffic policy: of the host, of its subsets, and of their ports."""
    places: list[Path] = [("spec", "trafficPolicy")]
    places += [("spec", "subsets", index, "trafficPolicy") for index, _ in policy.items("spec", "subsets")]
    for keys in places:
        if found := policy.mapping(*keys):
            yield keys, found
            for number, port in policy.items(*keys, "portLevelSettings") if ports else ():
                yield (*keys, "portLevelSettings", number), port


def _old_fields(policy: Manifest, keys: Path, traffic: Mapping[str, Any]) -> Iterator[Hit]:
    outlier, balancer = traffic.get("outlierDetection"), traffic.get("loadBalancer")
    if isinstance(outlier, Mapping):
        found: Path = (*keys, "outlierDetection")
        if "consecutiveErrors" in outlier:
            yield at(policy, (*found, "consecutiveErrors"), f"{policy}: consecutiveErrors is deprecated")
        errors, gateway = outlier.get("consecutive5xxErrors", 5), outlier.get("consecutiveGatewayErrors")
        if isinstance(gateway, int) and isinstance(errors, int) and 0 < errors <= gateway:
            what = f"consecutiveGatewayErrors {gateway} never counts, consecutive5xxErrors is {errors}"
            yield at(policy, (*found, "consecutiveGatewayErrors"), f"{policy}: {what}")
    if isinstance(balancer, Mapping):
        found = (*keys, "loadBalancer")
        if balancer.get("simple") == "LEAST_CONN":
            yield at(policy, (*found, "simple"), f"{policy}: LEAST_CONN is deprecated, it is LEAST_REQUEST")
        if "warmupDurationSecs" in balancer:
            what = "warmupDurationSecs is deprecated, it is warmup.duration"
            yield at(policy, (*found, "warmupDurationSecs"), f"{policy}: {what}")


def _unlimited(mesh: Mesh, policy: Manifest, host: Host) -> Iterator[Hit]:
    """Yield what no policy of a host sets: for the host, for a port, or for each subset."""
    same = [other for other in mesh.rules(host) if other.namespace == policy.namespace and rule_host(other) == host]
    if same and same[0] is not policy and len(same) > 1:
        return  # they are merged, and judged once
    for what, has in (("outlierDetection", _ejects), ("connectionPool limit", _limits)):
        if not any(_set(one, has) for one in same or [policy]):
            where: Path = ("spec", "trafficPolicy") if policy.mapping("spec", "trafficPolicy") else ("spec",)
            yield at(policy, where, f"{policy}: no {what} for the routed host {host.text}")


def _set(policy: Manifest, has: Any) -> bool:
    subsets = [
        policy.mapping("spec", "subsets", index, "trafficPolicy") for index, _ in policy.items("spec", "subsets")
    ]
    whole = policy.mapping("spec", "trafficPolicy")
    ports = [port for _, port in policy.items("spec", "trafficPolicy", "portLevelSettings")]
    return has(whole) or any(has(port) for port in ports) or (bool(subsets) and all(has(one) for one in subsets))


def _ejects(traffic: Mapping[str, Any]) -> bool:
    return bool(traffic.get("outlierDetection"))


def _limits(traffic: Mapping[str, Any]) -> bool:
    pool = traffic.get("connectionPool")
    if not isinstance(pool, Mapping):
        return False
    return any(isinstance(pool.get(part), Mapping) and pool[part].get(field) for part, field in _LIMITS)
