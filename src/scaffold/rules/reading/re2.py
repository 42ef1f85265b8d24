"""What RE2, the expression engine of Envoy, Prometheus and Kubernetes, refuses: told without that engine.

Only what is certain is said; a pattern without a fault here may still have one.
"""

import re

_LOOKS = {"(?=": "a lookahead", "(?!": "a lookahead", "(?<=": "a lookbehind", "(?<!": "a lookbehind",
          "(?>": "an atomic group", "(?(": "a condition", "(?P=": "a backreference", "(?#": "a comment"}  # fmt: skip
_UNKNOWN_ESCAPES = frozenset("FGHIJKLMNORTUVXYZceghijklmoquy")
_GROUP = re.compile(r"\(\?(P?<\w+>|[imsU-]*:|[imsU-]+\))")
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}")
_MOST = 1000


def fault(pattern: str) -> str:
    """Return what RE2 refuses in a pattern, empty if nothing is known."""
    depth, index, repeatable = 0, 0, False
    while index < len(pattern):
        rest = pattern[index:]
        if found := next((name for start, name in _LOOKS.items() if rest.startswith(start)), ""):
            return f"{found} ({rest[:3]}) is not supported"
        step, character = 1, rest[0]
        if character == "\\":
            if why := _escape(rest[1:2], rest[2:3]):
                return why
            step = _quoted(rest) if rest[1:2] == "Q" else 2
        elif character == "[":
            if not (step := _class(rest)):
                return "[ is not closed"
        elif character == "(":
            opened = _GROUP.match(rest)
            step = opened.end() if opened else 1
            depth += not (opened and opened[0].endswith(")"))
        elif character == ")":
            depth -= 1
            if depth < 0:
                return ") closes nothing"
        elif character in "*+?" or (character == "{" and _REPEAT.match(rest)):
            step, why = _repetition(rest, repeatable)
            if why:
                return why
        repeatable = character not in "(|"
        index += step
    return "( is not closed" if depth else ""


def _escape(character: str, following: str) -> str:
    if not character:
        return "it ends in a backslash"
    octal = character in "1234567" and following and following in "01234567"
    if character in "123456789" and not octal:
        return f"a backreference (\\{character}) is not supported"
    return f"\\{character} is unknown" if character in _UNKNOWN_ESCAPES else ""


def _quoted(rest: str) -> int:
    end = rest.find("\\E", 2)
    return len(rest) if end < 0 else end + 2


def _class(rest: str) -> int:
    """Return the length of the character class that a text starts with, 0 if it has no end."""
    index = 2 if rest.startswith("[^") else 1
    first = True
    while index < len(rest):
        if rest[index] == "]" and not first:
            return index + 1
        first = False
        if rest[index] == "\\":
            index += 1
        elif rest.startswith("[:", index) and (end := rest.find(":]", index)) > 0:
            index = end + 1
        index += 1
    return 0


def _repetition(rest: str, repeatable: bool) -> tuple[int, str]:
    """Return the length of a repetition and what is wrong with it."""
    if not repeatable:
        return 1, f"nothing to repeat before {rest[0]}"
    counted = _REPEAT.match(rest)
    length = counted.end() if counted else 1
    if counted and max(int(counted[1]), int(counted[3] or 0)) > _MOST:
        return length, f"{counted[0]} repeats more than {_MOST} times"
    length += rest[length : length + 1] == "?"
    following = rest[length : length + 1]
    if following and following in "*+?":
        return length, f"{rest[: length + 1]} repeats a repetition"
    return length, ""
