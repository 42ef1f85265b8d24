"""From good objects to broken ones, as YAML texts: always the same for one seed."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

from scaffold.model.yamltext import Path as Keys
from scaffold.model.yamltext import parse
from tests.cluster.harness.api import Object
from tests.cluster.oracle.changes import CHANGES, SAME
from tests.cluster.oracle.corpus import NAMESPACE, nodes

# What is done to the place of a value, not to the value.
DROPPED, TWICE, BORROWED = "dropped", "key twice", "field of another"
_TRIES = 40
_LEAST = 30
"""Mutants of the smallest kind."""


@dataclass(frozen=True)
class Mutant:
    """A broken object: its text, what was done where, and how a client would address it (``name`` empty: not)."""

    api_version: str
    kind: str
    change: str
    path: Keys
    text: str
    name: str
    namespace: str


def mutants(
    corpus: Mapping[tuple[str, str], Sequence[Object]],
    namespaced: Mapping[tuple[str, str], bool],
    seed: int,
    count: int,
) -> Iterator[Mutant]:
    """Yield about ``count`` mutants, of each kind the more the more fields it has."""
    weights = {
        kind: len({_plain(path) for item in items for path, _ in nodes(item)}) ** 0.7 for kind, items in corpus.items()
    }
    share = max(0, count - _LEAST * len(corpus)) / sum(weights.values())
    for kind, items in corpus.items():
        placed = [_placed(item) if namespaced[kind] else item for item in items]
        yield from _of_kind(kind, placed, Random(f"{seed} {kind}"), _LEAST + round(share * weights[kind]))  # noqa: S311


def good(
    corpus: Mapping[tuple[str, str], Sequence[Object]], namespaced: Mapping[tuple[str, str], bool]
) -> Iterator[Mutant]:
    """Yield the objects as they are."""
    for kind, items in corpus.items():
        for item in items:
            if mutant := _mutant(kind, "none", (), written(_placed(item) if namespaced[kind] else item)):
                yield mutant


def written(data: object) -> str:
    """Return data as YAML, one value a line."""
    return str(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6, allow_unicode=True))


def _of_kind(kind: tuple[str, str], items: Sequence[Object], chance: Random, count: int) -> Iterator[Mutant]:
    places: dict[Keys, list[tuple[Object, Keys]]] = {}
    for item in items:
        for path, _ in nodes(item):
            places.setdefault(_plain(path), []).append((item, path))
    seen = set(map(written, items))
    order: list[Keys] = []
    for _ in range(count):
        for _ in range(_TRIES):
            if not order:
                order = sorted(places, key=str)
                chance.shuffle(order)
            plain = order.pop()
            item, path = chance.choice(places[plain])
            change = chance.choice((*CHANGES, DROPPED, DROPPED, TWICE, BORROWED))
            text = _changed(item, path, change, chance, places[plain])
            if not text or text in seen or _another_request(kind, path, change):
                continue
            seen.add(text)
            if mutant := _mutant(kind, change, path, text):
                yield mutant
                break


def _another_request(kind: tuple[str, str], path: Keys, change: str) -> bool:
    """Tell whether a change makes another request of it, or no Kubernetes object at all.

    A namespace that is another one is no fault; a text without apiVersion and kind is not for a cluster; the
    apiVersion of a custom resource may be served where its definition is.
    """
    if path == ("metadata", "namespace"):
        return change not in {"retyped", "null", TWICE}
    if path in {("apiVersion",), ("kind",)}:
        return "." in kind[0].removesuffix(".k8s.io/v1") or change not in {"another name", "capitals turned", TWICE}
    return not path and change not in {"unknown field", "renamed field", "misspelt field"}


def _changed(item: Object, path: Keys, change: str, chance: Random, like: Sequence[tuple[Object, Keys]]) -> str:
    """Return the changed object as a text; empty where the change does not apply. ``like`` are places of its kind."""
    if change == TWICE:
        return _twice(item, path)
    value = _at(item, path)
    if change == BORROWED:
        new = _with_a_field_of(value, [_at(*place) for place in like], chance)
    elif change == DROPPED:
        new = DROPPED if path else SAME
    else:
        new = CHANGES[change](value, chance)
    if new is SAME or (new == value and type(new) is type(value)):
        return ""
    return written(_put(item, path, new))


def _with_a_field_of(value: Any, others: Sequence[Any], chance: Random) -> Any:
    """Return a map with one more field, from another map at the same place: fields that exclude each other meet."""
    lent = [
        (key, one[key])
        for one in others
        if isinstance(one, dict) and isinstance(value, dict)
        for key in one.keys() - value
    ]
    if not lent:
        return SAME
    key, item = chance.choice(sorted(lent, key=str))
    return {**value, key: copy.deepcopy(item)}


def _twice(item: Object, path: Keys) -> str:
    """Return the object with one key written twice."""
    if not path or not isinstance(path[-1], str):
        return ""
    root: Any = yaml.compose(written(item), yaml.CSafeLoader)
    node = root
    for key in path[:-1]:
        node = node.value[key] if isinstance(key, int) else next(v for k, v in node.value if k.value == key)
    pair = next(pair for pair in node.value if pair[0].value == path[-1])
    node.value.append(copy.deepcopy(pair))
    return str(yaml.serialize(root, Dumper=yaml.CSafeDumper, width=10**6, allow_unicode=True))


def _mutant(kind: tuple[str, str], change: str, path: Keys, text: str) -> Mutant | None:
    """Return a mutant; None for a text that is no Kubernetes object any more, so nobody would send it."""
    (document, *_), _ = parse(text)
    if not {"apiVersion", "kind"} <= document.data.keys():
        return None
    meta = document.data.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    return Mutant(*kind, change, path, text, name if isinstance(name, str) else "", NAMESPACE)


def _placed(item: Object) -> Object:
    return item | {"metadata": item["metadata"] | {"namespace": NAMESPACE}}


def _plain(path: Keys) -> Keys:
    return tuple("*" if isinstance(key, int) else key for key in path)


def _at(item: Any, path: Keys) -> Any:
    for key in path:
        item = item[key]
    return item


def _put(item: Object, path: Keys, value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(item)
    parent = _at(changed, path[:-1])
    if value is DROPPED:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed
