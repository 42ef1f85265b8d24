"""Label selectors, as the API server reads them."""

from collections.abc import Mapping
from typing import Any

ADDED_AT_RUN_TIME = (
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/",
    "controller-revision-hash",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
    "topology.istio.io/",
    "topology.kubernetes.io/",
)
"""Labels that controllers and the kubelet give a pod: no template shows them, so they are not judged."""


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Tell whether a LabelSelector (matchLabels and matchExpressions) matches these labels; an empty one does."""
    if not isinstance(selector, Mapping):
        return False
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    if not isinstance(wanted, Mapping) or not isinstance(expressions, list):
        return False
    return has_all(labels, wanted) and all(_holds(expression, labels) for expression in expressions)


def has_all(labels: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether every wanted label is there with its value."""
    return all(labels.get(key) == value for key, value in wanted.items())


def missing(labels: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted labels that are not there; those that a controller adds at run time are passed over."""
    return {
        key: value
        for key, value in wanted.items()
        if labels.get(key) != value and not key.startswith(ADDED_AT_RUN_TIME)
    }


def text(labels: Mapping[str, Any]) -> str:
    """Return labels as ``kubectl -l`` takes them."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _holds(expression: Any, labels: Mapping[str, Any]) -> bool:
    if not isinstance(expression, Mapping):
        return False
    key, given = str(expression.get("key")), expression.get("values")
    values = given if isinstance(given, list) else []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
