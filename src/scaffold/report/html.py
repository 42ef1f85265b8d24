"""The outcome as one page without outside parts: findings in place, the tree of applications, environments, a picture.

It needs no script: it opens from a disk, in a CI server's frame and in a mail. Colours follow the reader's system, and
everything is reached with the keyboard.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

import jinja2

from scaffold.model.outcome import Outcome
from scaffold.model.outline import Column, Outline, Owner, Picture
from scaffold.model.rule import Severity
from scaffold.model.version import __version__
from scaffold.report.merged import Entry, count, merged
from scaffold.report.terminal import harmless, number_of

_AROUND = 3
"""Lines shown before and after the one that a finding names."""

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 180, 26, 48, 12
"""Pixels of a node of the picture and between nodes."""

_LONGEST = 23
"""Characters of a label that fit into a node."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node of a picture, placed."""

    x: int
    y: int
    label: str
    title: str
    path: str
    column: str
    findings: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture, placed: boxes, curves between them, and its size in pixels."""

    environment: str
    width: int
    height: int
    heads: tuple[tuple[int, str], ...]
    boxes: tuple[Box, ...]
    curves: tuple[str, ...]


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return the page. The outcome must hold the outline of the repository."""
    outline = outcome.outline
    if outline is None:
        raise ValueError("the page needs an outline")
    entries = merged(outcome.findings)
    by_path = Counter(entry.finding.place.path for entry in entries)
    source = resources.files("scaffold.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["harmless"] = harmless
    return environment.from_string(source).render(
        outcome=outcome,
        outline=outline,
        strict=strict,
        failed=outcome.failed(strict=strict),
        errors=count(entries, Severity.ERROR),
        warnings=count(entries, Severity.WARNING),
        files=[(path, list(group)) for path, group in groupby(entries, lambda entry: entry.finding.place.path)],
        excerpt=lambda entry: _excerpt(outline, entry),
        tree=_tree(outline.owners),
        drawings=[_drawing(picture, by_path) for picture in outline.pictures],
        number=number_of,
        size=(_WIDTH, _HEIGHT),
        version=__version__,
    )


def _excerpt(outline: Outline, entry: Entry) -> list[tuple[int, str, bool]]:
    """Return the lines around a finding: number, text, whether it is the one."""
    place = entry.finding.place
    lines = outline.lines.get(place.path, ())
    first, last = max(place.line - _AROUND, 1), min(place.line + _AROUND, len(lines))
    return [(number, harmless(lines[number - 1]), number == place.line) for number in range(first, last + 1)]


def _tree(owners: tuple[Owner, ...]) -> list[tuple[int, Owner]]:
    """Return the owners with their depth, each after the one that brings it."""
    names = {owner.name for owner in owners}
    below: dict[str, list[Owner]] = {}
    for owner in owners:
        below.setdefault(owner.parent if owner.parent in names else "", []).append(owner)
    seen: set[tuple[str, str]] = set()

    def walk(parent: str, depth: int) -> Iterator[tuple[int, Owner]]:
        for owner in below.get(parent, ()):
            if (owner.name, owner.cluster) not in seen:
                seen.add((owner.name, owner.cluster))
                yield depth, owner
                yield from walk(owner.name, depth + 1)

    found = list(walk("", 0))
    # Owners that bring each other in a ring hang on nothing.
    return found + [(0, owner) for owner in owners if (owner.name, owner.cluster) not in seen]


def _drawing(picture: Picture, by_path: Counter[str]) -> Drawing:
    columns = [column for column in Column if any(node.column is column for node in picture.nodes)]
    place: dict[int, tuple[int, int]] = {}
    height = 0
    for number, column in enumerate(columns):
        members = [index for index, node in enumerate(picture.nodes) if node.column is column]
        # Beside what they hang on: the mean of the rows of their neighbours to the left.
        members.sort(key=lambda index: _mean(index, picture.edges, place))
        for row, index in enumerate(members):
            place[index] = (number * (_WIDTH + _GAP_X), 30 + row * (_HEIGHT + _GAP_Y))
        height = max(height, 30 + len(members) * (_HEIGHT + _GAP_Y))
    boxes = tuple(
        Box(*place[index], _short(node.label), node.title, node.path, node.column.name.lower(), by_path[node.path])
        for index, node in enumerate(picture.nodes)
    )
    curves = tuple(_curve(place[left], place[right]) for left, right in picture.edges)
    heads = tuple((number * (_WIDTH + _GAP_X), str(column)) for number, column in enumerate(columns))
    width = max(len(columns) * (_WIDTH + _GAP_X) - _GAP_X, _WIDTH)
    return Drawing(picture.environment, width, height, heads, boxes, curves)


def _mean(index: int, edges: tuple[tuple[int, int], ...], place: dict[int, tuple[int, int]]) -> float:
    rows = [place[left][1] for left, right in edges if right == index and left in place]
    return sum(rows) / len(rows) if rows else 0


def _curve(left: tuple[int, int], right: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = left, right
    x, y, to_y = x + _WIDTH, y + _HEIGHT // 2, to_y + _HEIGHT // 2
    bend = (to_x - x) // 2
    return f"M{x},{y} C{x + bend},{y} {to_x - bend},{to_y} {to_x},{to_y}"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
