"""What differs between two sets of objects, field by field: formatting and order tell nothing apart, values do."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from scaffold.model.manifest import Manifest

ABSENT = object()
"""Stands for a value that is not there."""

MASKED = "(secret)"
CHANGED_MASK = "(secret, another one)"
# By what the items of a list are known: the first of these that all of them have, each with a value of its own.
_NAMES = (
    ("name",), ("key",), ("containerPort", "protocol"), ("containerPort",), ("port", "protocol"), ("port",),
    ("mountPath",), ("alert",), ("record",), ("host",), ("path",), ("id",), ("type",), ("ip",), ("uid",),
)  # fmt: skip


class What(StrEnum):
    """What became of an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field (``spec.containers[web].image``) before and after; ABSENT where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """An object: its API group without the version, kind, namespace and name."""

    kind: str
    namespace: str
    name: str
    group: str = ""

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What became of an object, in which environments, and in which file it is written (before, if it was removed)."""

    what: What
    identity: Identity
    environments: tuple[str, ...]
    origin: str
    fields: tuple[FieldChange, ...] = ()


def object_changes(
    before: Mapping[str, Iterable[Manifest]], after: Mapping[str, Iterable[Manifest]]
) -> list[ObjectChange]:
    """Compare the objects of each environment; equal changes of several environments are one."""
    merged: dict[tuple[object, ...], list[str]] = {}
    first: dict[tuple[object, ...], ObjectChange] = {}
    for environment in dict.fromkeys((*before, *after)):
        for change in _in_one(before.get(environment, ()), after.get(environment, ()), environment):
            key = (change.identity, change.what, repr(change.fields), change.origin)
            merged.setdefault(key, []).append(environment)
            first.setdefault(key, change)
    found = [
        ObjectChange(change.what, change.identity, tuple(merged[key]), change.origin, change.fields)
        for key, change in first.items()
    ]
    return sorted(found, key=lambda change: (change.environments, change.identity, change.what))


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Yield the differences of two values; the order of map keys and of named list items is none."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            below = f"{path}.{_plain(key)}" if path else _plain(key)
            yield from field_changes(before.get(key, ABSENT), after.get(key, ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _items(before, after, path)
    elif before is ABSENT or after is ABSENT or _canonical(before) != _canonical(after):
        yield FieldChange(path, before, after)


def _in_one(before: Iterable[Manifest], after: Iterable[Manifest], environment: str) -> Iterator[ObjectChange]:
    old, new = _by_identity(before), _by_identity(after)
    for identity in dict.fromkeys((*old, *new)):
        was, now = old.get(identity), new.get(identity)
        if was is None or now is None:
            there = now or was
            what = What.ADDED if was is None else What.REMOVED
            yield ObjectChange(what, identity, (environment,), _source(there) if there else "")
        elif fields := tuple(field_changes(_comparable(was), _comparable(now))):
            shown = tuple(_masked(one) for one in fields) if identity.kind == "Secret" else fields
            yield ObjectChange(What.CHANGED, identity, (environment,), _source(now), shown)


def _source(manifest: Manifest) -> str:
    """Return the file to edit; a line only where it is of that file, not of what a chart made of it."""
    origin = manifest.origin
    return origin.path if origin.chart else f"{origin.path}:{origin.line}"


def _by_identity(manifests: Iterable[Manifest]) -> dict[Identity, Manifest]:
    # Of two with one identity the first counts, which GITOPS-05 complains of.
    found: dict[Identity, Manifest] = {}
    for manifest in manifests:
        identity = Identity(manifest.kind, manifest.namespace, manifest.name, manifest.group)
        found.setdefault(identity, manifest)
    return found


def _comparable(manifest: Manifest) -> Mapping[str, Any]:
    metadata = {key: value for key, value in manifest.mapping("metadata").items() if key not in {"name", "namespace"}}
    return {**manifest.data, "metadata": metadata}


def _masked(change: FieldChange) -> FieldChange:
    if not change.path.startswith(("data", "stringData")):
        return change
    before = ABSENT if change.before is ABSENT else MASKED
    after = ABSENT if change.after is ABSENT else MASKED if before is ABSENT else CHANGED_MASK
    return FieldChange(change.path, before, after)


def _items(before: list[Any], after: list[Any], path: str) -> Iterator[FieldChange]:
    names = next((names for names in _NAMES if _unique(before, names) and _unique(after, names)), None)
    if names and (before or after):
        old, new = ({_name(item, names): item for item in items} for items in (before, after))
        for name in dict.fromkeys((*old, *new)):
            yield from field_changes(old.get(name, ABSENT), new.get(name, ABSENT), f"{path}[{name}]")
        return
    texts = [[_canonical(item) for item in items] for items in (before, after)]
    for tag, i, j, k, m in SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        # What was replaced is compared pair by pair, the rest came or went.
        pairs = min(j - i, m - k)
        for offset in range(pairs):
            yield from field_changes(before[i + offset], after[k + offset], f"{path}[{k + offset}]")
        for index in range(i + pairs, j):
            yield FieldChange(f"{path}[{index}]", before[index], ABSENT)
        for index in range(k + pairs, m):
            yield FieldChange(f"{path}[{index}]", ABSENT, after[index])


def _unique(items: list[Any], names: tuple[str, ...]) -> bool:
    if not all(isinstance(item, Mapping) and all(isinstance(item.get(n), str | int) for n in names) for item in items):
        return False
    return len({_name(item, names) for item in items}) == len(items)


def _name(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return "/".join(str(item[name]) for name in names)


def _plain(key: Any) -> str:
    text = str(key)
    return f'"{text}"' if "." in text or "/" in text else text


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
