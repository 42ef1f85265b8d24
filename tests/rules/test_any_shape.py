"""No rule fails on an object of any shape: what is wrong with it is the schema's to say."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.engines import disk
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo
from scaffold.rules import RULES
from tests.helpers import CLUSTER, URL

CASES = Path(__file__).parent / "cases"
ODD: list[Any] = [
    None,
    True,
    0,
    1.5,
    "",
    "x",
    "*",
    "${x}",
    [],
    {},
    [None],
    ["x"],
    [[]],
    [{}],
    {"x": None},
    {"x": {"y": []}},
]


def manifests() -> list[Manifest]:
    found: dict[str, Manifest] = {}
    for folder in sorted(CASES.glob("*/*")):
        files, _ = disk.read_tree(folder)
        for manifest in Repo.of(URL, files).raw:
            origin = replace(manifest.origin, owner="Application argocd/shop")
            found.setdefault(repr(manifest.data), replace(manifest, origin=origin, cluster=CLUSTER))
    return list(found.values())


def places(value: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield keys
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*keys, key))


ALL = manifests()
PLACES = [(index, keys) for index, manifest in enumerate(ALL) for keys in places(manifest.data) if len(keys) > 1]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(ODD)), min_size=1, max_size=8))
def test_no_rule_fails(changes: list[tuple[tuple[int, tuple[str | int, ...]], Any]]) -> None:
    changed = list(ALL)
    for (index, keys), odd in changes:
        data = copy.deepcopy(changed[index].data)
        parent = replace(changed[index], data=data).get(*keys[:-1])
        last: Any = keys[-1]
        if isinstance(parent, dict) or (isinstance(parent, list) and isinstance(last, int) and last < len(parent)):
            parent[last] = odd
        changed[index] = replace(changed[index], data=data)
    repo = Repo.of(URL, {}).with_(manifests=tuple(changed))
    for rule in RULES:
        rule.findings(repo)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_rule_fails_on_an_object_that_is_hardly_one(odd: Any) -> None:
    kinds = {(manifest.api_version, manifest.kind) for manifest in ALL}
    hardly = [
        Manifest({"apiVersion": api_version, "kind": kind, "metadata": odd, "spec": odd, "data": odd}, Origin("a.yaml"))
        for api_version, kind in sorted(kinds)
    ]
    repo = Repo.of(URL, {}).with_(manifests=tuple(hardly))
    for rule in RULES:
        rule.findings(repo)
