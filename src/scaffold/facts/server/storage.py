"""Storage of the cluster: volumes, their classes; and classes of runtimes."""

from typing import Any

from scaffold.facts.server.amounts import CONTAINER_RESOURCE, not_negative, positive
from scaffold.facts.server.asks import choice, is_empty, needs, unique
from scaffold.facts.server.metadata import LABELS
from scaffold.facts.server.scheduling import NODE_SELECTOR, TOLERATIONS
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import (
    DNS_LABEL,
    DNS_NAME,
    LABEL_KEY,
    NO_BACKSTEPS,
    is_qualified,
    text,
)
from scaffold.facts.server.volumes import ACCESS_MODES, DRIVER, SOURCES

_SOURCES = (
    *(name for name in SOURCES if name not in {"emptyDir", "secret", "configMap", "downwardAPI", "projected"}),
    "local",
)


def _volume(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    there = [name for name in _SOURCES if value.get(name) is not None]
    if not there:
        yield (), "a type of volume is required"
    for name in there[1:]:
        yield (name,), f"may not be set together with {there[0]}: a volume is of one type"
    modes, capacity = value.get("accessModes"), value.get("capacity")
    if isinstance(modes, list) and "ReadWriteOncePod" in modes and len(set(map(str, modes))) > 1:
        yield ("accessModes",), "ReadWriteOncePod may not be combined with other access modes"
    if isinstance(capacity, dict) and set(capacity) != {"storage"}:
        yield ("capacity",), "has exactly the resource storage"


VOLUME: Shape = table({
    "spec": (_volume, ACCESS_MODES),
    "spec.capacity{}": positive,
    "spec.persistentVolumeReclaimPolicy": choice("Delete", "Recycle", "Retain"),
    "spec.storageClassName": DNS_NAME,
    "spec.volumeMode": choice("Block", "Filesystem", empty=False),
    "spec.csi": needs("driver", "volumeHandle"),
    "spec.csi.driver": DRIVER,
    "spec.csi.controllerPublishSecretRef": needs("name", "namespace"),
    "spec.csi.nodePublishSecretRef": needs("name", "namespace"),
    "spec.hostPath.path": NO_BACKSTEPS,
    "spec.local.path": NO_BACKSTEPS,
    "spec.nodeAffinity.required": NODE_SELECTOR,
})  # fmt: skip


def _topologies(value: Any) -> Wrong:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        requirements = item.get("matchLabelExpressions") if isinstance(item, dict) else None
        for number, requirement in enumerate(requirements if isinstance(requirements, list) else ()):
            if isinstance(requirement, dict) and is_empty(requirement.get("values")):
                yield (index, "matchLabelExpressions", number), "values are required"


def _told_apart(value: Any) -> Wrong:
    terms = [item.get("matchLabelExpressions") or [] if isinstance(item, dict) else [] for item in value]
    for index, term in enumerate(terms):
        if not term or term in terms[:index]:
            yield (index, "matchLabelExpressions"), "is empty, or there already"


_PROVISIONER = text(lambda value: is_qualified(value.lower()), "a name such as disks.example.com", empty=False)

CLASS: Shape = table({
    "provisioner": _PROVISIONER,
    "reclaimPolicy": choice("Delete", "Retain", "Recycle"),
    "volumeBindingMode": choice("Immediate", "WaitForFirstConsumer", empty=False),
    "parameters{key}": text(bool, "the name of a parameter", empty=False),
    "allowedTopologies": (_topologies, _told_apart),
    "allowedTopologies[].matchLabelExpressions": unique("key", where="key"),
    "allowedTopologies[].matchLabelExpressions[].key": LABEL_KEY,
    "allowedTopologies[].matchLabelExpressions[].values": unique(),
})  # fmt: skip
RUNTIME_CLASS: Shape = table({
    "handler": DNS_LABEL,
    "overhead.podFixed{key}": CONTAINER_RESOURCE,
    "overhead.podFixed{}": not_negative,
    "scheduling.nodeSelector": LABELS,
    "scheduling.tolerations": (TOLERATIONS, unique()),
})  # fmt: skip
