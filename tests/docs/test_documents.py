"""The project's own documents: generated pages are up to date, links lead somewhere, the tutorial's answers work."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from tools import reference, verification

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import check
from scaffold.commands.new import Wanted, new
from scaffold.engines.template_source import CANONICAL_URL
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_generated_pages_are_up_to_date() -> None:
    assert reference.main(["--check"]) == 0, "run `make reference` and commit the pages"


def test_the_page_of_questions_shows_scope_choices_and_default() -> None:
    page = reference.questions_page(ROOT)
    assert (
        "### `engine`\n\nGitOps engine.\n\n- scope: repository\n- one of: `argocd` (Argo CD), `flux` (Flux)\n" in page
    )
    assert (
        "- scope: repository, asked where `backup == 'velero'`\n- type: str\n- default: `#{ name }#-backups`\n" in page
    )
    assert "  - {name: dev, cluster: dev, server: 'https://dev.k8s.example.com:6443', region: eu-west-1}\n" in page
    assert "`environment_domains`" not in page


def test_the_page_of_rules_shows_an_example_without_its_marks() -> None:
    page = reference.rules_page(reference.RULES, reference.CASES)
    for rule in reference.RULES:
        section = page.split(f"\n## {rule.id}\n")[1].split("\n## ")[0]
        assert rule.fix in section.replace("\\|", "|").replace("&lt;", "<")
        assert "```diff" in section, f"{rule.id} has no example in tests/rules/cases"
    assert "# HIT" not in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in set(anchors(target)), f"{page.name}: {link}"


def anchors(page: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_readme_names_the_canonical_url_and_the_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"T={CANONICAL_URL}\n" in readme
    plain = (ROOT / "docs/how-to/plain-copier.md").read_text(encoding="utf-8")
    assert f"T={CANONICAL_URL}\n" in plain


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    for name in names:
        text = (ROOT / "docs/decisions" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {int(name[:4])}. ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Choice", "Price"]


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_the_answers_of_the_tutorial_make_a_clean_repository(engine: str, tmp_path: Path) -> None:
    answers = ROOT / "docs/examples" / f"podinfo-{engine}.yaml"
    made = new("", tmp_path / "podinfo", Wanted(file=answers, defaults=True))
    assert made.answers["engine"] == engine
    values = made.root / ("apps/base/podinfo" if engine == "flux" else "services/podinfo") / "values.yaml"
    addition = re.search(r"```yaml\n(env:.*?)```", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
    assert addition
    values.write_text(values.read_text(encoding="utf-8") + addition[1], encoding="utf-8")
    service = yaml.safe_load(values.read_bytes())
    assert (service["port"], service["grpcPort"], service["metrics"]["port"]) == (9898, 9999, 9797)
    assert service["args"] == ["./podinfo", "--port=9898", "--port-metrics=9797", "--grpc-port=9999"]
    assert service["env"] == {"PODINFO_UI_MESSAGE": "Hello from the golden path"}
    with begun(made.root, Options()) as repository:
        outcome = check(repository)
    assert outcome.findings == ()
    assert outcome.not_checked == ()


def test_the_page_of_verification_tells_of_every_component_that_a_test_proves() -> None:
    claimed = {
        argument.value
        for file in (ROOT / "tests" / "cluster").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "proves"
        for argument in node.args[1:]
        if isinstance(argument, ast.Constant)
    }
    assert claimed
    told = verification.rows(verification.PAGE.read_text(encoding="utf-8"))
    assert told in (claimed, set()), "run `make e2e` and `make verification`"


def test_a_run_that_was_not_whole_is_not_told_of() -> None:
    proof = '<properties><property name="proves" value="accepted: istio"/></properties>'
    whole = ET.fromstring(f"<s><testcase>{proof}</testcase></s>")  # noqa: S314
    assert "| istio | 1 test | — | — |" in verification.tables(whole)
    left_out = ET.fromstring(f"<s><testcase>{proof}</testcase><testcase><skipped/></testcase></s>")  # noqa: S314
    with pytest.raises(verification.NotWhole, match="2 tests, 1 of them"):
        verification.tables(left_out)
