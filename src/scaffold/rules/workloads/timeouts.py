"""Timeouts and retries of HTTPRoutes: all tries fit, and one layer alone tries again."""

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
from scaffold.rules.reading.istio_objects import http_routes
from scaffold.rules.reading.mesh import Mesh, meshes

_GATEWAY_API = "gateway.networking.k8s.io"
_CHANNEL = "gateway.networking.k8s.io/channel"


@rule(
    "WORK-10", Severity.WARNING, fix="Set request to (1 + attempts) x backendRequest at least, and retry in one layer."
)
def route_retries_fit_into_their_timeout(repo: Repo) -> Iterator[Hit]:
    """All tries of an HTTPRoute rule fit into its timeout, and no other layer tries again what it tries again.

    What does not fit is never tried. A retry in the route and in the mesh's VirtualService multiply: three times three
    requests for one, when the service is in trouble already. `retry` is a field of the experimental channel: with
    the standard definitions in the repository it is lost. Timeouts and retries of the programs are not seen.
    """
    for mesh in meshes(repo):
        retried = _retried(mesh)
        standard = _standard(mesh)
        for route in mesh.cluster.each(_GATEWAY_API, "HTTPRoute"):
            for index, entry in route.items("spec", "rules"):
                keys: Path = ("spec", "rules", index)
                yield from _timeouts(route, keys, entry)
                if not entry.get("retry"):
                    continue
                if standard:
                    yield at(route, (*keys, "retry"), f"{route}: retry is not in the standard channel of {standard}")
                for number, backend in route.items(*keys, "backendRefs"):
                    host = f"{backend.get('namespace') or route.namespace}/{backend.get('name')}"
                    if other := retried.get(host):
                        what = f"{route} tries requests to {host} again, and so does {other}"
                        yield at(route, (*keys, "backendRefs", number), what)


def _timeouts(route: Manifest, keys: Path, entry: Mapping[str, Any]) -> Iterator[Hit]:
    whole, each = (seconds(route.get(*keys, "timeouts", field)) for field in ("request", "backendRequest"))
    if not whole or not each:
        return  # 0s is no limit
    retry = entry.get("retry")
    attempts = retry.get("attempts") if isinstance(retry, Mapping) else 0
    again = attempts if isinstance(attempts, int) and not isinstance(attempts, bool) and attempts > 0 else 0
    backoff = (seconds(retry.get("backoff")) or 0) if isinstance(retry, Mapping) else 0
    said = route.mapping(*keys, "timeouts")
    if each > whole + 1e-9:
        what = f"backendRequest {said['backendRequest']} is longer than request {said['request']}"
        yield at(route, (*keys, "timeouts", "backendRequest"), f"{route}: {what}")
    elif again and (1 + again) * each + again * backoff > whole + 1e-9:
        tries = f"1 + {again} tries of {said['backendRequest']}"
        yield at(route, (*keys, "retry"), f"{route}: {tries} do not fit into the request timeout {said['request']}")


def _retried(mesh: Mesh) -> dict[str, Manifest]:
    """Return the VirtualServices of the mesh that try again, by namespace/name of the Service."""
    found: dict[str, Manifest] = {}
    for service in mesh.each("VirtualService"):
        gateways = service.get("spec", "gateways")
        if isinstance(gateways, list) and gateways and "mesh" not in gateways:
            continue
        attempts = [service.get(*keys, "retries", "attempts") for keys, _ in http_routes(service)]
        if any(isinstance(number, int) and number > 0 for number in attempts):
            hosts = service.get("spec", "hosts")
            for name in hosts if isinstance(hosts, list) else ():
                host = Host.of(str(name), service.namespace)
                if host.name:
                    found.setdefault(f"{host.namespace}/{host.name}", service)
    return found


def _standard(mesh: Mesh) -> str:
    """Return the definition of HTTPRoutes where it stands here and is of the standard channel."""
    for one in mesh.cluster.each("apiextensions.k8s.io", "CustomResourceDefinition"):
        if one.name == f"httproutes.{_GATEWAY_API}" and one.annotations.get(_CHANNEL) == "standard":
            return str(one)
    return ""
