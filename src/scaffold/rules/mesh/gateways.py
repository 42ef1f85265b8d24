"""Mesh: the doors. A Gateway has pods, ports, certificates and, where routes ask for claims, authentication."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import has_all, text
from scaffold.model.yamltext import Path
from scaffold.rules.reading import authorization, gateways
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.istio_objects import MESH, SECURITY, gateways_of, http_routes
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.mutual_tls import labels, selects

_CLAIMS = "@request.auth.claims"
_TLS = frozenset({"HTTPS", "TLS"})


@rule("MESH-23", Severity.ERROR, fix="Put the Certificate into the namespace of the gateway's pods.")
def certificates_are_beside_the_gateway(repo: Repo) -> Iterator[Hit]:
    """The certificate a Gateway names is made in the namespace of the gateway's pods.

    The proxy reads Secrets of its own namespace alone; without one the port answers no handshake. Judged where a
    Certificate of cert-manager makes the Secret here, but in other namespaces only.
    """
    for mesh in meshes(repo):
        made: dict[str, list[Manifest]] = {}
        for certificate in mesh.each("Certificate", "cert-manager.io"):
            made.setdefault(str(certificate.get("spec", "secretName")), []).append(certificate)
        for gateway in mesh.each("Gateway"):
            homes = _homes(mesh, gateway) or {gateway.namespace}
            for keys, _ in _servers(gateway):
                name = gateway.get(*keys, "tls", "credentialName")
                elsewhere = made.get(name, []) if isinstance(name, str) else []
                if not elsewhere or any(one.namespace in homes for one in elsewhere):
                    continue
                if not _brought(mesh, str(name), homes):
                    what = f"{name} is made in namespace {elsewhere[0].namespace}, not in {', '.join(sorted(homes))}"
                    yield at(gateway, (*keys, "tls", "credentialName"), f"{gateway}: {what}")


@rule(
    "MESH-24", Severity.WARNING, fix="Give the Gateway pods, ports of their Service, and hosts that no other one has."
)
def gateways_have_pods_and_ports(repo: Repo) -> Iterator[Hit]:
    """A Gateway selects pods, its ports are those of their Service, and no other Gateway has its host or certificate.

    A port that the Service lacks is reached by nobody (IST0162), of two Gateways for one port and host one is dropped
    (IST0145), and browsers reuse a connection for every host of a certificate: two Gateways with one certificate answer
    each other's hosts with 404 (IST0138). Pods are judged where those of the Gateway's namespace are known.
    """
    for mesh in meshes(repo):
        hosts: dict[tuple[str, ...], Manifest] = {}
        secrets: dict[tuple[str, ...], Manifest] = {}
        for gateway in mesh.each("Gateway"):
            yield from _without_pods(mesh, gateway)
            yield from _without_port(mesh, gateway)
            for keys, server in _servers(gateway):
                port = server.get("port")
                spoken = str(port.get("protocol")).upper() if isinstance(port, Mapping) else ""
                if spoken not in _TLS or not isinstance(port, Mapping):
                    continue
                base = (text(gateways.selector(gateway)), str(port.get("number")))
                yield from _taken(gateway, keys, base, server, hosts)
                secret = gateway.get(*keys, "tls", "credentialName")
                other = secrets.setdefault((*base, str(secret)), gateway) if secret else gateway
                if other is not gateway:
                    what = f"{other} has the certificate {secret} on port {port.get('number')}, too"
                    yield at(gateway, (*keys, "tls", "credentialName"), f"{gateway}: {what} ({other.place()})")


@rule("MESH-33", Severity.ERROR, fix="Add a RequestAuthentication that selects the pods which ask for claims.")
def claims_are_authenticated(repo: Repo) -> Iterator[Hit]:
    """Where routes or policies ask for claims of a token, a RequestAuthentication checks tokens.

    Without one there are no claims: a route by claim never matches (IST0149), and a policy with requestPrincipals lets
    nobody in. Judged where all policies of the namespace are here.
    """
    for mesh in meshes(repo):
        known = list(mesh.each("RequestAuthentication", SECURITY))
        for service in mesh.each("VirtualService"):
            for keys, name in _claims(service):
                for gateway in (mesh.gateway(one, service) for one in gateways_of(service) if one != MESH):
                    if gateway and not _authenticated(mesh, known, gateway):
                        what = f"asks for a claim, but {gateway} has no RequestAuthentication"
                        yield at(service, keys, f"{service}: header {name} {what}")
                        break
        for policy in mesh.each("AuthorizationPolicy", SECURITY):
            if (keys := _needs_token(policy)) and not _policy_authenticated(mesh, known, policy):
                yield at(policy, keys, f"{policy}: asks for a token, but no RequestAuthentication checks one")


def _servers(gateway: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, server in gateway.items("spec", "servers"):
        yield ("spec", "servers", index), server


def _homes(mesh: Mesh, gateway: Manifest) -> set[str]:
    """Return the namespaces of a Gateway's pods, as far as they are known."""
    here = {pod.manifest.namespace for pod in gateways.pods(mesh, gateway)}
    return here | {install.namespace for install in gateways.charts(mesh, gateway)}


def _brought(mesh: Mesh, name: str, homes: set[str]) -> bool:
    """Tell whether something else may make a Secret of that name in one of the namespaces."""
    for group, kind in (("", "Secret"), ("bitnami.com", "SealedSecret"), ("external-secrets.io", "ExternalSecret")):
        for found in mesh.each(kind, group):
            if found.namespace in homes and name in (found.name, found.get("spec", "target", "name")):
                return True
    return not all(mesh.ours(home) for home in homes)


def _without_pods(mesh: Mesh, gateway: Manifest) -> Iterator[Hit]:
    wanted = gateways.selector(gateway)
    if not wanted or _homes(mesh, gateway) or not mesh.ours(gateway.namespace):
        return
    beside = [gateways.labels(one) for one in mesh.charts
              if one.chart == "gateway" and one.namespace == gateway.namespace and one.complete]  # fmt: skip
    if beside:
        what = f"no gateway has the labels {text(wanted)}, that of {gateway.namespace} has {text(beside[0])}"
        yield at(gateway, ("spec", "selector"), f"{gateway}: {what}")


def _without_port(mesh: Mesh, gateway: Manifest) -> Iterator[Hit]:
    """Yield servers on ports to which no Service of the pods leads; only Services that are here are known."""
    pods = gateways.pods(mesh, gateway)
    services = [service for pod in pods for service in mesh.services_of(pod)]
    if not services or gateways.charts(mesh, gateway):
        return
    ports = [port for service in services for _, port in service.items("spec", "ports")]
    reached = [found for port in ports for found in (port.get("targetPort"), port.get("port")) if found is not None]
    if not all(isinstance(port, int) for port in reached):
        return
    for keys, server in _servers(gateway):
        number = gateway.get(*keys, "port", "number")
        if isinstance(number, int) and number not in reached and not server.get("bind"):
            what = f"port {number} is no port of {services[0]}, it has {', '.join(map(str, sorted(set(reached))))}"
            yield at(gateway, (*keys, "port", "number"), f"{gateway}: {what}")


def _taken(
    gateway: Manifest,
    keys: Path,
    base: tuple[str, str],
    server: Mapping[str, Any],
    hosts: dict[tuple[str, ...], Manifest],
) -> Iterator[Hit]:
    named = server.get("hosts")
    for index, host in enumerate(named if isinstance(named, list) else ()):
        scope, _, name = str(host).rpartition("/")
        scope = gateway.namespace if scope == "." else scope or "*"
        other = hosts.setdefault((*base, str(server.get("bind")), scope, name), gateway)
        if other is not gateway:
            what = f"{other} has host {name} on port {base[1]}, too"
            yield at(gateway, (*keys, "hosts", index), f"{gateway}: {what} ({other.place()})")


def _claims(service: Manifest) -> Iterator[tuple[Path, str]]:
    for keys, _ in http_routes(service):
        for number, _ in service.items(*keys, "match"):
            for field in ("headers", "withoutHeaders"):
                for name in service.mapping(*keys, "match", number, field):
                    if str(name).startswith(_CLAIMS):
                        yield (*keys, "match", number, field, name), str(name)


def _authenticated(mesh: Mesh, known: list[Manifest], gateway: Manifest) -> bool:
    """Tell whether a RequestAuthentication may hold for a Gateway's pods; one elsewhere may."""
    homes = {mesh.root, gateway.namespace, *_homes(mesh, gateway)}
    if not all(mesh.ours(home) for home in homes):
        return True
    wanted = gateways.selector(gateway)
    for policy in known:
        asked = labels(policy)
        if policy.namespace in homes and (not asked or has_all(wanted, asked) or policy.get("spec", "targetRefs")):
            return True
        if policy.namespace in homes and any(selects(policy, pod) for pod in gateways.pods(mesh, gateway)):
            return True
        if any(has_all(gateways.labels(one), asked) for one in gateways.charts(mesh, gateway)):
            return True
    return False


def _needs_token(policy: Manifest) -> Path:
    """Return the keys of what asks for a token in an ALLOW policy, empty if nothing does."""
    if authorization.action(policy) != "ALLOW" or policy.get("spec", "targetRefs"):
        return ()
    for keys, found in authorization.rules(policy):
        for below, source in authorization.sources(found):
            if source.get("requestPrincipals"):
                return (*keys, *below, "requestPrincipals")
        for number, condition in policy.items(*keys, "when"):
            if str(condition.get("key")).startswith("request.auth.") and condition.get("values"):
                return (*keys, "when", number)
    return ()


def _policy_authenticated(mesh: Mesh, known: list[Manifest], policy: Manifest) -> bool:
    """Tell whether a RequestAuthentication may hold for some workload of a policy; one elsewhere may."""
    if policy.namespace == mesh.root or not mesh.ours(policy.namespace) or not mesh.ours(mesh.root):
        return True
    wanted = labels(policy)
    for other in known:
        asked = labels(other)
        if other.namespace not in {policy.namespace, mesh.root}:
            continue
        clash = any(key in wanted and wanted[key] != value for key, value in asked.items())
        if not clash or other.get("spec", "targetRefs"):
            return True
    return False
