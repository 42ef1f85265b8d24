"""Reading a tree and writing one in a single step, on a real file system."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scaffold.engines import disk
from scaffold.model.errors import BadInput, ToolFailed


def test_texts_are_read_with_posix_paths_and_binaries_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.yaml").write_text("é: 1\n", encoding="utf-8")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0\0")
    texts, unread = disk.read_tree(tmp_path)
    assert texts == {"a/x.yaml": "é: 1\n", "logo.png": ""}
    assert unread == []


def test_what_is_no_utf8_too_large_or_leads_outside_is_said(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (tmp_path / "secret.yaml").write_text("a: 1\n", encoding="utf-8")
    (root / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (root / "huge.yaml").write_bytes(b"#" * (disk.MAX_BYTES + 1))
    (root / "huge.bin").write_bytes(b"#" * (disk.MAX_BYTES + 1))
    (root / "out.yaml").symlink_to("../secret.yaml")
    (root / "loop").symlink_to(".")
    texts, unread = disk.read_tree(root)
    assert texts == {"huge.bin": "", "huge.yaml": "", "latin.yaml": ""}
    assert sorted((item.what, item.reason) for item in unread) == [
        ("huge.yaml", "larger than 4 MiB"),
        ("latin.yaml", "no UTF-8 text"),
        ("loop", "a symbolic link to a folder is not followed"),
        ("out.yaml", "a symbolic link that leads out of the repository"),
    ]


def test_only_what_is_listed_is_read(tmp_path: Path) -> None:
    (tmp_path / "module").mkdir()
    (tmp_path / "a.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "ignored.yaml").write_text("b: 1\n", encoding="utf-8")
    texts, unread = disk.read_tree(tmp_path, ["a.yaml", "removed.yaml", "module"])
    assert texts == {"a.yaml": "a: 1\n"}
    assert [item.what for item in unread] == ["module"]
    assert "submodule" in unread[0].reason


def test_git_and_virtual_environments_are_not_read(tmp_path: Path) -> None:
    for folder in (".git", ".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text("a: 1\n", encoding="utf-8")
    assert disk.read_tree(tmp_path) == ({}, [])


def test_the_destination_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "repo"
    with disk.beside(target) as staging:
        (staging / "f").write_text("x", encoding="utf-8")
        assert not target.exists()
    assert (target / "f").read_text(encoding="utf-8") == "x"
    assert [path.name for path in target.parent.iterdir()] == ["repo"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new" / "repo"
    with pytest.raises(ZeroDivisionError), disk.beside(target) as staging:
        (staging / "f").write_text("x", encoding="utf-8")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_destination_that_filled_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "repo"
    with pytest.raises(BadInput, match="is not empty any more: nothing was written"), disk.beside(target):
        target.mkdir()
        (target / "mine").write_text("x", encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["mine"]


def test_an_empty_folder_is_a_fine_destination_and_a_full_one_is_not(tmp_path: Path) -> None:
    disk.refuse_occupied(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    disk.refuse_occupied(tmp_path / "empty")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(BadInput, match="file exists and is not a folder"):
        disk.refuse_occupied(tmp_path / "file")
    with pytest.raises(BadInput, match="is not empty: choose another destination"):
        disk.refuse_occupied(tmp_path)
    with pytest.raises(BadInput, match="file is not a folder"):
        disk.refuse_occupied(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_parent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(BadInput, match="locked is not writable"):
        disk.refuse_occupied(tmp_path / "locked" / "repo")


def test_killed_in_the_middle_the_destination_does_not_exist(tmp_path: Path) -> None:
    script = """\
        import os, signal, sys
        from pathlib import Path
        from scaffold.engines import disk
        with disk.beside(Path(sys.argv[1])) as staging:
            (staging / "half").write_text("x")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    target = tmp_path / "repo"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(target)], check=False)
    assert done.returncode == -9
    assert not target.exists()


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    # The whole program on a disk that is really full: tests/cli.
    target = tmp_path / "repo"
    message = r"no space left on the disk of .*: free some, nothing was written"
    with pytest.raises(ToolFailed, match=message), disk.beside(target):
        raise OSError(28, "No space left on device")
    assert not target.exists()
