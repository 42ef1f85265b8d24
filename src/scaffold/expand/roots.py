"""Where everything starts: the controller objects that no other one brings, and the URL of this repository.

An Application that covers its own file is a root too (it manages itself after the first apply by hand). What a file
of a root holds beside it (its AppProject) is applied with it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand import globs
from scaffold.expand.found import Found, Owner
from scaffold.expand.kustomization import FILE_NAMES, KustomizeError, join
from scaffold.expand.kustomize import build, closure
from scaffold.expand.source import IN_CLUSTER, sources
from scaffold.model.giturl import plain, same_repository
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo, normalise

ARGO = "argoproj.io"
FLUX = "kustomize.toolkit.fluxcd.io"
_KINDS = frozenset({
    (ARGO, "Application"), (ARGO, "ApplicationSet"), (FLUX, "Kustomization"), ("fluxcd.controlplane.io", "FluxInstance"),
})  # fmt: skip
_HOME = {ARGO: "argocd", FLUX: "flux-system", "fluxcd.controlplane.io": "flux-system"}


@dataclass(frozen=True, slots=True)
class Root:
    """A root: the places of the controller objects it stands for, and what applying it by hand brings."""

    places: frozenset[Place]
    found: Found = field(repr=False)


def candidates(repo: Repo) -> list[Manifest]:
    """Return every controller object that lies in a file and could be a root."""
    return [manifest for manifest in repo.raw if (manifest.group, manifest.kind) in _KINDS]


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
    covered = {manifest.place(): set(_covers(repo, manifest)) for manifest in waiting}
    brought = {
        manifest.place()
        for manifest in waiting
        for place, paths in covered.items()
        if place.path != manifest.origin.path and manifest.origin.path in paths
    }
    first = [manifest for manifest in waiting if manifest.place() not in brought] or waiting[:1]
    made: list[Root] = []
    done: set[Place] = set()
    for manifest in first:
        if manifest.place() not in done:
            here = _by_hand(repo, manifest, waiting)
            made += here
            done |= {place for root in here for place in root.places}
    return made


def _by_hand(repo: Repo, manifest: Manifest, waiting: Iterable[Manifest]) -> list[Root]:
    """Return what is applied by hand to get an object into the cluster: kustomizations that name its file, or it."""
    path = manifest.origin.path
    found = [Root(frozenset(_places(waiting, built)), built) for built in _kustomizations(repo, path)]
    if found:
        return found
    cluster = cluster_of(manifest)
    brought = []
    for beside in repo.raw_in(path):
        owner = Owner("", cluster, _HOME.get(beside.group, ""), beside.place())
        brought.append(owner.brings(beside))
    return [Root(frozenset(_places(waiting, Found(manifests=brought))), Found(manifests=brought, reached={path}))]


def _kustomizations(repo: Repo, path: str) -> Iterator[Found]:
    """Yield the builds of the topmost kustomizations that lead to a file."""
    folders = {file.rpartition("/")[0] for file in repo.files if file.rpartition("/")[2] in FILE_NAMES}
    leading = {folder: reached for folder in sorted(folders) if path in (reached := closure(repo, folder))}
    for folder in leading:
        file = next(join(folder, name) for name in FILE_NAMES if join(folder, name) in repo.files)
        if any(file in reached for other, reached in leading.items() if other != folder):
            continue
        try:
            built = build(repo, folder)
        except KustomizeError:
            continue
        found = Found(reached=built.reached, external=built.external, not_checked=built.not_checked)
        for manifest in built.manifests:
            owner = Owner("", cluster_of(manifest), _HOME.get(manifest.group, ""), manifest.place())
            found.manifests.append(owner.brings(manifest))
        yield found


def _places(waiting: Iterable[Manifest], found: Found) -> Iterator[Place]:
    brought = {manifest.place() for manifest in found.manifests}
    return (manifest.place() for manifest in waiting if manifest.place() in brought)


def cluster_of(manifest: Manifest) -> str:
    """Return the cluster that a root is applied to: Argo CD's own, or the one that a Flux tree is named after."""
    if manifest.group == ARGO:
        return IN_CLUSTER
    synced = manifest.get("spec", "path") or manifest.get("spec", "sync", "path") or ""
    for path in (normalise(str(synced)), manifest.origin.path.rpartition("/")[0]):
        before, found, after = f"/{path}/".partition("/clusters/")
        if found and after.strip("/"):
            return after.strip("/").removesuffix("/flux-system")
    return normalise(str(synced)).rpartition("/")[2]


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
            namespace = str(reference.get("namespace") or manifest.namespace)
            url = repositories.get((namespace, str(reference.get("name")))) or repositories.get(("", str(reference.get("name"))), "")
            yield url, str(manifest.get("spec", "path") or "")


def _named_by_set(repo: Repo, manifest: Manifest) -> Iterator[tuple[str, str | None]]:
    for _, entry in manifest.items("spec", "generators"):
        git: Mapping[str, Any] = entry["git"] if isinstance(entry.get("git"), Mapping) else {}
        for item in git.get("files") or ():
            match = globs.pathspec(str(item.get("path"))) if isinstance(item, Mapping) else None
            if match and any(match(path) for path in repo.files):
                yield str(git.get("repoURL") or ""), None
        for item in git.get("directories") or ():
            match = globs.path_match(str(item.get("path"))) if isinstance(item, Mapping) else None
            if match and any(match(folder) for folder in repo.folders):
                yield str(git.get("repoURL") or ""), None
    for keys in (("source",), *(("sources", index) for index, _ in manifest.items("spec", "template", "spec", "sources"))):
        source = manifest.mapping("spec", "template", "spec", *keys)
        if (path := source.get("path")) and "{{" not in str(path):
            yield str(source.get("repoURL") or ""), str(path)
