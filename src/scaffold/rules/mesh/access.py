"""Mesh: who may call whom, as far as the identities are in the repository."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading import authorization
from scaffold.rules.reading.authorization import HTTP_FIELDS
from scaffold.rules.reading.gateways import comes_in, identities
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.istio_objects import MESH, SECURITY, destinations, gateways_of
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.mutual_tls import STRICT, labels, mode, through_proxy
from scaffold.rules.reading.protocols import GUESSED, HTTP, protocol
from scaffold.rules.reading.scrapes import number, plain_scrapes

_REQUEST = "request."


@rule("MESH-20", Severity.ERROR, fix="Name a service account that the calling workload runs as.")
def principals_exist(repo: Repo) -> Iterator[Hit]:
    """Principals of AuthorizationPolicies name a service account that something runs as, and the mesh's trust domain.

    An identity that nobody has is let in in vain, and the caller that was meant gets 403. Judged for namespaces of
    which all pods come from here; the trust domain where istiod's values are.
    """
    for mesh in meshes(repo):
        istiod = mesh.install("istiod")
        domain = str(istiod.get("meshConfig", "trustDomain") or "cluster.local") if istiod and istiod.complete else ""
        aliases = istiod.get("meshConfig", "trustDomainAliases") if istiod else None
        domains = {domain, "cluster.local", *(map(str, aliases) if isinstance(aliases, list) else ())}
        accounts = _accounts(mesh)
        for policy in mesh.each("AuthorizationPolicy", SECURITY):
            for keys, text in _principals(policy):
                found = authorization.principal(text)
                if not found:
                    continue
                trust, namespace, account = found
                if domain and trust not in domains:
                    yield at(policy, keys, f"{policy}: the trust domain is {domain}, not {trust}")
                elif mesh.cluster.closed(namespace) and account not in accounts.get(namespace, ()):
                    yield at(policy, keys, f"{policy}: no workload of {namespace} runs as {account}")


@rule(
    "MESH-21", Severity.ERROR, fix="Allow the gateway's service account, and Prometheus, at the port of the container."
)
def policies_admit_gateway_and_prometheus(repo: Repo) -> Iterator[Hit]:
    """A workload with ALLOW policies lets in the gateway that routes to it, and Prometheus that scrapes it.

    As soon as one ALLOW policy holds for a workload, all that none of them allows is answered with 403. Ports are those
    of the container. Paths, methods and conditions are not evaluated: what may be let in counts as let in.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            names = [name for name in gateways_of(service) if name != MESH]
            for keys, destination in destinations(service) if names else ():
                callers = [one for name in names if comes_in(mesh, service, keys, name)
                           for one in identities(mesh, mesh.gateway(name, service))]  # fmt: skip
                if not callers:
                    continue
                for workload, port in _targets(mesh, service, keys, destination):
                    policies = authorization.allowing(mesh, workload)
                    if policies and _judged(mesh, workload) and not authorization.may_admit(policies, callers, port):
                        where = f"port {port} of {workload.manifest}" if port else str(workload.manifest)
                        user, place = _to_edit(policies, service, keys)
                        yield at(user, place, f"{user}: no ALLOW policy admits the gateway to {where}")
        for scrape in plain_scrapes(mesh):
            workload, port = scrape.workload, scrape.port
            policies = authorization.allowing(mesh, workload)
            if not policies or not _judged(mesh, workload) or not through_proxy(mesh, workload, port):
                continue
            if mode(mesh, workload, port) != STRICT and not authorization.may_admit_plain_text(policies, port):
                what = f"no ALLOW policy admits Prometheus, which has no identity, to port {port}"
                yield at(scrape.monitor, scrape.keys, f"{scrape.monitor}: {what} of {workload.manifest}")


@rule("MESH-22", Severity.WARNING, fix="Name the ports that a DENY rule with paths, methods or hosts is for.")
def deny_rules_name_their_ports(repo: Repo) -> Iterator[Hit]:
    """A DENY rule that looks at HTTP attributes names the ports it is for.

    On a TCP port there is no path or method, and what is missing counts as a match: the rule closes the port. Judged
    where a selected workload has a port that is not HTTP, or where the policy selects none that is here.
    """
    for mesh in meshes(repo):
        for policy in mesh.each("AuthorizationPolicy", SECURITY):
            if authorization.action(policy) != "DENY" or policy.get("spec", "targetRefs"):
                continue
            for keys, found in authorization.rules(policy) if _meets_more_than_http(mesh, policy) else ():
                asked = authorization.operations(found)
                attributes = sorted({field for one in asked for field in HTTP_FIELDS if one.get(field)})
                attributes += [key for key in _conditions(found) if key.startswith(_REQUEST)]
                if attributes and not (asked and all(one.get("ports") for one in asked)):
                    yield at(policy, keys, f"{policy}: DENY by {', '.join(attributes)} without ports")


def _accounts(mesh: Mesh) -> dict[str, set[str]]:
    """Return, by namespace, the service accounts that workloads run as."""
    found: dict[str, set[str]] = {}
    for workload in mesh.workloads():
        spec = workload.manifest.mapping(*workload.spec)
        account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        found.setdefault(workload.manifest.namespace, set()).add(str(account))
    return found


def _principals(policy: Manifest) -> Iterator[tuple[Path, str]]:
    for keys, found in authorization.rules(policy):
        for below, source in authorization.sources(found):
            named = source.get("principals")
            for index, text in enumerate(named if isinstance(named, list) else ()):
                yield (*keys, *below, "principals", index), str(text)


def _judged(mesh: Mesh, workload: Workload) -> bool:
    """Tell whether the workload has a proxy, and all policies for it are here."""
    return mesh.injected(workload) and mesh.ours(workload.manifest.namespace) and mesh.ours(mesh.root)


def _targets(
    mesh: Mesh, service: Manifest, keys: Path, destination: Mapping[str, Any]
) -> Iterator[tuple[Workload, int | None]]:
    """Yield the workloads behind a destination, with the number of the container port where it is known."""
    target = Host.of(str(destination.get("host")), service.namespace).service(mesh.cluster)
    if target is None:
        return
    wanted = service.get(*keys, "port", "number")
    ports = [port for _, port in target.items("spec", "ports")]
    chosen = [port for port in ports if port.get("port") == wanted or (wanted is None and len(ports) == 1)]
    for workload in mesh.selected(target):
        port = number(workload, chosen[0].get("targetPort") or chosen[0].get("port")) if chosen else None
        yield workload, port


def _to_edit(policies: list[Manifest], service: Manifest, keys: Path) -> tuple[Manifest, Path]:
    """Return the place for a hit: the policy for the workload that has rules, else the route."""
    own = [policy for policy in policies if list(authorization.rules(policy))]
    return (own[0], ("spec", "rules")) if own else (service, (*keys, "host"))


def _meets_more_than_http(mesh: Mesh, policy: Manifest) -> bool:
    """Tell whether some port of the selected workloads is not HTTP; unknown workloads may have one."""
    if policy.namespace == mesh.root:
        return True
    pods = mesh.pods_in(policy.namespace, labels(policy))
    spoken = {protocol(port) for pod in pods for service in mesh.services_of(pod)
              for _, port in service.items("spec", "ports")}  # fmt: skip
    return not pods or not spoken <= {*HTTP, GUESSED}


def _conditions(found: Mapping[str, Any]) -> list[str]:
    when = found.get("when")
    return [str(one.get("key")) for one in when if isinstance(one, Mapping)] if isinstance(when, list) else []
