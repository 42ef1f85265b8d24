"""Outputs of Fluent Bit to Elasticsearch: in its classic files, its YAML, its chart's values and its objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse
from scaffold.rules.reading.installs import installs_of

_OBJECTS = "fluentbit.fluent.io"
_ON = frozenset({"on", "true", "yes"})


@dataclass(frozen=True, slots=True)
class Output:
    """One output: where it stands, what brings it, in which cluster and namespace, and its fields in lower case."""

    place: Place
    what: str
    cluster: str
    namespace: str
    fields: Mapping[str, Any] = field(repr=False)

    def is_on(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return str(self.fields.get(name)).lower() in _ON


def outputs(repo: Repo) -> Iterator[Output]:
    """Yield every output to Elasticsearch."""
    for config in repo.each("", "ConfigMap"):
        for key, text in config.mapping("data").items():
            if isinstance(text, str) and "es" in text and key.endswith((".conf", ".yaml", ".yml")):
                place = config.place("data", key)
                for fields in _of_text(text):
                    yield Output(place, str(config), config.cluster, config.namespace, fields)
    for install in installs_of(repo, frozenset({"fluent-bit"})):
        text = install.get("config", "outputs")
        for fields in _of_text(text) if isinstance(text, str) else ():
            place = install.place("config", "outputs")
            yield Output(place, str(install.owner), install.cluster, install.namespace, fields)
    for one in repo.each(_OBJECTS, "ClusterOutput", "Output"):
        if es := one.mapping("spec", "es"):
            yield _of_object(one, es)


def _of_object(one: Manifest, es: Mapping[str, Any]) -> Output:
    fields = {
        "host": es.get("host"),
        "suppress_type_name": es.get("suppressTypeName"),
        # The operator writes "tls On" wherever the field is there.
        "tls": isinstance(es.get("tls"), Mapping),
    }
    namespace = "" if one.kind == "ClusterOutput" else one.namespace
    return Output(one.place("spec", "es"), str(one), one.cluster, namespace, fields)


def _of_text(text: str) -> Iterator[Mapping[str, Any]]:
    if "{{" in text:
        return
    sections = list(_sections(text)) if "[" in text else []
    for name, fields in sections:
        if name == "output" and str(fields.get("name")).lower() == "es":
            yield fields
    for document in parse(text)[0] if not sections else ():
        pipeline = document.data.get("pipeline") if isinstance(document.data, Mapping) else None
        listed = pipeline.get("outputs") if isinstance(pipeline, Mapping) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, Mapping) and one.get("name") == "es":
                yield {str(key).lower(): value for key, value in one.items()}


def _sections(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    name = ""
    fields: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            if name:
                yield name, fields
            name, fields = line[1:-1].strip().lower(), {}
        elif line and not line.startswith(("#", "@")):
            key, _, value = line.partition(" ")
            fields[key.lower()] = value.strip()
    if name:
        yield name, fields
