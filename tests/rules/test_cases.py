"""Every rule bites and stays silent: its cases, as a repository on disk and with the real engines.

``cases/<ID>/bad`` has ``# HIT`` on each line that the rule must find; ``cases/<ID>/good`` is a repository that the
rule has no complaint about, and no other rule finds an error in.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from scaffold.commands.policies import ask
from scaffold.commands.suppress import by_comments
from scaffold.engines import disk, yamllint
from scaffold.engines.cel import compiler
from scaffold.engines.helm import Backend, Helm, helm
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Rule, Severity
from scaffold.rules import RULES
from tests.helpers import URL, expanded

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module")
def engine() -> Iterator[Helm]:
    with helm(Backend.AUTO) as opened:
        yield opened


def case(root: Path, engine: Helm) -> Repo:
    files, unread = disk.read_tree(root)
    assert files, f"{root} is missing: every rule needs a good and a bad case"
    assert not unread
    yamls = {path: text for path, text in files.items() if path.endswith(".yaml") and "/templates/" not in path}
    style = yamllint.Lint(root, yamls).problems()
    repo = expanded(Repo.of(URL, files), lambda requests: engine.charts(root, requests), engine.templates)
    said = {"yamllint": style, **ask(repo, compiler).hits}
    repo = repo.with_(engine_hits=said)
    findings = [finding for rule in RULES for finding in rule.findings(repo)] if is_allowed(files) else []
    _, _, hits = by_comments(repo, findings, RULES, RULES)
    return repo.with_(engine_hits={**said, "suppressions": tuple(hits)})


def is_allowed(files: Mapping[str, str]) -> bool:
    return any("scaffold: ignore" in text for text in files.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_finds_what_is_marked_in_its_bad_case(rule: Rule, engine: Helm) -> None:
    repo = case(CASES / rule.id / "bad", engine)
    marked = {
        Place(path, number)
        for path, text in repo.files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if "# HIT" in line
    }
    assert marked
    assert {finding.place for finding in rule.findings(repo)} == marked


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_good_case_pleases_its_rule_and_has_no_error(rule: Rule, engine: Helm) -> None:
    repo = case(CASES / rule.id / "good", engine)
    assert not any("# HIT" in text for text in repo.files.values())
    others = (other for other in RULES if other.severity is Severity.ERROR or other is rule)
    found = [finding for other in others for finding in other.findings(repo)]
    assert found == [] or is_allowed(repo.files)


def test_every_case_belongs_to_a_rule() -> None:
    assert {path.name for path in CASES.iterdir()} == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_should_hold_why_and_what_to_do(rule: Rule) -> None:
    assert rule.title.endswith(".")
    assert rule.reason.endswith(".")
    assert rule.fix.endswith(".")
