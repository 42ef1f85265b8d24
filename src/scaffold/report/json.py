"""The outcome as JSON, version 1. Keys are only added within a version.

::

    version     1
    findings    [{rule, severity ("error" or "warning"), path, line, message, fix, contexts}]
    external    [{path, line, what}]               outside this repository by design, no failure
    notChecked  [{path, line, what, reason}]       could not be judged; a failure under --strict
    suppressed  [{rule, path, line, message, reason}]   allowed by a comment in the repository
    summary     {failed, errors, warnings, external, notChecked, suppressed, baselined, baselineGone,
                 files, objects, owners, clusters, renders, kubeVersion, seconds}

``path`` is relative to the repository's root, ``line`` is 1-based. ``contexts`` are the renders that showed a
finding (an owner, its values files); it is empty where the place says it all. ``clusters`` are names, ``failed`` is
what the exit code says.
"""

import json
from typing import Any

from scaffold.model.manifest import Place
from scaffold.model.outcome import Outcome
from scaffold.model.rule import Severity
from scaffold.report.merged import count, merged

VERSION = 1


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return the outcome as indented JSON."""
    entries = merged(outcome.findings)
    document = {
        "version": VERSION,
        "findings": [
            {
                "rule": entry.finding.rule,
                "severity": str(entry.finding.severity),
                **_place(entry.finding.place),
                "message": entry.finding.text,
                "fix": entry.finding.fix,
                "contexts": list(entry.contexts),
            }
            for entry in entries
        ],
        "external": [{**_place(item.place), "what": item.what} for item in outcome.external],
        "notChecked": [
            {**_place(item.place), "what": item.what, "reason": item.reason} for item in outcome.not_checked
        ],
        "suppressed": [
            {
                "rule": item.finding.rule,
                **_place(item.finding.place),
                "message": item.finding.text,
                "reason": item.reason,
            }
            for item in outcome.suppressed
        ],
        "summary": {
            "failed": outcome.failed(strict=strict),
            "errors": count(entries, Severity.ERROR),
            "warnings": count(entries, Severity.WARNING),
            "external": len(outcome.external),
            "notChecked": len(outcome.not_checked),
            "suppressed": len(outcome.suppressed),
            "baselined": outcome.baselined,
            "baselineGone": outcome.gone,
            "files": outcome.files,
            "objects": outcome.objects,
            "owners": outcome.owners,
            "clusters": list(outcome.clusters),
            "renders": outcome.renders,
            "kubeVersion": outcome.kube_version,
            "seconds": round(outcome.seconds, 3),
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _place(place: Place) -> dict[str, Any]:
    return {"path": place.path, "line": place.line}
