"""Hosts as a pod's resolver reads them: ``web``, ``web.shop`` and ``web.shop.svc.cluster.local`` are a Service."""

from dataclasses import dataclass

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.inventory import Cluster


@dataclass(frozen=True, slots=True)
class Address:
    """A Service by namespace and name, and the port that is asked (None where the address says none)."""

    namespace: str
    name: str
    port: int | None

    @classmethod
    def of(cls, text: object, reader: str, cluster: Cluster) -> "Address | None":
        """Take ``[scheme://]host[:port][/path]`` apart; None where the host is no name of this cluster for sure."""
        if not isinstance(text, str) or any(mark in text for mark in ("$", "{{", "[")):
            return None
        host, _, port = text.rpartition("://")[2].partition("/")[0].partition(":")
        parts = host.rstrip(".").split(".")
        number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
        if len(parts) == 1 and parts[0] and parts[0] != "localhost" and not parts[0].isdigit():
            return cls(reader, parts[0], number)
        known = len(parts) == 2 and (parts[1] in cluster.namespaces or parts[1] in cluster.populated)
        if known or (len(parts) > 2 and parts[2] == "svc"):
            return cls(parts[1], parts[0], number)
        return None

    def service(self, cluster: Cluster) -> Manifest | None:
        """Return the Service, None if it is not here."""
        return cluster.services.get((self.namespace, self.name))

    def fault(self, cluster: Cluster) -> str:
        """Return why nothing answers there, empty if something may."""
        service = self.service(cluster)
        if service is None:
            missing = cluster.lacks(self.namespace, self.name)
            return f"no Service {self.namespace}/{self.name}" if missing else ""
        ports = [port.get("port") for _, port in service.items("spec", "ports")]
        if self.port is None or self.port in ports or service.get("spec", "type") == "ExternalName":
            return ""
        # Without a virtual address the port of the pod itself is asked.
        if service.get("spec", "clusterIP") == "None":
            return ""
        return f"{service} has no port {self.port}, but {', '.join(map(str, ports)) or 'none'}"
