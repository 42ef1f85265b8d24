"""What Flux would apply for a Kustomization, and where its source is (Flux 2.9)."""

from collections.abc import Mapping
from typing import Any

from scaffold.expand.found import Found, Lookup, Owner, with_metadata
from scaffold.expand.kustomization import FILE_NAMES, Kustomization, KustomizeError, closure, file_in
from scaffold.expand.objects import below
from scaffold.expand.postbuild import substituted
from scaffold.expand.whole_kustomize import build_whole
from scaffold.model.giturl import same_repository
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.ports import Kustomizer
from scaffold.model.postbuild import NOT_EVALUATED
from scaffold.model.repo import External, NotChecked, Repo, normalise

# What source-controller leaves out of an artifact by default, beside images and archives.
_LEFT_OUT = (
    ".git", ".github", ".circleci", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml",
    "codeship-services.yml", "codeship-steps.yml",
)  # fmt: skip
_LEFT_OUT_ANYWHERE = frozenset({".gitmodules", ".goreleaser.yml", ".sops.yaml", ".flux.yaml"})
_OVERRIDES = ("patches", "components", "namePrefix", "nameSuffix", "images")


def open_kustomization(
    repo: Repo, kustomization: Manifest, lookup: Lookup, kustomizer: Kustomizer | None = None
) -> Found:
    """Find what a Flux Kustomization brings."""
    found = Found()
    cluster = kustomization.cluster
    if secret := kustomization.get("spec", "kubeConfig", "secretRef", "name"):
        cluster = str(secret)
    owner = Owner(f"Kustomization {kustomization.namespace}/{kustomization.name}", cluster, "", kustomization.place())
    reference = kustomization.mapping("spec", "sourceRef")
    folder = normalise(str(kustomization.get("spec", "path") or ""))
    where = source_elsewhere(repo, kustomization, reference, lookup, folder)
    if isinstance(where, NotChecked):
        found.not_checked.append(where)
    elif where is not None:
        found.external.append(where)
    elif not repo.has_folder(folder):
        path = kustomization.get("spec", "path")
        found.faults.append(Hit(kustomization.place("spec", "path"), f"{kustomization}: no folder {path}", owner.name))
    else:
        _build(repo, kustomization, owner, folder, lookup, found, kustomizer)
    return found


def open_instance(instance: Manifest) -> Found:
    """Find the root that a FluxInstance syncs: the GitRepository and Kustomization that the operator makes."""
    sync = instance.mapping("spec", "sync")
    if not sync:
        return Found()
    title = f"FluxInstance {instance.namespace}/{instance.name}"
    owner = Owner(title, instance.cluster, instance.namespace, instance.place())
    name = str(sync.get("name") or instance.namespace)
    kind = str(sync.get("kind") or "GitRepository")
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": {"name": name},
        "spec": {"url": sync.get("url"), "ref": {"name": sync.get("ref")}},
    }  # fmt: skip
    root = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name},
        "spec": {"path": sync.get("path"), "prune": True, "sourceRef": {"kind": kind, "name": name}},
    }  # fmt: skip
    lines: dict[tuple[str | int, ...], int] = {("spec", "path"): instance.place("spec", "sync", "path").line}
    return Found(manifests=[owner.brings(Manifest(data, instance.origin, lines)) for data in (source, root)])


def source_elsewhere(
    repo: Repo, user: Manifest, reference: Mapping[str, Any], lookup: Lookup, path: str
) -> External | NotChecked | None:
    """Return where a source lies if that is not the working tree; a source that nobody declares is not known.

    Flux installs its own root source by hand in many repositories, so an unknown GitRepository is taken for this
    one where the path is a folder here.
    """
    kind, name = str(reference.get("kind") or "GitRepository"), str(reference.get("name") or "")
    namespace = str(reference.get("namespace") or user.namespace)
    above = ("spec",) if user.kind == "Kustomization" else ("spec", "chart", "spec")
    place = user.place(*above, "sourceRef")
    source = lookup(user.cluster, kind, namespace, name)
    if source is None:
        if kind == "GitRepository" and path and repo.has_folder(path):
            return None
        title = f"{user.kind} {user.namespace}/{user.name}"
        return NotChecked(place, title, f"{kind} {namespace}/{name} is not in this repository")
    url = source.get("spec", "url") or source.get("spec", "endpoint")
    if kind != "GitRepository" or not same_repository(repo.url, url):
        return External(place, f"{kind} {url}")
    root = lookup(user.cluster, "GitRepository", "flux-system", "flux-system")
    branch, of_root = (one.get("spec", "ref", "branch") if one else None for one in (source, root))
    if branch and of_root and branch != of_root:
        return External(place, f"this repository at branch {branch}")
    for fixed in ("tag", "semver", "commit"):
        if revision := source.get("spec", "ref", fixed):
            return External(place, f"this repository at {fixed} {revision}")
    return None


def plain_folder(repo: Repo, folder: str) -> list[str]:
    """Return the resources Flux finds in a folder without kustomization.yaml.

    A folder below with a kustomization file is a resource and not entered.
    """
    entered = [
        path
        for path in sorted(repo.below(folder), key=lambda path: path.split("/"))
        if not path.startswith(tuple(f"{name}/" for name in _LEFT_OUT))
        and path not in _LEFT_OUT
        and path.rpartition("/")[2] not in _LEFT_OUT_ANYWHERE
    ]
    inner = {path.rpartition("/")[0] for path in entered if path.rpartition("/")[2] in FILE_NAMES}
    resources: dict[str, None] = {}
    for path in entered:
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(len(folder.split("/")) + 1 if folder else 1, len(parts))]
        if built := next((parent for parent in above if parent in inner), None):
            resources[built] = None
        elif path.endswith((".yaml", ".yml")):
            resources[path] = None
    return list(resources)


def _build(
    repo: Repo,
    kustomization: Manifest,
    owner: Owner,
    folder: str,
    lookup: Lookup,
    found: Found,
    kustomizer: Kustomizer | None,
) -> None:
    spec = kustomization.mapping("spec")
    fields = {name: spec[name] for name in _OVERRIDES if spec.get(name)}
    if target := spec.get("targetNamespace"):
        fields["namespace"] = target
    overrides = Kustomization(folder, kustomization.origin.path, fields, below(kustomization.lines, ("spec",)))
    if ".sourceignore" in repo.files:
        found.not_checked.append(NotChecked(Place(".sourceignore"), ".sourceignore", "its patterns are not evaluated"))
    try:
        if file_in(repo, folder):
            built = build_whole(repo, folder, kustomizer, overrides, confined=False)
        else:
            built = build_whole(repo, folder, kustomizer, overrides, plain_folder(repo, folder), confined=False)
    except KustomizeError as error:
        if folder:
            found.faults.append(Hit(error.place, f"kustomize build {folder}: {error.text}", owner.name))
        else:  # hardly anybody applies the whole of a repository: the source may be another branch of it
            reason = f"the root of the repository does not build: {error.text}"
            found.not_checked.append(owner.not_checked(kustomization.place("spec", "path"), reason))
        found.reached |= closure(repo, folder) | set(repo.below(folder))
        return
    metadata = kustomization.mapping("spec", "commonMetadata")
    manifests = built.manifests
    if spec.get("postBuild"):
        manifests, why = substituted(repo, kustomization, owner.cluster, lookup, built.manifests)
        if why:
            place = kustomization.place("spec", "postBuild")
            found.not_checked.append(owner.not_checked(place, f"{NOT_EVALUATED}: {why}"))
    found.manifests += [owner.brings(with_metadata(manifest, metadata)) for manifest in manifests]
    # A ConfigMap that variables were put into is no longer what its file says.
    changed = {
        id(before) for before, after in zip(built.manifests, manifests, strict=True) if before.data != after.data
    }
    stale = {(m.namespace, m.name) for m in built.manifests if id(m) in changed}
    found.texts |= {(owner.cluster, *key): path for key, path in built.texts.items() if key[:2] not in stale}
    found.reached |= built.reached
    found.external += built.external
    found.not_checked += built.not_checked
