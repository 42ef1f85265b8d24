"""OpenTelemetry: collectors with their configuration, and the workloads that ask to be instrumented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path, parse
from scaffold.rules.reading.inventory import Cluster, Workload

GROUP = "opentelemetry.io"
INJECT = "instrumentation.opentelemetry.io/inject-"


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector and its configuration; ``keys`` is where that stands in the object."""

    manifest: Manifest
    config: Mapping[str, Any] = field(repr=False)
    keys: Path

    def place(self, *keys: str | int) -> Path:
        """Return the keys of a value; those of the text where the configuration is one."""
        return self.keys if isinstance(self.manifest.get(*self.keys), str) else (*self.keys, *keys)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return what is declared of receivers, processors, exporters, connectors or extensions."""
        return _map(self.config, name)

    def pipelines(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield name and fields of every pipeline."""
        for name, pipeline in _map(_map(self.config, "service"), "pipelines").items():
            if isinstance(pipeline, Mapping):
                yield str(name), pipeline

    def protocols(self) -> set[str] | None:
        """Return the protocols of its OTLP receiver; None if it has none, or takes its settings from elsewhere."""
        receiver = self.part("receivers").get("otlp")
        protocols = receiver.get("protocols") if isinstance(receiver, Mapping) else None
        return {str(name) for name in protocols} if isinstance(protocols, Mapping) and protocols else None


def collectors(cluster: Cluster) -> Iterator[Collector]:
    """Yield every collector whose configuration can be read."""
    for manifest in cluster.each(GROUP, "OpenTelemetryCollector"):
        config = manifest.get("spec", "config")
        if isinstance(config, str):
            documents, faults = parse(config)
            config = documents[0].data if documents and not faults else None
        if isinstance(config, Mapping):
            yield Collector(manifest, config, ("spec", "config"))


def wishes(workload: Workload) -> Iterator[tuple[Path, str]]:
    """Yield keys and value of every annotation of a pod template that asks for instrumentation."""
    keys: Path = (*workload.template, "metadata", "annotations")
    for name, value in workload.manifest.mapping(*keys).items():
        if isinstance(name, str) and name.startswith(INJECT) and isinstance(value, str):
            yield (*keys, name), value


def _map(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}
