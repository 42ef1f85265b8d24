"""yamllint over the files that people edit, with the repository's own configuration.

yamllint is GPL: it runs as a program of its own, never imported here.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from scaffold.engines import process
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place

_PROBLEM = re.compile(r"(.+?):(\d+):(\d+): \[(warning|error)\] (.*)")
_BATCH = 400
"""Files a call: argument lists have a limit."""


def lint(root: Path, paths: Iterable[str], seconds: float = 120) -> tuple[Hit, ...]:
    """Return yamllint's problems of these files (paths from ``root``); its own configuration file is honoured."""
    wanted = list(paths)
    hits: list[Hit] = []
    for start in range(0, len(wanted), _BATCH):
        argv = [sys.executable, "-m", "yamllint", "--format", "parsable", *wanted[start : start + _BATCH]]
        done = process.run(argv, cwd=root, seconds=seconds, allowed=(0, 1, 2))
        found = [_hit(line) for line in done.out.splitlines()]
        if done.code and not any(found):
            process.run(argv, cwd=root, seconds=seconds)  # failed for another reason: raises with its words
        hits += [hit for hit in found if hit]
    return tuple(hits)


def version() -> str:
    """Return yamllint's version."""
    return process.run([sys.executable, "-m", "yamllint", "--version"]).out.strip()


def _hit(line: str) -> Hit | None:
    if found := _PROBLEM.match(line):
        path = found[1].removeprefix("./")
        return Hit(Place(path, int(found[2])), f"{found[5]} (column {found[3]})")
    return None
