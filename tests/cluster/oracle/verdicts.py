"""Both judges' answers on one mutant, and what they come to."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tests.cluster.oracle.checker import Said
from tests.cluster.oracle.fields import Lines
from tests.cluster.oracle.mutants import Mutant
from tests.cluster.oracle.server import Answer


class Outcome(StrEnum):
    """Of what both say: the server, then the check."""

    SAME = "refused, found at the field"
    OTHER = "refused, found elsewhere"
    MISSED = "refused, not found"
    FALSE = "taken, called an error"
    FINE = "taken, no error"
    PURPOSE = "refused by server-side apply alone, taken on purpose"
    UNKNOWN = "not checked, no schema"
    BESIDE = "not about the object"


@dataclass(frozen=True)
class Verdict:
    """A mutant, the server's answer and the check's (None: it knows no schema)."""

    mutant: Mutant
    answer: Answer
    said: tuple[Said, ...] | None

    @cached_property
    def outcome(self) -> Outcome:
        """Return what it comes to."""
        if self.answer.beside:
            return Outcome.BESIDE
        if self.said is None:
            return Outcome.UNKNOWN
        if not self.answer.refused:
            return Outcome.FALSE if self.said else Outcome.FINE
        if not self.said:
            return Outcome.PURPOSE if self.answer.only_applied and self._is_null() else Outcome.MISSED
        return Outcome.SAME if {one.line for one in self.said} & self.lines() else Outcome.OTHER

    def _is_null(self) -> bool:
        """Tell whether the fault is a null in a custom resource, which is dropped when it is created.

        Server-side apply refuses it: found would be an error in the many repositories that are applied otherwise.
        """
        return all("null" in message for message in self.answer.messages)

    def lines(self) -> set[int]:
        """Return the lines where the server sees the fault; where it names no field, where the mutant was changed."""
        lines = Lines(self.mutant.text)
        found = {lines.of_key(line, key) for line, key in self.answer.lines}
        for field in self.answer.fields:
            found |= lines.of(field)
        return found or lines.around(self.mutant.path)
