"""Versions and ranges, as Helm reads them (Masterminds/semver): enough to tell whether a version is in a range."""

import re

_EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_VERSION = re.compile(r"v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_PART = re.compile(r"(!=|>=|=>|<=|=<|=|>|<|~>|~|\^)?\s*(v?[0-9xX*][^\s,|]*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")

Version = tuple[int, int, int]


def is_exact(text: object) -> bool:
    """Tell whether a text is one version, with all its parts."""
    return isinstance(text, str) and bool(_EXACT.fullmatch(text))


def admits(constraint: str, version: Version) -> bool | None:
    """Tell whether a range admits a version that is no pre-release; None if it is no range."""
    found: list[bool] = []
    for alternative in constraint.split("||"):
        parts = _HYPHEN.sub(r">=\1 <=\2", alternative.strip())
        rest = _PART.sub("", parts).replace(",", "").strip()
        checks = [_holds(operator, text, version) for operator, text in _PART.findall(parts)]
        if rest or not checks or None in checks:
            return None
        found.append(all(checks))
    return any(found)


def version_of(text: str) -> Version | None:
    """Return major, minor and patch of a version that is no pre-release; None for anything else."""
    match = _VERSION.fullmatch(text)
    if not match or match[4] or not all(part is None or part.isdigit() for part in match.groups()[:3]):
        return None
    major, minor, patch = (int(part or 0) for part in match.groups()[:3])
    return major, minor, patch


def _holds(operator: str, text: str, version: Version) -> bool | None:
    match = _VERSION.fullmatch(text)
    if not match:
        return None
    given = [int(part) if part and part.isdigit() else None for part in match.groups()[:3]]
    known = next((index for index, part in enumerate(given) if part is None), 3)
    low = _filled(given, known)
    if not known:
        return operator not in {"<", ">", "!="}
    # The first version after all that a partial one stands for.
    above = _raised(low, known - 1)
    match operator:
        case "" | "=":
            return low <= version < above
        case "!=":
            return not low <= version < above
        case ">":
            return version >= above
        case ">=" | "=>":
            return version >= low
        case "<":
            return version < low
        case "<=" | "=<":
            return version < above
        case "~" | "~>":
            return low <= version < _raised(low, min(known - 1, 1))
    first = next((index for index in range(known) if low[index]), known - 1)
    return low <= version < _raised(low, first)


def _filled(given: list[int | None], known: int) -> Version:
    numbers = [(part or 0) if index < known else 0 for index, part in enumerate(given)]
    return numbers[0], numbers[1], numbers[2]


def _raised(version: Version, index: int) -> Version:
    """Return the first version with the next higher number at a place."""
    numbers = [*version[:index], version[index] + 1, 0, 0][:3]
    return numbers[0], numbers[1], numbers[2]
