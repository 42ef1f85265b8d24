"""Git, for real: the first commit anywhere, and what a controller could get to see."""

import subprocess
from pathlib import Path

import pytest

from scaffold.engines import git


def test_what_git_ignores_is_not_committable(tmp_path: Path) -> None:
    for path in ("kept.yaml", "new file.yaml", "out/built.yaml", ".gitignore"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("out/\n" if path == ".gitignore" else "a: 1\n", encoding="utf-8")
    assert git.committable(tmp_path) is None
    git.first_commit(tmp_path, "main", "all")
    (tmp_path / "later.yaml").write_text("a: 1\n", encoding="utf-8")
    assert sorted(git.committable(tmp_path) or []) == [".gitignore", "kept.yaml", "later.yaml", "new file.yaml"]


def test_the_first_commit_needs_no_identity_and_runs_no_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (hooks / "pre-commit").chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\nhooksPath = {hooks}\n[commit]\ngpgSign = true\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    root = tmp_path / "repo"
    root.mkdir()
    (root / "a").write_text("x", encoding="utf-8")
    git.first_commit(root, "trunk", "Start")
    printed = subprocess.run(["git", "log", "--format=%D %s"], cwd=root, capture_output=True, text=True, check=True)
    assert printed.stdout == "HEAD -> trunk Start\n"


def test_a_folder_inside_another_repository_lists_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "a.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("b: 1\n", encoding="utf-8")
    git.first_commit(tmp_path, "main", "all")
    assert git.committable(tmp_path / "apps") == ["a.yaml"]
