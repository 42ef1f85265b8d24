"""The embedded template: a bundle with its versions, served under the canonical URL, without a network."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.engines import git
from scaffold.engines.template_source import CANONICAL_URL, PARTS, open_source, write_bundle
from scaffold.model.errors import BadInput
from tests.conftest import ROOT


def checkout(folder: Path) -> Path:
    """Copy the template parts of this project into a git repository of their own."""
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)
    git.first_commit(folder, "main", "template")
    return folder


def heads(bundle: Path) -> list[str]:
    printed = subprocess.run(["git", "bundle", "list-heads", bundle], capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[1] for line in printed.splitlines())


def test_a_working_tree_becomes_one_version_with_the_same_commit_each_time(tmp_path: Path) -> None:
    root = checkout(tmp_path / "a")
    write_bundle(root, tmp_path / "one", "9.9.9")
    write_bundle(root, tmp_path / "two", "9.9.9")
    assert heads(tmp_path / "one") == ["refs/tags/v9.9.9"]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_released_versions_keep_their_commits(tmp_path: Path) -> None:
    root = checkout(tmp_path / "a")
    git.git("tag", "v0.0.1", cwd=root)
    released = git.git("rev-parse", "v0.0.1", cwd=root).strip()
    (root / "template" / "extra").write_text("x", encoding="utf-8")
    write_bundle(root, tmp_path / "bundle", "0.0.2")
    assert heads(tmp_path / "bundle") == ["refs/tags/v0.0.1", "refs/tags/v0.0.2"]
    git.git("clone", "--quiet", str(tmp_path / "bundle"), str(tmp_path / "b"), "--branch", "v0.0.1")
    assert git.git("rev-parse", "HEAD", cwd=tmp_path / "b").strip() == released


def test_an_equal_tag_is_the_version_and_an_edited_tree_is_not(tmp_path: Path) -> None:
    root = checkout(tmp_path / "a")
    git.git("tag", "v1.0.0", cwd=root)
    released = git.git("rev-parse", "v1.0.0", cwd=root).strip()
    write_bundle(root, tmp_path / "equal", "1.0.0")
    (root / "copier.yml").write_text("_subdirectory: template\n", encoding="utf-8")
    write_bundle(root, tmp_path / "edited", "1.0.0")
    commits = [
        git.git("ls-remote", str(tmp_path / name), "refs/tags/v1.0.0").split()[0] for name in ("equal", "edited")
    ]
    assert commits[0] == released
    assert commits[1] != released


def test_git_finds_the_template_under_its_canonical_url_while_it_is_open() -> None:
    with open_source("", None) as source:
        assert source.url == CANONICAL_URL
        tags = git.git("ls-remote", "--tags", CANONICAL_URL)
    assert f"refs/tags/{source.ref}" in tags


def test_what_the_environment_configures_of_git_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "somebody")
    with open_source("", None):
        assert git.git("config", "user.name").strip() == "somebody"
        assert git.git("ls-remote", "--tags", CANONICAL_URL)
    assert git.git("config", "user.name").strip() == "somebody"


def test_a_folder_that_is_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no copier.yml there"), open_source(str(tmp_path), None):
        pass
    with pytest.raises(BadInput, match="neither a folder nor the URL"), open_source("nowhere", None):
        pass
