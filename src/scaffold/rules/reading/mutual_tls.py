"""Which mode of mutual TLS holds at a port of a workload, as PeerAuthentications say it."""

from collections.abc import Mapping

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import has_all
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.mesh import Mesh

STRICT = "STRICT"
_DEFAULT = "PERMISSIVE"
_UNKNOWN = ""
_OWN_PORTS = range(15000, 15100)
_EXCLUDED = "traffic.sidecar.istio.io/excludeInboundPorts"
_INCLUDED = "traffic.sidecar.istio.io/includeInboundPorts"


def mode(mesh: Mesh, workload: Workload, port: int | None) -> str:
    """Return the mode: of the port, the workload, the namespace, the mesh; empty where nobody can say it.

    Of several policies for one thing the oldest counts, which no repository shows; policies may come from elsewhere.
    """
    namespace = workload.manifest.namespace
    if not mesh.ours(namespace) or not mesh.ours(mesh.root):
        return _UNKNOWN
    there = mesh.policies("PeerAuthentication", namespace)
    own = there.named(workload.labels) if namespace != mesh.root else []
    whole = there.whole
    mesh_wide = mesh.policies("PeerAuthentication", mesh.root).whole
    levels = [[policy.get("spec", "portLevelMtls", str(port), "mode") for policy in own]] if port is not None else []
    levels += [[policy.get("spec", "mtls", "mode") for policy in level] for level in (own, whole, mesh_wide)]
    for level in levels:
        said = {str(found) for found in level if found not in (None, "UNSET")}
        if len(said) > 1 or (said and len(level) > 1):
            return said.pop() if len(said) == 1 and all(level) else _UNKNOWN
        if said:
            return said.pop()
    return _DEFAULT


def through_proxy(mesh: Mesh, workload: Workload, port: int) -> bool:
    """Tell whether what comes to a port meets the proxy for sure."""
    if not mesh.injected(workload) or port in _OWN_PORTS:
        return False
    annotations = workload.manifest.mapping(*workload.template, "metadata", "annotations")
    excluded, included = str(annotations.get(_EXCLUDED) or ""), str(annotations.get(_INCLUDED, "*"))
    taken = [entry.strip() for entry in included.split(",")]
    return str(port) not in [entry.strip() for entry in excluded.split(",")] and bool({"*", str(port)} & set(taken))


def labels(policy: Manifest) -> Mapping[str, object]:
    """Return the labels a policy of the mesh selects its workloads by."""
    return policy.mapping("spec", "selector", "matchLabels")


def selects(policy: Manifest, workload: Workload) -> bool:
    """Tell whether a policy of the workload's namespace, or of the root one, selects it."""
    return has_all(workload.labels, labels(policy))
