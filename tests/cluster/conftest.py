"""What the cluster tests share: the built programs, one control plane for the run, and the record of what was proven.

All of them are marked `cluster`, which plain pytest leaves out. `tools/e2e.py` runs them in two
processes: one those that need a control plane of their own with Argo CD (`argo`), the other all that share one.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.harness.bootstrap import Synced, bootstrapped
from tests.cluster.harness.control_plane import ControlPlane, control_plane
from tests.conftest import ROOT, SHARED

# Of all custom resources those that a component of the template installs.
CRDS = ("argo-cd", "flux", "istio", "kyverno", "prometheus-operator", "velero", "external-secrets")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("proves"):
        column, *rows = marker.args
        item.user_properties += [("proves", f"{column}: {row}") for row in rows]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was proven of which component, and the figures that tests recorded under the name `note`."""
    properties = [
        given
        for report in terminalreporter.stats.get("passed", [])
        for given in getattr(report, "user_properties", ())
        if report.when == "call"
    ]
    for proof, tests in sorted(Counter(value for name, value in properties if name == "proves").items()):
        terminalreporter.write_line(f"proven, {proof} ({tests} tests)")
    for note in dict.fromkeys(value for name, value in properties if name == "note"):
        terminalreporter.write_line(str(note))
    left_out = {kind: len(terminalreporter.stats.get(kind, [])) for kind in ("failed", "error", "skipped")}
    terminalreporter.write_line(
        "left out or failed: " + ", ".join(f"{count} {kind}" for kind, count in left_out.items())
    )


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of the built programs. Whoever asks for these tests wants them run: a missing one is a failure."""
    if not SHARED.is_dir():
        pytest.fail("../shared (custom resource definitions) is not beside this checkout")
    command = [sys.executable, str(ROOT / "tools" / "cluster" / "build.py"), "--print"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stderr.strip(), pytrace=False)
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def plane(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of the run: it knows every kind of the components and has nodes, but no operator.

    Tests that share it keep to namespaces of their own, and take away what is not in one.
    """
    with control_plane(programs, tmp_path_factory.mktemp("plane"), workloads=True) as plane:
        assert plane.apply_crds(*(SHARED / "crds" / name for name in CRDS)) > 50
        yield plane


@pytest.fixture(scope="session")
def synced(
    request: pytest.FixtureRequest, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Synced]:
    """A preset that Argo CD has reconciled on a control plane of its own; one at a time, whoever asks for it."""
    with bootstrapped(programs, tmp_path_factory.mktemp(request.param), request.param) as synced:
        yield synced
