"""Objects on the control plane for as long as istioctl looks at them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.cluster.harness.api import Object
from tests.cluster.harness.clearing import clear
from tests.cluster.harness.control_plane import ControlPlane

PLANTED = "planted"
_ORDER = {"Namespace": 0, "ServiceAccount": 1}


@contextmanager
def applied(plane: ControlPlane, items: Sequence[Object]) -> Iterator[None]:
    """Have objects on the control plane, with the pods of the Deployments among them; their namespaces stay."""
    named = {item["metadata"]["name"] for item in items if item["kind"] == "Namespace"}
    others = {item["metadata"]["namespace"] for item in items if item["kind"] != "Namespace"} - named
    first = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(others)]
    try:
        for item in sorted([*first, *items], key=lambda item: _ORDER.get(item["kind"], len(_ORDER))):
            plane.api.apply(item)
        plane.processes.until("all Deployments have their pods", lambda: _have_pods(plane, items))
        yield
    finally:
        clear(plane, items)


def fault(namespace: str) -> Object:
    """Return a route to a Service that does not exist: IST0101."""
    route = {"route": [{"destination": {"host": f"nowhere.{namespace}.svc.cluster.local"}}]}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": PLANTED, "namespace": namespace},
        "spec": {"hosts": [f"{PLANTED}.{namespace}.example.com"], "http": [route]},
    }


def _have_pods(plane: ControlPlane, items: Sequence[Object]) -> bool:
    for namespace in {item["metadata"]["namespace"] for item in items if item["kind"] == "Deployment"}:
        for found in plane.api.list("apps/v1", "Deployment", namespace):
            if found.get("status", {}).get("replicas") != found["spec"]["replicas"]:
                return False
    return True
