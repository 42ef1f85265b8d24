"""Two lists of objects, compared object by object and field by field."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from tests.cluster.harness.api import Object


def differences(theirs: Iterable[Object], ours: Iterable[Object]) -> list[str]:
    """Return a line for each object that only one side has, and for each field that differs."""
    left, right = _by_name(theirs), _by_name(ours)
    found = []
    for name in sorted({*left, *right}):
        if len(left[name]) == len(right[name]) == 1:
            found += [f"{name}: {line}" for line in _fields("", left[name][0], right[name][0])]
        elif left[name] != right[name]:
            both = f"{len(left[name])} theirs, {len(right[name])} ours"
            found.append(f"{name}: {'only theirs' if not right[name] else 'only ours' if not left[name] else both}")
    return found


def _by_name(items: Iterable[Object]) -> defaultdict[str, list[Object]]:
    found: defaultdict[str, list[Object]] = defaultdict(list)
    for item in items:
        meta = item["metadata"]
        found[f"{item['apiVersion']} {item['kind']} {meta.get('namespace', '')}/{meta['name']}"].append(item)
    return found


def _fields(path: str, theirs: Any, ours: Any) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}, key=str):
            if key in theirs and key in ours:
                yield from _fields(f"{path}.{key}", theirs[key], ours[key])
            else:
                yield f"{path}.{key} is {'theirs' if key in theirs else 'ours'} only: {theirs.get(key, ours.get(key))}"
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (left, right) in enumerate(zip(theirs, ours, strict=True)):
            yield from _fields(f"{path}[{index}]", left, right)
    elif type(theirs) is not type(ours) or theirs != ours:
        yield f"{path}: {theirs!r} theirs, {ours!r} ours"
