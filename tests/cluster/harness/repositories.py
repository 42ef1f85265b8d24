"""Repositories made by the command of a user, and pushed to where Argo CD reads them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from scaffold.commands.new import Wanted, new

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.com"))
}


def made(folder: Path, preset: str, answers: dict[str, Any]) -> Path:
    """Make the repository ``shop`` from a preset, these answers over it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.parent / f"{folder.name}.answers.yml"
    file.write_text(yaml.safe_dump(answers), encoding="utf-8")
    new("shop", folder, Wanted(file=file, preset=preset, defaults=True))
    return folder


def rendered(root: Path) -> str:
    """Return what ``scaffold render`` says that the controllers would apply, in all environments."""
    command = [sys.executable, "-m", "scaffold", "render", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(root: Path, *arguments: str | Path) -> None:
    """Run git in a repository, with a name of its own for commits."""
    environment = os.environ | _IDENTITY | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)


def push(root: Path, bare: Path) -> None:
    """Push the branch main into a bare repository, which is made at the first time."""
    if not bare.exists():
        bare.mkdir(parents=True)
        git(bare, "init", "--bare", "--quiet", "--initial-branch=main", ".")
    git(root, "push", "--quiet", bare, "HEAD:main")
