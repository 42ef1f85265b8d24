"""Git: the first commit of a new repository, and what a working tree says of itself."""

import os
from collections.abc import Mapping
from pathlib import Path

from scaffold.engines import process
from scaffold.model.errors import BadInput, ToolFailed

_NEUTRAL = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_LOCAL_STATE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Variables that a git hook sets: with them our calls would work on somebody else's repository."""


def forget_surroundings() -> None:
    """Remove the variables of a surrounding git call from this process."""
    for name in _LOCAL_STATE:
        os.environ.pop(name, None)


def require() -> str:
    """Return git's version; raise ToolFailed where it is absent."""
    if process.which("git") is None:
        raise ToolFailed("git is not installed or not on PATH: install it and run the command again")
    return git("--version").strip().removeprefix("git version ")


def git(*args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, text_in: str | None = None) -> str:
    """Run git and return what it printed."""
    return process.run(["git", *args], cwd=cwd, env={**_NEUTRAL, **(env or {})}, text_in=text_in).out


def first_commit(root: Path, branch: str, message: str) -> None:
    """Make a repository of a folder and commit all that is in it.

    Where git knows no identity, the commit names this tool: a new machine must not fail here.
    """
    git("-c", "init.templateDir=", "init", "--quiet", f"--initial-branch={branch}", cwd=root)
    git("add", "--all", cwd=root)
    known = process.run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=root, allowed=(0, 1, 128), env=_NEUTRAL).code == 0
    identity = [] if known else ["-c", "user.name=scaffold", "-c", "user.email=scaffold@localhost"]
    git(
        *identity,
        "-c",
        "commit.gpgSign=false",
        "-c",
        "core.hooksPath=/dev/null",
        "commit",
        "--quiet",
        "--no-verify",
        "--message",
        message,
        cwd=root,
    )


def committable(root: Path) -> list[str] | None:
    """Return the files below a folder that are committed or could be, paths from it; None where no git repository is.

    What git ignores (build output, environments) reaches no controller.
    """
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = process.run(argv, cwd=root, allowed=(0, 128), env=_NEUTRAL)
    return None if listed.code else [path for path in listed.out.split("\0") if path]


def export(root: Path, revision: str, folder: Path) -> Path:
    """Write the files of a revision below an empty folder; return what stands there for ``root``.

    The index is a scratch one, so the user's repository stays as it is. Raises BadInput for what is no revision.
    """
    asked = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    found = process.run(asked, cwd=root, allowed=(0, 1, 128), env=_NEUTRAL)
    if found.code:
        raise BadInput(f"{revision} is no revision of this repository: name a commit, branch or tag")
    prefix = git("rev-parse", "--show-prefix", cwd=root).strip()
    top = Path(git("rev-parse", "--show-toplevel", cwd=root).strip())
    tree = folder / "tree"
    tree.mkdir()
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    git("read-tree", found.out.strip(), cwd=top, env=index)
    git("checkout-index", "--all", f"--prefix={tree}/", cwd=top, env=index)
    there = tree / prefix
    if not there.is_dir():
        raise BadInput(f"{revision} has no folder {prefix.rstrip('/')}")
    return there


def origin_url(root: Path) -> str:
    """Return the URL of the remote ``origin``; empty where there is none or this is no git repository."""
    asked = process.run(["git", "config", "--get", "remote.origin.url"], cwd=root, allowed=(0, 1, 128), env=_NEUTRAL)
    return asked.out.strip()
