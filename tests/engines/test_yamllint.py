"""yamllint as a program of its own, shared out over the cores."""

from pathlib import Path

import pytest

from scaffold.engines import yamllint
from scaffold.engines.yamllint import Lint
from scaffold.model.errors import ToolFailed
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place


def test_problems_of_many_files_come_from_all_processes(tmp_path: Path) -> None:
    paths = [f"f{number}.yaml" for number in range(1000)]
    for path in paths:
        (tmp_path / path).write_text("---\na:  1\n", encoding="utf-8")
    found = Lint(tmp_path, dict.fromkeys(paths, "---\na:  1\n")).problems()
    assert sorted(hit.place for hit in found) == sorted(Place(path, 2) for path in paths)
    assert {hit.text for hit in found} == {"too many spaces after colon (colons) (column 4)"}


def test_the_repositorys_own_configuration_is_honoured(tmp_path: Path) -> None:
    (tmp_path / ".yamllint").write_text("extends: default\nrules: {colons: disable}\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text("---\na:  1\nb: 1 \n", encoding="utf-8")
    found = Lint(tmp_path, {"a.yaml": "---\na:  1\nb: 1 \n"}).problems()
    assert found == (Hit(Place("a.yaml", 3), "trailing spaces (trailing-spaces) (column 5)"),)


def test_a_wrong_configuration_is_said(tmp_path: Path) -> None:
    (tmp_path / ".yamllint").write_text("rules: {nonsense: enable}\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text("---\na: 1\n", encoding="utf-8")
    with pytest.raises(ToolFailed, match="nonsense"):
        Lint(tmp_path, {"a.yaml": "---\na: 1\n"}).problems()


def test_nothing_to_look_at_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Lint(tmp_path, {}).problems() == ()


def test_what_was_said_of_a_file_is_kept_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problems() -> list[str]:
        texts = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.yaml")}
        return sorted(f"{hit.place}" for hit in Lint(tmp_path, texts).problems())

    asked: list[list[str]] = []
    real = yamllint._lint
    monkeypatch.setattr(
        yamllint, "_lint", lambda root, paths, seconds: asked.append(paths) or real(root, paths, seconds)
    )
    (tmp_path / "a.yaml").write_text("---\na:  1\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("---\nb: 1\n", encoding="utf-8")
    assert problems() == problems() == ["a.yaml:2"]
    assert [sorted(paths) for paths in asked] == [["a.yaml", "b.yaml"]]
    (tmp_path / "b.yaml").write_text("---\nb:  1\n", encoding="utf-8")
    assert problems() == ["a.yaml:2", "b.yaml:2"]
    assert asked[1:] == [["b.yaml"]]
    (tmp_path / ".yamllint").write_text("rules: {colons: disable}\n", encoding="utf-8")
    assert problems() == []
    assert len(asked) == 3


def test_a_broken_cache_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.yaml").write_text("---\na:  1\n", encoding="utf-8")
    texts = {"a.yaml": "---\na:  1\n"}
    first = Lint(tmp_path, texts).problems()
    [kept] = (tmp_path / "cache" / "scaffold").iterdir()
    for broken in ("{", "[1]", '{"x": 1}'):
        kept.write_text(broken, encoding="utf-8")
        assert Lint(tmp_path, texts).problems() == first
