"""Metrics: what an autoscaler asks for is measured by somebody, and means something."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import brought_whole, inside, is_plain, is_whole, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.releases import Release, releases
from scaffold.rules.reading.resources import BOTH, Defaults, asks, counted, of_pod
from scaffold.rules.reading.scalers import KEDA, Scaling, count, target_of

_INJECTED = frozenset({"daprd", "istio-proxy", "linkerd-proxy", "vault-agent"})
_CUSTOM, _EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
_ZERO_SINCE = 37

_Asked = tuple[Path, str, str]
"""Keys, resource and container (empty: all) of a metric in percent of what is requested."""


@rule("AUTO-03", Severity.ERROR, fix="Set the request of that resource in every container that is counted.")
def utilization_has_a_request_to_compare_with(repo: Repo) -> Iterator[Hit]:
    """Where an autoscaler compares with requests, the containers that it counts exist and have them.

    Utilization is usage divided by request: one container or native sidecar without it, and there is no number for the
    whole pod. KEDA refuses such a ScaledObject. An autoscaler without metrics goes by the CPU. A container that a mesh
    injects, and requests that a LimitRange, a policy or a VerticalPodAutoscaler sets, are taken into account;
    namespaces that get objects from elsewhere are only asked for the name of the container.
    """
    changed = makes(repo, "mutate")
    for cluster in clusters(repo):
        scaling, defaults = Scaling(cluster), Defaults(cluster)
        vertical = {_vertical_target(one) for one in cluster.each("autoscaling.k8s.io", "VerticalPodAutoscaler")}
        for scaler in scaling.scalers:
            workload = scaling.workloads.get(scaler.target)
            if workload is None:
                continue
            judged = not changed and target_of(workload.manifest) not in vertical
            judged = judged and brought_whole(cluster, workload.manifest.namespace)
            for keys, resource, container in _compared(scaler.manifest):
                for why in _incomparable(workload, resource, container, defaults, judged=judged):
                    yield at(scaler.manifest, keys, f"{scaler.manifest} goes by {resource}, {why}")


@rule("AUTO-04", Severity.WARNING, fix="Install an adapter for the metric, or use CPU, or a KEDA trigger.")
def custom_metrics_have_an_adapter(repo: Repo) -> Iterator[Hit]:
    """Metrics of pods and objects are served by an adapter that the cluster has, and the object exists.

    KEDA serves none of them. Without an adapter (an APIService of custom.metrics.k8s.io) the metric fails, the
    autoscaler never scales in, and Argo CD calls the application Degraded. The adapter is asked for where everything
    in the cluster comes from this repository; whether it knows that metric is not seen.
    """
    for cluster in clusters(repo):
        adapter = _serves(cluster, _CUSTOM) or not is_whole(cluster)
        for scaler in cluster.each("autoscaling", "HorizontalPodAutoscaler"):
            for index, metric in scaler.items("spec", "metrics"):
                kind = str(metric.get("type"))
                keys: Path = ("spec", "metrics", index)
                if kind in {"Pods", "Object"} and not adapter:
                    name = scaler.get(*keys, kind.lower(), "metric", "name")
                    yield at(scaler, keys, f"{scaler}: nothing in the cluster serves {name}, a metric of type {kind}")
                if kind == "Object":
                    yield from _described(cluster, scaler, (*keys, "object", "describedObject"))


@rule("AUTO-05", Severity.WARNING, fix="Keep one provider of external metrics in the cluster.")
def external_metrics_have_one_provider(repo: Repo) -> Iterator[Hit]:
    """External metrics are served by one provider of a cluster, and by one at least where they are asked for.

    There is one APIService for external.metrics.k8s.io: with KEDA and an adapter in one cluster the one that is applied
    last takes it from the other. Providers are known by their charts and APIServices.
    """
    found = list(releases(repo))
    for cluster in clusters(repo):
        providers = [
            (one.chart, one.owner, one.keys)
            for one in found
            if one.cluster == cluster.name and _serves_external(one)
        ]  # fmt: skip
        providers += [
            (str(one.get("spec", "service", "name")), one, ("metadata", "name"))
            for one in cluster.each("apiregistration.k8s.io", "APIService")
            if one.get("spec", "group") == _EXTERNAL
        ]
        names = list(dict.fromkeys(name for name, _, _ in providers))
        for name, manifest, keys in providers if len(names) > 1 else ():
            if name != names[0]:
                yield at(manifest, keys, f"{manifest} serves external metrics, and so does {names[0]}")
        if not providers and is_whole(cluster):
            yield from _unserved(cluster)


@rule("AUTO-09", Severity.ERROR, fix="Set the minimum to 1, or scale by something that can be measured without pods.")
def nothing_scales_to_zero_that_cannot_come_back(repo: Repo) -> Iterator[Hit]:
    """Only what can be measured without pods is scaled to zero, by a version that can do it.

    CPU and memory have no value when nothing runs: KEDA refuses a ScaledObject of these triggers alone whose minimum is
    0, which is the default. A HorizontalPodAutoscaler may have minReplicas 0 from Kubernetes 1.37 on. Whether callers
    that wait for an answer are told to wait is not seen.
    """
    minor = repo.kube_version.partition(".")[2]
    old = minor.isdigit() and int(minor) < _ZERO_SINCE
    for scaler in repo.each("autoscaling", "HorizontalPodAutoscaler"):
        if old and count(scaler.get("spec", "minReplicas")) == 0:
            what = f"minReplicas: 0 needs Kubernetes 1.{_ZERO_SINCE}, this is {repo.kube_version}"
            yield at(scaler, ("spec", "minReplicas"), f"{scaler}: {what}")
    for scaler in repo.each(KEDA, "ScaledObject"):
        kinds = {str(trigger.get("type")) for _, trigger in scaler.items("spec", "triggers")}
        least = scaler.get("spec", "minReplicaCount")
        if kinds and kinds <= {"cpu", "memory"} and (least is None or count(least) == 0):
            said = "minReplicaCount is 0" if least is not None else "minReplicaCount is 0, the default"
            what = f"{said}, and {' and '.join(sorted(kinds))} cannot be measured without pods"
            yield at(scaler, ("spec", "minReplicaCount") if least is not None else ("spec",), f"{scaler}: {what}")


def _vertical_target(scaler: Manifest) -> tuple[str, str, str, str]:
    target = scaler.mapping("spec", "targetRef")
    group, slash, _ = str(target.get("apiVersion") or "").partition("/")
    return scaler.namespace, group if slash else "", str(target.get("kind")), str(target.get("name"))


def _compared(scaler: Manifest) -> Iterator[_Asked]:
    """Yield what a scaler compares with requests."""
    if scaler.kind == "ScaledObject":
        for index, trigger in scaler.items("spec", "triggers"):
            metadata = trigger.get("metadata")
            kind = trigger.get("metricType") or (metadata.get("type") if isinstance(metadata, Mapping) else None)
            if trigger.get("type") in BOTH and kind in (None, "Utilization"):
                name = metadata.get("containerName") if isinstance(metadata, Mapping) else None
                yield ("spec", "triggers", index), str(trigger["type"]), str(name or "")
        return
    # In autoscaling/v1 the CPU has a field of its own, and is what counts without it, too.
    if scaler.get("spec", "metrics") in (None, []):
        yield ("spec",), "cpu", ""
    for index, _ in scaler.items("spec", "metrics"):
        for kind, field in (("Resource", "resource"), ("ContainerResource", "containerResource")):
            source = scaler.mapping("spec", "metrics", index, field)
            target = source.get("target")
            percent = isinstance(target, Mapping) and target.get("averageUtilization") is not None
            if scaler.get("spec", "metrics", index, "type") == kind and percent and source.get("name") in BOTH:
                name = str(source.get("container") or "") if field == "containerResource" else ""
                yield ("spec", "metrics", index), str(source["name"]), name


def _incomparable(workload: Workload, resource: str, name: str, defaults: Defaults, *, judged: bool) -> Iterator[str]:
    """Yield why there is nothing to compare with."""
    manifest = workload.manifest
    counting = [one for _, one in counted(workload) if not name or one.get("name") == name]
    if name and not counting and is_plain(name) and name not in _INJECTED:
        has = ", ".join(str(one.get("name")) for _, one in counted(workload))
        yield f"but {manifest} has no container {name}, it has {has}"
    if not judged or of_pod(workload, "requests", resource) is not None:
        return
    for one in counting:
        if asks(one, "requests", resource, manifest.namespace, defaults) is None:
            yield f"but container {one.get('name')} of {manifest} has no request of {resource}"


def _serves(cluster: Cluster, group: str) -> bool:
    return any(one.get("spec", "group") == group for one in cluster.each("apiregistration.k8s.io", "APIService"))


def _described(cluster: Cluster, scaler: Manifest, keys: Path) -> Iterator[Hit]:
    described = scaler.mapping(*keys)
    group, slash, _ = str(described.get("apiVersion") or "").partition("/")
    kind, name = str(described.get("kind")), described.get("name")
    there = {one.name for one in cluster.each(group if slash else "", kind) if one.namespace == scaler.namespace}
    gone = cluster.lacks(scaler.namespace, str(name)) if kind == "Service" else brought_whole(cluster, scaler.namespace)
    if is_plain(name) and name not in there and gone:
        yield at(scaler, keys, f"{scaler}: there is no {kind} {name} {inside(scaler.namespace)}")


def _serves_external(release: Release) -> bool:
    match release.chart:
        case "keda":
            return True
        case "prometheus-adapter":
            return bool(_value(release.values, "rules", "external"))
        case "datadog":
            return _value(release.values, "clusterAgent", "metricsProvider", "enabled") is True
    return False


def _value(values: Mapping[str, Any], *keys: str) -> Any:
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _unserved(cluster: Cluster) -> Iterator[Hit]:
    for scaler in cluster.each("autoscaling", "HorizontalPodAutoscaler"):
        for index, metric in scaler.items("spec", "metrics"):
            name = scaler.get("spec", "metrics", index, "external", "metric", "name")
            # Clouds serve theirs by an adapter that nobody applies: pubsub.googleapis.com|subscription|...
            if metric.get("type") == "External" and "|" not in str(name):
                what = f"nothing in the cluster serves the external metric {name}"
                yield at(scaler, ("spec", "metrics", index), f"{scaler}: {what}")
