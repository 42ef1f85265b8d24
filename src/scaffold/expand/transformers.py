"""What a kustomization does to the resources it has: patches, namespace, labels, annotations."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.expand import jsonpatch
from scaffold.expand.fieldspecs import (
    ANNOTATIONS,
    METADATA_LABELS,
    NAMESPACES,
    SELECTOR_LABELS,
    TEMPLATE_LABELS,
    FieldError,
    FieldSpec,
    places,
    spec,
)
from scaffold.expand.kustomization import Built, Kustomization, KustomizeError, join
from scaffold.expand.objects import as_list
from scaffold.expand.resources import Resource, Resources
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse

_TERM = re.compile(
    r"\s*(?:(!)\s*([^\s=!,()]+)"
    r"|([^\s=!,()]+)\s*(?:(==|=|!=)\s*([^\s,()]*)|(in|notin)\s*\(([^)]*)\))?)\s*(?:,|\Z)"
)


def transform(
    repo: Repo, kustomization: Kustomization, resources: Resources, built: Built, overrides: Kustomization | None = None
) -> None:
    """Apply a kustomization's transformers in kustomize's order; a controller's ``overrides`` come with its own."""
    sources = [source for source in (kustomization, overrides) if source]
    for source in sources:
        for place, entry in source.items("patches"):
            if operations := _operations(repo, source, place, entry, built):
                for renamed in _patch(place, entry.get("target"), operations, resources):
                    built.skip(source, place, f"a patch that renames {renamed}")
    namespace = next((n for s in reversed(sources) if (n := s.data.get("namespace"))), None)
    if isinstance(namespace, str):
        for resource in resources:
            try:
                _set_namespace(resource, namespace)
            except FieldError as error:
                text = f"{resource.kind} {resource.name}: {error}"
                raise KustomizeError(kustomization.place("namespace"), text) from error
        resources.reindex(kustomization.place("namespace"))
    for source in sources:
        for place, entry in source.items("labels"):
            _labels(place, entry, resources)
        _set(resources, SELECTOR_LABELS, source.mapping("commonLabels"), source.place("commonLabels"))
        _set(resources, ANNOTATIONS, source.mapping("commonAnnotations"), source.place("commonAnnotations"))
    for place, entry in kustomization.items("patchesJson6902"):
        if operations := _operations(repo, kustomization, place, entry, built):
            for renamed in _patch(place, entry.get("target"), operations, resources):
                built.skip(kustomization, place, f"a patch that renames {renamed}")


def _set_namespace(resource: Resource, namespace: str) -> None:
    resource.remember()
    if not resource.clustered:
        resource.metadata["namespace"] = namespace
    if resource.kind == "Namespace" and resource.api_version == "v1":
        resource.metadata["name"] = namespace  # kustomize does rename Namespaces
    if resource.kind in {"RoleBinding", "ClusterRoleBinding"}:
        for subject in as_list(resource.data.get("subjects")):
            if isinstance(subject, dict) and subject.get("name") == "default":
                subject["namespace"] = namespace
    for field in NAMESPACES:
        if field.selects(resource.api_version, resource.kind):
            for parent, key in places(resource.data, field.keys, field.create, str):
                parent[key] = namespace


def _labels(place: Place, entry: Any, resources: Resources) -> None:
    if not isinstance(entry, Mapping):
        raise KustomizeError(place, "a labels entry is a map with pairs")
    pairs = entry.get("pairs")
    fields = tuple(
        spec(
            str(field.get("path", "")),
            *(str(field.get(key) or "") for key in ("kind", "group", "version")),
            create=bool(field.get("create")),
        )
        for field in as_list(entry.get("fields"))
        if isinstance(field, Mapping)
    )
    if entry.get("includeSelectors"):
        fields += SELECTOR_LABELS
    elif entry.get("includeTemplates"):
        fields += TEMPLATE_LABELS
    else:
        fields += METADATA_LABELS
    _set(resources, fields, pairs if isinstance(pairs, Mapping) else {}, place)


def _set(resources: Iterable[Resource], fields: Iterable[FieldSpec], pairs: Mapping[str, Any], place: Place) -> None:
    if not pairs:
        return
    for resource in resources:
        for field in fields:
            if not field.selects(resource.api_version, resource.kind):
                continue
            try:
                for parent, key in places(resource.data, field.keys, field.create, dict):
                    _update(parent, key, pairs)
            except FieldError as error:
                raise KustomizeError(place, f"{resource.kind} {resource.name}: {error}") from error


def _update(parent: dict[str, Any], key: str, pairs: Mapping[str, Any]) -> None:
    if not isinstance(parent[key], dict):
        raise FieldError(f"{key} is not a map")
    parent[key] |= pairs


def _operations(repo: Repo, source: Kustomization, place: Place, entry: Any, built: Built) -> list[Any] | None:
    """Return the operations of a JSON patch; None for a strategic merge patch, which is noted."""
    if not isinstance(entry, Mapping):
        raise KustomizeError(place, "a patch is a map")
    text, path = entry.get("patch"), entry.get("path")
    if isinstance(path, str) and path and not text:
        target = join(source.folder, path)
        if target not in repo.files:
            raise KustomizeError(place, f"no file {path}")
        built.reached.add(target)
        text = repo.files[target]
    if not isinstance(text, str) or not text.strip():
        raise KustomizeError(place, "a patch needs `patch` or `path`")
    documents, faults = parse(text)
    if faults:
        raise KustomizeError(place, f"the patch is no YAML: {faults[0].message}")
    operations = documents[0].data if documents else None
    if isinstance(operations, list):
        return operations
    built.skip(source, place, "a strategic merge patch")
    return None


def _patch(place: Place, target: Any, operations: list[Any], resources: Resources) -> Iterator[str]:
    """Apply a JSON patch to what its target selects; yield the objects it renamed, references to them stay behind."""
    if not isinstance(target, Mapping):
        raise KustomizeError(place, "a JSON patch needs a target")
    for resource in list(_selected(resources, target, place)):
        resource.remember()
        before = (resource.kind, resource.name)
        # kustomize keeps its own notes in annotations while it builds: there, the map always exists.
        resource.metadata.setdefault("annotations", {})
        try:
            touched = jsonpatch.apply(resource.data, operations)
        except jsonpatch.PatchError as error:
            raise KustomizeError(place, f"patch of {before[0]} {before[1]}: {error}") from error
        if not resource.metadata.get("annotations"):
            resource.metadata.pop("annotations", None)
        resource.lines = jsonpatch.lines_after(resource.lines, touched)
        if (resource.kind, resource.name) != before and before[0] != "ConfigMap":
            yield f"{before[0]} {before[1]}"


def _selected(resources: Resources, target: Mapping[str, Any], place: Place) -> Iterator[Resource]:
    words = {key: value for key, value in target.items() if isinstance(value, str) and value}
    try:
        patterns = {
            key: re.compile(words[key]) for key in ("group", "version", "kind", "name", "namespace") if key in words
        }
    except re.error as error:
        raise KustomizeError(place, f"target is no regular expression: {error}") from error
    for resource in resources:
        group, _, version = resource.api_version.rpartition("/")
        first, now = resource.ids[0], resource.id
        values = {
            "group": (group,),
            "version": (version,),
            "kind": (resource.kind,),
            "name": (first.name, now.name),
            "namespace": (first.namespace, now.namespace),
        }
        if all(any(pattern.fullmatch(value) for value in values[key]) for key, pattern in patterns.items()) and all(
            _matches(resource.metadata.get(name), words.get(selector, ""), place)
            for name, selector in (("labels", "labelSelector"), ("annotations", "annotationSelector"))
        ):
            yield resource


def _matches(labels: Any, selector: str, place: Place) -> bool:
    """Tell whether labels match a selector such as ``a=b,c!=d,e in (f,g),!h``."""
    labels = labels if isinstance(labels, Mapping) else {}
    at = 0
    while at < len(selector):
        found = _TERM.match(selector, at)
        if not found or found.end() == at:
            raise KustomizeError(place, f"selector {selector} cannot be read")
        at = found.end()
        absent, absent_key, key, operator, value, membership, options = found.groups()
        if absent:
            holds = absent_key not in labels
        elif membership:
            inside = key in labels and labels[key] in [option.strip() for option in options.split(",")]
            holds = inside if membership == "in" else not inside
        elif operator == "!=":
            holds = labels.get(key) != value
        else:
            holds = key in labels and (operator is None or labels[key] == value)
        if not holds:
            return False
    return True
