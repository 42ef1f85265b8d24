"""Code owners: every line is about something that is there."""

import re
from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.patterns import owned

_FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_FIRST = re.compile(r"(?:\\ |\S)+")
_GLOB = frozenset("*?[")


@rule("REPO-12", Severity.WARNING, fix="Correct the path, or remove the line.")
def code_owners_own_something(repo: Repo) -> Iterator[Hit]:
    """Every path in CODEOWNERS matches a file of the repository.

    A folder that was renamed has no owner any more, and nobody is told: the pull request needs no approval of the
    team. Patterns of file names alone may be there for files to come.
    """
    path = next((name for name in _FILES if name in repo.files), None)
    if path is None:
        return
    names = {part for file in (*repo.files, *repo.folders) for part in file.split("/")}
    for number, line in enumerate(repo.files[path].splitlines(), start=1):
        text = line.strip()
        first = _FIRST.match(text)
        if not first or text.startswith(("#", "[", "^[", "!")):
            continue
        pattern = first.group(0).replace("\\ ", " ")
        if not _matches(repo, names, pattern):
            yield Hit(Place(path, number), f"{pattern} matches no file")


def _matches(repo: Repo, names: set[str], pattern: str) -> bool:
    bare = pattern.strip("/")
    if "/" not in pattern.rstrip("/"):
        return bool(_GLOB & set(bare)) or bare in names
    if not _GLOB & set(bare):
        return bare in repo.files or bare in repo.folders
    return any(map(owned(pattern), repo.files))
