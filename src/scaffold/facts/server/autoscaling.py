"""The HorizontalPodAutoscaler: metrics, their targets, how fast it scales."""

from collections.abc import Mapping
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.amounts import CONTAINER_RESOURCE, not_negative, positive
from scaffold.facts.server.asks import at_least, choice, is_empty, is_number, needs, place, within
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import DNS_LABEL, PATH_SEGMENT

_SOURCES: Mapping[str, str] = {
    "Object": "object", "External": "external", "Pods": "pods", "Resource": "resource",
    "ContainerResource": "containerResource",
}  # fmt: skip


def _metric(value: Any) -> Wrong:
    if not isinstance(value, dict) or value.get("type") not in _SOURCES:
        return
    wanted = _SOURCES[value["type"]]
    if value.get(wanted) is None:
        yield place(value, wanted), f"{wanted} is required where type is {value['type']}"
    for name in _SOURCES.values():
        if name != wanted and value.get(name) is not None:
            yield (name,), f"may not be set where type is {value['type']}"


def _target(*names: str, both: bool = False) -> Test:
    def test(value: Any) -> Wrong:
        if not isinstance(value, dict):
            return
        there = [name for name in names if value.get(name) is not None]
        if not there:
            yield (), f"{' or '.join(names)} is required"
        if len(there) > 1 and not both:
            yield (there[1],), f"may not be set together with {there[0]}"

    return test


def _replicas(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    least: Any = value.get("minReplicas")
    most: Any = value.get("maxReplicas")
    metrics = value.get("metrics")
    if is_number(least) and is_number(most) and most < least:
        yield ("maxReplicas",), f"{shown(most)} is less than minReplicas, {shown(least)}"
    kinds = {item.get("type") for item in metrics if isinstance(item, dict)} if isinstance(metrics, list) else set()
    if is_number(least) and least == 0 and not kinds & {"Object", "External"}:
        yield ("minReplicas",), "may be 0 only with an Object or External metric"


def _version(value: Any) -> Wrong:
    if isinstance(value, str) and value.count("/") > 1:
        yield (), f"{shown(value)} is not a group and a version"


def _policies(value: Any) -> Wrong:
    if isinstance(value, dict) and "policies" in value and is_empty(value["policies"]):
        yield ("policies",), "must not be empty"


_TARGET = table({
    "type": choice("Utilization", "Value", "AverageValue", empty=False),
    "value": positive,
    "averageValue": positive,
    "averageUtilization": at_least(1),
})  # fmt: skip


def _group(value: Any) -> Wrong:
    given = (value.get("apiVersion") or "") if isinstance(value, dict) else "/"
    if isinstance(given, str) and "/" not in given:
        yield place(value, "apiVersion"), "apiVersion with a group, such as apps/v1, is required"


_REFERENCE = table({"": needs("kind", "name"), "kind": PATH_SEGMENT, "name": PATH_SEGMENT, "apiVersion": _version})
_IDENTITY = table({"name": PATH_SEGMENT})
_RULES = table({
    "": _policies,
    "stabilizationWindowSeconds": within(0, 3600),
    "selectPolicy": choice("Max", "Min", "Disabled", empty=False),
    "policies[].type": choice("Percent", "Pods", empty=False),
    "policies[].value": within(1, 2**31 - 1, "more than 0"),
    "policies[].periodSeconds": within(1, 1800),
    "tolerance": not_negative,
})  # fmt: skip

AUTOSCALER: Shape = table({
    "spec": _replicas,
    "spec.minReplicas": at_least(0),
    "spec.maxReplicas": at_least(1),
    "spec.scaleTargetRef": (_REFERENCE, _group),
    "spec.metrics[]": _metric,
    "spec.metrics[].type": choice(*_SOURCES, empty=False),
    "spec.metrics[].object.describedObject": _REFERENCE,
    "spec.metrics[].object.metric": _IDENTITY,
    "spec.metrics[].object.target": (_TARGET, _target("value", "averageValue", both=True)),
    "spec.metrics[].external.metric": _IDENTITY,
    "spec.metrics[].external.target": (_TARGET, _target("value", "averageValue")),
    "spec.metrics[].pods.metric": _IDENTITY,
    "spec.metrics[].pods.target": (_TARGET, _target("averageValue")),
    "spec.metrics[].resource.target": (_TARGET, _target("averageUtilization", "averageValue")),
    "spec.metrics[].containerResource.name": CONTAINER_RESOURCE,
    "spec.metrics[].containerResource.container": DNS_LABEL,
    "spec.metrics[].containerResource.target": (_TARGET, _target("averageUtilization", "averageValue")),
    "spec.behavior.scaleUp": _RULES,
    "spec.behavior.scaleDown": _RULES,
})  # fmt: skip
