"""What ``kustomize build`` makes of a folder, for the fields that generated repositories use.

Resources, components, namespace, generated ConfigMaps with their real hashes and the references to them, labels,
annotations and JSON patches come out as kustomize 5.8 makes them. Every other field is told, never passed over.
"""

from collections.abc import Sequence
from typing import Any

from scaffold.expand.fieldspecs import NAME_REFERENCES, NameReference, read_name_references
from scaffold.expand.generators import generate, read_options
from scaffold.expand.kustomization import FILE_NAMES, Built, Kustomization, KustomizeError, join, named_files
from scaffold.expand.objects import copied, documents, items, manifest_of
from scaffold.expand.references import fix_references
from scaffold.expand.resources import Resource, Resources
from scaffold.expand.transformers import transform
from scaffold.model.manifest import Place
from scaffold.model.repo import External, NotChecked, Repo, normalise

_READ = frozenset({
    "apiVersion", "kind", "metadata", "sortOptions", "resources", "bases", "components", "namespace",
    "configMapGenerator", "generatorOptions", "configurations", "patches", "patchesJson6902", "labels", "commonLabels",
    "commonAnnotations",
})  # fmt: skip
_KNOWN = _READ | {
    "openapi", "namePrefix", "nameSuffix", "patchesStrategicMerge", "images", "imageTags", "replacements", "replicas",
    "vars", "crds", "secretGenerator", "helmGlobals", "helmCharts", "helmChartInflationGenerator", "generators",
    "transformers", "validators", "buildMetadata",
}  # fmt: skip


def build(
    repo: Repo,
    folder: str,
    overrides: Kustomization | None = None,
    resources: Sequence[str] | None = None,
    *,
    confined: bool = True,
) -> Built:
    """Build a folder. Raises KustomizeError with the place where kustomize would fail.

    ``overrides`` are fields a controller adds to the file's own. ``resources`` (paths from the root) are built
    without a file, as Flux does with a folder of plain manifests. ``confined`` refuses files outside the folder of
    the kustomization that names them: kustomize's and Argo CD's default; Flux lifts it.
    """
    builder = _Builder(repo, confined)
    if resources is None:
        top = builder.read(normalise(folder), Place(folder))
    else:
        asked = overrides.place() if overrides else Place(folder)
        top = Kustomization("", asked.path, {"resources": list(resources)}, {(): asked.line})
    found = Resources()
    builder.accumulate(top, (top.folder,) if resources is None else (), found, overrides)
    for resource in found:
        resource.add_hash()
    fix_references(found, builder.references)
    built = builder.built
    for resource in found:
        if resource.annotation("config.kubernetes.io/local-config") in {None, "false"}:
            built.manifests.append(resource.manifest())
            built.texts |= {(resource.namespace, resource.name, key): path for key, path in resource.files.items()}
    return built


MAX_FOLDERS = 10_000
"""Kustomizations that one build may read; folders that name each other twice double with every level."""


class _Builder:
    """One build: what it reads adds up in ``built``, the name references of all files in ``references``."""

    def __init__(self, repo: Repo, confined: bool) -> None:
        self.built = Built()
        self.references: list[NameReference] = list(NAME_REFERENCES)
        self._repo = repo
        self._confined = confined
        self._count = 0

    def read(self, folder: str, asked: Place) -> Kustomization:
        paths = [path for name in FILE_NAMES if (path := join(folder, name)) in self._repo.files]
        if not paths:
            raise KustomizeError(asked, f"no kustomization.yaml in {folder or 'the root of the repository'}")
        if len(paths) > 1:
            raise KustomizeError(Place(paths[1]), f"several kustomization files in {folder}: {', '.join(paths)}")
        self.built.reached.add(paths[0])
        found = documents(self._repo, paths[0])
        if not found or not isinstance(found[0].data, dict):
            raise KustomizeError(Place(paths[0]), f"{paths[0]} is empty or no map")
        fields = [value for name, value in found[0].data.items() if name not in {"apiVersion", "kind"}]
        if self._confined and not any(value or isinstance(value, list | dict) for value in fields):
            # Flux goes on with nothing; kustomize itself and Argo CD do not.
            raise KustomizeError(Place(paths[0]), f"{paths[0]} is empty")
        return Kustomization(folder, paths[0], found[0].data, found[0].lines)

    def accumulate(
        self,
        kustomization: Kustomization,
        ancestors: tuple[str, ...],
        into: Resources,
        overrides: Kustomization | None = None,
    ) -> None:
        """Add what a kustomization makes to the resources found so far; it transforms all that are there."""
        self._note(kustomization)
        named = named_files(kustomization.folder, kustomization.data)
        self.built.reached |= {path for path in named if path in self._repo.files}
        self._count += 1
        if self._count > MAX_FOLDERS:
            raise KustomizeError(kustomization.place(), f"the build reads more than {MAX_FOLDERS} kustomizations")
        for name in ("resources", "bases"):
            for place, entry in kustomization.items(name):
                self._resource(kustomization.folder, place, entry, ancestors, into)
        for place, entry in kustomization.items("configurations"):
            self._configuration(kustomization.folder, place, entry)
        shared = read_options(kustomization.data.get("generatorOptions"))
        for place, entry in kustomization.items("configMapGenerator"):
            made = generate(self._repo, kustomization.folder, place, entry, shared, confined=self._confined)
            self.built.reached |= set(made.read)
            into.absorb(made.resource, place)
        for source in (kustomization, *([overrides] if overrides else [])):
            for place, entry in source.items("components"):
                self._component(source.folder, place, entry, ancestors, into)
        transform(self._repo, kustomization, into, self.built, overrides)

    def _note(self, kustomization: Kustomization) -> None:
        for name, value in kustomization.data.items():
            if name not in _KNOWN:
                raise KustomizeError(kustomization.place(name), f"unknown kustomization field {name}")
            if name not in _READ and value:
                self.built.skip(kustomization, kustomization.place(name), f"kustomize field `{name}`")

    def _resource(self, folder: str, place: Place, entry: Any, ancestors: tuple[str, ...], into: Resources) -> None:
        if not isinstance(entry, str) or not entry:
            raise KustomizeError(place, "a resource is a path")
        path = join(folder, entry)
        if path in self._repo.files:
            self._confine(path, folder, place)
            self._file(path, into)
        elif self._repo.has_folder(path) and not path.startswith(".."):
            if any(_leads_back(path, above) for above in ancestors):
                raise KustomizeError(place, f"cycle: {entry} leads back to {path or 'the root'}")
            inner = Resources()
            child = self.read(path, place)
            if child.data.get("kind") == "Component":
                raise KustomizeError(place, f"{entry} is a Component: name it in `components`")
            self.accumulate(child, (*ancestors, path), inner)
            into.add_all(inner, place)
        elif _remote(entry):
            self.built.external.append(External(place, f"kustomize resource {entry}"))
        else:
            raise KustomizeError(place, f"no file or folder {entry}")

    def _file(self, path: str, into: Resources) -> None:
        self.built.reached.add(path)
        for document in documents(self._repo, path):
            place = Place(path, document.line)
            if not isinstance(document.data, dict):
                raise KustomizeError(place, "a document that is no Kubernetes object")
            for manifest in items(manifest_of(document, path)):
                if not manifest.kind:
                    raise KustomizeError(place, "an object without kind")
                if not manifest.name:
                    raise KustomizeError(place, f"{manifest.kind} without metadata.name")
                into.add(Resource(copied(manifest.data), path, manifest.origin.line, manifest.lines), place)

    def _component(self, folder: str, place: Place, entry: Any, ancestors: tuple[str, ...], into: Resources) -> None:
        path = join(folder, entry) if isinstance(entry, str) else ""
        if isinstance(entry, str) and _remote(entry):
            self.built.external.append(External(place, f"kustomize component {entry}"))
            return
        if not path or not self._repo.has_folder(path):
            raise KustomizeError(place, f"no folder {entry}")
        if any(_leads_back(path, above) for above in ancestors):
            raise KustomizeError(place, f"cycle: {entry} leads back to {path}")
        child = self.read(path, place)
        if child.data.get("kind") != "Component":
            raise KustomizeError(place, f"{entry} is no Component")
        self.accumulate(child, (*ancestors, path), into)

    def _configuration(self, folder: str, place: Place, entry: Any) -> None:
        path = join(folder, entry) if isinstance(entry, str) else ""
        if path not in self._repo.files:
            raise KustomizeError(place, f"no file {entry}")
        self._confine(path, folder, place)
        self.built.reached.add(path)
        for document in documents(self._repo, path)[:1]:
            config = document.data if isinstance(document.data, dict) else {}
            self.references += read_name_references(config)
            for name in config:
                if name not in {"nameReference", "apiVersion", "kind", "metadata"}:
                    at = Place(path, document.lines.get((name,), document.line))
                    reason = f"kustomize configuration `{name}` is not evaluated"
                    self.built.not_checked.append(NotChecked(at, path, reason))

    def _confine(self, path: str, folder: str, place: Place) -> None:
        if self._confined and folder and not path.startswith(f"{folder}/"):
            raise KustomizeError(place, f"{path} is not in or below {folder}: kustomize refuses to read it")


def _leads_back(path: str, above: str) -> bool:
    return not path or above == path or above.startswith(f"{path}/")


def _remote(entry: str) -> bool:
    hosts = ("git@", "github.com/", "gitlab.com/", "bitbucket.org/")
    return "://" in entry or "?ref=" in entry or entry.startswith(hosts)
