"""Globs, values and JSON patches: the small languages, each as its tool reads it."""

import copy
from typing import Any

import pytest

from scaffold.expand import globs, jsonpatch, values


@pytest.mark.parametrize(
    ("pattern", "path", "pathspec", "path_match", "loose"),
    [
        ("a/*", "a/b", True, True, True),
        ("a/*", "a/b/c", True, False, True),
        ("a", "a/b/c", True, False, False),
        ("a/**/c", "a/b/c", True, True, True),
        ("*.yaml", "x/y.yaml", True, False, True),
        ("a?c", "a/c", True, False, True),
        ("a[bc]", "ab", True, True, True),
        ("a[!bc]", "ab", False, False, False),
        ("a[^b]", "ac", True, True, True),
        ("{a,b}", "a", False, False, True),
        ("a\\*", "a*", True, True, True),
        ("a[", "a[", True, True, True),
        ("a[z-b]", "ac", False, False, False),
        ("", "a", False, False, False),
    ],
)
def test_globs(pattern: str, path: str, pathspec: bool, path_match: bool, loose: bool) -> None:
    assert (globs.pathspec(pattern)(path), globs.path_match(pattern)(path), globs.loose(pattern)(path)) == (
        pathspec, path_match, loose
    )  # fmt: skip


def test_a_doublestar_crosses_folders_and_comes_in_order() -> None:
    paths = ["v/b.yaml", "v/a.yaml", "v/x/c.yaml", "w.yaml"]
    assert globs.doublestar("v/**/*.yaml", paths) == ["v/a.yaml", "v/b.yaml", "v/x/c.yaml"]
    assert globs.doublestar("v/{a,x/c}.yaml", paths) == ["v/a.yaml", "v/x/c.yaml"]


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("a.b", "x", {"a": {"z": 0, "b": "x"}}), ("a", "x", {"a": "x"}), (r"a\.b", "x", {"a": {"z": 0}, "a.b": "x"}),
        ("b", "TRUE", {"a": {"z": 0}, "b": True}), ("b", "null", {"a": {"z": 0}, "b": None}),
        ("b", "0", {"a": {"z": 0}, "b": 0}), ("b", "012", {"a": {"z": 0}, "b": "012"}),
        ("b", "-3", {"a": {"z": 0}, "b": -3}), ("b", "1.5", {"a": {"z": 0}, "b": "1.5"}),
        ("b", "{x,2}", {"a": {"z": 0}, "b": ["x", 2]}), ("b", "{}", {"a": {"z": 0}, "b": []}),
        ("a[0]", "x", None), ("", "x", None),
    ],
)  # fmt: skip
def test_set(name: str, text: str, result: Any) -> None:
    assert values.set_path({"a": {"z": 0}}, name, text) == result


def test_merging_keeps_nulls_and_replaces_lists() -> None:
    assert values.merge({"a": {"b": [1, 2], "c": 1}, "d": {}}, {"a": {"b": [3], "c": None}, "d": 1}) == {
        "a": {"b": [3], "c": None}, "d": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "printed"),
    [(1, "1"), (100000, "100000"), (1000000, "1e+06"), (1234567, "1.234567e+06"), (1.5, "1.5"), (0.00001, "1e-05"),
     (-0.5, "-0.5"), (True, "true"), (None, "<nil>"), ("x", "x")],
)  # fmt: skip
def test_values_are_printed_as_go_prints_them(value: Any, printed: str) -> None:
    assert values.go_print(value) == printed


DATA = {"a": [1, 2, 3], "b": {"c/d": "x", "~": "y"}}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/a/-", "value": 4}, {"a": [1, 2, 3, 4], "b": DATA["b"]}),
        ({"op": "add", "path": "/a/1", "value": 9}, {"a": [1, 9, 2, 3], "b": DATA["b"]}),
        ({"op": "remove", "path": "/a/-1"}, {"a": [1, 2], "b": DATA["b"]}),
        ({"op": "remove", "path": "/b/c~1d"}, {"a": DATA["a"], "b": {"~": "y"}}),
        ({"op": "replace", "path": "/b/~0", "value": 0}, {"a": DATA["a"], "b": {"c/d": "x", "~": 0}}),
        ({"op": "replace", "path": "/new", "value": 0}, {**DATA, "new": 0}),
        ({"op": "move", "from": "/a/0", "path": "/b/one"}, {"a": [2, 3], "b": {"c/d": "x", "~": "y", "one": 1}}),
        ({"op": "copy", "from": "/a/0", "path": "/one"}, {**DATA, "one": 1}),
        ({"op": "test", "path": "/a/0", "value": 1}, DATA),
    ],
)
def test_patches(operation: dict[str, Any], result: dict[str, Any]) -> None:
    data = copy.deepcopy(DATA)
    jsonpatch.apply(data, [operation])
    assert data == result


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "remove", "path": "/x"}, "remove /x: no such path"),
        ({"op": "add", "path": "/x/y", "value": 1}, "add /x/y: no such path"),
        ({"op": "add", "path": "/a/9", "value": 1}, "add /a/9: no index 9"),
        ({"op": "replace", "path": "/a/3", "value": 1}, "replace /a/3: no index 3"),
        ({"op": "test", "path": "/a/0", "value": 2}, "test of /a/0 failed"),
        ({"op": "turn", "path": "/a"}, "unknown operation turn"),
        ({"op": "add", "path": "", "value": 1}, "add /: no such path"),
        ("text", "an operation needs `op` and `path`"),
    ],
)
def test_patches_that_do_not_apply(operation: Any, why: str) -> None:
    with pytest.raises(jsonpatch.PatchError, match=f"^{why}$"):
        jsonpatch.apply(copy.deepcopy(DATA), [operation])
