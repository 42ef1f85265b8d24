"""Templates in labels and annotations of alerts: Go templates with the functions of Prometheus."""

import re
from collections.abc import Iterator

FUNCTIONS = frozenset({
    "args", "externalURL", "first", "graphLink", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage",
    "humanizeTimestamp", "label", "match", "now", "parseDuration", "pathPrefix", "query", "reReplaceAll", "safeHtml",
    "sortByLabel", "stripDomain", "stripPort", "strvalue", "tableLink", "title", "toDuration", "toLower",
    "toTime", "toUpper", "urlQueryEscape", "value",
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
    "println", "slice", "urlquery",
})  # fmt: skip
"""What a template may call: Prometheus' own functions, then those of Go."""

_VARIABLES = frozenset({"$", "$labels", "$value", "$externalLabels", "$externalURL"})
_OPENING = frozenset({"block", "define", "if", "range", "with"})
_WORDS = _OPENING | {"break", "continue", "else", "end", "false", "nil", "template", "true"}
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])+')"""
    r"""|(?P<variable>\$\w*)|(?P<field>\.\w+)|(?P<word>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<broken>["`'])|.""",
    re.DOTALL | re.VERBOSE,
)
_LABEL = re.compile(r"""\$labels\.(\w+)|\bindex\s+\$labels\s+"([^"]+)\"""")
_COMMENT = re.compile(r"\A-?\s*/\*.*\*/\s*-?\Z", re.DOTALL)


def fault(text: str) -> str:
    """Return why Prometheus refuses a template, empty if it takes it."""
    depth = 0
    known = set(_VARIABLES)
    for action in _actions(text):
        if action is None:
            return "an action is not closed: }} is missing"
        if _COMMENT.match(action):
            continue
        words: list[str] = []
        for token in _TOKEN.finditer(action):
            if token["broken"]:
                return f"a text is not closed in {{{{{action}}}}}"
            if token["variable"]:
                name = token["variable"]
                if re.match(r"\s*(:=|,\s*\$\w+\s*:=)", action[token.end() :]):
                    known.add(name)
                elif name not in known:
                    return f"unknown variable {name}"
            elif word := token["word"]:
                words.append(word)
                if word not in _WORDS and word not in FUNCTIONS:
                    return f"unknown function {word}"
        if words[:1] == ["end"]:
            depth -= 1
        elif words and words[0] in _OPENING:
            depth += 1
        if depth < 0:
            return "an end without a beginning"
    return "an if, range or with is not ended" if depth else ""


def labels(text: str) -> set[str]:
    """Return the labels that a template shows."""
    return {one or other for one, other in _LABEL.findall(text)} if "$labels" in text else set()


def _actions(text: str) -> Iterator[str | None]:
    """Yield what stands between braces; None for what is not closed."""
    start = text.find("{{")
    while start >= 0:
        end = start + 2
        while not text.startswith("}}", end):
            token = _TOKEN.match(text, end)
            if token is None:
                yield None
                return
            # A comment may hold anything.
            comment = text.find("*/", end) if text.startswith("/*", end) else -1
            end = comment + 2 if comment >= 0 else token.end()
        yield text[start + 2 : end]
        start = text.find("{{", end + 2)
