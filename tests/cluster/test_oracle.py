"""The API server as judge of ``scaffold check``: on thousands of broken objects both say the same of the same field.

``python -m tests.cluster.oracle`` prints the whole table and every cause of a miss.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.oracle import judgement, table
from tests.cluster.oracle.checker import RULES
from tests.cluster.oracle.verdicts import Outcome, Verdict
from tests.conftest import SHARED

Note = Callable[[str, object], None]

# Found, and found at the same field: measured with this seed, less two points. So a rule that is lost is seen.
FLOORS = {"Kubernetes' own": (0.97, 0.965), "custom resources": (0.96, 0.96)}
# Files of these kinds decide what of a repository is applied at all.
DELIVERY = ("Application", "ApplicationSet", "AppProject", "Kustomization", "HelmRelease")
SAMPLE = 300


@pytest.fixture(scope="module")
def verdicts(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Verdict]]:
    with judgement.prepared(plane):
        good, broken = judgement.chosen(plane, tmp_path_factory.mktemp("oracle"))
        assert len(good) > 80
        assert len(broken) >= 5000
        yield judgement.judged(plane, [*good, *broken])


def test_good_objects_are_taken_by_both(verdicts: list[Verdict]) -> None:
    good = [verdict for verdict in verdicts if verdict.mutant.change == "none"]
    assert {one.outcome for one in good} == {Outcome.FINE}, [one for one in good if one.outcome is not Outcome.FINE]
    assert len({one.mutant.kind for one in good}) > 55


def test_what_check_calls_an_error_the_server_refuses(verdicts: list[Verdict]) -> None:
    false = [(one.mutant.kind, one.said) for one in verdicts if one.outcome is Outcome.FALSE]
    assert false == []
    assert sum(one.outcome is Outcome.FINE for one in verdicts) > 1000


def test_check_finds_what_the_server_refuses(verdicts: list[Verdict], record_property: Note) -> None:
    record_property("note", f"the API server as judge of scaffold check\n{table.table(verdicts)}")
    for name, own in (
        ("Kubernetes' own", [one for one in verdicts if table.is_core(one)]),
        ("custom resources", [one for one in verdicts if not table.is_core(one)]),
    ):
        counted = table.share(own)
        record_property("note", f"{name}: {counted}")
        found, same = FLOORS[name]
        assert counted.refused > 1000
        assert counted.found / counted.refused >= found, name
        assert counted.same / counted.refused >= same, name
    for (field, message), some in table.causes(verdicts, Outcome.MISSED)[:20]:
        record_property("note", f"missed {len(some)} x {field}: {message}")


def test_hardly_an_answer_is_not_about_the_object(verdicts: list[Verdict]) -> None:
    """Admission and what is there already would hide what the server thinks of an object."""
    count = Counter(one.outcome for one in verdicts)
    assert count[Outcome.BESIDE] + count[Outcome.UNKNOWN] < len(verdicts) / 100


def test_the_command_says_the_same_as_its_rules(verdicts: list[Verdict], tmp_path: Path) -> None:
    alone = [one for one in verdicts if one.said is not None and one.mutant.kind not in DELIVERY]
    # Selectors that take the pods of another workload are found in a repository, not in one object.
    rules = [rule for rule in RULES if rule != "WORK-01"]
    chosen = Random(judgement.SEED).sample(alone, SAMPLE)  # noqa: S311 - no secret
    for number, verdict in enumerate(chosen):
        (tmp_path / f"{number:04}.yaml").write_text(verdict.mutant.text, encoding="utf-8")
    command = [sys.executable, "-m", "scaffold", "check", str(tmp_path), "--format", "json"]
    command += ["--kube-version", judgement.KUBE_VERSION, "--schemas", str(SHARED / "crds")]
    done = subprocess.run(
        [*command, *(f"--select={rule}" for rule in rules)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    outcome = json.loads(done.stdout)
    said = {(one["path"], one["line"], one["rule"], one["message"]) for one in outcome["findings"]}
    expected = {
        (f"{number:04}.yaml", one.line, one.rule, one.text)
        for number, verdict in enumerate(chosen)
        for one in verdict.said or ()
        if one.rule.startswith(tuple(rules))
    }
    assert len(expected) > SAMPLE / 4
    assert said == expected
