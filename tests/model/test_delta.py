"""Objects are compared field by field: what only looks different is no difference."""

from typing import Any

import pytest

from scaffold.model.delta import ABSENT, What, field_changes, object_changes
from scaffold.model.manifest import Manifest, Origin

DNS = {"port": 53, "protocol": "UDP"}


def changes(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    return [(one.path, one.before, one.after) for one in field_changes(before, after)]


def manifest(kind: str, name: str, path: str = "a.yaml", **fields: Any) -> Manifest:
    data = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **fields}
    return Manifest(data, Origin(path, 3), namespace="shop")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"env": [{"name": "A", "value": "1"}, {"name": "B"}]}, {"env": [{"name": "B"}, {"value": "1", "name": "A"}]}),
        ([], []),
    ],
)
def test_order_of_keys_and_of_named_items_is_no_difference(before: Any, after: Any) -> None:
    assert changes(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
        ({"a": {}}, {}, [("a", {}, ABSENT)]),
        ({"a": None}, {}, [("a", None, ABSENT)]),
        ({"x": [{"name": "a", "v": 1}]}, {"x": [{"name": "a", "v": 2}]}, [("x[a].v", 1, 2)]),
        (
            {"x": [{"name": "a"}]},
            {"x": [{"name": "b"}]},
            [("x[a]", {"name": "a"}, ABSENT), ("x[b]", ABSENT, {"name": "b"})],
        ),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, [("args[0]", ABSENT, "b"), ("args[1]", "b", ABSENT)]),
        ({"args": ["a", "b"]}, {"args": ["a", "c", "b"]}, [("args[1]", ABSENT, "c")]),
        ({"rules": [{"to": [1]}]}, {"rules": [{"to": [2]}]}, [("rules[0].to[0]", 1, 2)]),
        ({"ports": [DNS, {**DNS, "protocol": "TCP"}]}, {"ports": [DNS]},
         [("ports[53/TCP]", {**DNS, "protocol": "TCP"}, ABSENT)]),
        ({"app.kubernetes.io/name": "a"}, {"app.kubernetes.io/name": "b"}, [('"app.kubernetes.io/name"', "a", "b")]),
    ],
)  # fmt: skip
def test_a_difference_has_its_path_and_both_values(before: Any, after: Any, found: list[Any]) -> None:
    assert changes(before, after) == found


def test_objects_come_go_and_change_and_equal_changes_are_one() -> None:
    before = {
        "dev": [manifest("Service", "web", a=1), manifest("Service", "old")],
        "prod": [manifest("Service", "web", a=1)],
    }
    after = {
        "dev": [manifest("Service", "web", a=2), manifest("Service", "new")],
        "prod": [manifest("Service", "web", a=2)],
    }
    found = object_changes(before, after)
    assert [(one.what, str(one.identity), one.environments) for one in found] == [
        (What.ADDED, "Service shop/new", ("dev",)),
        (What.REMOVED, "Service shop/old", ("dev",)),
        (What.CHANGED, "Service shop/web", ("dev", "prod")),
    ]
    assert found[2].origin == "a.yaml:3"


def test_another_version_of_a_kind_is_a_change_not_another_object() -> None:
    old, new = manifest("Policy", "a"), manifest("Policy", "a")
    old = Manifest({**old.data, "apiVersion": "x.io/v1beta1"}, old.origin, namespace="shop")
    new = Manifest({**new.data, "apiVersion": "x.io/v1"}, new.origin, namespace="shop")
    [change] = object_changes({"": [old]}, {"": [new]})
    assert [(one.path, one.after) for one in change.fields] == [("apiVersion", "x.io/v1")]


def test_secrets_are_never_shown() -> None:
    before = {"": [manifest("Secret", "a", stringData={"password": "old", "gone": "x"}, type="Opaque")]}
    after = {"": [manifest("Secret", "a", stringData={"password": "new", "more": "y"}, type="Other")]}
    [change] = object_changes(before, after)
    shown = {one.path: (one.before, one.after) for one in change.fields}
    assert shown["type"] == ("Opaque", "Other")
    assert set(shown) == {"type", "stringData.password", "stringData.gone", "stringData.more"}
    assert not {"old", "new", "x", "y"} & {value for pair in shown.values() for value in pair if value is not ABSENT}
    assert shown["stringData.password"][0] != shown["stringData.password"][1]
