"""``scaffold doctor``: the version and source of every tool and schema that a check uses."""

import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from scaffold.engines import git, helm, kustomize, process, template_source, yamllint
from scaffold.facts.schemas import Catalog
from scaffold.model.errors import ScaffoldError
from scaffold.model.version import __version__

Row = tuple[str, str, bool]
"""What, its version and source (or why it is missing), whether it is usable."""


def doctor() -> list[Row]:
    """Ask every tool for its version; a missing optional tool is said, not hidden."""
    rows: list[Row] = [
        ("scaffold", f"{__version__} ({Path(__file__).resolve().parents[1]})", True),
        ("python", f"{platform.python_version()} ({platform.platform(terse=True)})", True),
        ("copier", metadata.version("copier"), True),
        _asked("git", lambda: f"{git.require()} ({process.which('git')})"),
        _asked("template", template_source.describe),
        _asked("helm (embedded)", lambda: _helm(helm.Backend.EMBEDDED)),
        _asked("helm (binary)", lambda: _helm(helm.Backend.BINARY)),
        _asked("yamllint", yamllint.version),
        _asked("kustomize", kustomize.version),
    ]
    rows += [(f"schemas: {what}", said, True) for what, said in Catalog.builtin().sources()]
    return rows


def _helm(backend: helm.Backend) -> str:
    with helm.helm(backend) as engine:
        return engine.version()


def _asked(what: str, ask: Callable[[], str]) -> Row:
    try:
        return what, ask(), True
    except ScaffoldError as error:
        return what, str(error), False
