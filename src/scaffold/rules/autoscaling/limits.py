"""Limits: what autoscalers may ask for is to be had, and no two of them turn the same screw."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from scaffold.facts.server.amounts import amount
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import brought_whole, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.resources import BOTH, Defaults, asks, counted, of_pod, pod_total
from scaffold.rules.reading.scalers import KEDA, Scaling, Target, named

_QUOTAS = {
    "cpu": ("requests", "cpu"), "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"), "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"), "limits.memory": ("limits", "memory"),
}  # fmt: skip
_BOUNDED = frozenset({"Deployment", "ReplicaSet", "Rollout", "StatefulSet"})
_VPA = ("autoscaling.k8s.io", "VerticalPodAutoscaler")


@rule("AUTO-08", Severity.WARNING, fix="Let the vertical autoscaler leave alone what the horizontal one goes by.")
def horizontal_and_vertical_do_not_fight(repo: Repo) -> Iterator[Hit]:
    """No resource of a workload is turned by two autoscalers, and a VerticalPodAutoscaler stays within its LimitRange.

    More usage makes the one add pods and the other raise the request that the first one divides by: both go round in
    circles. Two vertical ones on a pod are undefined. updateMode Auto is deprecated: it says Recreate, and means it.
    """
    for cluster in clusters(repo):
        compared, scaling = _compared(cluster), Scaling(cluster)
        first: dict[Target, Manifest] = {}
        for scaler in cluster.each(*_VPA):
            target = named(scaler, "targetRef")
            mode = scaler.get("spec", "updatePolicy", "updateMode")
            other = first.setdefault(target, scaler)
            if other is not scaler and target[-1]:
                yield at(scaler, ("spec", "targetRef"), f"{scaler} is about {target[2]} {target[3]}, and so is {other}")
            if mode == "Auto":
                keys = ("spec", "updatePolicy", "updateMode")
                yield at(scaler, keys, f"{scaler}: updateMode Auto is deprecated, it is Recreate")
            if mode != "Off":
                for resource, by in sorted(compared.get(target, {}).items()):
                    if resource in _controlled(scaler, scaling.workloads.get(target)):
                        what = f"{scaler} changes the {resource} of {target[2]} {target[3]}, and {by} goes by it"
                        yield at(scaler, ("spec",), what)
            yield from _beyond_range(cluster, scaler)


@rule("AUTO-10", Severity.ERROR, fix="Raise the quota, lower the maximum, or set what the quota asks for.")
def quotas_admit_the_pods(repo: Repo) -> Iterator[Hit]:
    """The ResourceQuota of a namespace admits its pods, as many as the autoscaler may ask for.

    A pod too many is refused with 403, and so is one that does not say what the quota counts: workload and autoscaler
    are accepted all the same. Each workload is held against the quota alone, at its largest, with the one pod more
    that an update may need left out. How many connections a database takes is not seen.
    """
    if makes(repo, "mutate"):
        return
    for cluster in clusters(repo):
        scaling, defaults = Scaling(cluster), Defaults(cluster)
        for quota in cluster.each("", "ResourceQuota"):
            if quota.get("spec", "scopes") or quota.get("spec", "scopeSelector"):
                continue
            for workload in cluster.workloads.get(quota.namespace, ()):
                yield from _refused(cluster, quota, workload, scaling, defaults)


def _compared(cluster: Cluster) -> Mapping[Target, dict[str, Manifest]]:
    """Return the resources that horizontal autoscalers go by, by target."""
    found: dict[Target, dict[str, Manifest]] = {}
    for scaler in cluster.each("autoscaling", "HorizontalPodAutoscaler"):
        metrics = list(scaler.items("spec", "metrics"))
        for index, _ in metrics:
            for field in ("resource", "containerResource"):
                name = scaler.get("spec", "metrics", index, field, "name")
                if isinstance(name, str):
                    found.setdefault(named(scaler), {})[name] = scaler
        if not metrics:
            found.setdefault(named(scaler), {})["cpu"] = scaler
    for scaler in cluster.each(KEDA, "ScaledObject"):
        for _, trigger in scaler.items("spec", "triggers"):
            if trigger.get("type") in BOTH:
                found.setdefault(named(scaler), {})[str(trigger["type"])] = scaler
    return found


def _controlled(scaler: Manifest, workload: Workload | None) -> set[str]:
    """Return the resources that a vertical autoscaler changes in some container; one without a policy is changed."""
    policies = [policy for _, policy in scaler.items("spec", "resourcePolicy", "containerPolicies")]
    names = {str(policy.get("containerName")) for policy in policies}
    containers = {str(one.get("name")) for _, one in counted(workload)} if workload else set()
    found = set(BOTH) if not policies or ("*" not in names and containers - names) else set()
    for policy in policies:
        listed = policy.get("controlledResources")
        if policy.get("mode") != "Off":
            found |= {str(one) for one in listed} if isinstance(listed, list) else set(BOTH)
    return found


def _beyond_range(cluster: Cluster, scaler: Manifest) -> Iterator[Hit]:
    ranges = [one for one in cluster.each("", "LimitRange") if one.namespace == scaler.namespace]
    for index, policy in scaler.items("spec", "resourcePolicy", "containerPolicies"):
        for field, bound, beyond in (("minAllowed", "min", -1), ("maxAllowed", "max", 1)):
            allowed = policy.get(field)
            for resource, value in (allowed if isinstance(allowed, Mapping) else {}).items():
                for limit in ranges:
                    for number, item in limit.items("spec", "limits"):
                        end = limit.get("spec", "limits", number, bound, resource)
                        mine, theirs = amount(value), amount(end)
                        if item.get("type") != "Container" or mine is None or theirs is None:
                            continue
                        if (mine - theirs) * beyond > 0:
                            keys = ("spec", "resourcePolicy", "containerPolicies", index, field, resource)
                            what = f"{field} {resource} {value} is beyond the {bound} of {limit}, {end}"
                            yield at(scaler, keys, f"{scaler}: {what}")


def _refused(
    cluster: Cluster, quota: Manifest, workload: Workload, scaling: Scaling, defaults: Defaults
) -> Iterator[Hit]:
    manifest = workload.manifest
    bounds = scaling.bounds(workload) if manifest.kind in _BOUNDED else None
    for name, hard in quota.mapping("spec", "hard").items():
        end = amount(hard)
        if end is None:
            continue
        most = bounds[1] if bounds else 0
        if name == "pods" and most > end:
            yield at(manifest, (), f"{manifest}: up to {most} pods, and {quota} admits {hard}")
        if name not in _QUOTAS:
            continue
        kind, resource = _QUOTAS[name]
        total = pod_total(workload, kind, resource, defaults)
        if total is not None and total * most > end:
            need = f"up to {most} pods need {_shown(total * most, resource)} of {name}"
            yield at(manifest, workload.spec, f"{manifest}: {need}, and {quota} admits {hard}")
        elif total is None and brought_whole(cluster, manifest.namespace):
            yield from _unsaid(workload, quota, name, defaults)


def _unsaid(workload: Workload, quota: Manifest, name: str, defaults: Defaults) -> Iterator[Hit]:
    manifest = workload.manifest
    kind, resource = _QUOTAS[name]
    for keys, container in workload.containers():
        said = of_pod(workload, kind, resource) is not None
        if not said and asks(container, kind, resource, manifest.namespace, defaults) is None:
            what = (
                f"container {container.get('name')} does not set {name}, which {quota} asks for: its pods are refused"
            )
            yield at(manifest, keys, f"{manifest}: {what}")


def _shown(number: Fraction, resource: str) -> str:
    if resource == "memory":
        return f"{float(number) / 1024**2:g}Mi"
    return f"{float(number):g}"
