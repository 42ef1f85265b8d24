"""Tracing: spans reach a collector, pass through it, and are sampled once."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.cluster_hosts import Address
from scaffold.rules.reading.collectors import GROUP, INJECT, Collector, collectors, wishes
from scaffold.rules.reading.completeness import brought_whole, is_plain
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters

_SIDES = {"receivers": ("receivers", "connectors"), "processors": ("processors",),
          "exporters": ("exporters", "connectors")}  # fmt: skip
_LIMITER = "memory_limiter"
_PROTOCOLS = {4317: "grpc", 4318: "http"}
_RATIOS = frozenset({"traceidratio", "parentbased_traceidratio"})


@rule("OBS-17", Severity.ERROR, fix="Declare what the pipeline uses, and send to a Service and port that exist.")
def pipelines_use_what_is_declared(repo: Repo) -> Iterator[Hit]:
    """Pipelines of a collector use what its configuration declares, and exporters send to Services that exist.

    No schema sees it: the collector ends as soon as it starts. Judged are OpenTelemetryCollectors; Services are missed
    in namespaces that get nothing from elsewhere.
    """
    for cluster in clusters(repo):
        for collector in collectors(cluster):
            for keys, what in (*_undeclared(collector), *_unreachable(collector, cluster)):
                yield at(collector.manifest, keys, f"{collector.manifest}: {what}")


@rule("OBS-29", Severity.WARNING, fix="Put memory_limiter first among the processors of the pipeline.")
def memory_is_limited_first(repo: Repo) -> Iterator[Hit]:
    """The memory_limiter is the first processor of its pipelines.

    It refuses what comes in when memory runs out. Behind another processor it refuses what was taken already: that is
    lost, and the collector is killed all the same.
    """
    for cluster in clusters(repo):
        for collector in collectors(cluster):
            for name, pipeline in collector.pipelines():
                used = [str(one) for one in _list(pipeline, "processors")]
                limiters = [index for index, one in enumerate(used) if one.partition("/")[0] == _LIMITER]
                if limiters and limiters[0] > 0:
                    keys = collector.place("service", "pipelines", name, "processors")
                    what = f"pipeline {name} has {used[0]} before {used[limiters[0]]}"
                    yield at(collector.manifest, keys, f"{collector.manifest}: {what}")


@rule("OBS-18", Severity.WARNING, fix="Annotate the pod template with an Instrumentation that sends to a collector.")
def instrumentation_is_found(repo: Repo) -> Iterator[Hit]:
    """An Instrumentation sends to a collector that listens there, and pods ask for one that exists.

    The operator reads the annotations of pods and of namespaces: on a Deployment itself they do nothing, and neither
    does a name that is none, or `"true"` where there are several. Namespaces that get objects from elsewhere are not
    judged.
    """
    for cluster in clusters(repo):
        named = {(one.namespace, one.name) for one in cluster.each(GROUP, "Instrumentation")}
        listening = {(one.manifest.namespace, f"{one.manifest.name}-collector"): one for one in collectors(cluster)}
        for one in cluster.each(GROUP, "Instrumentation"):
            endpoint = one.get("spec", "exporter", "endpoint")
            if why := _not_listening(endpoint, one.namespace, cluster, listening):
                yield at(one, ("spec", "exporter", "endpoint"), f"{one}: endpoint {endpoint}: {why}")
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _wishes(workload, named, cluster)


@rule("OBS-19", Severity.WARNING, fix="Use a sampler that follows its parent, and the propagator tracecontext.")
def sampling_is_decided_once(repo: Repo) -> Iterator[Hit]:
    """What is sampled is decided where a trace begins, and the programs pass it on as the mesh does.

    A sampler that does not follow its parent cuts holes into traces that the mesh began, and without `tracecontext`
    mesh and programs make two traces of one. The ratio is a text between "0" and "1" that no schema reads. Judged are
    Instrumentations; samplers and propagators where Istio's Telemetry samples traces.
    """
    for cluster in clusters(repo):
        traced = any(
            any(tracing.get("randomSamplingPercentage") is not None for _, tracing in one.items("spec", "tracing"))
            for one in cluster.each("telemetry.istio.io", "Telemetry")
        )
        for one in cluster.each(GROUP, "Instrumentation"):
            for keys, what in _sampling(one, traced):
                yield at(one, keys, f"{one}: {what}")


def _undeclared(collector: Collector) -> Iterator[tuple[Path, str]]:
    for name, pipeline in collector.pipelines():
        for side, parts in _SIDES.items():
            known = {str(one) for part in parts for one in collector.part(part)}
            for index, one in enumerate(_list(pipeline, side)):
                if isinstance(one, str) and one not in known and "$" not in one:
                    keys = collector.place("service", "pipelines", name, side, index)
                    yield keys, f"pipeline {name} uses {one}, which is not among the {side}"
    service = collector.config.get("service")
    known = set(map(str, collector.part("extensions")))
    for index, one in enumerate(_list(service, "extensions") if isinstance(service, Mapping) else ()):
        if isinstance(one, str) and one not in known and "$" not in one:
            yield collector.place("service", "extensions", index), f"extension {one} is not declared"


def _unreachable(collector: Collector, cluster: Cluster) -> Iterator[tuple[Path, str]]:
    used = {
        one for _, pipeline in collector.pipelines() for one in _list(pipeline, "exporters") if isinstance(one, str)
    }
    for name, exporter in collector.part("exporters").items():
        if name in used and isinstance(exporter, Mapping) and str(name).partition("/")[0] in {"otlp", "otlphttp"}:
            address = Address.of(exporter.get("endpoint"), collector.manifest.namespace, cluster)
            if address and (why := address.fault(cluster)):
                keys = collector.place("exporters", str(name), "endpoint")
                yield keys, f"exporter {name} sends to {exporter['endpoint']}: {why}"


def _not_listening(
    endpoint: Any, namespace: str, cluster: Cluster, listening: Mapping[tuple[str, str], Collector]
) -> str:
    """Return why nobody takes spans at an endpoint, empty if somebody may."""
    address = Address.of(endpoint, namespace, cluster)
    if address is None:
        return ""
    if collector := listening.get((address.namespace, address.name)):
        protocols, wanted = collector.protocols(), _PROTOCOLS.get(address.port or 0)
        if wanted and protocols is not None and wanted not in protocols:
            return f"{collector.manifest} does not take {wanted}, but {', '.join(sorted(protocols))}"
        return ""
    return address.fault(cluster)


def _wishes(workload: Workload, named: set[tuple[str, str]], cluster: Cluster) -> Iterator[Hit]:
    manifest = workload.manifest
    if workload.template:
        for key in manifest.annotations:
            asked = manifest.mapping(*workload.template, "metadata", "annotations")
            if isinstance(key, str) and key.startswith(INJECT) and key not in asked:
                what = f"{manifest}: {key} does nothing here, it belongs to the pod template"
                yield at(manifest, ("metadata", "annotations", key), what)
    for keys, value in wishes(workload):
        if value.lower() == "false" or not is_plain(value):
            continue
        namespace, slash, name = value.rpartition("/")
        namespace = namespace if slash else manifest.namespace
        if not brought_whole(cluster, namespace):
            continue
        there = [one for one in named if one[0] == namespace]
        if value.lower() == "true" and len(there) != 1:
            many = "several" if there else "no"
            yield at(manifest, keys, f"{manifest}: {keys[-1]}: there is {many} Instrumentation in {namespace}")
        elif value.lower() != "true" and (namespace, name) not in named:
            yield at(manifest, keys, f"{manifest}: {keys[-1]}: no Instrumentation {namespace}/{name}")


def _sampling(one: Manifest, traced: bool) -> Iterator[tuple[Path, str]]:
    kind, argument = one.get("spec", "sampler", "type"), one.get("spec", "sampler", "argument")
    if kind in _RATIOS and isinstance(argument, str) and is_plain(argument) and not _is_ratio(argument):
        yield ("spec", "sampler", "argument"), f"sampler argument {argument!r} is no number from 0 to 1"
    if not traced:
        return
    if isinstance(kind, str) and kind and not kind.startswith("parentbased_") and kind != "xray":
        yield ("spec", "sampler", "type"), f"sampler {kind} does not follow what the mesh has decided"
    propagators = one.get("spec", "propagators")
    if isinstance(propagators, list) and propagators and "tracecontext" not in propagators:
        yield ("spec", "propagators"), f"propagators {', '.join(map(str, propagators))} have no tracecontext"


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _list(parent: Mapping[str, Any], key: str) -> list[Any]:
    value = parent.get(key)
    return value if isinstance(value, list) else []
