"""Namespaces, quotas, limits, configuration, secrets, roles, priorities."""

import base64
import binascii
import json
import re
from fractions import Fraction
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.amounts import (
    CONTAINER_RESOURCE,
    QUOTA_RESOURCE,
    RESOURCE,
    amount,
    not_negative,
    whole_numbers,
)
from scaffold.facts.server.asks import at_least, choice, is_empty, needs, place, unique, within
from scaffold.facts.server.metadata import SELECTOR, values_of
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import CONFIG_KEY, DNS_NAME, PATH_SEGMENT, QUALIFIED, is_qualified, text

_RBAC = "rbac.authorization.k8s.io"
_LARGEST = 1024 * 1024
_VERSION = re.compile(r"latest|v1\.(0|[1-9]\d*)\Z", re.ASCII)
_LEVELS = ("privileged", "baseline", "restricted")
_SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)
_SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _levels(value: Any) -> Wrong:
    """Test the labels by which Pod Security is told its level."""
    for key, given in value.items() if isinstance(value, dict) else ():
        label = "" if given is None else given
        domain, _, mode = str(key).partition("/")
        if domain != "pod-security.kubernetes.io" or not isinstance(label, str):
            continue
        if mode in {"enforce", "audit", "warn"} and label not in _LEVELS:
            yield (key,), f"{shown(label)} is not one of {', '.join(_LEVELS)}"
        if mode in {"enforce-version", "audit-version", "warn-version"} and not _VERSION.match(label):
            yield (key,), f"{shown(label)} is not latest or a version such as v1.37"


_FINALIZER = text(
    lambda value: value == "kubernetes" or ("/" in value and is_qualified(value)),
    "kubernetes or a name such as example.com/archive",
    empty=False,
)
NAMESPACE: Shape = table({"metadata.labels": _levels, "spec.finalizers[]": _FINALIZER})


def _overlap(value: Any) -> Wrong:
    text, binary = (value.get(name) if isinstance(value, dict) else None for name in ("data", "binaryData"))
    for key in text.keys() & binary.keys() if isinstance(text, dict) and isinstance(binary, dict) else ():
        yield ("data", key), "is in binaryData, too"


def _size(value: Any) -> Wrong:
    sizes = [len(str(item).encode()) for item in value.values()] if isinstance(value, dict) else []
    if sum(sizes) > _LARGEST:
        yield (), f"has {sum(sizes)} bytes, at most {_LARGEST} are kept"


CONFIG_MAP: Shape = table({"": _overlap, "data{key}": CONFIG_KEY, "binaryData{key}": CONFIG_KEY, "data": _size})


def _map(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _secret(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    data, texts = _map(value, "data"), _map(value, "stringData")
    there = {*data, *texts}
    kind = value.get("type")
    where = place(value, "data")
    for key in _SECRET_KEYS.get(str(kind), ()):
        if key not in there or (kind == "kubernetes.io/ssh-auth" and not (data.get(key) or texts.get(key))):
            yield where, f"{key} is required in a Secret of type {kind}"
    if kind == "kubernetes.io/basic-auth" and not there & {"username", "password"}:
        yield where, f"username or password is required in a Secret of type {kind}"
    for key in (".dockerconfigjson", ".dockercfg"):
        if str(kind).endswith(f"/{key[1:]}") and key in data and not _is_json(data[key] or ""):
            yield ("data", key), "is not the base64 of a JSON object"


def _is_json(encoded: str) -> bool:
    try:
        return isinstance(json.loads(base64.b64decode(encoded, validate=True)), dict)
    except (binascii.Error, ValueError):
        return False


SECRET: Shape = table({"": _secret, "data{key}": CONFIG_KEY, "stringData{key}": CONFIG_KEY, "data": _size})


def _scopes(value: Any) -> Wrong:
    """Test that the scopes of a quota fit to each other."""
    if isinstance(value, dict) and isinstance(value.get("scopes"), list):
        for pair in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
            if set(pair) <= set(map(str, value["scopes"])):
                yield ("scopes",), f"{' and '.join(pair)} contradict each other"


def _scope_selector(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    name, operator = value.get("scopeName"), value.get("operator")
    if name != "PriorityClass" and name in _SCOPES and operator != "Exists" and name != "VolumeAttributesClass":
        yield ("operator",), f"has to be Exists for the scope {name}"
    yield from values_of(value)
    if operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
        yield ("operator",), f"{shown(operator)} is not one of In, NotIn, Exists, DoesNotExist"


QUOTA: Shape = table({
    "spec": _scopes,
    "spec.hard": whole_numbers,
    "spec.hard{key}": QUOTA_RESOURCE,
    "spec.hard{}": not_negative,
    "spec.scopes[]": choice(*_SCOPES, empty=False),
    "spec.scopeSelector.matchExpressions[]": _scope_selector,
    "spec.scopeSelector.matchExpressions[].scopeName": choice(*_SCOPES, empty=False),
})  # fmt: skip


def _of_type(value: Any) -> Wrong:
    """Test the names of resources: only some of them limit a container."""
    if not isinstance(value, dict):
        return
    test: Test = CONTAINER_RESOURCE if value.get("type") in {"Container", "Pod"} else RESOURCE
    for part in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        names = value.get(part)
        for name in names if isinstance(names, dict) else ():
            yield from (((part, name), text) for _, text in test(name))
    if value.get("type") == "Pod":
        for part in ("default", "defaultRequest"):
            if not is_empty(value.get(part)) and value[part] != {}:
                yield (part,), "may not be set where type is Pod"
    if value.get("type") == "PersistentVolumeClaim" and not any(_of(value, part, "storage") for part in ("min", "max")):
        yield (), "a least or a greatest storage is required where type is PersistentVolumeClaim"


def _of(value: dict[str, Any], part: str, name: str) -> Any:
    amounts = value.get(part)
    return amounts.get(name) if isinstance(amounts, dict) else None


def _amount(value: dict[str, Any], part: str, name: str) -> Fraction | None:
    """Return an amount of a part; null is 0."""
    amounts = value.get(part)
    there = isinstance(amounts, dict) and name in amounts and amounts[name] is None
    return Fraction(0) if there else amount(_of(value, part, name))


_ORDERS = (
    ("min", "max", "min"), ("min", "defaultRequest", "defaultRequest"), ("defaultRequest", "max", "defaultRequest"),
    ("defaultRequest", "default", "defaultRequest"), ("min", "default", "default"), ("default", "max", "default"),
)  # fmt: skip


def _in_order(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    for less, more, wrong in _ORDERS:
        names = value.get(less)
        for name in names if isinstance(names, dict) else ():
            low, high = _amount(value, less, name), _amount(value, more, name)
            if low is not None and high is not None and low > high:
                yield (
                    (wrong, name),
                    f"{less} {shown(_of(value, less, name))} is more than {more} {shown(_of(value, more, name))}",
                )
    ratios = value.get("maxLimitRequestRatio")
    for name in ratios if isinstance(ratios, dict) else ():
        yield from _ratio(value, name)


def _ratio(value: dict[str, Any], name: str) -> Wrong:
    ratio, low, high = (amount(_of(value, part, name)) for part in ("maxLimitRequestRatio", "min", "max"))
    if _of(value, "maxLimitRequestRatio", name) is None or (ratio is not None and ratio < 1):
        yield ("maxLimitRequestRatio", name), f"{shown(_of(value, 'maxLimitRequestRatio', name))} is less than 1"
    elif ratio is not None and low and high is not None and ratio > high / low:
        yield ("maxLimitRequestRatio", name), f"is more than max divided by min, {float(high / low):g}"


def _limit_type(value: Any) -> Wrong:
    if isinstance(value, str) and "/" not in value and value not in {"Container", "Pod", "PersistentVolumeClaim"}:
        yield (), f"{shown(value)} is not one of Container, Pod, PersistentVolumeClaim"


LIMIT_RANGE: Shape = table({
    "spec.limits": unique("type", where="type"),
    "spec.limits[].type": (_limit_type, QUALIFIED),
    "spec.limits[]": (_of_type, _in_order),
})  # fmt: skip


def _rule(*, namespaced: bool) -> Test:
    def test(value: Any) -> Wrong:
        if not isinstance(value, dict):
            return
        if is_empty(value.get("verbs")):
            yield place(value, "verbs"), "verbs are required"
        if urls := value.get("nonResourceURLs"):
            beside = [name for name in ("apiGroups", "resources", "resourceNames") if value.get(name)]
            if namespaced or beside:
                why = "in a rule of a namespace" if namespaced else f"together with {beside[0]}"
                yield ("nonResourceURLs",), f"{len(urls)} URLs: may not be set {why}"
            return
        for name in ("apiGroups", "resources"):
            if is_empty(value.get(name)):
                yield place(value, name), f"{name} are required"

    return test


def _subject(*, namespaced: bool) -> Test:
    def test(value: Any) -> Wrong:
        if not isinstance(value, dict):
            return
        kind, group, name = value.get("kind"), value.get("apiGroup"), value.get("name")
        if kind == "ServiceAccount":
            if isinstance(name, str) and name:
                yield from ((("name",), text) for _, text in DNS_NAME(name))
            if not is_empty(group):
                yield ("apiGroup",), f"has to be empty for a ServiceAccount, not {shown(group)}"
            if not namespaced and is_empty(value.get("namespace")):
                yield place(value, "namespace"), "namespace is required"
        # Left out it is the right one; given as an empty text it is not.
        elif kind in {"User", "Group"} and group not in {None, "", _RBAC}:
            yield ("apiGroup",), f"has to be {_RBAC}, not {shown(group)}"
        elif kind not in {"User", "Group"} and isinstance(kind, str) and kind:
            yield ("kind",), f"{shown(kind)} is not one of ServiceAccount, User, Group"

    return test


def _binding(*kinds: str) -> Shape:
    return table({
        "roleRef": needs("name"),
        "roleRef.apiGroup": choice(_RBAC),
        "roleRef.kind": choice(*kinds, empty=False),
        "roleRef.name": PATH_SEGMENT,
        "subjects[]": (needs("name"), _subject(namespaced=len(kinds) > 1)),
    })  # fmt: skip


ROLE: Shape = table({"rules[]": _rule(namespaced=True)})
CLUSTER_ROLE: Shape = table({
    "rules[]": _rule(namespaced=False),
    "aggregationRule": needs("clusterRoleSelectors"),
    "aggregationRule.clusterRoleSelectors[]": SELECTOR,
})  # fmt: skip
ROLE_BINDING: Shape = _binding("Role", "ClusterRole")
CLUSTER_ROLE_BINDING: Shape = _binding("ClusterRole")


def _system(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    meta = value.get("metadata")
    name, given = meta.get("name") if isinstance(meta, dict) else None, value.get("value")
    system = isinstance(name, str) and name.startswith("system-")
    if isinstance(given, int) and given > 1_000_000_000 and not system:
        yield ("value",), f"{shown(given)} is more than 1000000000, the most that is not the system's own"


PRIORITY_CLASS: Shape = table({"": _system, "preemptionPolicy": choice("PreemptLowerPriority", "Never", empty=False)})
LEASE: Shape = table({
    "spec.leaseDurationSeconds": within(1, 2**31 - 1, "more than 0"), "spec.leaseTransitions": at_least(0),
})  # fmt: skip
