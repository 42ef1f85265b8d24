"""Rendering in tests: the same commands as a user's, on a destination of the test."""

from pathlib import Path
from typing import Any

import yaml

from scaffold.commands.new import Made, Wanted, new


def make(folder: Path, answers: dict[str, Any] | None = None, *, name: str = "web", preset: str = "") -> Made:
    """Make a repository from defaults, these answers over them."""
    file = None
    if answers:
        file = folder.parent / f"{folder.name}.answers.yml"
        file.write_text(yaml.safe_dump(answers, allow_unicode=True), encoding="utf-8")
    return new(name, folder, Wanted(file=file, preset=preset, defaults=True))


def tree(root: Path) -> dict[str, bytes]:
    """Return all files of a folder, git's own aside."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }
