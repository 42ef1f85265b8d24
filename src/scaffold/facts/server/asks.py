"""What a table asks of numbers, maps and lists: a test each, made from its limits."""

from collections.abc import Callable, Iterator
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.shapes import Test, Wrong


def is_number(value: object) -> bool:
    """Tell whether a value is a number; Python calls true one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def within(low: int, high: int, what: str = "") -> Test:
    """Return a test of numbers with these bounds."""
    asked = what or f"from {low} to {high}"

    def test(value: Any) -> Wrong:
        if is_number(value) and not low <= value <= high:
            yield (), f"{shown(value)} is not {asked}"

    return test


def at_least(low: int) -> Test:
    """Return a test of numbers with a lower bound."""

    def test(value: Any) -> Wrong:
        if is_number(value) and value < low:
            yield (), f"{shown(value)} is less than {low}"

    return test


def port(value: Any) -> Wrong:
    """Test a port number; 0 is none at all."""
    if is_number(value) and value != 0 and not 1 <= value <= 65535:
        yield (), f"{shown(value)} is not a port from 1 to 65535"


def choice(*allowed: str, empty: bool = True) -> Test:
    """Return a test of texts that may be one of these."""

    def test(value: Any) -> Wrong:
        if isinstance(value, str) and value not in allowed and (value or not empty):
            yield (), f"{shown(value)} is not one of {', '.join(allowed)}"

    return test


def needs(*names: str) -> Test:
    """Return a test of maps that have these fields, and something in them."""

    def test(value: Any) -> Wrong:
        if isinstance(value, dict):
            for name in names:
                if is_empty(value.get(name)):
                    yield place(value, name), f"{name} is required"

    return test


def needs_one(*names: str, words: str = "") -> Test:
    """Return a test of maps that have exactly one of these fields."""

    def test(value: Any) -> Wrong:
        if not isinstance(value, dict):
            return
        there = [name for name in names if value.get(name) is not None]
        if not there:
            yield (), f"{words or _either(names)} is required"
        yield from _too_many(there)

    return test


def at_most_one(*names: str) -> Test:
    """Return a test of maps that have one of these fields, or none."""

    def test(value: Any) -> Wrong:
        if isinstance(value, dict):
            yield from _too_many([name for name in names if not is_empty(value.get(name))])

    return test


def only_with(name: str, other: str, *allowed: Any) -> Test:
    """Return a test of maps that have one field only where another has one of these values."""

    def test(value: Any) -> Wrong:
        if isinstance(value, dict) and not is_empty(value.get(name)) and (value.get(other) or "") not in allowed:
            words = ", ".join(map(str, allowed))
            yield (name,), f"may be set only where {other} is {words}, not {shown(value.get(other))}"

    return test


def unique(*names: str, where: str = "", found: Callable[[Any], Any] | None = None) -> Test:
    """Return a test of lists no two items of which have the same values in all these fields, or as a whole."""
    place = (where,) if where else ()

    def test(value: Any) -> Wrong:
        if not isinstance(value, list):
            return
        seen: list[Any] = []
        for index, item in enumerate(value):
            key = found(item) if found else [_field(item, name) for name in names] if names else item
            if key in (None, [], "") or (names and key == [None] * len(names)):
                continue
            if key in seen:
                yield (index, *place), f"{shown(key if len(names) != 1 else key[0])} is there already"
            seen.append(key)

    return test


def at_most(count: int) -> Test:
    """Return a test of lists of at most so many items."""

    def test(value: Any) -> Wrong:
        if isinstance(value, list) and len(value) > count:
            yield (), f"has more than {count} items"

    return test


def filled(value: Any) -> Wrong:
    """Test that a text, list or map is not empty."""
    if is_empty(value):
        yield (), "must not be empty"


def no_empty_items(value: Any) -> Wrong:
    """Test that no item of a list is an empty text."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if item in ("", None):
            yield (index,), "must not be empty"


def is_empty(value: Any) -> bool:
    """Tell whether a value is what Go cannot tell from nothing."""
    return value is not False and value in (None, "", [], 0)


def _field(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def place(value: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return where a field is, if only as null; what is not there is shown at its map."""
    return (name,) if name in value else ()


def _too_many(there: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in there[1:]:
        yield (name,), f"may not be set together with {there[0]}"


def _either(names: tuple[str, ...]) -> str:
    return f"one of {', '.join(names)}" if len(names) > 2 else " or ".join(names)
