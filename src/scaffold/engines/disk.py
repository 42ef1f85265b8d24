"""Reading a repository's working tree, and writing whole trees in one step."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scaffold.model.errors import BadInput, ToolFailed
from scaffold.model.manifest import Place
from scaffold.model.repo import NotChecked

SKIPPED_FOLDERS = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".terraform", ".tox"})
MAX_BYTES = 4 * 1024 * 1024
"""A larger file is not read: nothing a controller applies can be that big (etcd takes 1.5 MiB)."""


def read_tree(root: Path, listed: Iterable[str] | None = None) -> tuple[dict[str, str], list[NotChecked]]:
    """Return path (posix, from ``root``) to text of every regular file, and what was not read and why.

    ``listed`` are the paths to look at (what git would commit), None for all below ``root``. Binary files have an
    empty text. Links that lead out of the repository are never followed.
    """
    texts: dict[str, str] = {}
    unread: list[NotChecked] = []
    real_root = os.path.realpath(root)
    for path in sorted(set(_walk(real_root) if listed is None else listed)):
        text, why = _take(os.path.join(real_root, path), real_root)  # noqa: PTH118 - this loop is hot
        if why:
            unread.append(NotChecked(Place(path), path, why))
        if text is not None:
            texts[path] = text
    return texts, unread


def _walk(real_root: str) -> Iterator[str]:
    for folder, names, files in os.walk(real_root):
        names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
        relative = os.path.relpath(folder, real_root)
        prefix = "" if relative == "." else relative.replace(os.sep, "/") + "/"
        linked = [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        yield from (prefix + name for name in (*files, *linked))


def _take(full: str, root: str) -> tuple[str | None, str]:
    """Return the text of a file (None where there is none to have) and why it was not read."""
    if os.path.islink(full):  # noqa: PTH114
        if not _inside(full, root):
            return None, "a symbolic link that leads out of the repository"
        if os.path.isdir(full):  # noqa: PTH112
            return None, "a symbolic link to a folder is not followed"
    if os.path.isdir(full):  # noqa: PTH112
        return None, "another git repository in this one (a submodule) is not looked into"
    if not os.path.isfile(full):  # noqa: PTH113
        return None, ""  # listed and removed, or no regular file
    return _read(full)


def _inside(link: str, root: str) -> bool:
    target = os.path.realpath(link)
    return target == root or target.startswith(root + os.sep)


def _read(full: str) -> tuple[str, str]:
    matters = full.endswith((".yaml", ".yml", ".json", ".tpl"))
    try:
        with open(full, "rb") as stream:  # noqa: PTH123
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return "", f"cannot be read: {error.strerror}"
    if len(data) > MAX_BYTES:
        return "", f"larger than {MAX_BYTES // 1024 // 1024} MiB" if matters else ""
    if b"\0" in data:
        return "", ""
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return "", "no UTF-8 text" if matters else ""


def refuse_occupied(destination: Path) -> None:
    """Raise BadInput where a destination exists and is no empty folder, or nothing can be written beside it."""
    try:
        if destination.is_symlink() or destination.exists():
            if not destination.is_dir():
                raise BadInput(f"{destination} exists and is not a folder: choose another destination")
            if any(destination.iterdir()):
                raise BadInput(f"{destination} is not empty: choose another destination, or remove what is in it")
        parent = existing_parent(destination)
    except PermissionError as error:
        raise BadInput(f"{destination} cannot be read: {error.strerror}") from error
    if not parent.is_dir():
        raise BadInput(f"{parent} is not a folder: choose another destination")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise BadInput(f"{parent} is not writable: choose another destination, or change its permissions")


def existing_parent(path: Path) -> Path:
    """Return the nearest parent folder that exists."""
    for parent in path.absolute().parents:
        if parent.exists():
            return parent
    return Path(path.anchor)


@contextmanager
def beside(destination: Path) -> Iterator[Path]:
    """Give an empty folder beside the destination; on success it becomes the destination by one rename.

    Killed or failing in the middle, the destination does not exist (a hidden folder ``.NAME.…`` may stay).
    """
    destination = destination.absolute()
    made = _make_parents(destination.parent)
    staging: Path | None = None
    try:
        with told_apart(destination):
            staging = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
            yield staging
            staging.chmod(0o777 & ~_umask())
            if destination.exists():
                destination.rmdir()  # refused where somebody put something into it meanwhile
            staging.rename(destination)
    except BaseException:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        for folder in made:
            try:
                folder.rmdir()
            except OSError:
                break
        raise


@contextmanager
def told_apart(destination: Path) -> Iterator[None]:
    """Turn the system's errors while writing into one clear line each."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ToolFailed(f"no space left on the disk of {destination}: free some, nothing was written") from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            where = error.filename or destination
            raise BadInput(f"{where} is not writable: choose another destination, nothing was written") from error
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise BadInput(f"{destination} is not empty any more: nothing was written") from error
        raise ToolFailed(f"writing {destination} failed: {error.strerror or error}, nothing was written") from error


def _make_parents(folder: Path) -> list[Path]:
    made: list[Path] = []
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    with told_apart(folder):
        for path in reversed(missing):
            path.mkdir()
            made.insert(0, path)
    return made


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
