"""Fixtures of the cluster tests. All of them are marked `cluster`, which plain pytest leaves out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SHARED

# Figures of the run, shown at its end.
NOTES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for note in config.stash.get(NOTES, []):
        terminalreporter.write_line(note)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")


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
