"""Text on a terminal: colour, folding to a width, and nothing in it that a terminal would obey."""

import re
import unicodedata

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_WIDE = frozenset({"F", "W"})
_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def paint(text: str, *styles: str, colour: bool) -> str:
    """Return text in these styles, unchanged without colour."""
    if not colour or not text:
        return text
    return f"\033[{';'.join(_CODES[style] for style in styles)}m{text}\033[0m"


def harmless(text: str) -> str:
    """Return text with control characters and direction marks spelt out: it comes from files of anyone."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def fold(text: str, width: int, indent: int) -> str:
    """Return text in lines of at most ``width`` cells, all but the first indented; 0 is no limit, words stay whole."""
    if not width:
        return text
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and indent + cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return ("\n" + " " * indent).join([*lines, line])


def cells(text: str) -> int:
    """Return how many columns a text takes; East Asian wide characters take two."""
    return len(text) + sum(unicodedata.east_asian_width(character) in _WIDE for character in text)


def number_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
