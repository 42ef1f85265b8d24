"""What a rule is: an id, a severity, a remedy and a pure function from a repository to hits."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo


class Severity(StrEnum):
    """How bad a finding is: an error breaks the cluster or the delivery, a warning will hurt later."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A hit with its rule's id, severity and remedy."""

    place: Place
    rule: str
    text: str
    severity: Severity
    fix: str
    context: str = ""

    @property
    def fingerprint(self) -> str:
        """Return what stays the same when lines move: a hash (hex) of rule, path and text."""
        return hashlib.sha256(f"{self.rule}\0{self.place.path}\0{self.text}".encode(errors="replace")).hexdigest()


Check = Callable[[Repo], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. Title and reason are the first line and the rest of its function's docstring.

    ``needs`` names the engine whose hits it reads (a key of ``Repo.engine_hits``), empty for most.
    """

    id: str
    severity: Severity
    fix: str
    check: Check
    needs: str = ""

    @property
    def title(self) -> str:
        """Return what should hold, one sentence."""
        return (self.check.__doc__ or "").strip().splitlines()[0].strip()

    @property
    def reason(self) -> str:
        """Return why it matters."""
        lines = (self.check.__doc__ or "").strip().splitlines()[1:]
        return "\n".join(line.strip() for line in lines).strip()

    def findings(self, repo: Repo) -> list[Finding]:
        """Run the rule; equal hits (one template rendered for several environments) are one finding."""
        hits = dict.fromkeys(self.check(repo))
        return [Finding(hit.place, self.id, hit.text, self.severity, self.fix, hit.context) for hit in hits]


_TAKEN: dict[str, Rule] = {}


def rule(rule_id: str, severity: Severity, *, fix: str, needs: str = "") -> Callable[[Check], Rule]:
    """Make a rule of a function. An id is taken once; the remedy is one sentence with a full stop."""
    if not fix.endswith("."):
        raise ValueError(f"{rule_id}: the remedy must be a sentence with a full stop")
    if rule_id in _TAKEN:
        raise ValueError(f"{rule_id} is taken already")

    def register(check: Check) -> Rule:
        made = _TAKEN[rule_id] = Rule(rule_id, severity, fix, check, needs)
        return made

    return register
