"""References to names that kustomize changed, put right after the build."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from scaffold.expand.fieldspecs import FieldError, FieldSpec, NameReference, places, selects
from scaffold.expand.kustomization import KustomizeError
from scaffold.expand.objects import as_list
from scaffold.expand.resources import Id, Resource, Resources
from scaffold.model.manifest import Place


def fix_references(resources: Resources, references: Iterable[NameReference]) -> None:
    """Write the present names of ConfigMaps (and what else is referred to) into the fields that hold earlier ones."""
    named: dict[str, list[Resource]] = defaultdict(list)
    by_kind: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        by_kind[resource.kind].append(resource)
        for name in {id_.name for id_ in resource.previous}:
            named[name].append(resource)
    if not named:
        return
    for reference in references:
        for field in reference.referrers:
            for referrer in by_kind[field.kind] if field.kind else list(resources):
                if field.selects(referrer.api_version, referrer.kind):
                    _fix(referrer, field, reference, named)


def _fix(referrer: Resource, field: FieldSpec, reference: NameReference, named: dict[str, list[Resource]]) -> None:
    try:
        for parent, key in places(referrer.data, field.keys, create=False, empty=dict):
            value = parent[key]
            if isinstance(value, str):
                parent[key] = _new_name(referrer, reference, named, value)
            elif isinstance(value, list):
                parent[key] = [
                    _new_name(referrer, reference, named, item) if isinstance(item, str) else item for item in value
                ]
                for item in value:
                    _fix_map(referrer, reference, named, item)
            else:
                _fix_map(referrer, reference, named, value)
    except FieldError as error:
        raise KustomizeError(
            Place(referrer.path, referrer.line), f"name reference in {referrer.kind} {referrer.name}: {error}"
        ) from error


def _new_name(referrer: Resource, reference: NameReference, named: dict[str, list[Resource]], name: str) -> str:
    found = _choose(referrer, [r for r in named.get(name, ()) if _may_refer(referrer, r, reference, name)])
    return found.name if found else name


def _fix_map(referrer: Resource, reference: NameReference, named: dict[str, list[Resource]], value: Any) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return
    candidates = [r for r in named.get(value["name"], ()) if _may_refer(referrer, r, reference, value["name"])]
    if isinstance(namespace := value.get("namespace"), str):
        first = [r for r in candidates if r.ids[0].namespace == namespace]
        candidates = first or [r for r in candidates if r.id.namespace == namespace]
    if found := _choose(referrer, candidates):
        value["name"] = found.name
        if found.namespace:
            value["namespace"] = found.namespace


def _may_refer(referrer: Resource, target: Resource, reference: NameReference, name: str) -> bool:
    if not any(id_.name == name for id_ in target.previous):
        return False
    if not any(_is(id_, reference) for id_ in target.previous):
        return False
    return (
        referrer.clustered
        or target.clustered
        or referrer.id.namespace == target.id.namespace
        or (target.kind == "ServiceAccount" and target.namespace in set(_subject_namespaces(referrer)))
    )


def _is(id_: Id, reference: NameReference) -> bool:
    return selects(reference.group, reference.version, reference.kind, id_.api_version, id_.kind)


def _subject_namespaces(referrer: Resource) -> Iterator[str]:
    for subject in as_list(referrer.data.get("subjects")) if referrer.kind == "RoleBinding" else ():
        if isinstance(subject, dict) and subject.get("kind") == "ServiceAccount":
            yield str(subject.get("namespace"))


def _choose(referrer: Resource, candidates: list[Resource]) -> Resource | None:
    if len({(candidate.name, candidate.namespace) for candidate in candidates}) > 1:
        raise KustomizeError(
            Place(referrer.path, referrer.line),
            f"{referrer.kind} {referrer.name} may refer to several: "
            + ", ".join(f"{candidate.kind} {candidate.name}" for candidate in candidates),
        )
    return candidates[0] if candidates else None
