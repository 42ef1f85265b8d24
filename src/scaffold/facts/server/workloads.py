"""Workloads: what owns pods, and what counts them."""

import re
from functools import cache
from pathlib import Path as File
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.asks import (
    at_least,
    at_most_one,
    choice,
    is_empty,
    is_number,
    needs,
    only_with,
    within,
)
from scaffold.facts.server.cron import cron_fault
from scaffold.facts.server.metadata import SELECTOR, not_empty_selector
from scaffold.facts.server.pods import POD_TEMPLATE, mounts
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import DNS_LABEL, QUALIFIED
from scaffold.facts.server.volumes import CLAIM

_PERCENT = re.compile(r"[0-9]+%\Z", re.ASCII)
_INDEXES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*\Z", re.ASCII)
_ALWAYS = table({"spec.restartPolicy": choice("Always")})
_ENDS = table({"spec.restartPolicy": choice("OnFailure", "Never", empty=False)})


def count_or_percent(value: Any) -> Wrong:
    """Test a count of pods: a number, or a part such as 25%."""
    if is_number(value) and value < 0:
        yield (), f"{shown(value)} is less than 0"
    elif isinstance(value, str) and not _PERCENT.match(value):
        yield (), f"{shown(value)} is not a number or a part such as 25%"


def _part(value: Any) -> Wrong:
    yield from count_or_percent(value)
    if isinstance(value, str) and _PERCENT.match(value) and int(value[:-1][:9]) > 100:
        yield (), f"{shown(value)} is more than 100%"


def _moves(value: Any) -> Wrong:
    """Test that an update may take a pod away or add one."""
    if isinstance(value, dict) and all(_is_none(value.get(name)) for name in ("maxSurge", "maxUnavailable")):
        yield ("maxUnavailable",), "may not be 0 where maxSurge is 0, too: no pod could be replaced"


def _moves_one(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    surge, unavailable = value.get("maxSurge"), value.get("maxUnavailable")
    if not (surge is None or _is_none(surge)) and not (unavailable is None or _is_none(unavailable)):
        yield ("maxSurge",), "may not be set together with maxUnavailable"
    elif _is_none(unavailable) and (surge is None or _is_none(surge)):
        yield ("maxUnavailable",), "may not be 0 where maxSurge is 0, too"


def _is_none(value: Any) -> bool:
    return value in {0, "0%"} and not isinstance(value, bool)


def _deadline(value: Any) -> Wrong:
    if isinstance(value, dict):
        deadline, ready = value.get("progressDeadlineSeconds", 600), value.get("minReadySeconds", 0)
        if is_number(deadline) and is_number(ready) and deadline <= ready and deadline >= 0:
            yield ("progressDeadlineSeconds",), f"{shown(deadline)} is not more than minReadySeconds, {shown(ready)}"


def _claimed(value: Any) -> Wrong:
    """Test the mounts of a StatefulSet: its claims are volumes of its pods."""
    if not isinstance(value, dict):
        return
    claims: dict[str, Any] = {}
    for item in value.get("volumeClaimTemplates") or ():
        meta = item.get("metadata") if isinstance(item, dict) else None
        claims[str(meta.get("name") if isinstance(meta, dict) else "")] = {"persistentVolumeClaim": {}}
    template = value.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    for path, text in mounts(pod, claims):
        yield ("template", "spec", *path), text


_MOUNTS = table({"template.spec": mounts})
_PODS = table({
    "replicas": at_least(0),
    "minReadySeconds": at_least(0),
    "revisionHistoryLimit": at_least(0),
    "selector": (SELECTOR, not_empty_selector),
    "template": (POD_TEMPLATE, _ALWAYS),
})  # fmt: skip
DEPLOYMENT: Shape = table({
    "spec": (_PODS, _MOUNTS, _deadline),
    "spec.progressDeadlineSeconds": at_least(0),
    "spec.strategy": only_with("rollingUpdate", "type", "RollingUpdate", ""),
    "spec.strategy.type": choice("Recreate", "RollingUpdate"),
    "spec.strategy.rollingUpdate": _moves,
    "spec.strategy.rollingUpdate.maxSurge": count_or_percent,
    "spec.strategy.rollingUpdate.maxUnavailable": _part,
})  # fmt: skip
REPLICA_SET: Shape = table({"spec": (_PODS, _MOUNTS)})
STATEFUL_SET: Shape = table({
    "spec": (_PODS, _claimed),
    "spec.serviceName": DNS_LABEL,
    "spec.podManagementPolicy": choice("OrderedReady", "Parallel"),
    "spec.updateStrategy": only_with("rollingUpdate", "type", "RollingUpdate", ""),
    "spec.updateStrategy.type": choice("RollingUpdate", "OnDelete"),
    "spec.updateStrategy.rollingUpdate.partition": at_least(0),
    "spec.ordinals.start": at_least(0),
    "spec.persistentVolumeClaimRetentionPolicy.whenDeleted": choice("Retain", "Delete"),
    "spec.persistentVolumeClaimRetentionPolicy.whenScaled": choice("Retain", "Delete"),
    "spec.volumeClaimTemplates[].spec": CLAIM,
})  # fmt: skip
DAEMON_SET: Shape = table({
    "spec": (_PODS, _MOUNTS),
    "spec.updateStrategy": only_with("rollingUpdate", "type", "RollingUpdate", ""),
    "spec.updateStrategy.type": choice("RollingUpdate", "OnDelete"),
    "spec.updateStrategy.rollingUpdate": _moves_one,
    "spec.updateStrategy.rollingUpdate.maxSurge": _part,
    "spec.updateStrategy.rollingUpdate.maxUnavailable": _part,
})  # fmt: skip


def _job(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    indexed = value.get("completionMode") == "Indexed"
    if indexed and value.get("completions") is None:
        yield (), "completions is required where completionMode is Indexed"
    for name in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if not indexed and value.get(name) is not None:
            yield (name,), "may be set only where completionMode is Indexed"
    if value.get("maxFailedIndexes") is not None and value.get("backoffLimitPerIndex") is None:
        yield (), "backoffLimitPerIndex is required where maxFailedIndexes is set"
    most: Any = value.get("maxFailedIndexes")
    all_of: Any = value.get("completions")
    if is_number(most) and is_number(all_of) and most > all_of:
        yield ("maxFailedIndexes",), f"{shown(most)} is more than completions, {shown(all_of)}"
    yield from _failures(value)


def _failures(value: dict[str, Any]) -> Wrong:
    if not isinstance(value.get("podFailurePolicy"), dict):
        return
    template = value.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    if isinstance(pod, dict) and pod.get("restartPolicy") != "Never":
        yield ("template", "spec", "restartPolicy"), "has to be Never where there is a podFailurePolicy"
    yield from _exit_containers(value["podFailurePolicy"], pod)
    if value.get("podReplacementPolicy") == "TerminatingOrFailed":
        yield ("podReplacementPolicy",), "has to be Failed where there is a podFailurePolicy"


def _exit_containers(policy: dict[str, Any], pod: Any) -> Wrong:
    lists = [pod.get(name) or [] for name in ("containers", "initContainers")] if isinstance(pod, dict) else []
    names = [item.get("name") for items in lists for item in items if isinstance(item, dict)]
    for index, rule in enumerate(policy.get("rules") or ()):
        codes = rule.get("onExitCodes") if isinstance(rule, dict) else None
        name = codes.get("containerName") if isinstance(codes, dict) else None
        if name is not None and name not in names:
            path = ("podFailurePolicy", "rules", index, "onExitCodes", "containerName")
            yield path, f"{shown(name)} is not a container of the pod"


def _rule(value: Any) -> Wrong:
    if isinstance(value, dict) and not value.get("onExitCodes") and not value.get("onPodConditions"):
        yield (), "one of onExitCodes and onPodConditions is required"


def _exit_codes(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    values = value.get("values")
    if is_empty(values):
        yield (), "values are required"
    for index, code in enumerate(values if isinstance(values, list) else ()):
        if code == 0 and value.get("operator") == "In":
            yield ("values", index), "0 is success: it may not be listed with In"
    if isinstance(values, list) and all(map(is_number, values)) and values != sorted(set(values)):
        yield ("values",), "have to be in order, each once"


def _indexes(value: Any) -> Wrong:
    if isinstance(value, str) and value and not _INDEXES.match(value):
        yield (), f"{shown(value)} is not a list of indexes such as 1,3-5"


def _success(value: Any) -> Wrong:
    if isinstance(value, dict) and value.get("succeededCount") is None and value.get("succeededIndexes") is None:
        yield (), "one of succeededCount and succeededIndexes is required"


JOB_SPEC: Shape = table({
    "": _job,
    "parallelism": at_least(0),
    "completions": at_least(0),
    "backoffLimit": at_least(0),
    "backoffLimitPerIndex": at_least(0),
    "maxFailedIndexes": within(0, 100_000),
    "activeDeadlineSeconds": at_least(0),
    "ttlSecondsAfterFinished": at_least(0),
    "completionMode": choice("NonIndexed", "Indexed", empty=False),
    "podReplacementPolicy": choice("TerminatingOrFailed", "Failed", empty=False),
    "selector": SELECTOR,
    "podFailurePolicy.rules[]": (_rule, at_most_one("onExitCodes", "onPodConditions")),
    "podFailurePolicy.rules[].action": choice("Ignore", "FailJob", "FailIndex", "Count", empty=False),
    "podFailurePolicy.rules[].onExitCodes": _exit_codes,
    "podFailurePolicy.rules[].onExitCodes.operator": choice("In", "NotIn", empty=False),
    "podFailurePolicy.rules[].onPodConditions[].type": QUALIFIED,
    "podFailurePolicy.rules[].onPodConditions[].status": choice("True", "False", "Unknown"),
    "successPolicy": needs("rules"),
    "successPolicy.rules[]": _success,
    "successPolicy.rules[].succeededIndexes": _indexes,
    "template": (POD_TEMPLATE, _ENDS),
    "template.spec": (needs("restartPolicy"), mounts),
})  # fmt: skip
JOB: Shape = table({"spec": JOB_SPEC})


def _schedule(value: Any) -> Wrong:
    if isinstance(value, str) and value and (fault := cron_fault(value)):
        yield (), f"{shown(value)}: {fault}"


@cache
def _zones() -> frozenset[str]:
    """Return the time zones that Go knows; those of this machine may be others."""
    return frozenset(File(__file__).with_name("zones.txt").read_text(encoding="utf-8").split())


def _zone(value: Any) -> Wrong:
    if isinstance(value, str) and value not in _zones():
        yield (), f"{shown(value)} is not a time zone"


CRON_JOB: Shape = table({
    "spec.schedule": _schedule,
    "spec.timeZone": _zone,
    "spec.concurrencyPolicy": choice("Allow", "Forbid", "Replace"),
    "spec.startingDeadlineSeconds": at_least(0),
    "spec.successfulJobsHistoryLimit": at_least(0),
    "spec.failedJobsHistoryLimit": at_least(0),
    "spec.jobTemplate.spec": JOB_SPEC,
})  # fmt: skip
DISRUPTION_BUDGET: Shape = table({
    "spec": at_most_one("minAvailable", "maxUnavailable"),
    "spec.minAvailable": _part,
    "spec.maxUnavailable": _part,
    "spec.selector": SELECTOR,
    "spec.unhealthyPodEvictionPolicy": choice("AlwaysAllow", "IfHealthyBudget", empty=False),
})  # fmt: skip
