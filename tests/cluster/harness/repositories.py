"""Repositories made by the command of a user, and pushed to where Argo CD reads them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from scaffold.commands.new import Wanted, new
from tests.conftest import ROOT

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.com"))
}


# What of the checkout is the template.
_TEMPLATE = ("copier.yml", "questions", "template")


def template_clone(folder: Path) -> Path:
    """Publish the checkout's template as version 1.0.0 in a git repository of its own, which may get more versions."""
    for part in _TEMPLATE:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / part)
    git(folder, "init", "--quiet", "--initial-branch=main")
    release(folder, "v1.0.0")
    return folder


def release(template: Path, tag: str) -> None:
    """Make a version of what stands in a clone of the template."""
    commit(template, f"Template {tag}")
    git(template, "tag", tag)


def made(folder: Path, preset: str, answers: Mapping[str, Any], template: Path | None = None) -> Path:
    """Make the repository ``shop`` from a preset, these answers over it; of the checkout's template or of a clone."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.parent / f"{folder.name}.answers.yml"
    file.write_text(yaml.safe_dump(dict(answers)), encoding="utf-8")
    new("shop", folder, Wanted(file=file, preset=preset, template=str(template or ""), defaults=True))
    return folder


def updated(root: Path, *arguments: str) -> None:
    """Run ``copier update``, as the README tells; questions are not asked, conflicts are a failure."""
    command = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", "--conflict=inline", *arguments]
    done = subprocess.run(command, cwd=root, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    git(root, "diff", "--check")


def rendered(root: Path) -> str:
    """Return what ``scaffold render`` says that the controllers would apply, in all environments."""
    command = [sys.executable, "-m", "scaffold", "render", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(root: Path, *arguments: str | Path) -> str:
    """Run git in a repository, with a name of its own for commits; return what it prints."""
    command = ["git", *map(str, arguments)]
    done = subprocess.run(command, cwd=root, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commit all that has changed, and return the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", f"--message={message}")
    return git(root, "rev-parse", "HEAD")


def push(root: Path, bare: Path) -> str:
    """Push the branch main into a bare repository, which is made at the first time; return the commit."""
    if not bare.exists():
        bare.mkdir(parents=True)
        git(bare, "init", "--bare", "--quiet", "--initial-branch=main", ".")
    git(root, "push", "--quiet", bare, "HEAD:main")
    return git(root, "rev-parse", "HEAD")


def _environment() -> dict[str, str]:
    return os.environ | _IDENTITY | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
