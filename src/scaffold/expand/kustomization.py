"""A kustomization file as data, where it refuses, and what a build of it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import External, NotChecked, Repo, normalise
from scaffold.model.yamltext import Key, Path

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class KustomizeError(Exception):
    """Where and why kustomize refuses to build."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place
        self.text = text


@dataclass(frozen=True, slots=True)
class Kustomization:
    """A kustomization file, or fields that a controller adds (then ``path`` is the file of the object that says so)."""

    folder: str
    path: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int]

    def place(self, *keys: Key) -> Place:
        """Return the place of a field, or of the nearest parent."""
        for end in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:end]):
                return Place(self.path, line)
        return Place(self.path)

    def items(self, name: str) -> list[tuple[Place, Any]]:
        """Return a list field's items with their places."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise KustomizeError(self.place(name), f"{name} is not a list")
        return [(self.place(name, index), item) for index, item in enumerate(value)]

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return a map field."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise KustomizeError(self.place(name), f"{name} is not a map")
        return value or {}


@dataclass(slots=True)
class Built:
    """The result of a build. ``texts`` says which file a ConfigMap's key was made of, by (namespace, name, key)."""

    manifests: list[Manifest] = field(default_factory=list)
    texts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    external: list[External] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)

    def skip(self, kustomization: Kustomization, place: Place, what: str) -> None:
        """Note that something had no part in what was built."""
        self.not_checked.append(NotChecked(place, kustomization.path, f"{what} is not evaluated"))


def file_in(repo: Repo, folder: str) -> str:
    """Return the path of a folder's kustomization file, empty if it has none."""
    return next((path for name in FILE_NAMES if (path := join(folder, name)) in repo.files), "")


def join(folder: str, entry: str) -> str:
    """Return the path from the root of what a kustomization in a folder names."""
    return normalise(f"{folder}/{entry}" if folder else entry)
