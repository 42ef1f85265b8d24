"""The policies, by Kyverno's own command line: their fixtures, and that the golden path passes them."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import expanded, known
from scaffold.commands.new import Wanted, add_service
from tests.template.rendering import make

POD_OWNERS = ("Deployment", "CronJob")
KYVERNO_VALUES = "cli.kyverno.io/v1alpha1"


def kyverno(*args: str, cwd: Path) -> str:
    done = subprocess.run(["kyverno", *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.tool("kyverno")
@pytest.mark.parametrize("mesh", ["istio", "none"])
def test_every_fixture_of_every_policy_holds(mesh: str, tmp_path: Path) -> None:
    root = make(tmp_path / "repo", {"mesh": mesh}).root
    printed = kyverno("test", "policies", "--require-tests", cwd=root)
    summary = re.search(r"Test Summary: (\d+) tests passed and 0 tests failed", printed)
    assert summary, printed
    tested = {path.parent.name for path in root.glob("policies/*/kyverno-test.yaml")}
    assert tested == {path.parent.name for path in root.glob("policies/*/policy.yaml")}
    assert int(summary[1]) > 10 * len(tested)


@pytest.mark.tool("kyverno")
@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_the_golden_path_passes_its_own_policies(engine: str, tmp_path: Path) -> None:
    subsets = [{"name": "canary", "weight": 10}]
    root = make(tmp_path / "repo", {"engine": engine, "subsets": subsets, "args": ["serve"]}).root
    add_service("jobs", root, Wanted(pairs=("kind=cron",), defaults=True))
    add_service("queue", root, Wanted(pairs=("kind=worker",), defaults=True))
    with begun(root, Options(), style=False) as repository:
        repo = expanded(root, known(repository), repository.engine)
    pods = [manifest for manifest in repo.manifests if manifest.kind in POD_OWNERS and manifest.cluster == "prod"]
    assert sorted(pod.name for pod in pods) == ["jobs", "queue", "web", "web-canary"]
    [namespace] = [
        m for m in repo.manifests if m.kind == "Namespace" and m.name == "web" and m.cluster == "prod"
    ]
    (tmp_path / "pods.yaml").write_text(yaml.safe_dump_all([dict(pod.data) for pod in pods]), encoding="utf-8")
    values = {
        "apiVersion": KYVERNO_VALUES,
        "kind": "Values",
        "namespaceSelector": [{"name": namespace.name, "labels": dict(namespace.labels)}],
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    policies = sorted(str(path) for path in root.glob("policies/*/policy.yaml"))
    printed = kyverno("apply", *policies, "-r", "pods.yaml", "-f", "values.yaml", cwd=tmp_path)
    applied = re.search(r"Applying (\d+) policy rule\(s\) to (\d+) resource", printed)
    summary = re.search(r"pass: (\d+), fail: 0, warn: 0, error: 0", printed)
    assert applied, printed
    assert summary, printed
    # Whoever passes on nothing has not looked.
    assert int(applied[1]) >= len(policies)
    assert int(summary[1]) >= len(policies) * len(pods)
