"""The objects of a kustomize build while they change: identity, earlier names, collisions."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand.kustomization import KustomizeError
from scaffold.expand.objects import as_map, cluster_scoped
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.yamltext import Path

_HASH_ALPHABET = str.maketrans("013ae", "ghkmt")
_NO_NAMESPACE = "_non_namespaceable_"


@dataclass(frozen=True, slots=True)
class Id:
    """Kind, name and effective namespace of an object at some step."""

    api_version: str
    kind: str
    name: str
    namespace: str


@dataclass(slots=True)
class Resource:
    """An object, where it comes from, and what it was called before."""

    data: dict[str, Any]
    path: str
    line: int
    lines: Mapping[Path, int] = field(default_factory=dict)
    previous: list[Id] = field(default_factory=list)
    hashed: bool = False
    behavior: str = ""
    files: dict[str, str] = field(default_factory=dict)

    @property
    def api_version(self) -> str:
        """Return ``apiVersion``."""
        return str(self.data.get("apiVersion") or "")

    @property
    def kind(self) -> str:
        """Return the kind."""
        return str(self.data.get("kind") or "")

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the metadata, made if missing."""
        metadata = self.data.get("metadata")
        if not isinstance(metadata, dict):
            metadata = self.data["metadata"] = {}
        return metadata

    @property
    def name(self) -> str:
        """Return the present name."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Return the namespace written in the object."""
        return str(self.metadata.get("namespace") or "")

    @property
    def clustered(self) -> bool:
        """Tell whether kustomize knows the kind to be cluster-scoped."""
        return cluster_scoped(self.api_version, self.kind)

    @property
    def id(self) -> Id:
        """Return the present identity."""
        namespace = _NO_NAMESPACE if self.clustered else self.namespace or "default"
        return Id(self.api_version, self.kind, self.name, namespace)

    @property
    def ids(self) -> list[Id]:
        """Return all identities it had, the oldest first."""
        return [*self.previous, self.id]

    def annotation(self, name: str) -> Any:
        """Return an annotation, None where there is none."""
        annotations = self.metadata.get("annotations")
        return annotations.get(name) if isinstance(annotations, dict) else None

    def remember(self) -> None:
        """Keep the present identity before it changes."""
        self.previous.append(self.id)

    def add_hash(self) -> None:
        """Give a generated object the suffix that its content has."""
        if self.hashed:
            self.remember()
            self.metadata["name"] = f"{self.name}-{content_hash(self.data)}"

    def manifest(self) -> Manifest:
        """Return the finished object."""
        return Manifest(self.data, Origin(self.path, self.line), self.lines, namespace=self.namespace)


def content_hash(config_map: Mapping[str, Any]) -> str:
    """Return kustomize's suffix of a ConfigMap: a hash of Go's JSON of kind and data, respelt without vowels.

    The name is meant to be part of it, but kustomize looks it up under a key that does not exist and hashes "".
    """
    content: dict[str, Any] = {"kind": "ConfigMap", "name": "", "data": config_map.get("data", "")}
    if isinstance(config_map.get("binaryData"), dict):
        content["binaryData"] = config_map["binaryData"]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for character in "<>&\u2028\u2029":  # Go escapes them, Python does not
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_HASH_ALPHABET)


class Resources:
    """An ordered set of resources in which an identity is taken once."""

    def __init__(self) -> None:
        self._all: list[Resource] = []
        self._taken: dict[Id, Resource] = {}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._all)

    def add(self, resource: Resource, place: Place) -> None:
        """Add a resource; refused where its identity is taken."""
        if other := self._taken.get(resource.id):
            raise KustomizeError(
                place, f"{resource.kind} {resource.name} is in the same build twice, first in {other.path}:{other.line}"
            )
        self._taken[resource.id] = resource
        self._all.append(resource)

    def add_all(self, others: "Resources", place: Place) -> None:
        """Add all resources of another build."""
        for resource in others:
            self.add(resource, place)

    def absorb(self, made: Resource, place: Place) -> None:
        """Add a generated object, or replace or merge the one that has its identity or had it."""
        same = [resource for resource in self._all if made.id in resource.ids]
        if not same and made.behavior in {"merge", "replace"}:
            raise KustomizeError(place, f"{made.kind} {made.name} does not exist: nothing to {made.behavior}")
        if not same:
            self.add(made, place)
            return
        if len(same) > 1 or made.behavior not in {"merge", "replace"}:
            raise KustomizeError(place, f"{made.kind} {made.name} exists: behavior must be merge or replace")
        old = same[0]
        for name in ("labels", "annotations"):
            if merged := {**as_map(old.metadata.get(name)), **as_map(made.metadata.get(name))}:
                made.metadata[name] = merged
        made.metadata["name"] = old.name
        made.metadata.pop("namespace", None)
        if old.namespace:
            made.metadata["namespace"] = old.namespace
        if made.behavior == "merge":
            own = as_map(made.data.get("data"))
            made.files = {key: path for key, path in old.files.items() if key not in own} | made.files
            if data := {**as_map(old.data.get("data")), **own}:
                made.data["data"] = data
        made.hashed = made.hashed and old.hashed
        made.previous = old.previous
        self._all[self._all.index(old)] = made
        self.reindex(place)

    def reindex(self, place: Place) -> None:
        """Check that identities are still unique after a change of names or namespaces."""
        everything, self._all, self._taken = self._all, [], {}
        for resource in everything:
            self.add(resource, place)
