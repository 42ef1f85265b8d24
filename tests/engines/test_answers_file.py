"""Answers as people write them, right and wrong."""

from pathlib import Path

import pytest

from scaffold.engines.answers_file import read_answers, read_pairs
from scaffold.model.errors import BadInput


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_copiers_own_keys_are_passed_over(tmp_path: Path) -> None:
    assert read_answers(written(tmp_path, "_commit: v1\nname: web\nport: 80\n")) == {"name": "web", "port": 80}


def test_letters_that_old_yaml_took_for_booleans_stay_letters(tmp_path: Path) -> None:
    assert read_answers(written(tmp_path, "service: n\nowner_team: y\n")) == {"service": "n", "owner_team": "y"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: web\n<<<<<<< HEAD\nport: 1\n", r":2: holds a merge conflict marker \(<<<<<<<\), resolve"),
        ("name: [web\n", r":2: no YAML, did not find expected"),
        ("name: a\nname: b\n", r":2: no YAML, duplicate key name"),
        ("- a\n", r":1: answers are a map of question to answer"),
        ("a: 1\n---\nb: 1\n", r":3: a second YAML document, answers are one map"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_answers(written(tmp_path, text))


def test_an_absent_or_binary_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="gone.yml cannot be read: No such file"):
        read_answers(tmp_path / "gone.yml")
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="b.yml: no UTF-8 text"):
        read_answers(tmp_path / "b.yml")


def test_pairs_are_split_at_the_first_equals_sign_and_the_last_one_wins() -> None:
    assert read_pairs(["a=b=c", "a=d", "e="]) == {"a": "d", "e": ""}
    with pytest.raises(BadInput, match="-d port: write it as key=value"):
        read_pairs(["port"])
