"""Mesh: a VirtualService is bound to where its requests come in, and is the only one for them there."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host, overlap
from scaffold.rules.reading.istio_objects import (
    MESH,
    destinations,
    gateways_of,
    hosts_of,
    rule_host,
    seen_by,
    server_hosts,
    subset_names,
    together,
)
from scaffold.rules.reading.mesh import Mesh, meshes


@rule("MESH-04", Severity.ERROR, fix="Bind the VirtualService to a Gateway that exists and serves the host.")
def public_hosts_have_a_gateway(repo: Repo) -> Iterator[Hit]:
    """A VirtualService for a public host lists a Gateway, which exists and serves that host.

    Without `gateways` the routes hold for calls inside the mesh alone, and the gateway answers 404. A Gateway that may
    come from elsewhere is not judged, nor a VirtualService that says `mesh` itself or routes to the outside.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            public = [(keys, host) for keys, host in hosts_of(service) if host.external]
            gateways = [name for name in gateways_of(service) if name != MESH]
            if not public:
                continue
            if not service.get("spec", "gateways") and _leads_inside(mesh, service, [host for _, host in public]):
                keys, host = public[0]
                yield at(service, keys, f"{service}: host {host.text} is public, but no gateway is listed")
            yield from _unknown_gateways(mesh, service)
            if gateways and all(mesh.gateway(name, service) for name in gateways):
                for keys, host in public:
                    if not _served(mesh, service, host) and not mesh.entries(host):
                        what = f"host {host.text} is served by none of {', '.join(gateways)}"
                        yield at(service, keys, f"{service}: {what}{_offer(mesh, service)}")


@rule("MESH-05", Severity.WARNING, fix="List `mesh` among the gateways and the Service's full name among the hosts.")
def inner_hosts_are_bound_to_the_mesh(repo: Repo) -> Iterator[Hit]:
    """A VirtualService that names a Service as host is bound to `mesh`, by the Service's full name.

    Where gateways are listed, calls from pod to pod pass the routes by unless `mesh` is one of them: no subset, no
    retry, no timeout. "web.shop" is a name of the outside, it is not completed.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            gateways = gateways_of(service)
            for keys, host in hosts_of(service):
                if (full := host.half(mesh.cluster)) and not mesh.entries(host):
                    yield at(service, keys, f"{service}: host {host.text} is not completed, write {full}")
                elif MESH not in gateways and host.service(mesh.cluster):
                    known = all(mesh.gateway(name, service) for name in gateways)
                    if known and not _served(mesh, service, host):
                        what = f"host {host.text} is a Service, but mesh is not among the gateways"
                        yield at(service, keys, f"{service}: {what} ({', '.join(gateways)})")


@rule("MESH-15", Severity.ERROR, fix="Put the routes of a host into one VirtualService, its policy into one rule.")
def hosts_have_one_policy(repo: Repo) -> Iterator[Hit]:
    """In the mesh a host has one VirtualService, and in a namespace one DestinationRule.

    Of two VirtualServices for one host sidecars take one, in an order nobody defines (IST0109). DestinationRules of
    one host and namespace are merged, but of two traffic policies, or two subsets of one name, one is dropped.
    """
    for mesh in meshes(repo):
        first: dict[str, list[Manifest]] = {}
        for service in mesh.each("VirtualService"):
            if MESH not in gateways_of(service):
                continue
            for keys, host in hosts_of(service):
                others = first.setdefault(host.full, [])
                if other := next((one for one in others if one is not service and _meet(one, service)), None):
                    what = f"host {host.text} has a VirtualService for the mesh already, {other} ({other.place()})"
                    yield at(service, keys, f"{service}: {what}")
                others.append(service)
        yield from _rules_twice(mesh)


def _leads_inside(mesh: Mesh, service: Manifest, public: list[Host]) -> bool:
    """Tell whether public hosts lead to Services here and nothing makes the hosts known inside the mesh."""
    if len(public) < len(list(hosts_of(service))) or any(mesh.entries(host) for host in public):
        return False
    targets = [Host.of(str(found.get("host")), service.namespace) for _, found in destinations(service)]
    return bool(targets) and all(target.name for target in targets)


def _unknown_gateways(mesh: Mesh, service: Manifest) -> Iterator[Hit]:
    named = service.get("spec", "gateways")
    for index, name in enumerate(named if isinstance(named, list) else ()):
        if not isinstance(name, str) or name == MESH or mesh.gateway(name, service):
            continue
        namespace = name.partition("/")[0] if "/" in name else service.namespace
        if mesh.knows_gateways_of(namespace):
            known = ", ".join(f"{there}/{one}" for there, one in sorted(mesh.gateways)) or "none"
            yield at(service, ("spec", "gateways", index), f"{service}: no Gateway {name}, there are {known}")


def _served(mesh: Mesh, service: Manifest, host: Host) -> bool:
    gateways = [found for name in gateways_of(service) if (found := mesh.gateway(name, service))]
    return any(
        overlap(served.lower(), host.full.lower()) or overlap(served.lower(), host.text.lower())
        for gateway in gateways
        for _, served in server_hosts(gateway, service.namespace)
    )


def _offer(mesh: Mesh, service: Manifest) -> str:
    gateways = [found for name in gateways_of(service) if (found := mesh.gateway(name, service))]
    served = dict.fromkeys(host for gateway in gateways for _, host in server_hosts(gateway, service.namespace))
    return f", they serve {', '.join(served)}" if served else f", they take none of namespace {service.namespace}"


def _meet(one: Manifest, other: Manifest) -> bool:
    """Tell whether some namespace sees both objects."""
    again = not one.origin.owner and (one.namespace, one.name) == (other.namespace, other.name)
    if again or not together(one, other):
        return False  # loose files with one object in several forms are there to choose from
    named: list[str] = []
    for export in (one.get("spec", "exportTo"), other.get("spec", "exportTo")):
        named += [str(entry).strip() for entry in export] if isinstance(export, list) else []
    readers = {one.namespace, other.namespace, *(name for name in named if name not in {".", "*", "~"})}
    return any(seen_by(one, reader) and seen_by(other, reader) for reader in readers)


def _rules_twice(mesh: Mesh) -> Iterator[Hit]:
    first: dict[tuple[str, str], list[Manifest]] = {}
    for policy in mesh.each("DestinationRule"):
        host = rule_host(policy)
        if not host.text or policy.get("spec", "workloadSelector"):
            continue
        others = first.setdefault((policy.namespace, host.full), [])
        for other in others:
            if _meet(policy, other) and (found := _collision(policy, other)):
                keys, what = found
                yield at(policy, keys, f"{policy}: {what} {host.text} in {other}, too ({other.place()})")
                break
        others.append(policy)


def _collision(policy: Manifest, other: Manifest) -> tuple[Path, str] | None:
    if policy.get("spec", "trafficPolicy") and other.get("spec", "trafficPolicy"):
        return ("spec", "trafficPolicy"), "there is a trafficPolicy for"
    taken = subset_names(other)
    for index, subset in policy.items("spec", "subsets"):
        if str(subset.get("name")) in taken:
            return ("spec", "subsets", index), f"subset {subset.get('name')} is defined for"
    return None
