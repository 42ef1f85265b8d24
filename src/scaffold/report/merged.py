"""Findings as they are shown: one place, rule and text is one entry, however many renders showed it."""

from collections.abc import Iterable
from dataclasses import dataclass

from scaffold.model.rule import Finding, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding and the renders that showed it (owner and values files), none for a plain file."""

    finding: Finding
    contexts: tuple[str, ...]


def merged(findings: Iterable[Finding]) -> list[Entry]:
    """Return the findings by place, those that differ in nothing but their context as one."""
    contexts: dict[tuple[object, ...], dict[str, None]] = {}
    first: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(findings):
        key = (finding.place, finding.rule, finding.text)
        first.setdefault(key, finding)
        contexts.setdefault(key, {}).update({finding.context: None} if finding.context else {})
    return [Entry(finding, tuple(contexts[key])) for key, finding in first.items()]


def count(entries: Iterable[Entry], severity: Severity) -> int:
    """Return how many entries are of a severity."""
    return sum(entry.finding.severity is severity for entry in entries)
