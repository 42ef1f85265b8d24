"""What objects of Istio say: their hosts, gateways, routes and destinations, as they stand in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hosts import Host, visible

NETWORKING = "networking.istio.io"
SECURITY = "security.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"
MESH = "mesh"


def rule_host(policy: Manifest) -> Host:
    """Return the host of a DestinationRule."""
    host = policy.get("spec", "host")
    return Host.of(host if isinstance(host, str) else "", policy.namespace)


def hosts_of(service: Manifest) -> Iterator[tuple[Path, Host]]:
    """Yield keys and each host of a VirtualService."""
    hosts = service.get("spec", "hosts")
    for index, host in enumerate(hosts if isinstance(hosts, list) else ()):
        if isinstance(host, str):
            yield ("spec", "hosts", index), Host.of(host, service.namespace)


def gateways_of(service: Manifest) -> list[str]:
    """Return the gateways a VirtualService is bound to; without any it is the mesh."""
    named = service.get("spec", "gateways")
    listed = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return listed or [MESH]


def http_routes(service: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every HTTP route of a VirtualService."""
    for index, route in service.items("spec", "http"):
        yield ("spec", "http", index), route


def destinations(service: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield every destination of a VirtualService: routes and mirrors."""
    for protocol in ("http", "tcp", "tls"):
        for index, _ in service.items("spec", protocol):
            keys: Path = ("spec", protocol, index)
            if mirror := service.mapping(*keys, "mirror"):
                yield (*keys, "mirror"), mirror
            for field in ("route", "mirrors"):
                for number, _ in service.items(*keys, field):
                    found = (*keys, field, number, "destination")
                    yield found, service.mapping(*found)


def server_hosts(gateway: Manifest, namespace: str) -> Iterator[tuple[Path, str]]:
    """Yield keys and host of every server of a Gateway that takes VirtualServices of a namespace."""
    for index, server in gateway.items("spec", "servers"):
        hosts = server.get("hosts")
        for number, host in enumerate(hosts if isinstance(hosts, list) else ()):
            if not isinstance(host, str):
                continue
            scope, slash, name = host.rpartition("/")
            scope = gateway.namespace if scope == "." else scope
            if not slash or scope in {"*", namespace}:
                yield ("spec", "servers", index, "hosts", number), name


def seen_by(owner: Manifest, reader: str) -> bool:
    """Tell whether a namespace sees an object by its ``exportTo``."""
    return visible(owner.get("spec", "exportTo"), owner, reader)


def subset_names(policy: Manifest) -> list[str]:
    """Return the subsets a DestinationRule defines."""
    return [str(subset.get("name")) for _, subset in policy.items("spec", "subsets")]


def together(one: Manifest, other: Manifest) -> bool:
    """Tell whether two objects go to one cluster for sure: loose files of several folders may go to several."""
    if one.origin.owner and other.origin.owner:
        return True
    return one.origin.path.rpartition("/")[0] == other.origin.path.rpartition("/")[0]
