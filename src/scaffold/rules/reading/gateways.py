"""Which pods a Gateway of Istio is served by: those that are here, and those that Istio's own chart brings."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import has_all
from scaffold.model.yamltext import Path
from scaffold.rules.reading.authorization import Identity
from scaffold.rules.reading.http_matches import matches
from scaffold.rules.reading.installs import Install
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.mesh import Mesh


def selector(gateway: Manifest) -> Mapping[str, Any]:
    """Return the labels of the pods a Gateway is for."""
    return gateway.mapping("spec", "selector")


def pods(mesh: Mesh, gateway: Manifest) -> list[Workload]:
    """Return the workloads here that serve a Gateway, of any namespace."""
    wanted = selector(gateway)
    return mesh.pods.having(wanted) if wanted else []


def charts(mesh: Mesh, gateway: Manifest) -> list[Install]:
    """Return the installs of Istio's gateway chart that serve a Gateway."""
    return [
        install for install in mesh.charts if install.chart == "gateway" and has_all(labels(install), selector(gateway))
    ]


def labels(install: Install) -> dict[str, Any]:
    """Return the labels of the pods that Istio's gateway chart makes."""
    name = _name(install)
    own = install.get("labels")
    return {"app": name, "istio": name.removeprefix("istio-"), **(own if isinstance(own, Mapping) else {})}


def account(install: Install) -> str:
    """Return the service account of the chart's pods; empty where it is not known."""
    if not install.complete:
        return ""
    made = install.get("serviceAccount", "create") is not False
    return str(install.get("serviceAccount", "name") or (_name(install) if made else "default"))


def _name(install: Install) -> str:
    return str(install.get("name") or install.release)


def comes_in(mesh: Mesh, service: Manifest, keys: Path, name: str) -> bool:
    """Tell whether a route of a VirtualService may take what comes in at a gateway, given as it names it."""
    if keys[1] != "http":
        return True
    gateway = mesh.gateway(name, service)
    ports = {str(gateway.get("spec", "servers", index, "port", "number"))
             for index, _ in gateway.items("spec", "servers")} if gateway else set()  # fmt: skip
    for match in matches(service, keys[:3]):
        named, port = match.get("gateways"), match.get("port")
        here = not named or (isinstance(named, list) and name in named)
        if here and (not port or not ports or str(port) in ports):
            return True
    return False


def identities(mesh: Mesh, gateway: Manifest | None) -> Iterator[Identity]:
    """Yield who calls when a Gateway does; where its pods are unknown, an identity that may be anybody."""
    if gateway is None:
        yield Identity()
        return
    known = False
    for workload in pods(mesh, gateway):
        known = True
        spec = workload.manifest.mapping(*workload.spec)
        name = str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
        yield Identity(workload.manifest.namespace, name)
    for install in charts(mesh, gateway):
        known = True
        yield Identity(install.namespace, account(install))
    if not known:
        yield Identity()
