"""The check as a function: typed, and nothing is loaded before it is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

import scaffold
from scaffold.model.errors import BadInput
from scaffold.model.rule import Severity


def test_the_check_is_a_function_with_typed_results(tmp_path: Path) -> None:
    text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndato: {}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    outcome = scaffold.check(tmp_path, select=["SCHEMA"])
    [finding] = outcome.findings
    assert (finding.place.path, finding.place.line, finding.severity) == ("a.yaml", 5, Severity.ERROR)
    assert outcome.failed(strict=False)
    assert not scaffold.check(str(tmp_path), ignore=["SCHEMA"], select=["SCHEMA", "MESH"]).findings


def test_wrong_use_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="names no rule"):
        scaffold.check(tmp_path, select=["MASH"])
    with pytest.raises(AttributeError):
        scaffold.chek  # noqa: B018


def test_the_name_costs_nothing_until_it_is_used() -> None:
    code = "import scaffold, sys; print(scaffold.__version__, 'scaffold.api' in sys.modules, 'yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{scaffold.__version__} False False\n"
