"""The outcome as a Code Quality report of GitLab: findings in the merge request.

The report knows only findings. What could not be checked is one of severity ``info``, or ``major`` under --strict.
"""

import json
from collections import Counter
from typing import Any

from scaffold.model.outcome import Outcome
from scaffold.model.rule import Finding, Severity
from scaffold.report.merged import merged

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return a JSON list. A fingerprint stays the same when lines move."""
    seen: Counter[str] = Counter()
    entries = [_entry(seen, entry.finding, _SEVERITIES[entry.finding.severity]) for entry in merged(outcome.findings)]
    for item in outcome.not_checked:
        finding = Finding(item.place, "not-checked", f"{item.what}: {item.reason}", Severity.WARNING, "")
        entries.append(_entry(seen, finding, "major" if strict else "info"))
    return json.dumps(entries, indent=2, ensure_ascii=False)


def _entry(seen: Counter[str], finding: Finding, severity: str) -> dict[str, Any]:
    # The same words twice in a file are two findings.
    mark = finding.fingerprint
    seen[mark] += 1
    return {
        "description": finding.text,
        "check_name": finding.rule,
        "fingerprint": mark if seen[mark] == 1 else f"{mark}-{seen[mark]}",
        "severity": severity,
        "location": {"path": finding.place.path, "lines": {"begin": finding.place.line}},
    }
