"""What people allow: comments with a reason, a baseline, and the settings of a repository."""

import json
from pathlib import Path

import pytest

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import check
from scaffold.model.errors import BadInput
from scaffold.model.outcome import Outcome

SERVICE = """---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: many{end}
    - port: more
"""


def checked(root: Path, **options: object) -> Outcome:
    chosen = {"select": ("SCHEMA-01", "MESH-01", "IGNORE")} | options
    with begun(root, Options(**chosen)) as repository:  # type: ignore[arg-type]
        return check(repository)


def places(outcome: Outcome) -> list[str]:
    return [f"{finding.rule} {finding.place}" for finding in outcome.findings]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "web.yaml").write_text(SERVICE.format(end=""), encoding="utf-8")
    return tmp_path


def test_a_comment_with_a_reason_allows_its_line_only(root: Path) -> None:
    (root / "web.yaml").write_text(
        SERVICE.format(end="  # scaffold: ignore[SCHEMA-01] an old gateway"), encoding="utf-8"
    )
    done = checked(root)
    assert places(done) == ["SCHEMA-01 web.yaml:9"]
    [allowed] = done.suppressed
    assert (str(allowed.finding.place), allowed.reason) == ("web.yaml:8", "an old gateway")


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("ignore[SCHEMA-01]", "the suppression has no reason"),
        ("ignore[SCHEMA-99] so", "no rule is called SCHEMA-99"),
        ("ignore so", "the suppression names no rule"),
        ("ignore[MESH-01,SCHEMA-01] so", "nothing of MESH-01 is found on line 8"),
    ],
)
def test_a_comment_that_says_too_little_or_too_much_is_found(root: Path, comment: str, why: str) -> None:
    (root / "web.yaml").write_text(SERVICE.format(end=f"  # scaffold: {comment}"), encoding="utf-8")
    done = checked(root)
    assert [finding.text for finding in done.findings if finding.rule == "IGNORE-01"] == [why]


def test_a_comment_of_a_rule_that_is_not_run_is_not_judged(root: Path) -> None:
    (root / "web.yaml").write_text(SERVICE.format(end="  # scaffold: ignore[SCHEMA-01] so"), encoding="utf-8")
    assert places(checked(root, ignore=("SCHEMA",))) == []


def test_a_baseline_leaves_out_what_was_there_and_nothing_new(root: Path) -> None:
    file = root / ".known.json"
    assert len(checked(root).findings) == 2
    written = checked(root, baseline=file, update_baseline=True)
    assert (places(written), written.baselined, written.gone) == ([], 2, 0)
    moved = "# a line more\n" + SERVICE.format(end="").replace("more", "most")
    (root / "web.yaml").write_text(moved, encoding="utf-8")
    done = checked(root, baseline=file)
    assert (places(done), done.baselined, done.gone) == (["SCHEMA-01 web.yaml:10"], 1, 1)
    assert done.failed(strict=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [("[]", "is no baseline"), ("{", "is no baseline"), (json.dumps({"version": 9, "findings": []}), "version 9")],
)
def test_a_file_that_is_no_baseline_is_refused(root: Path, text: str, why: str) -> None:
    (root / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        checked(root, baseline=root / "b.json")


def test_the_settings_of_the_repository_hold_where_the_command_line_is_silent(root: Path) -> None:
    settings = 'select: [SCHEMA-01]\nignore: [SCHEMA]\nstrict: true\nkube-version: "1.36"\nbaseline: known.json\n'
    (root / ".scaffold.yaml").write_text(f"---\n{settings}", encoding="utf-8")
    (root / "known.json").write_text('{"version": 1, "findings": []}', encoding="utf-8")
    with begun(root, Options()) as repository:
        done = check(repository)
        assert repository.options.strict
    assert (places(done), done.kube_version) == ([], "1.36")
    assert len(checked(root, ignore=("MESH",)).findings) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("strict: yes please", r".scaffold.yaml:1: strict: write true or false"),
        ("select: MESH", r":1: select: write a list of texts"),
        ("kube-version: 1.30", r":1: kube-version: write the version in quotes"),
        ("a: 1\nignored: []", r":1: a is no setting: choose from select, ignore"),
        ("ignored: []", r"ignored is no setting, did you mean ignore\?"),
        ("[a]", "settings are one map"),
        ("clusters: [{name: dev}]", "write a list of maps with name and server"),
        ("clusters: [{name: dev, server: s, labels: {a: 1}}]", "labels and annotations are maps of texts"),
        ("a: [", r".scaffold.yaml:\d: "),
    ],
)
def test_a_fault_in_the_settings_is_one_line_that_names_it(root: Path, text: str, why: str) -> None:
    (root / ".scaffold.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        checked(root)
