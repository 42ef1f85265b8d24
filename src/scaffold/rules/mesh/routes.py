"""Mesh: what Istio is told to route to exists, down to the pods of a subset.

Istio accepts a route to nothing and answers 503; no schema and no offline analyzer sees it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading import selectors
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters

_ISTIO = "networking.istio.io"
_SERVICE_NAME = re.compile(r"(?P<name>[^.*]+)\.(?P<namespace>[^.*]+)\.svc\.(?!clusterset\.)[a-z0-9.-]+\Z")
_HALF_NAME = re.compile(r"(?P<name>[^.*]+)\.(?P<namespace>[^.*]+)(\.svc)?\Z")


@rule("MESH-01", Severity.ERROR, fix="Name a Service by its full name (name.namespace.svc.cluster.local), or add it.")
def mesh_hosts_exist(repo: Repo) -> Iterator[Hit]:
    """Every host that the mesh routes to is a Service or a ServiceEntry.

    A short name is looked for in the namespace of the policy, a name with a dot is taken as it is: "web.shop" is
    not the Service web of namespace shop. Namespaces that get objects from elsewhere are not judged.
    """
    for cluster in clusters(repo):
        for user, keys, host in _hosts(cluster):
            if why := _Host.of(host, user.namespace).fault(cluster, user.namespace):
                yield at(user, keys, f"{user}: host {host}: {why}")


@rule("MESH-02", Severity.ERROR, fix="Define the subset in a DestinationRule for that host, or correct its name.")
def mesh_subsets_are_defined(repo: Repo) -> Iterator[Hit]:
    """Every subset that is routed to is defined in a DestinationRule for the same host, visible to the route.

    A route to a subset nobody defines answers 503 to all its requests.
    """
    for cluster in clusters(repo):
        for user, keys, destination in _destinations(cluster):
            subset, host = destination.get("subset"), _Host.of(str(destination.get("host")), user.namespace)
            if not subset or not host.judged(cluster) or host.fault(cluster, user.namespace):
                continue
            defining = [policy for policy in cluster.each(_ISTIO, "DestinationRule")
                        if host.is_meant_by(policy) and subset in _subset_names(policy)]  # fmt: skip
            if not defining:
                known = sorted({name for policy in cluster.each(_ISTIO, "DestinationRule") if host.is_meant_by(policy)
                                for name in _subset_names(policy)})  # fmt: skip
                those = f"there are {', '.join(known)}" if known else "there are none"
                yield at(user, (*keys, "subset"), f"{user}: {host.text} has no subset {subset}, {those}")
            elif not any(_visible(policy.get("spec", "exportTo"), policy, user.namespace) for policy in defining):
                text = f"{user}: subset {subset} of {host.text} is not exported by {defining[0]} to {user.namespace}"
                yield at(user, (*keys, "subset"), text)


@rule("MESH-03", Severity.ERROR, fix="Give the subset labels that a pod template of the Service has.")
def mesh_subsets_have_pods(repo: Repo) -> Iterator[Hit]:
    """The labels of every subset, with the selector of its Service, match a pod template.

    A subset without pods answers 503, though each object alone is valid.
    """
    for cluster in clusters(repo):
        for policy in cluster.each(_ISTIO, "DestinationRule"):
            service = _Host.of(str(policy.get("spec", "host")), policy.namespace).service(cluster)
            if service is None or not service.mapping("spec", "selector") or not cluster.closed(service.namespace):
                continue
            for index, subset in policy.items("spec", "subsets"):
                labels = subset.get("labels")
                wanted = {**service.mapping("spec", "selector"), **(labels if isinstance(labels, Mapping) else {})}
                pods = cluster.workloads.get(service.namespace, ())
                if pods and all(selectors.missing(workload.labels, wanted) for workload in pods):
                    keys: Path = ("spec", "subsets", index, "labels")
                    what = f"subset {subset.get('name')} has no pods, none are labelled {selectors.text(wanted)}"
                    yield at(policy, keys, f"{policy}: {what}")


@dataclass(frozen=True, slots=True)
class _Host:
    """A host, resolved as Istio does it; ``name`` and ``namespace`` are empty where it is no Service's name."""

    text: str
    name: str = ""
    namespace: str = ""

    @classmethod
    def of(cls, host: str, namespace: str) -> "_Host":
        if found := _SERVICE_NAME.match(host):
            return cls(host, found["name"], found["namespace"])
        return cls(host) if "." in host or "*" in host else cls(host, host, namespace)

    def service(self, cluster: Cluster) -> Manifest | None:
        return cluster.services.get((self.namespace, self.name))

    def judged(self, cluster: Cluster) -> bool:
        """Tell whether all that can be said of the host is here: its Service, its namespace, or its ServiceEntry."""
        if self.name and (self.service(cluster) or cluster.closed(self.namespace)):
            return True
        return bool(_entries(cluster, self))

    def fault(self, cluster: Cluster, reader: str) -> str:
        """Return what is wrong with the host as a rule of namespace ``reader`` sees it, empty if nothing is."""
        entries = _entries(cluster, self)
        if "*" in self.text or any(_visible(entry.get("spec", "exportTo"), entry, reader) for entry in entries):
            return ""
        if self.name:
            service = self.service(cluster)
            if service is None:
                full = f"{self.namespace}/{self.name}" if self.namespace else self.name
                return f"no Service {full}" if cluster.lacks(self.namespace, self.name) else ""
            exported = service.annotations.get("networking.istio.io/exportTo")
            if _visible(exported.split(",") if isinstance(exported, str) else None, service, reader):
                return ""
            return f"Service {self.namespace}/{self.name} is not exported to namespace {reader}"
        if entries:
            return f"{entries[0]} is not exported to namespace {reader}"
        if (half := _HALF_NAME.match(self.text)) and (half["namespace"], half["name"]) in cluster.services:
            return f"a name with a dot is not completed, write {half['name']}.{half['namespace']}.svc.cluster.local"
        # What ends in another ".svc." form is a pod behind a headless Service, or a Service of a cluster set.
        return "no ServiceEntry names it" if ".svc." not in self.text and cluster.closed(reader) else ""

    def is_meant_by(self, policy: Manifest) -> bool:
        """Tell whether a DestinationRule is for this host."""
        theirs = _Host.of(str(policy.get("spec", "host")), policy.namespace)
        if self.name or theirs.name:
            same = (theirs.name, theirs.namespace) == (self.name, self.namespace)
        else:
            same = theirs.text == self.text
        full = f"{self.name}.{self.namespace}.svc.cluster.local" if self.name else self.text
        return same or _covers(theirs.text, full)


def _hosts(cluster: Cluster) -> Iterator[tuple[Manifest, Path, str]]:
    for user, keys, destination in _destinations(cluster):
        if isinstance(host := destination.get("host"), str):
            yield user, (*keys, "host"), host
    for policy in cluster.each(_ISTIO, "DestinationRule"):
        if isinstance(host := policy.get("spec", "host"), str):
            yield policy, ("spec", "host"), host


def _destinations(cluster: Cluster) -> Iterator[tuple[Manifest, Path, Mapping[str, Any]]]:
    """Yield every destination of every VirtualService: routes and mirrors."""
    for service in cluster.each(_ISTIO, "VirtualService"):
        for protocol in ("http", "tcp", "tls"):
            for index, _ in service.items("spec", protocol):
                keys: Path = ("spec", protocol, index)
                if mirror := service.mapping(*keys, "mirror"):
                    yield service, (*keys, "mirror"), mirror
                for field in ("route", "mirrors"):
                    for number, _ in service.items(*keys, field):
                        found = (*keys, field, number, "destination")
                        yield service, found, service.mapping(*found)


def _entries(cluster: Cluster, host: _Host) -> list[Manifest]:
    return [
        entry
        for entry in cluster.each(_ISTIO, "ServiceEntry")
        for pattern in entry.get("spec", "hosts") or ()
        if isinstance(pattern, str) and _covers(pattern, host.text)
    ]


def _covers(pattern: str, host: str) -> bool:
    return pattern == host or (pattern.startswith("*.") and host.endswith(pattern[1:])) or pattern == "*"


def _subset_names(policy: Manifest) -> list[str]:
    return [str(subset.get("name")) for _, subset in policy.items("spec", "subsets")]


def _visible(export_to: Any, owner: Manifest, reader: str) -> bool:
    """Tell whether namespace ``reader`` sees an object: without ``exportTo`` everybody does, "." is its own."""
    if not isinstance(export_to, list) or not export_to:
        return True
    allowed = {str(entry).strip() for entry in export_to}
    return "*" in allowed or reader in allowed or ("." in allowed and owner.namespace == reader)
