"""Shapes: what a live object says, and rendered objects made a little different for a test. Pure functions."""

import copy
import json
from typing import Any

from tests.cluster.harness.api import Object

# KWOK ends the pod of a Job after a second, or after what this annotation says.
LASTS = "kwok.example.com/lasts"


def with_spec(item: Object, **fields: Any) -> Object:
    """Return a copy of an object with other fields in its spec."""
    changed = copy.deepcopy(item)
    changed["spec"] |= fields
    return changed


def copied(item: Object, name: str, other: str) -> Object:
    """Return a workload under another name, in its labels and selectors too; it keeps the account of the first."""
    changed: Object = json.loads(json.dumps(item).replace(f'"{name}"', f'"{other}"'))
    template(changed)["spec"]["serviceAccountName"] = name
    return changed


def lasting(item: Object, time: str) -> Object:
    """Return a CronJob or Job whose pods run for this time, such as ``10m``."""
    changed = copy.deepcopy(item)
    template(changed)["metadata"]["annotations"][LASTS] = time
    return changed


def template(item: Object) -> Object:
    """Return the template of a workload's pods."""
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    found: Object = spec["template"]
    return found


def rolled_out(deployment: Object) -> bool:
    """Say whether a Deployment has all its pods, all of the newest version and all available."""
    wanted, status = deployment["spec"]["replicas"], deployment.get("status", {})
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and counts == [wanted] * 3


def condition(item: Object, kind: str) -> dict[str, str]:
    """Return a condition of an object's status, empty where it has none of this type."""
    found = item.get("status", {}).get("conditions") or ()
    return next((one for one in found if one["type"] == kind), {})


def ready(pod: Object) -> bool:
    """Say whether a pod is ready."""
    return condition(pod, "Ready").get("status") == "True"
