"""The committed examples are what the template renders, and both Helm engines agree on all of them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import check, expanded, known
from scaffold.engines.helm import Backend
from tests.conftest import ROOT

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())


def test_the_committed_examples_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/examples.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `make examples` and look at the difference\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("kube_version", ["1.35", "1.36", "1.37"])
def test_an_example_has_no_finding_and_nothing_unchecked(name: str, kube_version: str) -> None:
    # The namespaces pin the Pod Security of the repository's own version, which an older cluster does not have.
    older = ("SEC-01",) if kube_version == "1.35" else ()
    with begun(ROOT / "examples" / name, Options(kube_version=kube_version, ignore=older)) as repository:
        outcome = check(repository)
    assert outcome.findings == ()
    assert outcome.not_checked == ()
    assert outcome.objects > 0


@pytest.mark.tool("helm")
@pytest.mark.parametrize("name", EXAMPLES)
def test_both_helm_engines_give_equal_objects(name: str) -> None:
    results = []
    for backend in (Backend.EMBEDDED, Backend.BINARY):
        root = ROOT / "examples" / name
        with begun(root, Options(helm=backend), style=False) as repository:
            repo = expanded(root, known(repository), repository.engine)
        results.append(
            sorted((m.cluster, m.namespace, str(m.origin), yaml.safe_dump(dict(m.data))) for m in repo.manifests)
        )
        assert any(m.origin.chart for m in repo.manifests)
        assert [chart.faults + chart.lint for chart in repo.charts if chart.faults or chart.lint] == []
    assert results[0] == results[1]


@pytest.mark.parametrize("name", EXAMPLES)
def test_default_yamllint_has_no_complaint(name: str, tmp_path: Path) -> None:
    files = [
        str(path)
        for path in sorted((ROOT / "examples" / name).rglob("*"))
        if path.suffix in {".yaml", ".yml"} and "templates" not in path.parts
    ]
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "-d", "{extends: default}", "--strict", *files],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(files) > 10
