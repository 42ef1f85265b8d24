"""The outcome as SARIF 2.1.0, which code scanning services and editors read.

One result a finding; the renders that showed it are in its property bag. What could not be checked is a notification
of the tool, at level ``error`` under --strict: it is no finding, and no pass either.
"""

import json
from typing import Any
from urllib.parse import quote

from scaffold.model.manifest import Place
from scaffold.model.outcome import Outcome, Suppressed
from scaffold.model.rule import Rule
from scaffold.model.version import __version__
from scaffold.report.merged import Entry, merged

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(outcome: Outcome, *, strict: bool = False) -> str:
    """Return the outcome as one SARIF log with one run."""
    known = list(outcome.rules)
    index = {rule.id: number for number, rule in enumerate(known)}
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "scaffold", "version": __version__, "rules": [_rule(rule) for rule in known]}
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"ROOT": {"description": {"text": "The root of the repository."}}},
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "exitCode": int(outcome.failed(strict=strict)),
                        "toolExecutionNotifications": [
                            {
                                "level": "error" if strict else "warning",
                                "message": {"text": f"not checked: {item.what}: {item.reason}"},
                                "locations": [_location(item.place)],
                            }
                            for item in outcome.not_checked
                        ],
                    }
                ],
                "results": [
                    *(_result(entry, index) for entry in merged(outcome.findings)),
                    *(_suppressed(item, index) for item in outcome.suppressed),
                ],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, Any]:
    described = {"fullDescription": {"text": rule.reason}} if rule.reason else {}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        **described,
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(entry: Entry, index: dict[str, int]) -> dict[str, Any]:
    finding = entry.finding
    return {
        "ruleId": finding.rule,
        **({"ruleIndex": index[finding.rule]} if finding.rule in index else {}),
        "level": str(finding.severity),
        "message": {"text": f"{finding.text}. {finding.fix}"},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"scaffold/v1": finding.fingerprint},
        "properties": {"contexts": list(entry.contexts)},
    }


def _suppressed(item: Suppressed, index: dict[str, int]) -> dict[str, Any]:
    return {
        **_result(Entry(item.finding, ()), index),
        "suppressions": [{"kind": "inSource", "justification": item.reason}],
    }


def _location(place: Place) -> dict[str, Any]:
    artifact = {"uri": quote(place.path or ".", errors="replace"), "uriBaseId": "ROOT"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(place.line, 1)}}}
