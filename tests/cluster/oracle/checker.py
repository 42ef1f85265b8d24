"""What ``scaffold check`` says of a text: the same way through the program, without its process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.commands import check
from scaffold.commands.check import chosen_rules, expanded
from scaffold.model.ports import ChartRequest, ChartResult
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity
from scaffold.rules.schemas import unknown_kinds

RULES = ("SCHEMA", "WORK-01", "YAML-01")
"""The rules whose errors say that the server refuses an object. The others judge what it takes."""
FILE = "object.yaml"


@dataclass(frozen=True, order=True)
class Said:
    """A finding: the line of the text, the rule and its words."""

    line: int
    rule: str
    text: str


class _NoHelm:
    def charts(self, _root: Path, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        return [ChartResult() for _ in requests]

    def templates(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
        return ["none here" for _ in jobs]


class Checker:
    """``scaffold check --schemas FOLDER --kube-version VERSION`` for repositories of one file."""

    def __init__(self, kube_version: str, schemas: Path) -> None:
        self._facts = {"kube_version": kube_version, "schema_texts": tuple(check._crds(schemas))}
        self._rules = chosen_rules(RULES, ())

    def __call__(self, text: str) -> tuple[Said, ...] | None:
        """Return the errors found in a text; None where the check says that it knows no schema of its kind."""
        repo = expanded(Path(), Repo.of("", {FILE: text}).with_(**self._facts), _NoHelm())
        found = {finding for rule in self._rules for finding in rule.findings(repo)}
        if not repo.manifests and not found:
            raise AssertionError(f"nothing was looked at:\n{text}")
        if unknown_kinds(repo):
            return None
        return tuple(
            sorted(Said(one.place.line, one.rule, one.text) for one in found if one.severity is Severity.ERROR)
        )
