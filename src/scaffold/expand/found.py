"""What opening an owner came to: the objects it brings, and what has to be rendered to know the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.ports import ChartRequest
from scaffold.model.repo import External, NotChecked

FileKey = tuple[str, str, str, str]
"""Cluster, namespace, name and key of a ConfigMap's text."""


class Lookup(Protocol):
    """Finds an object that is applied to a cluster, or that lies in the repository."""

    def __call__(self, cluster: str, kind: str, namespace: str, name: str, /) -> Manifest | None:
        """Look it up."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who brings objects, and where to: the cluster, and the namespace of objects that name none."""

    name: str
    cluster: str
    namespace: str
    place: Place

    def brings(self, manifest: Manifest, chart: str = "", values: tuple[str, ...] = ()) -> Manifest:
        """Return the object as brought by this owner."""
        namespace = manifest.get("metadata", "namespace")
        origin = Origin(manifest.origin.path, manifest.origin.line, self.name, chart, values)
        return replace(
            manifest,
            origin=origin,
            cluster=self.cluster,
            namespace=namespace if isinstance(namespace, str) and namespace else self.namespace,
        )

    def not_checked(self, place: Place, reason: str) -> NotChecked:
        """Say what of this owner could not be judged."""
        return NotChecked(place, self.name, reason)


@dataclass(frozen=True, slots=True)
class Render:
    """A chart to render for an owner. ``values`` are all files its values come from, in order.

    ``metadata`` are labels and annotations that the owner adds to every object.
    """

    request: ChartRequest
    owner: Owner
    values: tuple[str, ...]
    crds: bool = True
    tests: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """What is known after a step; ``jobs`` are Go templates whose answers lead on."""

    manifests: list[Manifest] = field(default_factory=list)
    renders: list[Render] = field(default_factory=list)
    jobs: "list[Job]" = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    texts: dict[FileKey, str] = field(default_factory=dict)
    external: list[External] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    faults: list[Hit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Job:
    """Template strings to render with parameters, and what follows from the answer (strings, or one error)."""

    parameters: Mapping[str, Any]
    texts: Sequence[str]
    then: Callable[[list[str] | str], Found]


def with_metadata(manifest: Manifest, metadata: Mapping[str, Any]) -> Manifest:
    """Return an object with the labels and annotations of a Flux ``commonMetadata`` set."""
    if not metadata or not isinstance(manifest.get("metadata"), Mapping):
        return manifest
    own = dict(manifest.mapping("metadata"))
    for name in ("labels", "annotations"):
        added = metadata.get(name)
        if isinstance(added, Mapping) and added:
            own[name] = {**manifest.mapping("metadata", name), **added}
    return replace(manifest, data={**manifest.data, "metadata": own})
