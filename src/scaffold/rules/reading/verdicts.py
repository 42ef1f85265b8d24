"""What Kyverno's ValidatingPolicies say of an object, as its engine decides it when the object is made.

Which objects a policy is asked about, how its expressions are rewritten for the controllers of pods, and the order of
exceptions, conditions, variables and validations are those of Kyverno 1.19.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.cel import Compiler, Failed, Program
from scaffold.model.manifest import Manifest
from scaffold.model.selectors import selects
from scaffold.rules.reading.kyverno import CONTROLLERS, listed, resource_rules, underived

_TEMPLATE = "spec.template"
_TARGETS = {
    ("apps", "v1", "DaemonSet"): ("daemonsets", _TEMPLATE),
    ("apps", "v1", "Deployment"): ("deployments", _TEMPLATE),
    ("apps", "v1", "ReplicaSet"): ("replicasets", _TEMPLATE),
    ("apps", "v1", "StatefulSet"): ("statefulsets", _TEMPLATE),
    ("batch", "v1", "Job"): ("jobs", _TEMPLATE),
    ("batch", "v1", "CronJob"): ("cronjobs", "spec.jobTemplate.spec.template"),
}
_OTHERS = re.compile(r"[^aeiou]y\Z")
_AT_RUN_TIME = re.compile(r"\brequest\s*\.\s*\??(userInfo|uid|options)\b|\bauthorizer\b")

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``pass``, ``fail`` with the message, ``skip``, or ``unknown`` with the reason."""

    result: str
    text: str = ""


PASSED, SKIPPED = Verdict("pass"), Verdict("skip")


def plural(kind: str) -> str:
    """Return the name of the resource of a kind."""
    lower = kind.lower()
    if _OTHERS.search(lower):
        return f"{lower[:-1]}ies"
    if lower.endswith("endpoints"):
        return lower
    return f"{lower}es" if lower.endswith(("s", "x", "ch", "sh")) else f"{lower}s"


def template_of(policy: Manifest, manifest: Manifest, operation: str = "CREATE") -> str | None:
    """Return how expressions are rewritten for an object: ``spec.template``, or "" for not at all.

    None where the policy is not asked about it. Namespaces are not looked at.
    """
    match = policy.mapping("spec", "matchConstraints")
    excluded = match.get("excludeResourceRules")
    out = any(_takes(one, manifest, operation) for one in excluded if isinstance(one, Mapping)) if isinstance(
        excluded, list
    ) else False  # fmt: skip
    chosen = match.get("objectSelector")
    if isinstance(chosen, Mapping) and not selects(chosen, manifest.labels):
        return None
    if not out and any(_takes(one, manifest, operation) for _, one in resource_rules(policy)):
        return ""
    target = _TARGETS.get((manifest.group, manifest.api_version.rpartition("/")[2], manifest.kind))
    if target is None or underived(policy) is not None:
        return None
    named = policy.get("spec", "autogen", "podControllers", "controllers")
    controllers = set(map(str, named)) if isinstance(named, list) else CONTROLLERS
    operations = {name for _, one in resource_rules(policy) for name in listed(one, "operations")}
    return target[1] if target[0] in controllers and {operation, "*"} & operations else None


def rewritten(text: str, template: str) -> str:
    """Return an expression about pods as one about their controllers; the namespace stays that of the object."""
    for field in ("spec", "metadata") if template else ():
        text = re.sub(rf"(object|oldObject)\.{field}(?!\.namespace(?!\w))", rf"\1.{template}.{field}", text)
    return text


class Judge:
    """Asks policies about objects; every expression is compiled once."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._programs: dict[str, Program | Failed] = {}

    def verdict(self, policy: Manifest, template: str, data: Data, exceptions: list[Manifest]) -> Verdict:
        """Return what a policy says of an object, given the variables of the request."""
        for exception in exceptions:
            taken = self._all(exception, "", data)
            if isinstance(taken, Failed):
                return Verdict("unknown", f"{exception}: {taken.reason}")
            if taken and (exception.get("spec", "images") or exception.get("spec", "allowedValues")):
                return Verdict("unknown", f"{exception} allows images or values")
            if taken:
                return SKIPPED
        matched = self._all(policy, template, data)
        if isinstance(matched, Failed):
            ignored = policy.get("spec", "failurePolicy") == "Ignore"
            return SKIPPED if ignored else Verdict("unknown", matched.reason)
        return self._validated(policy, template, data) if matched else SKIPPED

    def _validated(self, policy: Manifest, template: str, data: Data) -> Verdict:
        variables: dict[str, Any] = {}
        broken: dict[str, str] = {}
        data = {**data, "variables": variables}
        for _, variable in policy.items("spec", "variables"):
            value = self._value(variable.get("expression"), template, data)
            name = str(variable.get("name"))
            if isinstance(value, Failed):
                broken[name] = value.reason
            else:
                variables[name] = value
        for index, validation in policy.items("spec", "validations"):
            value = self._value(validation.get("expression"), template, data)
            if value is True:
                continue
            if value is False:
                said = self._value(validation.get("messageExpression"), template, data)
                fallback = validation.get("message") or f"validation {index + 1} fails"
                return Verdict("fail", said if isinstance(said, str) and said else str(fallback))
            reason = value.reason if isinstance(value, Failed) else f"validation {index + 1} is {value}, no boolean"
            known = (f"variable {name}: {why}" for name, why in broken.items() if name in reason)
            return Verdict("unknown", next(known, reason))
        return PASSED

    def _all(self, manifest: Manifest, template: str, data: Data) -> bool | Failed:
        """Tell whether all matchConditions hold."""
        failed: Failed | None = None
        for _, condition in manifest.items("spec", "matchConditions"):
            value = self._value(condition.get("expression"), template, data)
            if value is False:
                return False
            if value is not True:
                failed = value if isinstance(value, Failed) else Failed(f"a condition is {value}, no boolean")
        return failed or True

    def _value(self, text: Any, template: str, data: Data) -> Any:
        if not isinstance(text, str):
            return Failed("there is no expression")
        if found := _AT_RUN_TIME.search(text):
            return Failed(f"{found[0]} is known only when the request is made")
        text = rewritten(text, template)
        if text not in self._programs:
            self._programs[text] = self._compiler(text)
        program = self._programs[text]
        return program if isinstance(program, Failed) else program(data)


def _takes(fields: Data, manifest: Manifest, operation: str) -> bool:
    """Tell whether a resourceRule takes an object that is made."""
    names = listed(fields, "resourceNames")
    asked: Iterator[tuple[str, str]] = iter((
        ("apiGroups", manifest.group),
        ("apiVersions", manifest.api_version.rpartition("/")[2]),
        ("operations", operation),
    ))  # fmt: skip
    wanted = {plural(manifest.kind), "*", "*/*"}
    return (
        all({value, "*"} & set(listed(fields, field)) for field, value in asked)
        and bool(wanted & set(listed(fields, "resources")))
        and (not names or manifest.name in names)
    )
