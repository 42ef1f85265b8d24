"""Hosts as Istio resolves them, and who sees what.

A short name is completed with the namespace of the policy, a name with a dot is taken as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.inventory import Cluster

_SERVICE_NAME = re.compile(r"(?P<name>[^.*]+)\.(?P<namespace>[^.*]+)\.svc\.(?!clusterset\.)[a-z0-9.-]+\Z")
_HALF_NAME = re.compile(r"(?P<name>[^.*]+)\.(?P<namespace>[^.*]+)(\.svc)?\Z")


@dataclass(frozen=True, slots=True)
class Host:
    """A host, resolved; ``name`` and ``namespace`` are empty where it is no Service's name."""

    text: str
    name: str = ""
    namespace: str = ""

    @classmethod
    def of(cls, host: str, namespace: str) -> "Host":
        """Resolve a host as a policy of a namespace names it."""
        if found := _SERVICE_NAME.match(host):
            return cls(host, found["name"], found["namespace"])
        return cls(host) if "." in host or "*" in host or not host else cls(host, host, namespace)

    @property
    def full(self) -> str:
        """Return the full name: what the requests carry."""
        return f"{self.name}.{self.namespace}.svc.cluster.local" if self.name else self.text

    @property
    def external(self) -> bool:
        """Tell whether it is a name of the world outside: no Service, no wildcard of them, no cluster name."""
        return not self.name and "." in self.text and ".svc" not in self.text and not self.text.endswith(".local")

    def service(self, cluster: Cluster) -> Manifest | None:
        """Return its Service, None if that is none or lies elsewhere."""
        return cluster.services.get((self.namespace, self.name)) if self.name else None

    def half(self, cluster: Cluster) -> str:
        """Return the full name of the Service that ``name.namespace`` was meant for, empty if there is none."""
        half = None if self.name else _HALF_NAME.match(self.text)
        if half and (half["namespace"], half["name"]) in cluster.services:
            return f"{half['name']}.{half['namespace']}.svc.cluster.local"
        return ""


def covers(pattern: str, host: str) -> bool:
    """Tell whether a host of a policy (``*``, ``*.example.com``, a name) takes all of another."""
    return pattern in {host, "*"} or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def overlap(one: str, other: str) -> bool:
    """Tell whether two hosts, either of which may be a wildcard, have a name in common."""
    return covers(one, other) or covers(other, one)


def patterns(host: str) -> Iterator[str]:
    """Yield every pattern that takes a host, the most specific one first."""
    yield host
    rest = host.removeprefix("*.")
    if rest != host:
        _, _, rest = rest.partition(".")
        rest = f".{rest}" if rest else ""
    else:
        _, dot, rest = host.partition(".")
        rest = dot + rest
    while rest:
        yield f"*{rest}"
        _, dot, tail = rest[1:].partition(".")
        rest = dot + tail
    if host != "*":
        yield "*"


def visible(export_to: Any, owner: Manifest, reader: str) -> bool:
    """Tell whether namespace ``reader`` sees an object: without ``exportTo`` everybody does, "." is its own."""
    if not isinstance(export_to, list) or not export_to:
        return True
    allowed = {str(entry).strip() for entry in export_to}
    return "*" in allowed or reader in allowed or ("." in allowed and owner.namespace == reader)
