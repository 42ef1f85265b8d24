"""Patterns of paths, as code owner files and Renovate write them."""

import re
from collections.abc import Callable

_PART = re.compile(r"\*\*/|/\*\*|\*\*|\*|\?|\{[^{}]*\}|.", re.DOTALL)
_TRANSLATED = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def owned(pattern: str) -> Callable[[str], bool]:
    """Return a matcher for a pattern of a CODEOWNERS file: as in .gitignore, a folder is all that is in it."""
    anchored = "/" in pattern.rstrip("/")
    body = _regex(pattern.strip("/"))
    start = "" if anchored else "(?:.*/)?"
    # "docs/*" is the files of a folder, not those of folders below.
    end = "" if pattern.endswith("/*") else "/.*" if pattern.endswith("/") else "(?:/.*)?"
    matcher = re.compile(f"{start}{body}{end}", re.DOTALL)
    return lambda path: matcher.fullmatch(path) is not None


def renovate(pattern: str) -> Callable[[str], bool] | None:
    """Return a matcher for a pattern of Renovate: ``/regular expression/`` or a glob; None if it is neither."""
    if re.match(r"!?/.*/i?\Z", pattern, re.DOTALL):
        return regular(pattern.lstrip("!")[1:].removesuffix("i").removesuffix("/"), pattern)
    if pattern.startswith("!"):
        return None
    matcher = re.compile(_regex(pattern), re.DOTALL)
    return lambda path: matcher.fullmatch(path) is not None


def regular(expression: str, pattern: str = "") -> Callable[[str], bool] | None:
    """Return a matcher for a regular expression that is found anywhere; None if Python cannot read it."""
    if pattern.startswith("!"):
        return None
    try:
        matcher = re.compile(expression, re.IGNORECASE if pattern.endswith("/i") else 0)
    except re.error:
        return None
    return lambda path: matcher.search(path) is not None


def _regex(glob: str) -> str:
    translated = ""
    for part in _PART.findall(glob):
        if part.startswith("{") and part.endswith("}") and len(part) > 1:
            translated += f"(?:{'|'.join(_regex(one) for one in part[1:-1].split(','))})"
        else:
            translated += _TRANSLATED.get(part) or re.escape(part)
    return translated
