"""The outcome for people: by file, the remedy of each rule once, then what was looked at and what was not."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from scaffold.model.manifest import Place
from scaffold.model.outcome import Outcome
from scaffold.model.rule import Severity
from scaffold.report.merged import Entry, count, merged
from scaffold.report.terminal import fold, harmless, number_of, paint

_SHOWN = 3
"""Owners and places of one entry that are named; the others are counted."""

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def render(outcome: Outcome, *, colour: bool = False, strict: bool = False, quiet: bool = False, width: int = 0) -> str:
    """Return the report; ``quiet`` leaves out what is no reason to act, ``width`` folds lines (0: never)."""
    entries = merged(outcome.findings)
    parts = [
        *_files(entries, colour, width),
        _remedies(entries, colour, width),
        _not_checked(outcome, colour, strict, width),
        "" if quiet else _external(outcome, colour, width),
        "" if quiet and not outcome.failed(strict=strict) else _summary(outcome, entries, colour, strict, width),
    ]
    return "\n\n".join(part for part in parts if part)


def _files(entries: list[Entry], colour: bool, width: int) -> Iterator[str]:
    digits = max((len(str(entry.finding.place.line)) for entry in entries), default=0)
    longest = max((len(entry.finding.rule) for entry in entries), default=0)
    for path, group in groupby(entries, lambda entry: entry.finding.place.path):
        lines = [paint(harmless(path), "bold", colour=colour)]
        for entry in group:
            finding = entry.finding
            # line, severity ("warning" is the longest), rule; the text is folded below itself
            column = 2 + digits + 2 + 7 + 2 + longest + 2
            lines.append(
                f"  {finding.place.line:>{digits}}  "
                + paint(f"{finding.severity:<7}", _COLOURS[finding.severity], colour=colour)
                + f"  {paint(f'{finding.rule:<{longest}}', 'cyan', colour=colour)}  "
                + fold(harmless(finding.text), width, column)
            )
            if context := _context(entry):
                lines.append(" " * column + paint(fold(harmless(context), width, column + 2), "dim", colour=colour))
        yield "\n".join(lines)


def _context(entry: Entry) -> str:
    """Return for whom it was rendered so: one render with its values files, of several the owners."""
    if len(entry.contexts) == 1:
        return f"as rendered for {entry.contexts[0]}"
    owners = list(dict.fromkeys(context.split(", values ")[0] for context in entry.contexts))
    return f"as rendered for {_some(owners)}" if owners else ""


def _some(items: list[str], shown: int = _SHOWN) -> str:
    left = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {left} more" if left > 0 else "")


def _remedies(entries: list[Entry], colour: bool, width: int) -> str:
    fixes = {entry.finding.rule: entry.finding.fix for entry in entries}
    if not fixes:
        return ""
    longest = max(map(len, fixes))
    lines = [paint("How to fix", "bold", colour=colour)]
    lines += [
        f"  {paint(f'{rule:<{longest}}', 'cyan', colour=colour)}  {fold(fix, width, longest + 4)}"
        for rule, fix in sorted(fixes.items())
    ]
    return "\n".join(lines)


def _not_checked(outcome: Outcome, colour: bool, strict: bool, width: int) -> str:
    if not outcome.not_checked:
        return ""
    title = "Not checked" if strict else "Not checked (a failure with --strict)"
    whats = ((f"{item.what}: {item.reason}", item.place) for item in outcome.not_checked)
    return "\n".join([paint(title, "bold", "yellow", colour=colour), *_places(whats, _SHOWN, width)])


def _external(outcome: Outcome, colour: bool, width: int) -> str:
    if not outcome.external:
        return ""
    whats = ((item.what, item.place) for item in outcome.external)
    title = paint("Outside this repository, not looked into", "bold", colour=colour)
    return "\n".join([title, *_places(whats, 1, width)])


def _places(items: Iterable[tuple[str, Place]], shown: int, width: int) -> Iterator[str]:
    """Yield a line for each thing that is said, with the places it is said of."""
    by_what: dict[str, list[str]] = {}
    for what, place in items:
        by_what.setdefault(what, []).append(str(place))
    for what, places in by_what.items():
        yield "  " + fold(harmless(f"{what} ({_some(places, shown)})"), width, 4)


def _summary(outcome: Outcome, entries: list[Entry], colour: bool, strict: bool, width: int) -> str:
    errors, warnings = count(entries, Severity.ERROR), count(entries, Severity.WARNING)
    verdict = f"{number_of(errors, 'error')}, {number_of(warnings, 'warning')}"
    style = "red" if errors else "yellow" if outcome.failed(strict=strict) else "green"
    looked = (
        f"{number_of(outcome.objects, 'object')} from {number_of(outcome.owners, 'owner')} "
        f"for {number_of(len(outcome.clusters), 'cluster')}"
    )
    if not outcome.objects:
        looked = f"nothing to apply was found in {number_of(outcome.files, 'file')}"
    rest = (
        f"; {looked}, {number_of(outcome.renders, 'chart render')}, Kubernetes {outcome.kube_version}, "
        f"{outcome.seconds:.1f} s; external: {len(outcome.external)}; not checked: {len(outcome.not_checked)}"
    )
    if outcome.suppressed:
        rest += f"; suppressed: {len(outcome.suppressed)}"
    if outcome.baselined or outcome.gone:
        gone = f", {outcome.gone} of it gone (--update-baseline)" if outcome.gone else ""
        rest += f"; in the baseline: {outcome.baselined}{gone}"
    # Folded before it is coloured: the codes take no room.
    return paint(verdict, "bold", style, colour=colour) + fold(verdict + rest, width, 2)[len(verdict) :]
