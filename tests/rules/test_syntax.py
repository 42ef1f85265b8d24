"""Syntax: faults of YAML, and what yamllint adds to them."""

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from tests.helpers import URL, found, hits


def test_a_duplicate_key_is_shown_at_its_second_place() -> None:
    assert hits("YAML-01", {"a.yaml": "a: 1\nb: 2\na: 3\n"}) == ["a.yaml:3 duplicate key a (column 1)"]


def test_an_unclosed_bracket_is_shown() -> None:
    (text,) = hits("YAML-01", {"a.yaml": "a: [1, 2\nb: 3\n"})
    assert text.startswith("a.yaml:2 ")


def test_helm_templates_are_no_yaml() -> None:
    assert (
        hits("YAML-01", {"c/Chart.yaml": "name: c", "c/templates/a.yaml": "{{ if .Values.a }}\na: [\n{{ end }}"}) == []
    )


def test_what_yamllint_says_of_a_syntax_error_is_not_said_twice() -> None:
    said = (
        Hit(Place("a.yaml", 2), 'duplication of key "a" in mapping (key-duplicates) (column 1)'),
        Hit(Place("a.yaml", 2), "too many spaces after colon (colons) (column 4)"),
        Hit(Place("b.yaml", 2), 'duplication of key "a" in mapping (key-duplicates) (column 1)'),
    )
    repo = Repo.of(URL, {"a.yaml": "a: 1\na:   2\n", "b.yaml": "a: 1\n"}).with_(engine_hits={"yamllint": said})
    assert found("YAML-02", repo) == [f"{hit.place} {hit.text}" for hit in said[1:]]
