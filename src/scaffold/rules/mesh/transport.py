"""Mesh: mutual TLS holds where it should, and nothing that has no part in it is left outside."""

from collections.abc import Iterator, Mapping

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.istio_objects import SECURITY, rule_host
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.mutual_tls import STRICT, labels, mode, through_proxy
from scaffold.rules.reading.scrapes import number, plain_scrapes

_NOT_MUTUAL = ("DISABLE", "SIMPLE")


@rule("MESH-18", Severity.ERROR, fix="Leave the port out of the mesh (excludeInboundPorts), or let it take plain text.")
def scraped_ports_take_plain_text(repo: Repo) -> Iterator[Hit]:
    """Where mutual TLS is STRICT, a port that Prometheus scrapes is left out of the mesh or takes plain text.

    Prometheus asks the pod itself and has no certificate of the mesh: its request is refused, and the metrics are
    missing. Judged where the namespace's injection and all PeerAuthentications are here.
    """
    for mesh in meshes(repo):
        for scrape in plain_scrapes(mesh):
            if through_proxy(mesh, scrape.workload, scrape.port) and mode(mesh, scrape.workload, scrape.port) == STRICT:
                what = f"port {scrape.port} of {scrape.workload.manifest} takes mutual TLS alone"
                yield at(scrape.monitor, scrape.keys, f"{scrape.monitor}: {what}")


@rule("MESH-19", Severity.WARNING, fix="Name the port of the container, not that of the Service.")
def port_modes_name_container_ports(repo: Repo) -> Iterator[Hit]:
    """The ports of portLevelMtls are ports of the containers of the selected workload.

    A Service's port does nothing there, and the mode of the whole workload holds. Workloads that declare no port are
    not judged.
    """
    for mesh in meshes(repo):
        for policy in mesh.each("PeerAuthentication", SECURITY):
            pods = mesh.pods_in(policy.namespace, labels(policy))
            if not labels(policy) or not pods or not mesh.cluster.closed(policy.namespace):
                continue
            known = {port for pod in pods for port in _ports(mesh, pod)}
            for port in policy.mapping("spec", "portLevelMtls") if all(list(pod.ports()) for pod in pods) else ():
                if str(port) not in known:
                    those = ", ".join(sorted(known, key=int))
                    what = f"no container of {pods[0].manifest} has port {port}, there are {those}"
                    yield at(policy, ("spec", "portLevelMtls", port), f"{policy}: {what}")


@rule("MESH-25", Severity.ERROR, fix="Use ISTIO_MUTUAL, or leave tls out: Istio takes mutual TLS by itself.")
def strict_hosts_get_mutual_tls(repo: Repo) -> Iterator[Hit]:
    """No DestinationRule turns mutual TLS off towards a Service of the mesh that takes nothing else.

    DISABLE sends plain text and SIMPLE a TLS of its own: the proxy of the other side refuses both, and the answer is
    503.
    """
    for mesh in meshes(repo):
        for policy in mesh.each("DestinationRule"):
            service = rule_host(policy).service(mesh.cluster)
            pods = mesh.selected(service) if service else []
            if not service or not pods or not all(mesh.injected(pod) for pod in pods):
                continue
            for keys, port in _turned_off(policy):
                ports = [item for _, item in service.items("spec", "ports") if port in (None, item.get("port"))]
                numbers = [(pod, number(pod, item.get("targetPort") or item.get("port")))
                           for pod in pods for item in ports]  # fmt: skip
                if numbers and all(got is not None and through_proxy(mesh, pod, got) and mode(mesh, pod, got) == STRICT
                                   for pod, got in numbers):  # fmt: skip
                    what = f"tls mode {policy.get(*keys, 'mode')}, but {service} takes mutual TLS alone"
                    yield at(policy, (*keys, "mode"), f"{policy}: {what}")


def _ports(mesh: Mesh, workload: Workload) -> Iterator[str]:
    """Yield the ports a workload listens on: those it declares and those a Service leads to by number."""
    for port in workload.ports():
        if found := number(workload, port.get("containerPort")):
            yield str(found)
    for service in mesh.services_of(workload):
        for _, port in service.items("spec", "ports"):
            if isinstance(port.get("targetPort"), int) and (found := number(workload, port["targetPort"])):
                yield str(found)


def _turned_off(policy: Manifest) -> Iterator[tuple[Path, int | None]]:
    """Yield the keys of each tls setting that is no mutual TLS of the mesh, and its port."""
    places: list[Path] = [("spec", "trafficPolicy")]
    places += [("spec", "subsets", index, "trafficPolicy") for index, _ in policy.items("spec", "subsets")]
    for keys in places:
        if policy.get(*keys, "tls", "mode") in _NOT_MUTUAL:
            yield (*keys, "tls"), None
        for index, item in policy.items(*keys, "portLevelSettings"):
            port = item.get("port")
            wanted = port.get("number") if isinstance(port, Mapping) else None
            found: Path = (*keys, "portLevelSettings", index, "tls")
            if policy.get(*found, "mode") in _NOT_MUTUAL and isinstance(wanted, int):
                yield found, wanted
