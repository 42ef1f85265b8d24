"""What Argo CD would apply for an Application: its sources, each as its repo-server reads it (Argo CD 3.6)."""

from collections.abc import Mapping
from typing import Any

from scaffold.expand import globs
from scaffold.expand.found import Found, Owner, Render
from scaffold.expand.helmsource import chart_request, value_files
from scaffold.expand.kustomization import Kustomization, KustomizeError, closure, file_in
from scaffold.expand.objects import as_list, below, documents, items, manifest_of
from scaffold.expand.source import Source, elsewhere, sources
from scaffold.expand.whole_kustomize import build_whole
from scaffold.model.giturl import same_repository
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.ports import Kustomizer
from scaffold.model.repo import External, Repo, normalise

_SKIP_MARKER = "+argocd:skip-file-rendering"
_TYPES = ("helm", "kustomize", "directory", "plugin")
_KUSTOMIZE_READ = frozenset({
    "namespace", "patches", "components", "commonLabels", "commonAnnotations", "labelWithoutSelector",
    "labelIncludeTemplates", "version", "kubeVersion", "namePrefix", "nameSuffix", "replicas", "images",
})  # fmt: skip


def open_application(repo: Repo, app: Manifest, kustomizer: Kustomizer | None = None) -> Found:
    """Find what an Application brings; a missing folder or values file is left to the rule that says so."""
    found = Found()
    for source in sources(app):
        found.reached |= set(value_files(repo, source))
        if chart := source.text("chart"):
            what = chart_elsewhere(chart, source.text("targetRevision"), source.text("repoURL"))
            found.external.append(External(source.place(), what))
        elif where := elsewhere(repo, source.fields):
            found.external.append(External(source.place("repoURL"), where))
            if same_repository(repo.url, source.text("repoURL")) and "path" in source.fields:
                # Another state of these files is applied: they are in use, but what is in them now says nothing.
                found.reached |= closure(repo, source.folder) | set(_below(repo, source.folder))
        elif "path" in source.fields and repo.has_folder(source.folder) and not source.text("path").startswith("/"):
            _open_source(repo, source, kustomizer, found)
    return found


def chart_elsewhere(chart: str, version: str, url: str) -> str:
    """Name a chart of a chart repository, and say so where its version is no exact one."""
    loose = not version or set("*^~<>=|, ") & set(version) or "x" in version.lower().split(".")
    return f"chart {chart} {version or '(any version)'} from {url}" + (" (not an exact version)" if loose else "")


def directory_files(repo: Repo, folder: str, options: Mapping[str, Any]) -> list[str]:
    """Return the files of a directory source, in the order Argo CD walks them."""
    prefix = f"{normalise(folder)}/" if normalise(folder) else ""
    include, exclude = (str(options.get(name) or "") for name in ("include", "exclude"))
    anything = bool(options.get("disableExtensionFilter"))
    paths = [
        path
        for path in repo.below(folder)
        if (options.get("recurse") or "/" not in path.removeprefix(prefix))
        and (anything or path.endswith((".yaml", ".yml", ".json", ".jsonnet")))
        and not (exclude and globs.loose(exclude)(path.removeprefix(prefix)))
        and (not include or globs.loose(include)(path.removeprefix(prefix)))
    ]
    return sorted(paths, key=lambda path: path.split("/"))


def _below(repo: Repo, folder: str) -> list[str]:
    return list(repo.below(folder)) if repo.has_folder(folder) else []


def _open_source(repo: Repo, source: Source, kustomizer: Kustomizer | None, found: Found) -> None:
    given = [kind for kind in _TYPES if isinstance(source.fields.get(kind), Mapping)]
    if len(given) > 1:
        text = f"{source.app}: a source is one of {', '.join(given)}, not several"
        found.faults.append(Hit(source.place(), text, source.owner.name))
        return
    for name in (".argocd-source.yaml", f".argocd-source-{source.app.name}.yaml"):
        if (path := normalise(f"{source.folder}/{name}")) in repo.files:
            found.reached.add(path)
            found.not_checked.append(source.owner.not_checked(Place(path), "overrides in a file are not evaluated"))
    match given[0] if given else _detected(repo, source.folder):
        case "plugin":
            found.not_checked.append(source.not_checked("config management plugins are not run", "plugin"))
        case "helm":
            if normalise(f"{source.folder}/Chart.yaml") in repo.files:
                _open_chart(repo, source, found)
        case "kustomize":
            if file_in(repo, source.folder):
                _open_kustomization(repo, source, kustomizer, found)
        case _:
            _open_directory(repo, source, found)


def _detected(repo: Repo, folder: str) -> str:
    if file_in(repo, folder):
        return "kustomize"
    return "helm" if normalise(f"{folder}/Chart.yaml") in repo.files else "directory"


def _open_chart(repo: Repo, source: Source, found: Found) -> None:
    asked = chart_request(repo, source)
    found.not_checked += asked.not_checked
    found.faults += asked.faults
    found.reached |= set(asked.request.values) | asked.read
    helm = source.options("helm")
    found.renders.append(
        Render(asked.request, source.owner, asked.request.values, not helm.get("skipCrds"), not helm.get("skipTests"))
    )


def _open_kustomization(repo: Repo, source: Source, kustomizer: Kustomizer | None, found: Found) -> None:
    options = source.options("kustomize")
    for name, value in options.items():
        if name not in _KUSTOMIZE_READ and value:
            found.not_checked.append(source.not_checked(f"kustomize.{name} is not evaluated", "kustomize", name))
    lines = below(source.app.lines, (*source.keys, "kustomize")) if options else {}
    overrides = Kustomization(source.folder, source.app.origin.path, _kustomize_fields(options), lines)
    try:
        built = build_whole(repo, source.folder, kustomizer, overrides)
    except KustomizeError as error:
        text = f"kustomize build {source.folder or '.'}: {error.text}"
        found.faults.append(Hit(error.place, text, source.owner.name))
        found.reached |= closure(repo, source.folder) | set(_below(repo, source.folder))
        return
    found.manifests += [source.owner.brings(manifest) for manifest in built.manifests]
    found.reached |= built.reached
    found.external += built.external
    found.not_checked += built.not_checked


def _kustomize_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    named = ("namespace", "patches", "components", "commonAnnotations", "namePrefix", "nameSuffix", "replicas")
    fields = {name: options[name] for name in named if options.get(name)}
    if images := [_image(entry) for entry in as_list(options.get("images")) if isinstance(entry, str)]:
        fields["images"] = images
    if labels := options.get("commonLabels"):
        if options.get("labelWithoutSelector"):
            fields["labels"] = [{"pairs": labels, "includeTemplates": options.get("labelIncludeTemplates")}]
        else:
            fields["commonLabels"] = labels
    return fields


def _image(entry: str) -> dict[str, str]:
    """Return ``[name=]new[:tag][@digest]`` as kustomize's own field has it."""
    name, _, new = entry.rpartition("=")
    new, _, digest = new.partition("@")
    head, slash, last = new.rpartition("/")
    last, _, tag = last.partition(":")
    image = {"name": name or f"{head}{slash}{last}", "newName": f"{head}{slash}{last}", "newTag": tag, "digest": digest}
    return {key: value for key, value in image.items() if value}


def _open_directory(repo: Repo, source: Source, found: Found) -> None:
    for path in directory_files(repo, source.folder, source.options("directory")):
        if _SKIP_MARKER in repo.files[path]:
            continue
        if path.endswith(".jsonnet"):
            found.reached.add(path)
            found.not_checked.append(source.owner.not_checked(Place(path), "jsonnet is not evaluated"))
            continue
        _add_file(repo, path, source.owner, found)


def _add_file(repo: Repo, path: str, owner: Owner, found: Found) -> None:
    """Add the objects of a file; a file without any is passed over, as Argo CD does."""
    brought: list[Manifest] = []
    for document in documents(repo, path):
        manifest = manifest_of(document, path) if isinstance(document.data, dict) else None
        if manifest is None or not manifest.kind:
            # Argo CD stops at the first document that is no object, and calls it a mistake only in a file of objects.
            if not brought and not all(word in repo.files[path] for word in ("apiVersion:", "kind:", "metadata:")):
                return
            found.faults.append(Hit(Place(path, document.line), "a document that is no Kubernetes object", owner.name))
            break
        if manifest.group == "kustomize.config.k8s.io":
            text = "a kustomization file that Argo CD would apply as an object: its folder is not the source's own"
            found.faults.append(Hit(manifest.place(), text, owner.name))
            continue
        brought += items(manifest)
    if brought:
        found.reached.add(path)
        found.manifests += [owner.brings(manifest) for manifest in brought]
