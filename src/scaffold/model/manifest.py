"""A Kubernetes object and the place where a person would edit it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from scaffold.model.yamltext import Key, Path

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, ``path`` relative to the repository's root, ``line`` 1-based."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a manifest comes from.

    ``path`` is the file a person would edit: the manifest itself, or the template of a chart. ``owner`` is the
    Application or Kustomization that brings it (``Application argocd/web-dev``), empty for a plain file.
    ``values`` are the values files of a chart in their order, ``environment`` is what the owner says of it.
    """

    path: str
    line: int = 1
    owner: str = ""
    chart: str = ""
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.path}:{self.line}" if not self.chart else self.path]
        if self.values:
            parts.append(f"values {', '.join(self.values)}")
        if self.owner:
            parts.append(f"by {self.owner}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object: parsed data, the lines of its nodes (empty for rendered ones) and its origin.

    ``cluster`` is the destination (a cluster's name or URL, empty where nothing says it), ``namespace`` the
    effective one: that of the object, else that of the owner's destination.
    """

    data: Mapping[str, Any]
    origin: Origin
    lines: Mapping[Path, int] = field(default_factory=dict, repr=False)
    cluster: str = ""
    namespace: str = ""

    @property
    def api_version(self) -> str:
        """Return ``apps/v1``; empty if the object has none."""
        return _text(self.data.get("apiVersion"))

    @property
    def group(self) -> str:
        """Return ``apps`` of ``apps/v1``; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def kind(self) -> str:
        """Return the kind; empty if the object has none."""
        return _text(self.data.get("kind"))

    @property
    def name(self) -> str:
        """Return ``metadata.name``; empty if the object has none (or only a generateName)."""
        return _text(self.get("metadata", "name"))

    @property
    def labels(self) -> Mapping[str, str]:
        """Return ``metadata.labels``, empty if there are none."""
        return self.mapping("metadata", "labels")

    @property
    def annotations(self) -> Mapping[str, str]:
        """Return ``metadata.annotations``, empty if there are none."""
        return self.mapping("metadata", "annotations")

    def get(self, *keys: Key) -> Any:
        """Return the value below these keys, None where any is missing or no container."""
        value: Any = self.data
        for key in keys:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(key, int) and isinstance(value, list) and -len(value) <= key < len(value):
                value = value[key]
            else:
                return None
        return value

    def mapping(self, *keys: Key) -> Mapping[str, Any]:
        """Return the map below these keys, empty where there is none."""
        value = self.get(*keys)
        return value if isinstance(value, Mapping) else {}

    def items(self, *keys: Key) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and item of the list of maps below these keys; other items are passed over."""
        value = self.get(*keys)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, Mapping):
                yield index, item

    def place(self, *keys: Key) -> Place:
        """Return the place of the value below these keys, or of the nearest parent that has a line."""
        for end in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:end]):
                return Place(self.origin.path, line)
        return Place(self.origin.path, self.origin.line)

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
