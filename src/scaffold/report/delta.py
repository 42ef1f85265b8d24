"""What differs between two revisions: as text, as Markdown for a pull request, as JSON.

JSON, version 1: ``{version, before, after, changes: [{what, kind, namespace, name, group, environments, origin, fields:
[{path, before, after}]}], notCompared: [text], summary: {added, removed, changed}}``. A side of a field that is not
there is left out; an empty ``after`` is the working tree.
"""

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from scaffold.model.delta import ABSENT, FieldChange, ObjectChange, What
from scaffold.report.terminal import harmless, paint

VERSION = 1
_SIGNS = {What.ADDED: "+", What.REMOVED: "-", What.CHANGED: "~"}
_COLOURS = {What.ADDED: "green", What.REMOVED: "red", What.CHANGED: "yellow"}
_LONGEST = 60_000
"""Characters of a Markdown text: a comment of a pull request holds 65,536."""


def text(changes: Iterable[ObjectChange], not_compared: Iterable[str], *, colour: bool = False) -> str:
    """Return the changes for people, by environment."""
    changes, not_compared = list(changes), list(not_compared)
    lines: list[str] = []
    environments: tuple[str, ...] | None = None
    for change in changes:
        if change.environments != environments:
            environments = change.environments
            lines += ["", paint(harmless(_title(environments)), "bold", colour=colour)]
        head = f"{_SIGNS[change.what]} {change.identity}"
        lines.append(
            "  " + paint(harmless(head), _COLOURS[change.what], colour=colour) + harmless(f"  {change.origin}")
        )
        for field in change.fields:
            lines += [f"      {line}" for line in _field_lines(field, colour)]
    if not_compared:
        lines += [
            "",
            paint("Not compared", "bold", "yellow", colour=colour),
            *(f"  {harmless(one)}" for one in not_compared),
        ]
    return "\n".join([*lines, "", _summary(changes)]).lstrip("\n")


def markdown(changes: Iterable[ObjectChange], not_compared: Iterable[str]) -> str:
    """Return the changes for a comment of a pull request; what does not fit is counted."""
    changes, not_compared = list(changes), list(not_compared)
    parts = [f"**{_summary(changes)}**"]
    length, left = len(parts[0]), 0
    environments: tuple[str, ...] | None = None
    for change in changes:
        lines = []
        if change.environments != environments:
            environments = change.environments
            lines.append(f"### {_title(environments)}\n")
        title = f"{_SIGNS[change.what]} `{change.identity}` ({change.what})"
        if change.fields:
            body = "\n".join(line for field in change.fields for line in _field_lines(field, colour=False))
            fence = "`" * max(3, _ticks(body) + 1)
            lines.append(
                f"<details><summary>{title}</summary>\n\n{fence}diff\n{harmless_lines(body)}\n{fence}\n\n</details>"
            )
        else:
            lines.append(f"- {title}")
        part = harmless_lines("\n".join(lines))
        if length + len(part) > _LONGEST:
            left += 1
            continue
        length += len(part)
        parts.append(part)
    if left:
        parts.append(f"{left} more objects do not fit here.")
    if not_compared:
        parts.append("### Not compared\n\n" + "\n".join(f"- {harmless(one)}" for one in not_compared))
    return "\n\n".join(parts)


def as_json(before: str, after: str, changes: Iterable[ObjectChange], not_compared: Iterable[str]) -> str:
    """Return the changes for programs."""
    changes = list(changes)
    document = {
        "version": VERSION,
        "before": before,
        "after": after,
        "changes": [
            {
                "what": str(change.what),
                "kind": change.identity.kind,
                "namespace": change.identity.namespace,
                "name": change.identity.name,
                "group": change.identity.group,
                "environments": list(change.environments),
                "origin": change.origin,
                "fields": [_field(field) for field in change.fields],
            }
            for change in changes
        ],
        "notCompared": list(not_compared),
        "summary": {str(what): sum(change.what is what for change in changes) for what in What},
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


def harmless_lines(text: str) -> str:
    """Return text of several lines with nothing in it that a terminal obeys."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def _summary(changes: list[ObjectChange]) -> str:
    counts = [f"{sum(change.what is what for change in changes)} {what}" for what in What]
    return f"{', '.join(counts)}" if changes else "nothing changes in any cluster"


def _title(environments: tuple[str, ...]) -> str:
    return ", ".join(environment or "(no environment)" for environment in environments)


def _field(field: FieldChange) -> dict[str, Any]:
    sides = {"before": field.before, "after": field.after}
    return {"path": field.path, **{name: value for name, value in sides.items() if value is not ABSENT}}


def _field_lines(field: FieldChange, colour: bool) -> Iterator[str]:
    before, after = field.before, field.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield f" {harmless(field.path)}:"
        for line in list(difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=2))[2:]:
            yield _painted(line[:1] + "   " + line[1:], colour)
        return
    for sign, value in (("-", before), ("+", after)):
        if value is not ABSENT:
            yield _painted(f"{sign}{field.path}: {_shown(value)}", colour)


def _painted(line: str, colour: bool) -> str:
    styles = {"-": "red", "+": "green"}
    return paint(harmless(line), styles[line[0]], colour=colour) if line[:1] in styles else harmless(line)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _ticks(text: str) -> int:
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest
