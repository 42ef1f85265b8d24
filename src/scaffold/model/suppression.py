"""A finding that a person has looked at and allows: ``# scaffold: ignore[MESH-03] the pods come with the canary``.

At the end of a line it stands for that line, on a line of its own for the next one that is no comment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scaffold.model.manifest import Place

_COMMENT = re.compile(r"(?:^|\s)#\s*scaffold:\s*ignore\b(?:\[(?P<rules>[^\]]*)\])?(?P<reason>.*)")
_MARK = re.compile(r"scaffold:\s*ignore")
_FILES = (".yaml", ".yml", ".tpl")


@dataclass(frozen=True, slots=True, order=True)
class Suppression:
    """A comment at ``place`` that allows the findings of ``rules`` (ids) on line ``line``, for a ``reason``."""

    place: Place
    rules: tuple[str, ...]
    reason: str
    line: int


def suppressions(path: str, text: str) -> Iterator[Suppression]:
    """Yield the suppressions of a YAML file or Helm template; those that lack rules or a reason, too."""
    if not path.endswith(_FILES) or not _MARK.search(text):
        return
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if found := _COMMENT.search(line):
            rules = tuple(word.strip() for word in (found["rules"] or "").split(",") if word.strip())
            alone = not line[: found.start()].strip()
            meant = _next_code(lines, index) if alone else index
            # Inside a Helm comment the end of it belongs to nobody's reason.
            reason = found["reason"].partition("*/")[0].strip(" -:")
            yield Suppression(Place(path, index + 1), rules, reason, meant + 1)


def _next_code(lines: list[str], index: int) -> int:
    for later in range(index + 1, len(lines)):
        text = lines[later].strip()
        if text and not text.startswith("#"):
            return later
    return index
