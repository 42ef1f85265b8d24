"""A repository as the rules see it: its files, the manifests that lie in them, and what would be applied."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, takewhile

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.yamltext import Document, Fault, parse


@dataclass(frozen=True, slots=True, order=True)
class External:
    """Something outside this repository by design (a pinned chart, another repository): counted, no failure."""

    place: Place
    what: str


@dataclass(frozen=True, slots=True, order=True)
class NotChecked:
    """Something here that could not be judged, and why: shown, and a failure under ``--strict``."""

    place: Place
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of this repository rendered once: what for, with what, and what the engine said of it.

    ``values`` are values files in order (later wins), paths from the root. ``faults`` are the engine's refusals:
    template errors, schema violations; ``lint`` its lint messages. Both are (path, line, message).
    """

    path: str
    release: str
    namespace: str
    values: tuple[str, ...]
    owner: str
    place: Place
    faults: tuple[Hit, ...] = ()
    lint: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Repo:
    """A repository. ``files`` maps each path (posix, from the root) to its text, binary files to ``""``.

    ``manifests`` is what the controllers would apply, each cluster's objects on their own; before expansion it is
    empty. ``reached`` are the paths that something applied, rendered or configured was made of. ``answers`` hits
    of engines are kept under the name of the engine in ``engine_hits`` (``yamllint``, ``promtool``).
    ``schema_texts`` are YAML texts of CustomResourceDefinitions that someone gave beside the repository.
    ``inventory`` are declared clusters of Argo CD: name, server, project (texts), labels and annotations (maps).
    """

    url: str
    files: Mapping[str, str] = field(repr=False)
    manifests: tuple[Manifest, ...] = field(default=(), repr=False)
    charts: tuple[Chart, ...] = field(default=(), repr=False)
    reached: frozenset[str] = field(default=frozenset(), repr=False)
    external: tuple[External, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    faults: tuple[Hit, ...] = ()
    engine_hits: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict, repr=False)
    kube_version: str = "1.37"
    schema_texts: tuple[str, ...] = field(default=(), repr=False)
    inventory: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def of(cls, url: str, files: Mapping[str, str]) -> "Repo":
        """Build a repository from its texts: the one way, in tests and in life."""
        return cls(url=url, files=dict(sorted(files.items())))

    def with_(self, **changes: object) -> "Repo":
        """Return a copy with some facts added; what was read of the files is kept."""
        copy: Repo = replace(self, **changes)  # type: ignore[arg-type]
        if copy.files is self.files:
            for name in ("_paths", "folders", "chart_folders", "_parsed", "syntax_faults", "raw"):
                if name in self.__dict__:
                    copy.__dict__[name] = self.__dict__[name]
        if copy.manifests is self.manifests and "_by_kind" in self.__dict__:
            copy.__dict__["_by_kind"] = self.__dict__["_by_kind"]
        return copy

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self.files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """All folders that hold a file at any depth; the root is ``""``."""
        found = {""}
        for path in self.files:
            folder = path.rpartition("/")[0]
            while folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    def has_folder(self, path: str) -> bool:
        """Tell whether a path (``apps/web``, ``./apps/web/``) is a folder here."""
        return normalise(path) in self.folders

    def below(self, folder: str) -> Iterator[str]:
        """Yield the paths of all files below a folder, sorted."""
        prefix = f"{normalise(folder)}/" if normalise(folder) else ""
        first = bisect_left(self._paths, prefix)
        return takewhile(lambda path: path.startswith(prefix), islice(self._paths, first, None))

    @cached_property
    def chart_folders(self) -> frozenset[str]:
        """Folders with a Chart.yaml; the root is ``""``."""
        return frozenset(path.rpartition("/")[0] for path in self.files if f"/{path}".endswith("/Chart.yaml"))

    def in_chart_templates(self, path: str) -> bool:
        """Tell whether a file is a Helm template (no YAML before it is rendered)."""
        return any(path.startswith(f"{chart}/templates/".lstrip("/")) for chart in self.chart_folders)

    @cached_property
    def _parsed(self) -> Mapping[str, tuple[list[Document], list[Fault]]]:
        yamls = (path for path in self.files if path.endswith((".yaml", ".yml")) and not self.in_chart_templates(path))
        return {path: parse(self.files[path]) for path in yamls}

    def take_parsed(self, earlier: "Repo") -> None:
        """Take over what an earlier reading has parsed of files that are the same."""
        known = earlier.__dict__.get("_parsed", {})
        same = {path: known[path] for path, text in self.files.items() if path in known and earlier.files[path] == text}
        yamls = (path for path in self.files if path.endswith((".yaml", ".yml")) and not self.in_chart_templates(path))
        self.__dict__["_parsed"] = {path: same.get(path) or parse(self.files[path]) for path in yamls}

    def documents(self, path: str) -> list[Document]:
        """Return the YAML documents of a file; none if it is missing or no YAML."""
        return self._parsed.get(path, ([], []))[0]

    @cached_property
    def syntax_faults(self) -> tuple[tuple[str, Fault], ...]:
        """All faults of all YAML files, Helm templates aside."""
        return tuple((path, fault) for path, (_, faults) in self._parsed.items() for fault in faults)

    @cached_property
    def raw(self) -> tuple[Manifest, ...]:
        """Every Kubernetes object that lies in a file as it is, applied by anyone or not."""
        return tuple(manifest for path in self._parsed for manifest in self.raw_in(path))

    def raw_in(self, path: str) -> list[Manifest]:
        """Return the Kubernetes objects of one file."""
        return [
            Manifest(document.data, Origin(path, document.line), document.lines, namespace=_namespace(document.data))
            for document in self.documents(path)
            if isinstance(document.data, dict) and "apiVersion" in document.data and "kind" in document.data
        ]

    def each(self, group: str, *kinds: str) -> Iterator[Manifest]:
        """Yield the applied manifests of a group and kinds (core group: ``""``)."""
        return (manifest for kind in kinds for manifest in self._by_kind.get((group, kind), ()))

    @cached_property
    def _by_kind(self) -> Mapping[tuple[str, str], list[Manifest]]:
        found: dict[tuple[str, str], list[Manifest]] = {}
        for manifest in self.manifests:
            found.setdefault((manifest.group, manifest.kind), []).append(manifest)
        return found

    def in_cluster(self, cluster: str) -> Iterable[Manifest]:
        """Yield the manifests applied to one cluster."""
        return (m for m in self.manifests if m.cluster == cluster)

    @property
    def unrendered(self) -> tuple[Hit, ...]:
        """Why something could not be rendered or built: faults of the charts, then of everything else."""
        return (*(hit for chart in self.charts for hit in chart.faults), *self.faults)

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that anything is applied to, sorted."""
        return tuple(sorted({m.cluster for m in self.manifests}))


def normalise(path: str) -> str:
    """Return a repository path without ``./``, ``..`` and ``/`` at its ends; ``""`` is the root.

    A path that leaves the root keeps its leading ``..``, so that it is found nowhere.
    """
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _namespace(data: Mapping[str, object]) -> str:
    metadata = data.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return namespace if isinstance(namespace, str) else ""
