"""A kustomization file as data, where it refuses, and what a build of it comes to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand.objects import as_list, as_map, documents
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import External, NotChecked, Repo, normalise
from scaffold.model.yamltext import Key, Path

_PATHS = (
    "resources", "bases", "components", "configurations", "crds", "generators", "transformers", "validators",
)  # fmt: skip
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


def named_files(folder: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of all that a kustomization names, whether it is evaluated here or not."""
    for name in _PATHS:
        yield from (join(folder, entry) for entry in as_list(data.get(name)) if isinstance(entry, str))
    yield from patch_files(folder, data)
    for name in ("replacements", "helmCharts"):
        for entry in as_list(data.get(name)):
            named = [as_map(entry).get(key) for key in ("path", "valuesFile")]
            named += as_list(as_map(entry).get("additionalValuesFiles"))
            yield from (join(folder, path) for path in named if isinstance(path, str))
    for name in ("configMapGenerator", "secretGenerator"):
        for entry in as_list(data.get(name)):
            fields = as_map(entry)
            for source in (*as_list(fields.get("files")), *as_list(fields.get("envs")), fields.get("env")):
                if isinstance(source, str):
                    yield join(folder, source.rpartition("=")[2])


def patch_files(folder: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of patches: parts of objects, never objects themselves."""
    for entry in as_list(data.get("patchesStrategicMerge")):
        if isinstance(entry, str) and "\n" not in entry:
            yield join(folder, entry)
    for entry in (*as_list(data.get("patches")), *as_list(data.get("patchesJson6902"))):
        if isinstance(path := as_map(entry).get("path"), str):
            yield join(folder, path)


def closure(repo: Repo, folder: str) -> set[str]:
    """Return the files that a folder's kustomization leads to; no building, no faults."""
    reached: set[str] = set()
    waiting = [normalise(folder)]
    while waiting:
        here = waiting.pop()
        path = file_in(repo, here)
        if not path or path in reached:
            continue
        reached.add(path)
        for document in documents(repo, path)[:1]:
            for target in named_files(here, as_map(document.data)):
                if target in repo.files:
                    reached.add(target)
                else:
                    waiting.append(target)
    return reached
