"""The catalog: which kinds there are, and what an API server would refuse of an object.

It knows some versions of Kubernetes and the custom resources of the projects in ``data/index.json``. The answer is
that of a server with strict field validation, as far as a schema goes: rules in CEL and in Go are not in it.

    catalog = Catalog.builtin()
    catalog.validate({"metdata": {}}, "v1", "Namespace", "1.37")
    [Problem(path=("metdata",), message="unknown field, did you mean metadata?")]
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.checks import UNKNOWN, Check, Checks
from scaffold.facts.definitions import read_custom_resource
from scaffold.facts.nodes import Table
from scaffold.model.yamltext import Path, parse

KUBERNETES = "kubernetes/kubernetes"
GIVEN = "given"
"""What stands for the project of a definition that is not of the catalog."""

_DATA = File(__file__).parent / "data"
_DEFINITION = "CustomResourceDefinition"
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KIND = re.compile(r"""[ {,"']kind["']?: *["']?([A-Za-z0-9]+)""")  # in YAML of any style, and in JSON
_WORD = re.compile(r"[\w-]+")
_VERSION = re.compile(r"v?(\d+)\.(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place in an object, or below it where something is missing."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind that objects can be of, its scope (``Namespaced``, ``Cluster``) and the project it comes from."""

    api_version: str
    kind: str
    scope: str
    project: str

    @property
    def group(self) -> str:
        """Return the API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A kind, its nodes and the number of its root: one for each version of Kubernetes if it is a kind of its own."""

    kind: Kind
    checks: Checks
    root: int | Mapping[str, int]


class Catalog:
    """Kinds and their schemas. Definitions laid over it replace those of the same group and kind."""

    def __init__(
        self, entries: Mapping[tuple[str, str], _Entry], sources: tuple[tuple[str, str, str], ...], metadata: Check
    ) -> None:
        self._entries = entries
        self._sources = sources
        self._metadata = metadata
        self._own: dict[tuple[str, str], dict[str, _Entry]] = {}
        self._unread: dict[str, list[str | Mapping[str, Any]]] = {}
        self.versions = tuple(_short(version) for project, version, _ in sources if project == KUBERNETES)

    @classmethod
    @cache
    def builtin(cls) -> "Catalog":
        """Return the catalog of this release."""
        lines = (_DATA / "nodes.jsonl").read_text(encoding="utf-8").split("\n")
        index = json.loads((_DATA / "index.json").read_text(encoding="utf-8"))
        number = index["metadata"]

        def node(number: int) -> Mapping[str, Any]:
            return json.loads(lines[number])  # type: ignore[no-any-return]

        kubernetes = Checks(node, builtin=True)
        custom = Checks(node, kubernetes.of(number))
        entries = {
            (api_version, kind): _Entry(
                Kind(api_version, kind, scope, project), kubernetes if project == KUBERNETES else custom, root
            )
            for api_version, kind, scope, project, root in index["kinds"]
        }
        return cls(entries, tuple(map(tuple, index["sources"])), kubernetes.of(number))

    def with_definitions(self, definitions: Iterable[Mapping[str, Any]]) -> "Catalog":
        """Return a catalog with CustomResourceDefinitions laid over it.

        Definitions are large: one is read when somebody asks for its kind.
        """
        return self._over((_kind_of(definition), definition) for definition in definitions)

    def with_crds(self, texts: Iterable[str]) -> "Catalog":
        """Return a catalog with the CustomResourceDefinitions of YAML texts laid over it."""
        documents = [part for text in texts for part in _DOCUMENT.split(text) if _DEFINITION in part]
        return self._over((kind, part) for part in documents for kind in {*_KIND.findall(part)} or {""})

    def _over(self, unread: Iterable[tuple[str, str | Mapping[str, Any]]]) -> "Catalog":
        catalog = Catalog(self._entries, self._sources, self._metadata)
        catalog._own = dict(self._own)
        catalog._unread = {kind: list(definitions) for kind, definitions in self._unread.items()}
        for kind, definition in unread:
            catalog._unread.setdefault(kind, []).append(definition)
        return catalog

    def nearest(self, kube_version: str) -> str:
        """Return the known version that stands for another: that one, the newest before it, or the oldest."""
        older = [version for version in self.versions if _pair(version) <= _pair(kube_version)]
        return older[-1] if older else self.versions[0]

    def known(self, api_version: str, kind: str, kube_version: str) -> bool:
        """Tell whether objects of a kind can be validated."""
        return self._check(api_version, kind, kube_version) is not None

    def validate(self, data: Mapping[str, Any], api_version: str, kind: str, kube_version: str) -> list[Problem] | None:
        """Return all that a server refuses of an object, in its order; None if the kind is unknown."""
        check = self._check(api_version, kind, kube_version)
        if check is None:
            return None
        try:
            problems = [Problem(path, message) for path, message in check(dict(data))]
        except RecursionError:
            return [Problem((), "is nested too deeply")]
        return [_masked(problem, data) for problem in problems] if kind == "Secret" else problems

    def scope(self, api_version: str, kind: str) -> str | None:
        """Return ``Namespaced``, ``Cluster``, or None if the kind is unknown."""
        entry = self._entry(api_version, kind)
        return entry.kind.scope if entry else None

    def kinds(self, kube_version: str | None = None) -> list[Kind]:
        """Return all kinds, or those there are with a version of Kubernetes, sorted."""
        for unread in list(self._unread):
            self._read(unread)
        version = self.nearest(kube_version) if kube_version else ""
        own = [entry.kind for entries in self._own.values() for entry in entries.values()]
        return sorted(own + [
            entry.kind
            for entry in self._entries.values()
            if (entry.kind.group, entry.kind.kind) not in self._own
            and (not version or isinstance(entry.root, int) or version in entry.root)
        ])  # fmt: skip

    def sources(self) -> list[tuple[str, str]]:
        """Return what the catalog is made of: each project, and its release, licence and number of kinds."""
        everything = [kind.project for kind in self.kinds()]
        found = []
        for project, version, licence in self._sources:
            projects = [kind.project for kind in self.kinds(version)] if project == KUBERNETES else everything
            found.append((project, f"{version}, {licence}, {projects.count(project)} kinds"))
        given = everything.count(GIVEN)
        return [*found, (GIVEN, f"{given} kinds")] if given else found

    def _check(self, api_version: str, kind: str, kube_version: str) -> Check | None:
        entry = self._entry(api_version, kind)
        if entry is None:
            return None
        root = entry.root if isinstance(entry.root, int) else entry.root.get(self.nearest(kube_version))
        return None if root is None else entry.checks.of(root)

    def _entry(self, api_version: str, kind: str) -> _Entry | None:
        self._read(kind)
        self._read("")
        own = self._own.get((api_version.rpartition("/")[0], kind))
        return self._entries.get((api_version, kind)) if own is None else own.get(api_version)

    def _read(self, kind: str) -> None:
        for unread in self._unread.pop(kind, ()):
            documents = [document.data for document in parse(unread)[0]] if isinstance(unread, str) else [unread]
            for document in documents:
                items = document.get("items") if isinstance(document, dict) else None
                for definition in items if isinstance(items, list) else [document]:
                    if isinstance(definition, dict) and definition.get("kind") == _DEFINITION:
                        self._add(definition)

    def _add(self, definition: Mapping[str, Any]) -> None:
        """Lay a definition over the catalog, unless the server would refuse it for more than an unknown field."""
        problems = self.validate(definition, "apiextensions.k8s.io/v1", _DEFINITION, self.versions[-1]) or ()
        if any(not problem.message.startswith(UNKNOWN) for problem in problems):
            return
        spec = definition["spec"]
        group, kind = spec["group"], spec["names"]["kind"]
        own: dict[str, _Entry] = {}
        for version in spec["versions"]:
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if version.get("served") and schema:
                table = Table()
                try:
                    root = read_custom_resource(schema, version.get("subresources") or {}, table)
                except (AttributeError, KeyError, TypeError):
                    return  # no structural schema; the server says so
                api_version = f"{group}/{version['name']}"
                checks = Checks(table.nodes.__getitem__, self._metadata)
                own[api_version] = _Entry(Kind(api_version, kind, spec["scope"], GIVEN), checks, root)
        self._own[group, kind] = own


def dotted(path: Path) -> str:
    """Return a path as people write it: ``spec.ports.0.name``, ``metadata.labels[app.kubernetes.io/name]``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, str) and not _WORD.fullmatch(key) else f".{key}"
    return text.removeprefix(".")


def _kind_of(definition: Mapping[str, Any]) -> str:
    spec = definition.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    return str(names.get("kind")) if isinstance(names, dict) else ""


def _masked(problem: Problem, data: Mapping[str, Any]) -> Problem:
    """Leave out the value of a Secret."""
    value: Any = data
    if problem.path[:1] not in {("data",), ("stringData",)}:
        return problem
    for key in problem.path:
        value = value[key]
    return Problem(problem.path, problem.message.replace(shown(value), "the value (hidden)"))


def _pair(version: str) -> tuple[int, int]:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _short(version: str) -> str:
    return "{}.{}".format(*_pair(version))
