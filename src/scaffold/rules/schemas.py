"""Schemas: what is applied is what the API server takes, field by field.

The server refuses an object with an unknown field or a wrong type only when it arrives, and Argo CD and Flux then
keep trying. Its schemas are known beforehand.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

from scaffold.facts.schemas import KUBERNETES, Catalog, Kind, Problem
from scaffold.facts.server import refused
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import NotChecked, Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at

_FILES = frozenset({"kustomize.config.k8s.io"})  # read by programs, never applied


@rule("SCHEMA-01", Severity.ERROR, fix="Correct the field; a text that looks like a number or a boolean needs quotes.")
def objects_satisfy_their_schema(repo: Repo) -> Iterator[Hit]:
    """Every object satisfies the strict schema of its kind for the repository's Kubernetes version.

    No unknown fields, the right types, all that is required, values within their bounds, no item of a list twice.
    The schemas are those of the API server and of the CustomResourceDefinitions in the catalog; definitions in the
    repository, or given to the check, come first. Rules that a server has in code are not in its schemas.
    """
    catalog = _catalog_of(repo)
    for manifest, path, data in _objects(repo):
        api_version, kind = _type(data)
        for problem in catalog.validate(_decrypted(data), api_version, kind, repo.kube_version) or ():
            if _substituted_later(manifest, (*path, *problem.path)):
                continue
            yield at(manifest, (*path, *problem.path), f"{_name(manifest, path, data)}: {problem}")


@rule("SCHEMA-02", Severity.ERROR, fix="Use a kind and version that the Kubernetes version of the repository serves.")
def kinds_are_served(repo: Repo) -> Iterator[Hit]:
    """Kubernetes serves the version and kind of every object of its own API groups.

    A removed beta version or a kind with a typing error ends in "no matches for kind", and nothing after it in the
    same sync is applied. Custom resources are not judged: their definitions may come from elsewhere.
    """
    catalog = _catalog_of(repo)
    for manifest, path, data in _objects(repo):
        if missing := _missing(catalog, *_type(data), repo.kube_version):
            field, text = missing
            yield at(manifest, (*path, field), f"{_name(manifest, path, data)}: {text}")


@rule("SCHEMA-03", Severity.ERROR, fix="Give the field a value that the API server takes, or leave it out.")
def objects_satisfy_the_servers_code(repo: Repo) -> Iterator[Hit]:
    """Every object satisfies what the API server checks in code: forms of names, bounds, and fields that go together.

    No schema says that a port ends at 65535, that a label has at most 63 characters, that a volume mount names a
    volume of its pod or that two sources exclude each other. The server refuses such an object only when it arrives.
    Whether what an object names exists is not asked here.
    """
    catalog = _catalog_of(repo)
    for manifest, path, data in _objects(repo):
        api_version, kind = _type(data)
        found = refused(data, api_version, kind)
        problems = catalog.validate(_decrypted(data), api_version, kind, repo.kube_version) if found else None
        if problems is None:
            continue
        said = {problem.path for problem in problems}
        for inner, text in found:
            if inner not in said and not _substituted_later(manifest, (*path, *inner)):
                yield at(manifest, (*path, *inner), f"{_name(manifest, path, data)}: {Problem(inner, text)}")


def _decrypted(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what SOPS adds to a file: whoever decrypts it takes that away again."""
    sops = data.get("sops")
    encrypted = isinstance(sops, Mapping) and "mac" in sops
    return {key: value for key, value in data.items() if key != "sops"} if encrypted else data


def _substituted_later(manifest: Manifest, path: Path) -> bool:
    """Tell whether Flux puts something else in the place of a value: that it does not evaluate is said elsewhere."""
    value = manifest.get(*path)
    return isinstance(value, str) and "${" in value and manifest.origin.owner.startswith("Kustomization ")


def unknown_kinds(repo: Repo) -> list[NotChecked]:
    """Return the kinds that no schema is known of, each once."""
    catalog = _catalog_of(repo)
    found: dict[tuple[str, str], list[Place]] = {}
    for manifest, path, data in _objects(repo):
        api_version, kind = _type(data)
        known = catalog.known(api_version, kind, repo.kube_version)
        if not known and not _missing(catalog, api_version, kind, repo.kube_version):
            found.setdefault((api_version, kind), []).append(manifest.place(*path))
    reason = "no schema is known of this kind: give its CustomResourceDefinition with --schemas"
    return [
        NotChecked(min(places), f"{len(places)} x {kind} ({api_version})", reason)
        for (api_version, kind), places in found.items()
    ]


def _missing(catalog: Catalog, api_version: str, kind: str, kube_version: str) -> tuple[str, str] | None:
    """Say what is wrong with a kind of Kubernetes' own groups that is not served, and in which field; else None.

    An alpha or beta kind of its own may have been switched on: that is not known.
    """
    group, _, version = api_version.rpartition("/")
    if catalog.known(api_version, kind, kube_version) or not any(other.group == group for other in _own_kinds()):
        return None
    own = _own_kinds(kube_version)
    server = f"Kubernetes {catalog.nearest(kube_version)}"
    if served := [other.api_version for other in own if (other.group, other.kind) == (group, kind)]:
        return "apiVersion", f"{server} serves {kind} as {', '.join(served)}, not as {api_version}"
    if "alpha" in version or "beta" in version:
        return None
    near = get_close_matches(kind, [other.kind for other in own if other.group == group], n=1, cutoff=0.75)
    hint = f", did you mean {near[0]}?" if near else ""
    return "kind", f"{server} has no {kind} in {api_version}{hint}"


@cache
def _own_kinds(kube_version: str = "") -> list[Kind]:
    """Return Kubernetes' own kinds, of all versions or of one. No definition can replace them."""
    return [kind for kind in Catalog.builtin().kinds(kube_version or None) if kind.project == KUBERNETES]


def _objects(repo: Repo) -> Iterator[tuple[Manifest, Path, Mapping[str, Any]]]:
    """Yield every object that is applied, those of a List one by one, with its manifest and its place in that."""
    for manifest in repo.manifests:
        if manifest.group in _FILES:
            continue
        if manifest.api_version == "v1" and manifest.kind == "List":
            yield from ((manifest, ("items", index), item) for index, item in manifest.items("items"))
        else:
            yield manifest, (), manifest.data


def _type(data: Mapping[str, Any]) -> tuple[str, str]:
    api_version, kind = data.get("apiVersion"), data.get("kind")
    return api_version if isinstance(api_version, str) else "", kind if isinstance(kind, str) else ""


def _name(manifest: Manifest, path: Path, data: Mapping[str, Any]) -> str:
    return str(Manifest(data, manifest.origin, namespace=manifest.namespace) if path else manifest)


class _Same:
    """A repository as a key: it is too large to be compared."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo

    def __hash__(self) -> int:
        return id(self.repo)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.repo is other.repo


def _catalog_of(repo: Repo) -> Catalog:
    return _with_own_definitions(_Same(repo))


@lru_cache(maxsize=1)
def _with_own_definitions(same: _Same) -> Catalog:
    repo = same.repo
    own = {
        manifest.name: manifest.data
        for manifest in (*repo.raw, *repo.manifests)
        if manifest.group == "apiextensions.k8s.io" and manifest.kind == "CustomResourceDefinition"
    }
    catalog = _with_given(repo.schema_texts)
    return catalog.with_definitions(own.values()) if own else catalog


@lru_cache(maxsize=1)
def _with_given(texts: tuple[str, ...]) -> Catalog:
    return Catalog.builtin().with_crds(texts) if texts else Catalog.builtin()
