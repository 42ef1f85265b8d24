"""The glob dialects of Argo CD and git, each as a regular expression.

They differ in what ``*`` crosses and in braces; taking one for another finds files that the controller does not.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

Match = Callable[[str], bool]


def pathspec(pattern: str) -> Match:
    """Match as ``git ls-files`` does (ApplicationSet git files): ``*`` crosses ``/``, a folder means all below."""
    literal = pattern.strip("/")
    found = _compiled(pattern.removeprefix("./"), crossing=True, braces=False)
    return lambda path: path == literal or path.startswith(f"{literal}/") or found(path)


def path_match(pattern: str) -> Match:
    """Match as Go's ``path.Match`` does (ApplicationSet git directories): ``*`` stays in one segment."""
    return _compiled(pattern, crossing=False, braces=False)


def loose(pattern: str) -> Match:
    """Match as ``include`` and ``exclude`` of a directory source do: ``*`` crosses ``/``, braces are alternatives."""
    return _compiled(pattern, crossing=True, braces=True)


def doublestar(pattern: str, paths: Iterable[str]) -> list[str]:
    """Return the paths that a glob among ``valueFiles`` names, in their order."""
    found = _compiled(pattern, crossing=False, braces=True)
    return sorted(path for path in paths if found(path))


def is_glob(pattern: str) -> bool:
    """Tell whether Argo CD takes a value file for a glob."""
    return any(character in pattern for character in "*?[")


@lru_cache(maxsize=4096)
def _compiled(pattern: str, *, crossing: bool, braces: bool) -> Match:
    try:
        expression = re.compile(_translate(pattern, crossing=crossing, braces=braces), re.DOTALL)
    except re.error:  # such as a range that runs backwards: Go refuses it, and nothing matches
        return lambda _: False
    return lambda path: expression.fullmatch(path) is not None


def _translate(pattern: str, *, crossing: bool, braces: bool) -> str:
    any_character = "." if crossing else "[^/]"
    out: list[str] = []
    depth = 0
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            double = pattern.startswith("*", at)
            while pattern.startswith("*", at):
                at += 1
            if double and not crossing and pattern.startswith("/", at):
                at += 1
                out.append("(?:.*/)?")
            else:
                out.append(".*" if double or crossing else "[^/]*")
        elif character == "?":
            out.append(any_character)
        elif character == "[" and (end := pattern.find("]", at + 1)) > 0:
            inner = pattern[at:end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[^{inner[1:]}]" if inner[0] in "!^" else f"[{inner}]")
            at = end + 1
        elif character == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif braces and character == "{" and "}" in pattern[at:]:
            depth += 1
            out.append("(?:")
        elif depth and character == "}":
            depth -= 1
            out.append(")")
        elif depth and character == ",":
            out.append("|")
        else:
            out.append(re.escape(character))
    return "".join(out)
