"""A rule for people: what should hold, why, what to do, and an example in colours."""

import textwrap

from scaffold.model.rule import Rule, Severity
from scaffold.report.terminal import fold, paint

_WIDTH = 100


def render(rule: Rule, example: str, *, colour: bool = False, width: int = 0) -> str:
    """Return the rule's page; ``example`` is a diff. Prose is folded, to ``width`` where that is less."""
    limit = min(width or _WIDTH, _WIDTH)
    style = "red" if rule.severity is Severity.ERROR else "yellow"
    head = paint(rule.id, "bold", colour=colour) + "  " + paint(str(rule.severity), style, colour=colour)
    prose = [textwrap.fill(text, limit) for text in (rule.title, " ".join(rule.reason.split()))]
    parts = [head, *prose, paint("Remedy", "bold", colour=colour) + f"  {fold(rule.fix, limit, 8)}"]
    if example:
        lines = [_line(line, colour) for line in example.rstrip("\n").split("\n")]
        parts.append(paint("Example", "bold", colour=colour) + "\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _line(line: str, colour: bool) -> str:
    styles = {"-": "red", "+": "green"}
    return paint(line, styles[line[0]], colour=colour) if line[:1] in styles else line
