"""What a check found, as data for the reports."""

from dataclasses import dataclass

from scaffold.model.outline import Outline
from scaffold.model.repo import External, NotChecked
from scaffold.model.rule import Finding, Rule, Severity


@dataclass(frozen=True, slots=True, order=True)
class Suppressed:
    """A finding that a comment allows, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Findings, what was not looked at, and how much was: the numbers are counts, ``seconds`` wall time.

    ``rules`` are those that were run. ``suppressed`` are findings that a comment allows, ``baselined`` counts those
    that the baseline holds, ``gone`` what the baseline holds and nobody finds any more. ``outline`` is there where a
    report needs it.
    """

    findings: tuple[Finding, ...]
    external: tuple[External, ...]
    not_checked: tuple[NotChecked, ...]
    files: int
    objects: int
    owners: int
    clusters: tuple[str, ...]
    renders: int
    kube_version: str
    seconds: float
    rules: tuple[Rule, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    baselined: int = 0
    gone: int = 0
    outline: Outline | None = None

    @property
    def errors(self) -> int:
        """Return the number of errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Return the number of warnings."""
        return len(self.findings) - self.errors

    def failed(self, *, strict: bool) -> bool:
        """Tell whether the check fails: on any finding, and with ``strict`` on anything not checked."""
        return bool(self.findings) or (strict and bool(self.not_checked))
