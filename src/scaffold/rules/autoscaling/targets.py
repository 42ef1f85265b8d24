"""Targets: what is scaled exists, can be scaled, and is scaled by one."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import inside, is_plain
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.scalers import KEDA, Scaling, Target, named

_FIXED = frozenset({
    ("apps", "DaemonSet"), ("batch", "CronJob"), ("batch", "Job"), ("", "Pod"), ("", "Service"),
})  # fmt: skip
_MOVED = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})
_TRANSFER = "scaledobject.keda.sh/transfer-hpa-ownership"


@rule("AUTO-01", Severity.ERROR, fix="Name a workload of the same namespace by its apiVersion, kind and name.")
def scalers_find_their_target(repo: Repo) -> Iterator[Hit]:
    """Every autoscaler names a workload that exists in its namespace and can be scaled.

    Nothing refuses another one: the autoscaler then stands there and does nothing (FailedGetScale). A DaemonSet or a
    Job has no number of replicas, and Deployments are not in the group `extensions` any more. Whether the workload
    exists is judged where all of the namespace comes from this repository. A VerticalPodAutoscaler may name a DaemonSet
    or Job.
    """
    for cluster in clusters(repo):
        there = _objects(cluster)
        for group, kind, field in (
            ("autoscaling", "HorizontalPodAutoscaler", "scaleTargetRef"),
            (KEDA, "ScaledObject", "scaleTargetRef"),
            ("autoscaling.k8s.io", "VerticalPodAutoscaler", "targetRef"),
        ):
            for scaler in cluster.each(group, kind):
                target = named(scaler, field)
                if why := _unscalable(cluster, there, target, vertical=field == "targetRef"):
                    yield at(scaler, ("spec", field), f"{scaler}: {why}")


@rule("AUTO-02", Severity.ERROR, fix="Keep one autoscaler for the workload, and none that KEDA makes itself.")
def workloads_have_one_scaler(repo: Repo) -> Iterator[Hit]:
    """A workload is scaled by one HorizontalPodAutoscaler or ScaledObject alone.

    Two stop each other (AmbiguousSelector), and KEDA refuses a second one. What KEDA makes for a ScaledObject,
    keda-hpa-*, is not in Git. A ScaledObject may take over an autoscaler that it names, with the annotation for it.
    """
    for cluster in clusters(repo):
        scaling = Scaling(cluster)
        for scaler in scaling.scalers:
            if scaler.manifest.kind != "ScaledObject" and scaler.manifest.name.startswith("keda-hpa-"):
                yield at(
                    scaler.manifest, ("metadata", "name"), f"{scaler.manifest} has the name of one that KEDA makes"
                )
        for target, scalers in scaling.by_target.items():
            first, *others = [one.manifest for one in scalers]
            for other in others:
                if target[-1] and not _takes_over(first, other) and not _takes_over(other, first):
                    what = f"{other} scales {target[2]} {target[3]}, and so does {first}"
                    yield at(other, ("spec", "scaleTargetRef"), what)


def _objects(cluster: Cluster) -> Mapping[Target, Manifest]:
    return {
        (manifest.namespace, group, kind, manifest.name): manifest
        for (group, kind), manifests in cluster.kinds.items()
        for manifest in manifests
    }


def _unscalable(cluster: Cluster, there: Mapping[Target, Manifest], target: Target, *, vertical: bool) -> str:
    """Say why a target cannot be scaled, empty if it can."""
    namespace, group, kind, name = target
    if not is_plain(name):
        return ""
    if not vertical and (group, kind) in _FIXED:
        return f"a {kind} cannot be scaled"
    if group == "extensions" and kind in _MOVED:
        return f"there is no {kind} in the group extensions, it is in apps"
    if target in there or not cluster.closed(namespace):
        return ""
    similar = next(
        (one for one in there if one[0] == namespace and one[3] == name and one[2].lower() == kind.lower()), None
    )
    hint = f", there is {similar[2]} {name} of the group {similar[1] or 'core'}" if similar else ""
    return f"there is no {kind} {name} of the group {group or 'core'} {inside(namespace)}{hint}"


def _takes_over(one: Manifest, other: Manifest) -> bool:
    config: Mapping[str, Any] = one.mapping("spec", "advanced", "horizontalPodAutoscalerConfig")
    return str(one.annotations.get(_TRANSFER)) == "true" and config.get("name") == other.name
