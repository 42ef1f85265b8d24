"""Affinities to pods, and spread constraints: whom their terms are about."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import ADDED_AT_RUN_TIME, selects
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Workload

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_INJECTED = (*ADDED_AT_RUN_TIME, "security.istio.io/", "service.istio.io/", "sidecar.istio.io/")


def terms(manifest: Manifest, keys: Path) -> Iterator[tuple[Path, bool]]:
    """Yield keys of every term of an affinity or anti-affinity to pods, and whether it is required."""
    for index, _ in manifest.items(*keys, REQUIRED):
        yield (*keys, REQUIRED, index), True
    for index, _ in manifest.items(*keys, _PREFERRED):
        yield (*keys, _PREFERRED, index, "podAffinityTerm"), False


def twice(term: Mapping[str, Any]) -> str:
    """Return a key that is in matchLabelKeys and in the selector, empty if there is none."""
    selector, listed = term.get("labelSelector"), term.get("matchLabelKeys")
    if not isinstance(selector, Mapping) or not isinstance(listed, list):
        return ""
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    used = set(labels) if isinstance(labels, Mapping) else set()
    for one in expressions if isinstance(expressions, list) else ():
        used |= {one.get("key")} if isinstance(one, Mapping) and isinstance(one.get("key"), str) else set()
    return next((key for key in listed if isinstance(key, str) and key in used), "")


def matches(selector: Any, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector may match pods with these labels, and those that are added when they run."""
    if not isinstance(selector, Mapping):
        return True
    wanted, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    known = {
        "matchLabels": {key: value for key, value in wanted.items() if not str(key).startswith(_INJECTED)}
        if isinstance(wanted, Mapping) else {},
        "matchExpressions": [
            one for one in expressions
            if isinstance(one, Mapping) and not str(one.get("key")).startswith(_INJECTED)
        ] if isinstance(expressions, list) else [],
    }  # fmt: skip
    return selects(known, labels)


def means_own(selector: Any, workload: Workload) -> bool:
    """Tell whether a selector is about the workload's own pods: it matches them, or has the workload's name in it."""
    wanted = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    named = isinstance(wanted, Mapping) and workload.manifest.name in wanted.values()
    return isinstance(selector, Mapping) and (named or selects(selector, workload.labels))
