"""Namespaces of a test's own on the shared control plane: ready for pods, and emptied at its end.

They are emptied, not deleted: for that the controllers ask every kind of every component, a second for each namespace.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from tests.cluster.harness.api import Object, Refused
from tests.cluster.harness.control_plane import ControlPlane


def make_namespaces(plane: ControlPlane, namespaces: Mapping[str, Mapping[str, str]]) -> None:
    """Make namespaces with these labels, and wait for the account without which no pod can be made in them."""
    for name, labels in namespaces.items():
        plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}})
    for name in namespaces:
        account = ("v1", "ServiceAccount", name, "default")
        plane.processes.until(f"{name} has its account", lambda which=account: plane.api.get(*which), pause=0.05)


def clear(plane: ControlPlane, items: Iterable[Object]) -> None:
    """Delete objects, all but namespaces, and all pods that are or were made of them; wait until these are gone."""
    namespaces = set()
    for item in items:
        meta = item["metadata"]
        if item["kind"] != "Namespace":
            namespaces.add(meta.get("namespace", ""))
            _delete(plane, plane.api.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"]))
    remaining = namespaces - {""}

    def empty() -> bool:
        for namespace in sorted(remaining):
            for version, kind in (("apps/v1", "ReplicaSet"), ("v1", "Pod")):
                # Nobody waits for what the pods do at their end.
                _delete(plane, f"{plane.api.path(version, kind, namespace)}?gracePeriodSeconds=0")
            if not plane.api.list("v1", "Pod", namespace):
                remaining.discard(namespace)
        return not remaining

    plane.processes.until("the pods are gone", empty)


def _delete(plane: ControlPlane, path: str) -> None:
    try:
        plane.api.ask("DELETE", path)
    except Refused as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
