"""Delivery: what Argo CD and Flux are told to apply is in the repository, and each object has one owner.

A controller finds out about a wrong path only after the commit has landed, one object at a time. All that is needed
to find out earlier is in the repository.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from scaffold.facts.schemas import Catalog
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import KUSTOMIZATION_FILES, destination, is_here, sources, title

_Source = Mapping[str, Any]
_BUILDABLE = frozenset({"Chart.yaml", *KUSTOMIZATION_FILES})
_MANIFESTS = (".yaml", ".yml", ".json", ".jsonnet")
_NO_SECRETS = ("ENC[", "<", "op://", "ref+", "vault:", "{{")
"""How what SOPS, Argo CD Vault Plugin, 1Password, vals and Vault's injector replace later begins."""

_HOOKS = frozenset({"helm.sh/hook", "argocd.argoproj.io/hook"})


@rule("EXPAND-01", Severity.ERROR, fix="Correct what the message names: nothing of it is applied until then.")
def controllers_can_build(repo: Repo) -> Iterator[Hit]:
    """Argo CD and Flux can build what they are told to apply.

    A folder that is missing, a kustomization that does not build or an ApplicationSet whose template fails leaves
    the cluster as it was.
    """
    yield from repo.faults


@rule("GITOPS-01", Severity.ERROR, fix="Correct the path, or commit what it names.")
def application_sources_exist(repo: Repo) -> Iterator[Hit]:
    """An Application names a folder with something to apply, and values files that exist.

    Otherwise Argo CD answers "app path does not exist" and the cluster stays as it was. Sources in other
    repositories, and at a tag or commit of this one, are not judged.
    """
    for app in repo.each("argoproj.io", "Application"):
        references = _references(app)
        for keys, source in sources(app):
            here = is_here(repo, source)
            path = source.get("path")
            if here and isinstance(path, str):
                if why := _unusable(repo, path, source):
                    yield at(app, (*keys, "path"), f"{app}: {why}")
                    continue
            elif here and not source.get("ref"):
                yield at(app, keys, f"{app}: source {source.get('repoURL')} has no path, chart or ref")
            for field, entry in _value_files(source):
                if why := _missing_file(repo, entry, source, references):
                    yield at(app, (*keys, *field), f"{app}: {why}")


@rule("GITOPS-04", Severity.ERROR, fix="Name the cluster once, by name or by server, and the namespace.")
def applications_have_one_destination(repo: Repo) -> Iterator[Hit]:
    """An Application's destination is one of name and server, and a namespace.

    Both together are refused. Without a namespace every object that does not carry its own is refused.
    """
    for app in repo.each("argoproj.io", "Application"):
        if not app.origin.owner.startswith("ApplicationSet "):
            yield from _destination(repo, app, ("spec", "destination"))
    for generator in repo.each("argoproj.io", "ApplicationSet"):
        if "destination" not in str(generator.get("spec", "templatePatch")):
            yield from _destination(repo, generator, ("spec", "template", "spec", "destination"))


@rule("GITOPS-05", Severity.ERROR, fix="Leave the object to one Application, Kustomization or HelmRelease.")
def objects_have_one_owner(repo: Repo) -> Iterator[Hit]:
    """Every object is applied by one owner, once.

    Two owners overwrite each other for ever, and the one that is removed first deletes the object. Flux gives no
    warning at all.
    """
    first: dict[tuple[str, ...], Manifest] = {}
    for manifest in repo.manifests:
        if not manifest.origin.owner or not manifest.name or _HOOKS & manifest.annotations.keys():
            continue
        if "${" in f"{manifest.name}{manifest.namespace}":
            continue  # filled in by Flux after the build
        namespace = "" if _is_cluster_scoped(manifest) else manifest.namespace
        key = (manifest.cluster, manifest.group, manifest.kind, namespace, manifest.name)
        other = first.setdefault(key, manifest)
        if other is not manifest:
            again = "a second time" if other.origin.owner == manifest.origin.owner else "too"
            yield at(manifest, (), f"{manifest} is applied by {other.origin.owner}, {again} ({other.place()})")


@rule("GITOPS-18", Severity.ERROR, fix="Encrypt it with SOPS, or keep it in a store and commit an ExternalSecret.")
def secrets_are_not_in_git(repo: Repo) -> Iterator[Hit]:
    """No Secret with its data in plain text is in the repository.

    base64 is no encryption, and what was pushed once stays in the history. Empty values, placeholders and the
    harmless fields of Argo CD's own repository and cluster Secrets are no secrets.
    """
    written = {manifest.place() for manifest in repo.raw}
    for manifest in (*repo.raw, *(made for made in repo.manifests if made.place() not in written)):
        if (manifest.group, manifest.kind) != ("", "Secret"):
            continue
        for field in ("data", "stringData"):
            if keys := [key for key, value in manifest.mapping(field).items() if _is_plain(manifest, key, value)]:
                yield at(manifest, (field, keys[0]), f"{manifest} holds {', '.join(keys)} in plain text")


def applications_without_their_values(repo: Repo) -> set[str]:
    """Return the Applications whose values are incomplete: what their charts then say is a consequence."""
    return {
        title(app)
        for app in repo.each("argoproj.io", "Application")
        for _, source in sources(app)
        for _, entry in _value_files(source)
        if _missing_file(repo, entry, source, _references(app))
    }


def _references(app: Manifest) -> dict[str, _Source]:
    return {str(source["ref"]): source for _, source in sources(app) if source.get("ref")}


def _unusable(repo: Repo, path: str, source: _Source) -> str:
    """Return why a folder cannot be applied, empty if it can."""
    folder = normalise(path)
    if path.startswith("/"):
        return f"path {path} is absolute, it starts at the root of the repository without a slash"
    if not repo.has_folder(path):
        return f"{path} is no folder" if folder in repo.files else f"no folder {path}"
    directory = source.get("directory")
    recurse = isinstance(directory, Mapping) and directory.get("recurse")
    below = [PurePosixPath(name) for name in repo.below(path)]
    direct = [name for name in below if str(name.parent) == (folder or ".")]
    if source.get("plugin") or any(name.name in _BUILDABLE for name in direct):
        return ""
    if any(name.suffix in _MANIFESTS for name in (below if recurse else direct)):
        return ""
    deeper = not recurse and any(name.suffix in _MANIFESTS for name in below)
    hint = " (there are some in folders below: directory.recurse is off)" if deeper else ""
    return f"folder {path} holds no Chart.yaml, kustomization.yaml or manifests{hint}"


def _value_files(source: _Source) -> Iterator[tuple[Path, str]]:
    helm = source.get("helm")
    if not isinstance(helm, Mapping):
        return
    files = helm.get("valueFiles")
    for index, entry in enumerate(files if isinstance(files, list) and not helm.get("ignoreMissingValueFiles") else ()):
        if isinstance(entry, str):
            yield ("helm", "valueFiles", index), entry
    parameters = helm.get("fileParameters")
    for index, parameter in enumerate(parameters if isinstance(parameters, list) else ()):
        if isinstance(parameter, Mapping) and isinstance(parameter.get("path"), str):
            yield ("helm", "fileParameters", index, "path"), parameter["path"]


def _missing_file(repo: Repo, entry: str, source: _Source, references: Mapping[str, _Source]) -> str:
    """Return why a values file is missing; what globs, URLs and the build environment name is not judged."""
    if "://" in entry or "$ARGOCD_" in entry or "${ARGOCD_" in entry or set("*?[{") & set(entry):
        return ""
    path = f"{source.get('path') or ''}/{entry}"
    if entry.startswith("$"):
        name, _, path = entry[1:].partition("/")
        if name not in references:
            return f"{entry}: no source has ref {name}"
        source = references[name]
    elif entry.startswith("/"):
        path = entry
    if not is_here(repo, source) or normalise(path) in repo.files:
        return ""
    return f"no file {entry}" if entry.startswith(("$", "/")) else f"no file {entry} ({normalise(path)})"


def _destination(repo: Repo, app: Manifest, keys: Path) -> Iterator[Hit]:
    to = app.mapping(*keys)
    name, server = to.get("name"), to.get("server")
    if name and server:
        yield at(app, (*keys, "server"), f"{app}: destination has both name {name} and server {server}")
    elif not name and not server:
        yield at(app, keys, f"{app}: destination has neither name nor server")
    if not to.get("namespace") and _needs_namespace(repo, app):
        yield at(app, keys, f"{app}: destination has no namespace")


def _needs_namespace(repo: Repo, app: Manifest) -> bool:
    """Tell whether something an Application brings may not carry its own namespace."""
    brought = [m for m in repo.manifests if m.origin.owner == title(app) and m.cluster == destination(app)[0]]
    elsewhere = any(not is_here(repo, source) for _, source in sources(app))
    return elsewhere or not brought or not all(m.get("metadata", "namespace") or _is_cluster_scoped(m) for m in brought)


def _is_cluster_scoped(manifest: Manifest) -> bool:
    return Catalog.builtin().scope(manifest.api_version, manifest.kind) == "Cluster"


def _is_plain(secret: Manifest, key: str, value: Any) -> bool:
    text = str(value or "").strip()
    if not text or text.startswith(_NO_SECRETS) or ("${" in text and "}" in text):
        return False
    if "argocd.argoproj.io/secret-type" not in secret.labels:
        return True
    harmless = {"clusterResources", "enableLfs", "enableOCI", "forceHttpBasicAuth", "insecure", "name", "namespaces",
                "noProxy", "project", "proxy", "server", "shard", "type", "url"}  # fmt: skip
    return key not in harmless and not (key == "config" and not {"bearerToken", "keyData", "password"} & _words(text))


def _words(text: str) -> set[str]:
    return set(text.replace('"', " ").replace(":", " ").split())
