"""Things found by their labels, and selectors found by the labels they take, without looking at each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from scaffold.model.selectors import has_all

T = TypeVar("T")
Labels = Mapping[str, Any]


class Labelled(Generic[T]):
    """Things by their labels."""

    def __init__(self, things: Iterable[tuple[Labels, T]]) -> None:
        self._things = list(things)
        self._buckets: dict[tuple[str, str], list[tuple[Labels, T]]] = {}
        for labels, thing in self._things:
            for key, value in labels.items():
                if isinstance(value, str):
                    self._buckets.setdefault((key, value), []).append((labels, thing))

    def candidates(self, wanted: Labels) -> list[tuple[Labels, T]]:
        """Return, with their labels, all that may have these, in order: those of the rarest of them."""
        buckets = (self._buckets.get(label, []) for label in wanted.items() if isinstance(label[1], str))
        return min(buckets, key=len, default=self._things)

    def having(self, wanted: Labels) -> list[T]:
        """Return what has all these labels, in order; without any wish that is everything."""
        if not all(isinstance(value, str) for value in wanted.values()):
            return []
        return [thing for labels, thing in self.candidates(wanted) if has_all(labels, wanted)]


class Selecting(Generic[T]):
    """Things by the labels that they select."""

    def __init__(self, things: Iterable[tuple[Labels, T]]) -> None:
        listed = list(things)
        common = Counter(label for wanted, _ in listed for label in wanted.items() if isinstance(label[1], str))
        self.whole = [thing for wanted, thing in listed if not wanted]
        self._buckets: dict[tuple[str, str], list[tuple[Labels, T]]] = {}
        for wanted, thing in listed:
            labels = [label for label in wanted.items() if isinstance(label[1], str)]
            if labels and len(labels) == len(wanted):
                rarest = min(labels, key=lambda label: common[label])
                self._buckets.setdefault(rarest, []).append((wanted, thing))

    def named(self, labels: Labels) -> list[T]:
        """Return what selects these labels by name."""
        found = (one for label in labels.items() if isinstance(label[1], str) for one in self._buckets.get(label, ()))
        return [thing for wanted, thing in found if has_all(labels, wanted)]

    def taking(self, labels: Labels) -> list[T]:
        """Return what selects these labels, or everything."""
        return [*self.whole, *self.named(labels)]
