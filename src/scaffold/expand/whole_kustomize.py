"""A kustomization that the subset does not evaluate whole, built by the real kustomize where there is one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.expand.kustomization import Built, Kustomization, KustomizeError, file_in
from scaffold.expand.kustomize import build
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.ports import Kustomizer
from scaffold.model.repo import Repo, normalise
from scaffold.model.yamltext import Path, parse

_ORIGIN = "config.kubernetes.io/origin"
_ORIGIN_PATH = re.compile(r"^path: (.+)$", re.MULTILINE)
# They run programs or ask the network, which a check does not.
_NOT_BUILT = re.compile(r"`(helmCharts|helmChartInflationGenerator|helmGlobals|generators|transformers|validators)`")

_BEYOND = frozenset({"images", "namePrefix", "nameSuffix", "replicas"})
"""Fields that a controller may add and the subset does not evaluate."""


def build_whole(
    repo: Repo,
    folder: str,
    kustomizer: Kustomizer | None,
    overrides: Kustomization | None = None,
    resources: Sequence[str] | None = None,
    *,
    confined: bool = True,
) -> Built:
    """Build a folder as ``kustomize.build`` does; what that could not evaluate, the real one evaluates."""
    built = build(repo, folder, overrides, resources, confined=confined)
    fields = overrides.data if overrides else {}
    beyond = sorted(fields.keys() & _BEYOND)
    if overrides and kustomizer is None:
        for name in beyond:
            built.skip(overrides, overrides.place(name), name)
    unread = [note for note in built.not_checked if _NOT_BUILT.search(note.reason)]
    if kustomizer is None or not (built.not_checked or beyond) or unread or built.external:
        return built
    text, error = kustomizer(normalise(folder), fields, resources)
    if error:
        raise KustomizeError(Place(file_in(repo, folder) or folder), error)
    documents, _ = parse(text)
    return Built(
        [_placed(repo, document.data, folder) for document in documents if isinstance(document.data, dict)],
        {},
        built.reached,
        built.external,
        [],
    )


def _placed(repo: Repo, data: dict[str, Any], folder: str) -> Manifest:
    """Return an object with the file and line where it lies, and without what told them."""
    metadata = dict(data.get("metadata") or {})
    annotations = dict(metadata.pop("annotations", None) or {})
    found = _ORIGIN_PATH.search(str(annotations.pop(_ORIGIN, "")))
    if annotations:
        metadata["annotations"] = annotations
    data = {**data, "metadata": metadata}
    path = normalise(found[1]) if found else ""
    if path not in repo.files:
        path = file_in(repo, folder)
    line, lines = _lines(repo, path, data)
    namespace = metadata.get("namespace")
    return Manifest(data, Origin(path, line), lines, namespace=namespace if isinstance(namespace, str) else "")


def _lines(repo: Repo, path: str, data: Mapping[str, Any]) -> tuple[int, Mapping[Path, int]]:
    """Return the line of the object in its file, and those of its fields as far as they are written there."""
    named = [one for one in repo.raw_in(path) if one.kind == data.get("kind")]
    name = str(data.get("metadata", {}).get("name"))
    same = [one for one in named if one.name == name] or [one for one in named if one.name and one.name in name]
    return (same[0].origin.line, same[0].lines) if same else (1, {})
