"""Tables of what is asked of fields, and the walk through an object that asks it.

A table maps a path below a value to what is asked there: tests, or another table.

    {"ports[].containerPort": PORT, "ports[]": CONTAINER_PORT, "labels{}": LABEL_VALUE, "labels{key}": LABEL_KEY}

``[]`` are the items of a list, ``{}`` the values of a map, ``{key}`` its keys; the empty path is the value itself. A
test says what is wrong with a value: nothing of one of another type than its own, which is the schema's to say.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from scaffold.model.yamltext import Path

Wrong = Iterable[tuple[Path, str]]
"""Where below a value what is wrong."""

Test = Callable[[Any], Wrong]
Asked = Union[Test, "Shape", Sequence[Union[Test, "Shape"]]]

_PART = re.compile(r"\[\]|\{key\}|\{\}|[^.\[\]{}]+")


@dataclass(slots=True)
class Shape:
    """What is asked of a value and of what lies in it."""

    tests: list[Test] = field(default_factory=list)
    fields: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    values: "Shape | None" = None
    keys: "Shape | None" = None

    def wrong(self, value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
        """Yield what is wrong with a value, below this path."""
        for test in self.tests:
            for inner, text in _told(test, value):
                yield (*path, *inner), text
        if isinstance(value, dict):
            for key, shape in self.fields.items():
                if (item := value.get(key)) is not None:
                    yield from shape.wrong(item, (*path, key))
            if self.values or self.keys:
                yield from self._each(value, path)
        elif isinstance(value, list) and self.items:
            for index, item in enumerate(value):
                # In Go, null in a list is what is empty: a text or a map.
                yield from self.items.wrong(self.items.nothing() if item is None else item, (*path, index))

    def nothing(self) -> Any:
        """Return what is empty here: a map, if it could have fields, else a text."""
        return {} if self.fields or self.keys or self.values else ""

    def _each(self, value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
        for key, item in value.items():
            if self.keys:
                for _, text in self.keys.wrong(key):
                    yield (*path, key), text
            if self.values and item is not None:
                yield from self.values.wrong(item, (*path, key))

    def add(self, parts: Sequence[str], asked: Asked) -> None:
        """Add what is asked at a path."""
        if parts:
            self._part(parts[0]).add(parts[1:], asked)
        elif isinstance(asked, Shape):
            self._join(asked)
        elif callable(asked):
            self.tests.append(asked)
        else:
            for one in asked:
                self.add((), one)

    def _part(self, part: str) -> "Shape":
        if part == "[]":
            self.items = self.items or Shape()
            return self.items
        if part == "{}":
            self.values = self.values or Shape()
            return self.values
        if part == "{key}":
            self.keys = self.keys or Shape()
            return self.keys
        return self.fields.setdefault(part, Shape())

    def _join(self, other: "Shape") -> None:
        self.tests += other.tests
        for name, shape in other.fields.items():
            self.fields.setdefault(name, Shape())._join(shape)  # noqa: SLF001 - of its own class
        for part, inner in (("[]", other.items), ("{}", other.values), ("{key}", other.keys)):
            if inner:
                self._part(part)._join(inner)  # noqa: SLF001


def _told(test: Test, value: Any) -> list[tuple[Path, str]]:
    try:
        return list(test(value))
    except TypeError:  # a part of another type than its field's: that, the schema says
        return []


def table(asked: Mapping[str, Asked]) -> Shape:
    """Make a shape of a table."""
    shape = Shape()
    for path, what in asked.items():
        shape.add(_PART.findall(path), what)
    return shape


def below(prefix: str, shape: Shape) -> Shape:
    """Return what asks something of a value that lies below another."""
    return table({prefix: shape})
