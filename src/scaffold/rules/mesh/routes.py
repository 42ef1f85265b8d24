"""Mesh: what Istio is told to route to exists, down to the pods of a subset.

Istio accepts a route to nothing and answers 503; no schema and no offline analyzer sees it.
"""

from collections.abc import Iterator, Mapping

from scaffold.model import selectors
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host, visible
from scaffold.rules.reading.istio_objects import destinations, rule_host, seen_by, subset_names, together
from scaffold.rules.reading.mesh import Mesh, meshes


@rule("MESH-01", Severity.ERROR, fix="Name a Service by its full name (name.namespace.svc.cluster.local), or add it.")
def mesh_hosts_exist(repo: Repo) -> Iterator[Hit]:
    """Every host that the mesh routes to is a Service or a ServiceEntry.

    A short name is looked for in the namespace of the policy, a name with a dot is taken as it is: "web.shop" is
    not the Service web of namespace shop. Namespaces that get objects from elsewhere are not judged.
    """
    for mesh in meshes(repo):
        for user, keys, text in _hosts(mesh):
            host = Host.of(text, user.namespace)
            if (why := _fault(mesh, host, user.namespace)) and _complete(mesh, user, host):
                yield at(user, keys, f"{user}: host {text}: {why}")


@rule("MESH-02", Severity.ERROR, fix="Define the subset in a DestinationRule for that host, or correct its name.")
def mesh_subsets_are_defined(repo: Repo) -> Iterator[Hit]:
    """Every subset that is routed to is defined in a DestinationRule for the same host, visible to the route.

    A route to a subset nobody defines answers 503 to all its requests.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            for keys, destination in destinations(service):
                subset, host = destination.get("subset"), Host.of(str(destination.get("host")), service.namespace)
                judged = bool(subset) and _judged(mesh, host) and not _fault(mesh, host, service.namespace)
                if judged and (why := _undefined(mesh, host, str(subset), service.namespace)):
                    yield at(service, (*keys, "subset"), f"{service}: {why}")


@rule("MESH-03", Severity.ERROR, fix="Give the subset labels that a pod template of the Service has.")
def mesh_subsets_have_pods(repo: Repo) -> Iterator[Hit]:
    """The labels of every subset, with the selector of its Service, match a pod template.

    A subset without pods answers 503, though each object alone is valid.
    """
    for mesh in meshes(repo):
        for policy in mesh.each("DestinationRule"):
            service = rule_host(policy).service(mesh.cluster)
            if service is None or not service.mapping("spec", "selector"):
                continue
            if not mesh.cluster.closed(service.namespace):
                continue
            for index, subset in policy.items("spec", "subsets"):
                labels = subset.get("labels")
                wanted = {**service.mapping("spec", "selector"), **(labels if isinstance(labels, Mapping) else {})}
                lasting = {key: value for key, value in wanted.items()
                           if not key.startswith(selectors.ADDED_AT_RUN_TIME)}  # fmt: skip
                if service.namespace in mesh.cluster.workloads and not mesh.pods_in(service.namespace, lasting):
                    keys: Path = ("spec", "subsets", index, "labels")
                    what = f"subset {subset.get('name')} has no pods, none are labelled {selectors.text(wanted)}"
                    yield at(policy, keys, f"{policy}: {what}")


def _hosts(mesh: Mesh) -> Iterator[tuple[Manifest, Path, str]]:
    for service in mesh.each("VirtualService"):
        for keys, destination in destinations(service):
            if isinstance(host := destination.get("host"), str):
                yield service, (*keys, "host"), host
    for policy in mesh.each("DestinationRule"):
        if isinstance(host := policy.get("spec", "host"), str):
            yield policy, ("spec", "host"), host


def _complete(mesh: Mesh, user: Manifest, host: Host) -> bool:
    """Tell whether a host that was not found is missed: loose files of another folder may be applied elsewhere."""
    services = (one for one in mesh.cluster.services.values() if one.namespace == (host.namespace or user.namespace))
    return bool(user.origin.owner) or any(together(user, service) for service in services)


def _judged(mesh: Mesh, host: Host) -> bool:
    """Tell whether all that can be said of a host is here: its Service, its namespace, or its ServiceEntry."""
    if host.name and (host.service(mesh.cluster) or mesh.cluster.closed(host.namespace)):
        return True
    return bool(mesh.entries(host))


def _fault(mesh: Mesh, host: Host, reader: str) -> str:
    """Return what is wrong with a host as a rule of namespace ``reader`` sees it, empty if nothing is."""
    entries = mesh.entries(host)
    if "*" in host.text or any(seen_by(entry, reader) for entry in entries):
        return ""
    if host.name:
        service = host.service(mesh.cluster)
        if service is None:
            full = f"{host.namespace}/{host.name}" if host.namespace else host.name
            return f"no Service {full}" if mesh.cluster.lacks(host.namespace, host.name) else ""
        exported = service.annotations.get("networking.istio.io/exportTo")
        if visible(exported.split(",") if isinstance(exported, str) else None, service, reader):
            return ""
        return f"Service {host.namespace}/{host.name} is not exported to namespace {reader}"
    if entries:
        return f"{entries[0]} is not exported to namespace {reader}"
    if full := host.half(mesh.cluster):
        return f"a name with a dot is not completed, write {full}"
    # What ends in another ".svc." form is a pod behind a headless Service, or a Service of a cluster set.
    return "no ServiceEntry names it" if ".svc." not in host.text and mesh.cluster.closed(reader) else ""


def _undefined(mesh: Mesh, host: Host, subset: str, reader: str) -> str:
    """Return why a subset is none for namespace ``reader``, empty if it is one."""
    policies = mesh.rules(host)
    defining = [policy for policy in policies if subset in subset_names(policy)]
    if not defining:
        known = sorted({name for policy in policies for name in subset_names(policy)})
        return f"{host.text} has no subset {subset}, there are {', '.join(known) if known else 'none'}"
    if not any(seen_by(policy, reader) for policy in defining):
        return f"subset {subset} of {host.text} is not exported by {defining[0]} to {reader}"
    return ""
