"""YAML as Kubernetes reads it, with lines and faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.model.yamltext import Fault, parse


def data(text: str) -> object:
    documents, faults = parse(text)
    assert faults == []
    return documents[0].data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("yes", True),
        ("'yes'", "yes"),
        ("1e3", 1000.0),
        ("0x10", 16),
        ("010", 8),
        ("0o10", 8),
        ("~", None),
        ("1_000", 1000),
        ("1.10", 1.1),
        ("'1.10'", "1.10"),
        ("!!str 12", "12"),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("1.2.3", "1.2.3"),
        ("9" * 5000, float("inf")),
        ("<<", "<<"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    assert data(f"a: {text}") == {"a": value}


def test_every_node_has_the_line_of_its_key() -> None:
    documents, _ = parse("a:\n  b:\n    - c: 1\n    - d\n---\ne: 1\n")
    assert documents[0].lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 0, "c"): 3,
        ("a", "b", 1): 4,
    }
    assert documents[1].line == 6


def test_merge_keys_give_way_to_own_keys() -> None:
    assert data("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n") == {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}


def test_an_anchor_named_twice_is_the_later_one_from_there_on() -> None:
    assert data("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_duplicate_keys_are_found_at_any_depth() -> None:
    _, faults = parse("a:\n  - b: 1\n    b: 2\n")
    assert faults == [Fault(3, 5, "duplicate key b")]


def test_documents_before_a_syntax_error_are_kept() -> None:
    documents, faults = parse("a: 1\n---\nb: [\n")
    assert [document.data for document in documents] == [{"a": 1}]
    assert [fault.line for fault in faults] == [4]


def test_an_alias_bomb_is_a_fault_and_ends_soon() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, faults = parse("\n".join(lines))
    assert any("too many nodes" in fault.message for fault in faults)


def test_deep_nesting_is_a_fault_not_a_crash() -> None:
    _, faults = parse("[" * 100_000)
    assert faults


@given(st.text())
def test_any_text_gives_documents_or_faults(text: str) -> None:
    parse(text)
