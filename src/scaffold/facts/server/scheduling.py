"""Where pods may run: affinity, tolerations, spread, selectors of nodes."""

from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.asks import choice, is_empty, needs, only_with, place, unique, within
from scaffold.facts.server.metadata import SELECTOR
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import DNS_LABEL, DNS_NAME, LABEL_KEY, LABEL_VALUE, QUALIFIED, is_label_value

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_WEIGHT = within(1, 100)


def _requirement(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    operator, values = value.get("operator"), value.get("values")
    where = place(value, "values")
    if isinstance(operator, str) and operator not in _OPERATORS:
        yield ("operator",), f"{shown(operator)} is not one of {', '.join(_OPERATORS)}"
    elif operator in {"In", "NotIn"} and is_empty(values):
        yield where, f"values are required with the operator {operator}"
    elif operator in {"Exists", "DoesNotExist"} and not is_empty(values):
        yield ("values",), f"no values may be given with the operator {operator}"
    elif operator in {"Gt", "Lt"} and (not isinstance(values, list) or len(values) != 1):
        yield where, f"exactly one value is required with the operator {operator}"


def _field(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    if value.get("operator") not in {"In", "NotIn"}:
        yield ("operator",), f"{shown(value.get('operator'))} is not In or NotIn"
    elif not isinstance(value.get("values"), list) or len(value["values"]) != 1:
        yield place(value, "values"), "exactly one value is required"
    if value.get("key") != "metadata.name":
        yield ("key",), f"{shown(value.get('key'))} is not metadata.name, the only field there is"


_TERM = table({
    "matchExpressions[]": _requirement,
    "matchExpressions[].key": LABEL_KEY,
    "matchFields[]": _field,
    "matchFields[].values[]": DNS_NAME,
})  # fmt: skip
_VALUES = table({"matchExpressions[].values[]": LABEL_VALUE})
NODE_SELECTOR: Shape = table({"": needs("nodeSelectorTerms"), "nodeSelectorTerms[]": (_TERM, _VALUES)})


def _topology(value: Any) -> Wrong:
    if isinstance(value, dict) and is_empty(value.get("topologyKey")):
        yield place(value, "topologyKey"), "topologyKey is required"


def _match_keys(value: Any) -> Wrong:
    """Test the keys that are taken from the pod's own labels: they need a selector to be added to."""
    if not isinstance(value, dict):
        return
    selector = value.get("labelSelector")
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = value.get(name)
        if isinstance(keys, list) and keys and not isinstance(selector, dict):
            yield (name,), "may be set only together with labelSelector"


_POD_TERM = table({
    "": (_topology, _match_keys),
    "topologyKey": QUALIFIED,
    "namespaces[]": DNS_LABEL,
    "namespaceSelector": SELECTOR,
    "labelSelector": SELECTOR,
    "matchLabelKeys[]": LABEL_KEY,
    "mismatchLabelKeys[]": LABEL_KEY,
})  # fmt: skip
_POD_AFFINITY = table({
    "requiredDuringSchedulingIgnoredDuringExecution[]": _POD_TERM,
    "preferredDuringSchedulingIgnoredDuringExecution[].weight": _WEIGHT,
    "preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm": _POD_TERM,
})  # fmt: skip
AFFINITY: Shape = table({
    "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution": NODE_SELECTOR,
    "nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[].weight": _WEIGHT,
    "nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[].preference": _TERM,
    "podAffinity": _POD_AFFINITY,
    "podAntiAffinity": _POD_AFFINITY,
})  # fmt: skip


def _toleration(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    operator = value.get("operator") or "Equal"
    if is_empty(value.get("key")) and operator != "Exists":
        yield place(value, "operator"), "without a key the operator has to be Exists"
    if operator not in {"Equal", "Exists"}:
        yield ("operator",), f"{shown(operator)} is not one of Equal, Exists"
    elif operator == "Exists" and value.get("value"):
        yield ("operator",), f"with Exists there may be no value, and there is {shown(value['value'])}"
    elif operator == "Equal" and isinstance(value.get("value"), str) and not is_label_value(value["value"]):
        yield ("value",), f"{shown(value['value'])} is not the value of a label"
    if value.get("tolerationSeconds") is not None and value.get("effect") != "NoExecute":
        yield place(value, "effect"), "effect has to be NoExecute where tolerationSeconds is set"


EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
TOLERATIONS: Shape = table({"[]": _toleration, "[].key": QUALIFIED, "[].effect": choice(*EFFECTS)})

SPREAD: Shape = table({
    "": unique("topologyKey", "whenUnsatisfiable"),
    "[]": (_topology, _match_keys, only_with("minDomains", "whenUnsatisfiable", "DoNotSchedule")),
    "[].maxSkew": within(1, 2**31 - 1, "more than 0"),
    "[].minDomains": within(1, 2**31 - 1, "more than 0"),
    "[].whenUnsatisfiable": choice("DoNotSchedule", "ScheduleAnyway", empty=False),
    "[].nodeAffinityPolicy": choice("Ignore", "Honor", empty=False),
    "[].nodeTaintsPolicy": choice("Ignore", "Honor", empty=False),
    "[].matchLabelKeys[]": LABEL_KEY,
    "[].labelSelector": SELECTOR,
})  # fmt: skip
