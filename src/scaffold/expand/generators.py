"""ConfigMaps that kustomize generates from files and literals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.expand.kustomization import KustomizeError, join
from scaffold.expand.resources import Resource
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo


@dataclass(frozen=True, slots=True)
class Options:
    """``generatorOptions``, or the ``options`` of one generator."""

    labels: Mapping[str, Any]
    annotations: Mapping[str, Any]
    fixed_name: bool
    immutable: bool

    def over(self, shared: "Options") -> "Options":
        """Return these options on top of the shared ones; what is switched on there stays on."""
        return Options(
            {**shared.labels, **self.labels},
            {**shared.annotations, **self.annotations},
            self.fixed_name or shared.fixed_name,
            self.immutable or shared.immutable,
        )


@dataclass(frozen=True, slots=True)
class Generated:
    """A ConfigMap and the files it was made of."""

    resource: Resource
    read: tuple[str, ...]


def read_options(value: Any) -> Options:
    """Read options; what is missing is off."""
    fields = value if isinstance(value, Mapping) else {}
    labels, annotations = fields.get("labels"), fields.get("annotations")
    return Options(
        labels if isinstance(labels, Mapping) else {},
        annotations if isinstance(annotations, Mapping) else {},
        bool(fields.get("disableNameSuffixHash")),
        bool(fields.get("immutable")),
    )


def generate(repo: Repo, folder: str, place: Place, entry: Any, shared: Options, *, confined: bool) -> Generated:
    """Make the ConfigMap of one ``configMapGenerator`` entry."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise KustomizeError(place, "a configMapGenerator needs a name")
    options = read_options(entry.get("options")).over(shared)
    data: dict[str, str] = {}
    files: dict[str, str] = {}
    read: list[str] = []

    def put(key: str, text: str) -> None:
        if key in data:
            raise KustomizeError(place, f"ConfigMap {entry['name']} repeats the key {key}")
        data[key] = text

    def load(path: str) -> str:
        target = join(folder, path)
        if target not in repo.files:
            raise KustomizeError(place, f"no file {path}")
        if confined and folder and not target.startswith(f"{folder}/"):
            raise KustomizeError(place, f"{target} is not in or below {folder}: kustomize refuses to read it")
        read.append(target)
        return target

    single = [entry["env"]] if isinstance(entry.get("env"), str) else []
    for path in (*_words(entry, "envs", place), *single):
        for key, text in _environment(repo.files[load(path)]):
            put(key, text)
    for literal in _words(entry, "literals", place):
        key, equals, text = literal.partition("=")
        if not key or not equals:
            raise KustomizeError(place, f"literal {literal} is not key=value")
        put(key, _unquoted(text))
    for source in _words(entry, "files", place):
        key, equals, path = source.partition("=")
        if equals and (not key or not path or "=" in path):
            raise KustomizeError(place, f"file {source} is not key=path")
        target = load(path if equals else source)
        name = key if equals else source.rpartition("/")[2]
        put(name, repo.files[target])
        files[name] = target
    return Generated(_config_map(entry, place, data, files, options), tuple(read))


def _config_map(
    entry: Mapping[str, Any], place: Place, data: dict[str, str], files: dict[str, str], options: Options
) -> Resource:
    metadata: dict[str, Any] = {"name": entry["name"]}
    if isinstance(entry.get("namespace"), str) and entry["namespace"]:
        metadata["namespace"] = entry["namespace"]
    if options.labels:
        metadata["labels"] = dict(options.labels)
    if options.annotations:
        metadata["annotations"] = dict(options.annotations)
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    if data:
        made["data"] = dict(sorted(data.items()))
    if options.immutable:
        made["immutable"] = True
    behavior = entry.get("behavior")
    return Resource(
        made,
        place.path,
        place.line,
        hashed=not options.fixed_name,
        files=files,
        behavior=behavior if isinstance(behavior, str) else "",
    )


def _words(entry: Mapping[str, Any], name: str, place: Place) -> list[str]:
    value = entry.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise KustomizeError(place, f"{name} is not a list of texts")
    return value


def _environment(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.removeprefix("\ufeff").splitlines():
        stripped = line.lstrip()
        if stripped and not stripped.startswith("#"):
            key, _, value = stripped.partition("=")
            pairs.append((key, value))
    return pairs


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in {'"', "'"}
    return text[1:-1] if quoted else text
