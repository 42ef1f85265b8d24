"""What CI systems take from this project: the action, the hook and the GitLab job do what their pages say."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from scaffold.model.version import __version__
from tests.conftest import ROOT

FAULTY = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndato: {}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a.yaml").write_text(FAULTY, encoding="utf-8")
    return root


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def run(script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["bash", "-eo", "pipefail", "-c", script]
    variables = os.environ | {"PATH": path} | environment
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("given", "code"), [({}, 1), ({"INPUT_ARGUMENTS": "--ignore SCHEMA --kube-version 1.36"}, 0)])
def test_the_action_annotates_and_writes_sarif(given: dict[str, str], code: int, repository: Path) -> None:
    action = read("action.yml")
    install, check = action["runs"]["steps"]
    assert '"$GITHUB_ACTION_PATH"' in install["run"]
    defaults = {"INPUT_PATH": ".", "INPUT_STRICT": action["inputs"]["strict"]["default"], "INPUT_ARGUMENTS": ""}
    assert set(defaults) | {"INPUT_SARIF"} == set(check["env"])
    home = repository.parent / "runner" / "scaffold" / "bin"
    home.mkdir(parents=True)
    (home / "scaffold").symlink_to(Path(sys.executable).with_name("scaffold"))
    environment = defaults | {"INPUT_SARIF": "../s.sarif", "RUNNER_TEMP": str(repository.parent / "runner")} | given
    done = run(check["run"], repository, **environment)
    assert done.returncode == code, done.stderr
    assert ("::error file=a.yaml,line=5,title=SCHEMA-01::" in done.stdout) == bool(code)
    results = json.loads((repository.parent / "s.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert len(results) == code


def test_the_hook_checks_the_repository_it_runs_in(repository: Path) -> None:
    [hook] = read(".pre-commit-hooks.yaml")
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    done = run(hook["entry"], repository)
    assert (done.returncode, "SCHEMA-01" in done.stdout) == (1, True)


def test_the_gitlab_job_writes_the_reports_that_it_names(repository: Path) -> None:
    definition = read("ci/gitlab.yml")
    job = definition["scaffold-check"]
    variables = definition["variables"]
    assert variables["SCAFFOLD_VERSION"] == __version__
    [line] = job["script"]
    done = run(line, repository, **{name: shlex.quote(value).strip("'") for name, value in variables.items()})
    assert done.returncode == 1, done.stderr
    reports = job["artifacts"]["reports"]
    [found] = json.loads((repository / reports["codequality"]).read_text(encoding="utf-8"))
    assert found["check_name"] == "SCHEMA-01"
    assert ET.parse(repository / reports["junit"]).getroot()[0].get("failures") == "1"  # noqa: S314


@pytest.mark.parametrize("given", ["sarif", "xml=a", "sarif=", "sarif=/nowhere/at/all"])
def test_a_report_that_cannot_be_written_is_one_clear_line(given: str, repository: Path) -> None:
    done = run(f"scaffold check --report {given}", repository)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"scaffold: --report {given}")
