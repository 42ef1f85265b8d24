"""Certificates of cert-manager: the names they are for, and who shows them under which names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading import gateways
from scaffold.rules.reading.mesh import Mesh

GROUP = "cert-manager.io"
GATEWAY_API = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class Shown:
    """A Secret with a certificate that is shown for hosts: by whom, below which keys, of which namespaces."""

    manifest: Manifest
    keys: Path
    namespaces: frozenset[str]
    secret: str
    hosts: tuple[tuple[Path, str], ...]


def covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate is good for a host; a wildcard stands for one label."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if name == host:
        return True
    _, _, rest = host.partition(".")
    return name.startswith("*.") and not host.startswith("*") and name[2:] == rest


def shown(mesh: Mesh) -> Iterator[Shown]:
    """Yield every certificate that an Ingress or Gateway shows, with the hosts that it is shown for."""
    for ingress in mesh.cluster.each("networking.k8s.io", "Ingress"):
        for index, entry in ingress.items("spec", "tls"):
            keys: Path = ("spec", "tls", index)
            if isinstance(secret := entry.get("secretName"), str):
                yield Shown(ingress, keys, frozenset({ingress.namespace}), secret, _hosts(ingress, (*keys, "hosts")))
    for gateway in mesh.cluster.each(GATEWAY_API, "Gateway"):
        for index, listener in gateway.items("spec", "listeners"):
            keys = ("spec", "listeners", index)
            named = [one for _, one in gateway.items(*keys, "tls", "certificateRefs")]
            host = listener.get("hostname")
            if len(named) == 1 and isinstance(host, str) and named[0].get("kind") in (None, "Secret"):
                home = str(named[0].get("namespace") or gateway.namespace)
                hosts = (((*keys, "hostname"), host),)
                yield Shown(gateway, keys, frozenset({home}), str(named[0].get("name")), hosts)
    for gateway in mesh.each("Gateway"):
        yield from _of_istio(mesh, gateway)


def _of_istio(mesh: Mesh, gateway: Manifest) -> Iterator[Shown]:
    homes = frozenset(
        {pod.manifest.namespace for pod in gateways.pods(mesh, gateway)}
        | {install.namespace for install in gateways.charts(mesh, gateway)}
    )
    for index, _ in gateway.items("spec", "servers"):
        keys: Path = ("spec", "servers", index)
        secret = gateway.get(*keys, "tls", "credentialName")
        if isinstance(secret, str) and homes:
            hosts = tuple((place, host.rpartition("/")[2]) for place, host in _hosts(gateway, (*keys, "hosts")))
            yield Shown(gateway, keys, homes, secret, hosts)


def _hosts(manifest: Manifest, keys: Path) -> tuple[tuple[Path, str], ...]:
    listed: Any = manifest.get(*keys)
    found = enumerate(listed) if isinstance(listed, list) else ()
    return tuple(((*keys, index), host) for index, host in found if isinstance(host, str))


def names(certificate: Manifest) -> list[str]:
    """Return the DNS names of a certificate."""
    listed = certificate.get("spec", "dnsNames")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def is_named(certificate: Manifest) -> bool:
    """Tell whether a certificate is for anything: a name, an address or a subject."""
    spec: Mapping[str, Any] = certificate.mapping("spec")
    fields = ("commonName", "dnsNames", "uris", "emailAddresses", "ipAddresses", "otherNames", "literalSubject")
    return any(spec.get(field) for field in fields)
