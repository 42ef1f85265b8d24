"""Outcomes that tests of reports share."""

from scaffold.model.manifest import Place
from scaffold.model.outcome import Outcome
from scaffold.model.repo import External, NotChecked
from scaffold.model.rule import Finding, Severity

PATH_FIX = "Correct the path, or commit what it names."
STYLE_FIX = "Follow the style, or change the rule in .yamllint."


def finding(path: str, line: int, text: str, context: str = "", severity: Severity = Severity.ERROR) -> Finding:
    rule, fix = ("GITOPS-01", PATH_FIX) if severity is Severity.ERROR else ("YAML-02", STYLE_FIX)
    return Finding(Place(path, line), rule, text, severity, fix, context)


def outcome(
    *findings: Finding,
    external: tuple[External, ...] = (),
    not_checked: tuple[NotChecked, ...] = (),
    objects: int = 120,
) -> Outcome:
    return Outcome(
        findings=findings,
        external=external,
        not_checked=not_checked,
        files=90,
        objects=objects,
        owners=14,
        clusters=("dev", "prod", "staging"),
        renders=9,
        kube_version="1.37",
        seconds=1.84,
    )


CHART = External(Place("platform/dev.yaml", 12), "chart istiod 1.30.3 from https://charts.example.com")
KIND = NotChecked(Place("db.yaml", 1), "Database (example.com/v1), 1 object", "no schema is known of this kind")
