"""Shared by all tests: real tools are used where they are, skipped with the reason where not, required by CI."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test judges a time: a busy machine is no defect. CI looks at the same examples each time, a developer at new ones.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = {name for name in os.environ.get("SCAFFOLD_REQUIRE_TOOLS", "").split(",") if name}
    for marker in item.iter_markers("tool"):
        name = marker.args[0]
        if shutil.which(name) is None:
            if name in required:
                pytest.fail(f"{name} is required here (SCAFFOLD_REQUIRE_TOOLS) and not on PATH")
            pytest.skip(f"{name} is not on PATH")


@pytest.fixture(autouse=True)
def _away_from_the_users_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, caches or identity of whoever runs it."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "SCAFFOLD_TEMPLATE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shared() -> Path:
    """The folder of schemas beside a developer's checkout; a user's clone has none."""
    if not SHARED.is_dir():
        pytest.skip("../shared (schemas of real API servers and CRDs) is not beside this checkout")
    return SHARED
