"""What stands in a cluster at a moment, and what became of it: every object, without what only reports.

Compared is what somebody declared. What controllers derive from it (pods, ReplicaSets, the Endpoints of a Service) and
what they report (status) follow by themselves.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.harness.api import Api, Object

# Derived from other objects without naming an owner, or written all the time.
_DERIVED = {"ComponentStatus", "Endpoints", "EndpointSlice", "Event", "IPAddress", "Lease"}
# An Application's operation is a sync under way.
_NOT_DECLARED = ("status", "operation")
_REPORTED = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink")
_REPORTED_ANNOTATIONS = (
    "argocd.argoproj.io/application-set-refresh",
    "argocd.argoproj.io/refresh",
    "deployment.kubernetes.io/revision",
    "pv.kubernetes.io/bound-by-controller",
)

Snapshot = Mapping[str, Object]


@dataclass(frozen=True)
class Difference:
    """Objects by ``Kind namespace/name``; of the changed ones the fields, by their paths."""

    made: set[str]
    gone: set[str]
    changed: dict[str, set[str]] = field(default_factory=dict)

    @property
    def fields(self) -> set[str]:
        """All fields that changed, of whatever object."""
        return set().union(*self.changed.values())


def snapshot(api: Api) -> dict[str, Object]:
    """Return all objects of a cluster by ``Kind namespace/name``, each without what only reports.

    The uid stays: an object that was deleted and made anew has changed.
    """
    found = {}
    for version, kind in _kinds(api):
        for item in api.list(version, kind):
            if kind == "Application" or not _is_derived(item):
                # Lists leave it out.
                item |= {"apiVersion": version, "kind": kind}
                found[named(item)] = _declared(item)
    assert len(found) > 50, "the whole cluster is looked at"
    for name in [name for name in found if name.startswith("HorizontalPodAutoscaler ")]:
        # Its Deployment's replicas go by the load.
        target = found[name]["spec"]["scaleTargetRef"]
        found[f"{target['kind']} {found[name]['metadata']['namespace']}/{target['name']}"]["spec"].pop("replicas", None)
    return found


def named(item: Object) -> str:
    """Return the name of an object among all of its cluster."""
    meta = item["metadata"]
    return (
        f"{item['kind']} {meta['namespace']}/{meta['name']}"
        if meta.get("namespace")
        else f"{item['kind']} {meta['name']}"
    )


def compared(before: Snapshot, after: Snapshot) -> Difference:
    """Return what two moments of a cluster differ in."""
    return Difference(
        made=set(after) - set(before),
        gone=set(before) - set(after),
        changed={
            name: _fields(before[name], after[name])
            for name in sorted(set(before) & set(after))
            if before[name] != after[name]
        },
    )


def _kinds(api: Api) -> Iterator[tuple[str, str]]:
    """Yield each kind that can be listed with its version, the preferred one where it has several."""
    seen = set()
    for group in [{"name": "", "versions": [{"groupVersion": "v1"}]}, *api.ask("GET", "/apis")["groups"]]:
        # Measurements are no objects.
        for version in [one["groupVersion"] for one in group["versions"] if group["name"] != "metrics.k8s.io"]:
            for resource in api.ask("GET", f"/apis/{version}" if group["name"] else f"/api/{version}")["resources"]:
                kind = resource["kind"]
                listed = "list" in resource["verbs"] and "/" not in resource["name"] and kind not in _DERIVED
                if listed and (group["name"], kind) not in seen:
                    seen.add((group["name"], kind))
                    yield version, kind


def _is_derived(item: Object) -> bool:
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences", ()))


def _declared(item: Object) -> Object:
    kept: Object = json.loads(json.dumps({key: value for key, value in item.items() if key not in _NOT_DECLARED}))
    meta = kept["metadata"]
    for name in _REPORTED:
        meta.pop(name, None)
    for name in _REPORTED_ANNOTATIONS:
        meta.get("annotations", {}).pop(name, None)
    if not meta.get("annotations", True):
        del meta["annotations"]
    if kept["kind"] == "PersistentVolume":
        # Which claim it is bound to.
        kept["spec"].pop("claimRef", None)
    return kept


def _fields(before: Any, after: Any, path: str = "") -> set[str]:
    if before == after:
        return set()
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = {key: (before.get(key), after.get(key)) for key in {*before, *after}}
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = {str(at): pair for at, pair in enumerate(zip(before, after, strict=True))}
    else:
        return {path}
    return set().union(*(_fields(*pair, f"{path}.{key}" if path else key) for key, pair in pairs.items()))
