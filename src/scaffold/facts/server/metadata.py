"""What every object says of itself: name, labels, annotations, finalizers, owners; and selectors of labels."""

import re
from collections.abc import Mapping
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.asks import is_empty, place
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import (
    ANNOTATION_KEY,
    DNS_LABEL,
    DNS_NAME,
    LABEL_KEY,
    LABEL_VALUE,
    PATH_SEGMENT,
    is_dns_name,
    is_qualified,
    text,
)

_ANNOTATIONS = 256 * 1024
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")

LABELS = table({"{key}": LABEL_KEY, "{}": LABEL_VALUE})

_RBAC = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
NAMES: Mapping[tuple[str, str], Test] = {
    ("", "Namespace"): DNS_LABEL,
    ("", "Service"): DNS_LABEL,
    ("apps", "StatefulSet"): DNS_LABEL,
    ("policy", "PodDisruptionBudget"): PATH_SEGMENT,
    ("batch", "CronJob"): text(
        lambda name: len(name) <= 52 and is_dns_name(name), "a DNS name of at most 52 characters"
    ),
    **{("rbac.authorization.k8s.io", kind): PATH_SEGMENT for kind in _RBAC},
}
"""Names that are not DNS subdomains, by group and kind."""


_NAMED_BY_THE_SERVER = {"LimitRange"}


def _named(value: Any) -> Wrong:
    if not isinstance(value, dict) or value.get("kind") in _NAMED_BY_THE_SERVER:
        return
    meta = value.get("metadata")
    if meta is None:
        yield place(value, "metadata"), "metadata with a name is required"
    elif isinstance(meta, dict) and is_empty(meta.get("name")) and is_empty(meta.get("generateName")):
        yield ("metadata", *(["name"] if "name" in meta else [])), "name or generateName is required"


def _not_too_large(value: Any) -> Wrong:
    if isinstance(value, dict):
        size = sum(len(f"{key}{item}".encode()) for key, item in value.items() if isinstance(item, str))
        if size > _ANNOTATIONS:
            yield (), f"has {size} bytes, at most {_ANNOTATIONS} are kept"


def _one_controller(value: Any) -> Wrong:
    owners = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if sum(owner.get("controller") is True for owner in owners) > 1:
        yield (), "only one owner may be the controller"


def _owner_version(value: Any) -> Wrong:
    if isinstance(value, str) and value.count("/") > 1:
        yield (), f"{shown(value)} is not a group and a version"


def _finalizer(value: Any) -> Wrong:
    if isinstance(value, str) and not (value and is_qualified(value)):
        yield from text(is_qualified, "a name such as example.com/archive", empty=False)(value)


_META = table({
    "namespace": DNS_LABEL,
    "generateName": text(lambda name: bool(re.match(r"[a-z0-9]([-a-z0-9.]*)\Z", name)), "the beginning of a name"),
    "labels": LABELS,
    "annotations{key}": ANNOTATION_KEY,
    "annotations": _not_too_large,
    "finalizers[]": _finalizer,
    "ownerReferences": _one_controller,
    "ownerReferences[].apiVersion": _owner_version,
})  # fmt: skip
METADATA: Shape = table({"": _named, "metadata": _META})
TEMPLATE = table({"labels": LABELS, "annotations{key}": ANNOTATION_KEY, "annotations": _not_too_large})
"""Of what becomes an object later, and gets its name then."""


def name_of(group: str, kind: str) -> Test:
    """Return the test of the names of a kind."""
    return NAMES.get((group, kind), DNS_NAME)


def _requirement(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    operator = value.get("operator")
    if isinstance(operator, str) and operator not in _OPERATORS:
        yield ("operator",), f"{shown(operator)} is not one of {', '.join(_OPERATORS)}"
    else:
        yield from values_of(value)


def values_of(requirement: dict[str, Any]) -> Wrong:
    """Yield what is wrong with the values of a requirement: its operator needs some, or none may be there."""
    operator, values = requirement.get("operator"), requirement.get("values")
    if operator in {"In", "NotIn"} and is_empty(values):
        yield place(requirement, "values"), f"values are required with the operator {operator}"
    elif operator in {"Exists", "DoesNotExist"} and not is_empty(values):
        yield ("values",), f"no values may be given with the operator {operator}"


SELECTOR: Shape = table({
    "matchLabels": LABELS,
    "matchExpressions[]": _requirement,
    "matchExpressions[].key": LABEL_KEY,
    "matchExpressions[].values[]": LABEL_VALUE,
})  # fmt: skip


def not_empty_selector(value: Any) -> Wrong:
    """Test that a selector says something."""
    if isinstance(value, dict) and is_empty_selector(value):
        yield (), "an empty selector selects everything, and is not taken here"


def is_empty_selector(value: Mapping[str, Any]) -> bool:
    """Tell whether a selector matches everything."""
    return not value.get("matchLabels") and not value.get("matchExpressions")
