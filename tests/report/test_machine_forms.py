"""SARIF, JUnit, GitHub and GitLab: what other programs read, with what could not be checked told in each."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest

from scaffold.model.outcome import Outcome
from scaffold.model.rule import Severity
from scaffold.report import github, gitlab, junit, sarif
from scaffold.rules import RULES
from tests.report.outcomes import KIND, PATH_FIX, finding, outcome

DEV, PROD = "Application argocd/web-dev", "Application argocd/web-prod"


def whole() -> Outcome:
    done = outcome(
        finding("a b/größe.yaml", 2, "wrong: 50%, and\nmore \x1b <&>", DEV),
        finding("a b/größe.yaml", 2, "wrong: 50%, and\nmore \x1b <&>", PROD),
        finding("t.yaml", 7, "two spaces", severity=Severity.WARNING),
        finding("t.yaml", 9, "two spaces", severity=Severity.WARNING),
        not_checked=(KIND,),
    )
    return Outcome(**{name: getattr(done, name) for name in done.__slots__} | {"rules": RULES})


def test_sarif_has_a_result_a_finding_and_names_its_rule() -> None:
    [run] = json.loads(sarif.render(whole()))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [r["ruleId"] for r in run["results"]]
    first = run["results"][0]
    assert first["level"] == "error"
    assert first["message"]["text"].endswith(PATH_FIX)
    assert first["properties"] == {"contexts": [DEV, PROD]}
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20b/gr%C3%B6%C3%9Fe.yaml"
    assert location["region"] == {"startLine": 2}


@pytest.mark.parametrize(("strict", "level"), [(False, "warning"), (True, "error")])
def test_sarif_tells_what_was_not_checked(strict: bool, level: str) -> None:
    [run] = json.loads(sarif.render(whole(), strict=strict))["runs"]
    [note] = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == (level, "db.yaml")
    assert "no schema is known of this kind" in note["message"]["text"]


@pytest.mark.tool("promtool")
def test_sarif_satisfies_its_published_schema() -> None:
    schema = Path(shutil.which("promtool") or "").with_name("sarif-schema-2.1.0.json")
    if not schema.is_file():
        pytest.skip("the published schema of SARIF is not beside promtool (`make tools` puts it there)")
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text(encoding="utf-8")))
    for done in (whole(), outcome()):
        assert [error.message for error in validator.iter_errors(json.loads(sarif.render(done)))] == []
    broken = json.loads(sarif.render(whole()))
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert list(validator.iter_errors(broken))


def test_junit_has_a_case_a_finding_and_one_for_each_clean_rule() -> None:
    suite = ET.fromstring(junit.render(whole()))[0]  # noqa: S314
    counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": len(RULES) - 2 + 3 + 1, "failures": 3, "skipped": 1, "errors": 0}
    passed = {case.get("classname") for case in suite if not len(case)}
    assert passed == {rule.id for rule in RULES} - {"GITOPS-01", "YAML-02"}
    failure = suite.find("testcase[@classname='GITOPS-01']/failure")
    assert failure is not None
    assert failure.get("message") == "wrong: 50%, and\\nmore \\x1b <&>"
    assert (failure.text or "").splitlines()[1:] == [PATH_FIX, DEV, PROD]


def test_junit_fails_what_was_not_checked_when_strict() -> None:
    suite = ET.fromstring(junit.render(whole(), strict=True))[0]  # noqa: S314
    assert (suite.get("failures"), suite.get("skipped")) == ("4", "0")


def test_github_commands_are_one_line_each_with_their_marks_spelt_out() -> None:
    lines = github.render(whole()).split("\n")
    assert lines[0].startswith("::error file=a b/größe.yaml,line=2,title=GITOPS-01::wrong: 50%25, and%0Amore ")
    assert lines[0].endswith(f"%0A{PATH_FIX}%0A{DEV}%0A{PROD}")
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::warning", "::notice"]
    assert github.render(whole(), strict=True).split("\n")[-1].startswith("::error file=db.yaml,line=1,")


def test_gitlab_fingerprints_stay_when_lines_move_and_are_never_equal() -> None:
    entries = json.loads(gitlab.render(whole()))
    assert [entry["severity"] for entry in entries] == ["major", "minor", "minor", "info"]
    assert len({entry["fingerprint"] for entry in entries}) == 4
    moved = outcome(finding("t.yaml", 70, "two spaces", severity=Severity.WARNING))
    assert json.loads(gitlab.render(moved))[0]["fingerprint"] == entries[1]["fingerprint"]
    assert json.loads(gitlab.render(whole(), strict=True))[-1]["severity"] == "major"


def test_a_clean_check_says_nothing_to_github_and_an_empty_list_to_gitlab() -> None:
    assert (github.render(outcome()), gitlab.render(outcome())) == ("", "[]")
