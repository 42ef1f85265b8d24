"""The report for programs: its keys are a promise."""

import json

from scaffold.report import json as report
from tests.report.outcomes import CHART, KIND, finding, outcome


def test_every_key_of_version_1() -> None:
    done = outcome(
        finding("t.yaml", 2, "wrong", "Application argocd/web-dev"),
        finding("t.yaml", 2, "wrong", "Application argocd/web-prod"),
        external=(CHART,),
        not_checked=(KIND,),
    )
    assert json.loads(report.render(done)) == {
        "version": 1,
        "findings": [
            {
                "rule": "GITOPS-01",
                "severity": "error",
                "path": "t.yaml",
                "line": 2,
                "message": "wrong",
                "fix": "Correct the path, or commit what it names.",
                "contexts": ["Application argocd/web-dev", "Application argocd/web-prod"],
            }
        ],
        "external": [
            {"path": "platform/dev.yaml", "line": 12, "what": "chart istiod 1.30.3 from https://charts.example.com"}
        ],
        "notChecked": [
            {
                "path": "db.yaml",
                "line": 1,
                "what": "Database (example.com/v1), 1 object",
                "reason": "no schema is known of this kind",
            }
        ],
        "suppressed": [],
        "summary": {
            "failed": True,
            "errors": 1,
            "warnings": 0,
            "external": 1,
            "notChecked": 1,
            "suppressed": 0,
            "baselined": 0,
            "baselineGone": 0,
            "files": 90,
            "objects": 120,
            "owners": 14,
            "clusters": ["dev", "prod", "staging"],
            "renders": 9,
            "kubeVersion": "1.37",
            "seconds": 1.84,
        },
    }


def test_failed_is_what_the_exit_code_says() -> None:
    def failed(*, strict: bool) -> bool:
        answer: bool = json.loads(report.render(outcome(not_checked=(KIND,)), strict=strict))["summary"]["failed"]
        return answer

    assert not failed(strict=False)
    assert failed(strict=True)


def test_text_stays_text() -> None:
    done = outcome(finding("größe.yaml", 1, 'a "quoted" \x1b 语言'))
    assert "\x1b" not in report.render(done)
    (found,) = json.loads(report.render(done))["findings"]
    assert (found["path"], found["message"]) == ("größe.yaml", 'a "quoted" \x1b 语言')
