"""Where everything starts: the controller objects that no other one brings, and the URL of this repository.

An Application that covers its own file is a root too (it manages itself after the first apply by hand). What a file
of a root holds beside it (its AppProject) is applied with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand import globs
from scaffold.expand.found import Found, Owner
from scaffold.expand.kustomization import FILE_NAMES, KustomizeError, closure, join, patch_files
from scaffold.expand.kustomize import build
from scaffold.expand.objects import as_list, as_map, documents
from scaffold.expand.source import IN_CLUSTER, sources
from scaffold.model.giturl import plain, same_repository
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo, normalise

ARGO = "argoproj.io"
FLUX = "kustomize.toolkit.fluxcd.io"
_INSTANCE = "fluxcd.controlplane.io"
_KINDS = frozenset({
    (ARGO, "Application"), (ARGO, "ApplicationSet"), (FLUX, "Kustomization"), (_INSTANCE, "FluxInstance"),
})  # fmt: skip
_ASIDE = frozenset({"doc", "docs", "example", "examples", "fixtures", "test", "testdata", "tests"})
_HOME = {ARGO: "argocd", FLUX: "flux-system", _INSTANCE: "flux-system"}


@dataclass(frozen=True, slots=True)
class Root:
    """A root: the places of the controller objects it stands for, and what applying it by hand brings."""

    places: frozenset[Place]
    found: Found = field(repr=False)


def candidates(repo: Repo) -> list[Manifest]:
    """Return every controller object that lies in a file and could be a root.

    A patch of one is none; one that documents or tests something counts only where there is no other.
    """
    patches = set(_patches(repo))
    found = [m for m in repo.raw if (m.group, m.kind) in _KINDS and m.origin.path not in patches]
    return [m for m in found if _ASIDE.isdisjoint(m.origin.path.split("/"))] or found


def _patches(repo: Repo) -> Iterator[str]:
    for path in repo.files:
        folder, _, name = path.rpartition("/")
        for document in documents(repo, path)[:1] if name in FILE_NAMES else ():
            yield from patch_files(folder, as_map(document.data))


def own_url(repo: Repo) -> str:
    """Return the URL by which the files here name this repository.

    That of the checkout, unless nothing refers to it (none is known, or it is a fork): then the URL that most
    sources use whose path is a folder here.
    """
    votes: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for url, path in _named(repo):
        if url and (repo.has_folder(path) if path is not None else True):
            votes[plain(url)] += 1
            spelling.setdefault(plain(url), url)
    if not votes or (repo.url and plain(repo.url) in votes):
        return repo.url
    return spelling[min(votes, key=lambda url: (-votes[url], url))]


def roots(repo: Repo, waiting: list[Manifest]) -> list[Root]:
    """Return the roots among controller objects that nothing has brought yet, never none."""
    files = {manifest.origin.path for manifest in waiting}
    covering: dict[str, set[str]] = defaultdict(set)
    for manifest in waiting:
        for path in files.intersection(_covers(repo, manifest)):
            covering[path].add(manifest.origin.path)
    first = [m for m in waiting if not covering[m.origin.path] - {m.origin.path}] or waiting[:1]
    by_hand = _by_hand(repo)
    made: dict[str, Root] = {}
    for path in dict.fromkeys(manifest.origin.path for manifest in first):
        for name, found in by_hand.get(path) or [(path, _file(repo, path))]:
            brought = {manifest.place() for manifest in found.manifests}
            made.setdefault(name, Root(frozenset(m.place() for m in waiting if m.place() in brought), found))
    return list(made.values())


def _file(repo: Repo, path: str) -> Found:
    """Return a file applied by hand."""
    manifests = repo.raw_in(path)
    cluster = next((cluster_of(m) for m in manifests if (m.group, m.kind) in _KINDS), "")
    owners = ((Owner("", cluster, _HOME.get(m.group, ""), m.place()), m) for m in manifests)
    return Found(manifests=[owner.brings(manifest) for owner, manifest in owners], reached={path})


def _by_hand(repo: Repo) -> dict[str, list[tuple[str, Found]]]:
    """Return, for each file of controller objects, the builds of the topmost kustomizations that lead to it."""
    named = {file.rpartition("/")[0]: file for file in repo.files if file.rpartition("/")[2] in FILE_NAMES}
    reached = {folder: closure(repo, folder) for folder in named}
    below_others = {path for folder, paths in reached.items() for path in paths if path != named[folder]}
    files = {manifest.origin.path for manifest in candidates(repo)}
    found: dict[str, list[tuple[str, Found]]] = defaultdict(list)
    for folder, paths in reached.items():
        if named[folder] in below_others or not paths & files:
            continue
        try:
            built = build(repo, folder)
        except KustomizeError:
            continue
        one = Found(reached=built.reached, external=built.external, not_checked=built.not_checked)
        for manifest in built.manifests:
            owner = Owner("", cluster_of(manifest), _HOME.get(manifest.group, ""), manifest.place())
            one.manifests.append(owner.brings(manifest))
        for path in paths & files:
            found[path].append((folder, one))
    return found


def cluster_of(manifest: Manifest) -> str:
    """Return the cluster that a root is applied to: Argo CD's own, or the one that a Flux tree is named after."""
    if manifest.group == ARGO:
        return IN_CLUSTER
    synced = normalise(str(manifest.get("spec", "path") or manifest.get("spec", "sync", "path") or ""))
    folder = manifest.origin.path.rpartition("/")[0].removesuffix("/flux-system")
    _, found, cluster = f"/{synced}".partition("/clusters/")
    if found and (synced == folder or not f"/{folder}/".partition("/clusters/")[1]):
        return cluster
    _, found, cluster = f"/{folder}".partition("/clusters/")
    return cluster.partition("/")[0] if found else synced.rpartition("/")[2]


def _covers(repo: Repo, manifest: Manifest) -> Iterator[str]:
    """Yield files that a controller object seems to bring; what proves wrong is put right after the expansion."""
    if manifest.kind == "Application":
        for source in sources(manifest):
            if not source.text("path") and "path" not in source.fields:
                continue
            if same_repository(repo.url, source.text("repoURL")) and repo.has_folder(source.folder):
                deep = source.options("directory").get("recurse") or any(
                    join(source.folder, name) in repo.files for name in (*FILE_NAMES, "Chart.yaml")
                )
                yield from (
                    path for path in repo.below(source.folder) if deep or path.rpartition("/")[0] == source.folder
                )
                yield from closure(repo, source.folder)
    elif path := manifest.get("spec", "path") or manifest.get("spec", "sync", "path"):
        yield from repo.below(str(path))
        yield from closure(repo, str(path))


def _named(repo: Repo) -> Iterator[tuple[str, str | None]]:
    """Yield URL and path of everything that names a git repository; no path where none is said."""
    repositories: dict[tuple[str, str], str] = {}
    for manifest in repo.raw:
        if manifest.kind == "Application" and manifest.group == ARGO:
            yield from ((source.text("repoURL"), source.text("path") or None) for source in sources(manifest)
                        if not source.text("chart") and (source.text("path") or source.text("ref")))  # fmt: skip
        elif manifest.kind == "ApplicationSet":
            yield from _named_by_set(repo, manifest)
        elif manifest.kind == "GitRepository":
            repositories[manifest.namespace, manifest.name] = str(manifest.get("spec", "url") or "")
        elif manifest.kind == "FluxInstance":
            yield str(manifest.get("spec", "sync", "url") or ""), str(manifest.get("spec", "sync", "path") or "")
    for manifest in repo.raw:
        if manifest.group == FLUX and manifest.kind == "Kustomization":
            reference = manifest.mapping("spec", "sourceRef")
            name, namespace = str(reference.get("name")), str(reference.get("namespace") or manifest.namespace)
            url = repositories.get((namespace, name)) or repositories.get(("", name), "")
            yield url, str(manifest.get("spec", "path") or "")


def _named_by_set(repo: Repo, manifest: Manifest) -> Iterator[tuple[str, str | None]]:
    for _, entry in manifest.items("spec", "generators"):
        git: Mapping[str, Any] = entry["git"] if isinstance(entry.get("git"), Mapping) else {}
        for item in as_list(git.get("files")):
            match = globs.pathspec(str(item.get("path"))) if isinstance(item, Mapping) else None
            if match and any(match(path) for path in repo.files):
                yield str(git.get("repoURL") or ""), None
        for item in as_list(git.get("directories")):
            match = globs.path_match(str(item.get("path"))) if isinstance(item, Mapping) else None
            if match and any(match(folder) for folder in repo.folders):
                yield str(git.get("repoURL") or ""), None
    template = ("spec", "template", "spec")
    for source in (manifest.mapping(*template, "source"), *(one for _, one in manifest.items(*template, "sources"))):
        if (path := source.get("path")) and "{{" not in str(path):
            yield str(source.get("repoURL") or ""), str(path)
