"""Volumes of pods, and claims of storage."""

from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.amounts import amount, not_negative
from scaffold.facts.server.asks import at_least, at_most_one, choice, is_empty, needs, needs_one, place, unique, within
from scaffold.facts.server.metadata import SELECTOR, TEMPLATE
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import (
    ABSOLUTE_PATH,
    DNS_LABEL,
    DNS_NAME,
    INNER_PATH,
    NO_BACKSTEPS,
    is_dns_name,
    is_qualified,
    text,
)

SOURCES = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
    "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk",
    "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
_PROJECTED = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate")
_POD_FIELDS = frozenset(
    {"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"}
)
_ENV_FIELDS = frozenset({
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
    "status.hostIPs", "status.podIP", "status.podIPs", "spec.host",
})  # fmt: skip
_MEASURES = ("cpu", "memory", "ephemeral-storage")
_DIVISORS = {"1", *(f"1{unit}" for unit in ("k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_FILE_MODE = within(0, 0o777, "a file mode from 0 to 0777 (511)")


def _field(names: frozenset[str]) -> Test:
    def test(value: Any) -> Wrong:
        if not isinstance(value, str) or not value:
            return
        path, bracket, key = value.partition("[")
        if bracket and path in {"metadata.labels", "metadata.annotations"} and key.endswith("']"):
            name = key.removeprefix("'").removesuffix("']")
            if not is_qualified(name.lower() if path.endswith("annotations") else name):
                yield (), f"{shown(name)} is not the name of a label or an annotation"
        elif value not in names:
            yield (), f"{shown(value)} is not a field that can be had here"

    return test


def _measure(value: Any) -> Wrong:
    if not isinstance(value, dict) or not isinstance(value.get("resource"), str):
        return
    kind, _, name = value["resource"].partition(".")
    huge = name.startswith("hugepages-")
    if value["resource"] and (kind not in {"limits", "requests"} or not (name in _MEASURES or huge)):
        yield ("resource",), f"{shown(value['resource'])} is not a limit or request such as limits.cpu"
    elif not is_empty(divisor := value.get("divisor")) and amount(divisor):
        allowed = {"1", "1m"} if name == "cpu" else _DIVISORS
        if amount(divisor) not in {amount(one) for one in allowed}:
            yield ("divisor",), f"{shown(divisor)} does not divide {name}"


_VERSION = choice("v1")
ENV_FIELD = table({"fieldPath": _field(_ENV_FIELDS), "apiVersion": _VERSION})
MEASURE = table({"": _measure})
_FILES = table({
    "items[]": needs("key", "path"), "items[].path": INNER_PATH, "items[].mode": _FILE_MODE, "defaultMode": _FILE_MODE,
})  # fmt: skip
_ABOUT_POD = table({
    "defaultMode": _FILE_MODE,
    "items[]": needs_one("fieldRef", "resourceFieldRef"),
    "items[].path": INNER_PATH,
    "items[].mode": _FILE_MODE,
    "items[].fieldRef.fieldPath": _field(_POD_FIELDS),
    "items[].resourceFieldRef": (_measure, needs("containerName")),
})  # fmt: skip


def _source(value: Any) -> Wrong:
    there = [name for name in SOURCES if value.get(name) is not None] if isinstance(value, dict) else [""]
    # A volume that says nothing is an emptyDir: the server fills that in.
    for name in there[1:]:
        yield (name,), f"may not be set together with {there[0]}: a volume is of one type"


def _paths_once(value: Any) -> Wrong:
    """Test that no two sources put a file at one path."""
    sources = value.get("sources") if isinstance(value, dict) else None
    seen: list[Any] = []
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        for name in ("secret", "configMap", "downwardAPI"):
            part = source.get(name) if isinstance(source, dict) else None
            items = part.get("items") if isinstance(part, dict) else None
            for number, item in enumerate(items if isinstance(items, list) else ()):
                path = item.get("path") if isinstance(item, dict) else None
                if path and path in seen:
                    yield (), f"{shown(path)} is the path of two files (sources {index}, item {number})"
                seen.append(path)


def _claim(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    resources = value.get("resources")
    requests = resources.get("requests") if isinstance(resources, dict) else None
    storage = requests.get("storage") if isinstance(requests, dict) else None
    if storage is None:
        yield _as_far_as(value, "resources", "requests"), "a request of storage is required"
    elif (much := amount(storage)) is not None and much <= 0:
        yield ("resources", "requests", "storage"), f"{shown(storage)} is not more than 0"
    modes = value.get("accessModes")
    if isinstance(modes, list) and "ReadWriteOncePod" in modes and set(map(str, modes)) - {"ReadWriteOncePod"}:
        yield ("accessModes",), "ReadWriteOncePod may not be combined with other access modes"


def _as_far_as(value: Any, *names: str) -> tuple[str, ...]:
    path: tuple[str, ...] = ()
    for name in names:
        if not isinstance(value, dict) or value.get(name) is None:
            break
        path, value = (*path, name), value[name]
    return path


_FROM = (("PersistentVolumeClaim", ""), ("VolumeSnapshot", "snapshot.storage.k8s.io"))


def _data_source(value: Any) -> Wrong:
    # The server leaves out, without a word, a source of which it does not know the kind.
    if (
        isinstance(value, dict)
        and (value.get("kind"), value.get("apiGroup") or "") in _FROM
        and is_empty(value.get("name"))
    ):
        yield place(value, "name"), "name is required"


DRIVER = text(
    lambda value: len(value) <= 63 and is_dns_name(value.lower()), "a name of at most 63 letters, digits, '-' and '.'"
)
CLAIM: Shape = table({
    "": (_claim, needs("accessModes")),
    "accessModes[]": choice(*_MODES, empty=False),
    "selector": SELECTOR,
    "storageClassName": DNS_NAME,
    "volumeAttributesClassName": DNS_NAME,
    "volumeMode": choice("Block", "Filesystem", empty=False),
    "dataSource": _data_source,
    "dataSourceRef": needs("kind", "name"),
    "dataSourceRef.apiGroup": DNS_NAME,
    "dataSourceRef.namespace": DNS_LABEL,
})  # fmt: skip
ACCESS_MODES = table({"accessModes[]": choice(*_MODES, empty=False)})

VOLUMES: Shape = table({
    "": unique("name", where="name"),
    "[]": _source,
    "[].name": DNS_LABEL,
    "[].emptyDir.sizeLimit": not_negative,
    "[].hostPath.path": NO_BACKSTEPS,
    "[].hostPath.type": choice(
        "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"
    ),
    "[].secret": _FILES,
    "[].configMap": _FILES,
    "[].downwardAPI": _ABOUT_POD,
    "[].nfs": needs("server", "path"),
    "[].nfs.path": ABSOLUTE_PATH,
    "[].csi.driver": DRIVER,
    "[].csi.nodePublishSecretRef": needs("name"),
    "[].persistentVolumeClaim": needs("claimName"),
    "[].image.pullPolicy": choice("Always", "IfNotPresent", "Never"),
    "[].projected": _paths_once,
    "[].projected.defaultMode": _FILE_MODE,
    "[].projected.sources[]": at_most_one(*_PROJECTED),
    "[].projected.sources[].secret": _FILES,
    "[].projected.sources[].configMap": _FILES,
    "[].projected.sources[].downwardAPI": _ABOUT_POD,
    "[].projected.sources[].serviceAccountToken.expirationSeconds": at_least(600),
    "[].projected.sources[].serviceAccountToken.path": INNER_PATH,
    "[].ephemeral.volumeClaimTemplate.metadata": TEMPLATE,
    "[].ephemeral.volumeClaimTemplate.spec": CLAIM,
})  # fmt: skip
