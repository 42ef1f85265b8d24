"""What changes in the clusters between two revisions, of a repository as a user has it, with the real git."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.commands.ahead import Options
from scaffold.commands.diff import diff
from scaffold.commands.new import Wanted, new
from scaffold.model.errors import BadInput
from scaffold.report import delta as report

GIT = ("git", "-c", "user.name=Tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgSign=false")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diff") / "shop"
    new("shop", folder, Wanted(preset="minimal", defaults=True))
    version = folder / "services" / "shop" / "envs" / "dev" / "version.yaml"
    version.write_text(version.read_text(encoding="utf-8").replace('"1.0.0"', '"2.0.0"'), encoding="utf-8")
    git(folder, "commit", "--quiet", "--all", "--message", "dev: 2.0.0")
    values = folder / "services" / "shop" / "values.yaml"
    values.write_text(f"# Only a comment.\n{values.read_text(encoding='utf-8')}", encoding="utf-8")
    return folder


def test_a_version_changes_its_environment_only(root: Path) -> None:
    found = diff(root, "HEAD~1", "HEAD", Options())
    assert found.not_compared == ()
    assert {change.environments for change in found.changes} == {("dev",)}
    [deployment] = [change for change in found.changes if change.identity.kind == "Deployment"]
    images = [field for field in deployment.fields if field.path.endswith("containers[shop].image")]
    assert [(one.before.rpartition(":")[2], one.after.rpartition(":")[2]) for one in images] == [("1.0.0", "2.0.0")]


def test_a_comment_changes_nothing_and_the_repository_stays_as_it_is(root: Path) -> None:
    before = git(root, "status", "--porcelain", "--untracked-files=all")
    found = diff(root, "HEAD", "", Options())
    assert (found.changes, found.not_compared) == ((), ())
    assert report.text(found.changes, found.not_compared) == "nothing changes in any cluster"
    assert git(root, "status", "--porcelain", "--untracked-files=all") == before
    assert git(root, "worktree", "list").count("\n") == 1


def test_what_cannot_be_rendered_is_told_not_taken_for_a_removal(root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    git(tmp_path, "clone", "--quiet", str(root), "broken")
    (broken / "charts" / "service" / "templates" / "deployment.yaml").write_text("{{ fail `no` }}", encoding="utf-8")
    found = diff(broken, "HEAD", "", Options())
    assert any("the working tree: " in text for text in found.not_compared)
    assert "Not compared" in report.text(found.changes, found.not_compared)
    assert "### Not compared" in report.markdown(found.changes, found.not_compared)


def test_a_folder_that_applies_nothing_is_told(root: Path) -> None:
    [text] = diff(root / "services", "HEAD", "", Options()).not_compared
    assert text.startswith("nothing is applied from here on either side")


@pytest.mark.parametrize(
    ("before", "why"), [("nope", "nope is no revision"), ("--help", "--help is no revision"), ("", "")]
)
def test_a_wrong_revision_is_one_line(root: Path, before: str, why: str) -> None:
    if why:
        with pytest.raises(BadInput, match=why):
            diff(root, before, "", Options())
    else:
        assert diff(root, before, "", Options()).changes == ()


def test_without_git_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is in no git repository"):
        diff(tmp_path, "HEAD", "", Options())


def test_the_forms_of_a_comparison(root: Path) -> None:
    found = diff(root, "HEAD~1", "HEAD", Options())
    document = json.loads(report.as_json("HEAD~1", "HEAD", found.changes, found.not_compared))
    assert document["summary"]["changed"] == len(document["changes"]) > 3
    assert document["summary"] | {"changed": 0} == {"added": 0, "removed": 0, "changed": 0}
    text = report.markdown(found.changes, found.not_compared)
    assert text.startswith(f"**0 added, 0 removed, {len(found.changes)} changed**\n\n### dev\n")
    assert text.count("<details>") == text.count("</details>") == len(found.changes)
    many = report.markdown(found.changes * 200, ())
    assert len(many) < 65_536
    assert "more objects do not fit here." in many


def test_the_command_ends_with_one_when_asked_to(root: Path) -> None:
    command = [sys.executable, "-m", "scaffold", "diff", "-C", str(root), "--exit-code"]
    codes = [subprocess.run([*command, *revisions], capture_output=True, check=False).returncode
             for revisions in (["HEAD~1", "HEAD"], ["HEAD"])]  # fmt: skip
    assert codes == [1, 0]
