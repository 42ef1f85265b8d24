"""Plain Copier gives byte for byte what ``scaffold new`` gives, and updates it, with no trust flag."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.commands.new import Wanted, add_service, new
from scaffold.engines import git
from scaffold.engines.template_source import CANONICAL_URL, PARTS, write_bundle
from tests.conftest import ROOT
from tests.template.rendering import make, tree


@pytest.fixture
def canonical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a bundle of this checkout under the canonical URL, for any git call of the test."""
    bundle = tmp_path / "template.bundle"
    from scaffold import __version__

    write_bundle(ROOT, bundle, __version__)
    serve(bundle, monkeypatch)
    yield bundle


def serve(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{bundle}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", CANONICAL_URL)


def copier(*args: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copier", *args], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("engine", ["argocd", "flux"])
@pytest.mark.usefixtures("canonical")
def test_copier_copy_gives_the_same_bytes(engine: str, tmp_path: Path) -> None:
    ours = make(tmp_path / "ours", {"engine": engine}).root
    plain = tmp_path / "plain"
    common = ["copy", "--quiet", "--defaults", "-d", f"engine={engine}"]
    copier(*common, "-d", "name=web", CANONICAL_URL, str(plain), cwd=tmp_path)
    file = ".copier-answers.web.yml" if engine == "flux" else "services/web/.copier-answers.yml"
    copier(*common[:3], "-a", file, "-d", "scope=service", "-d", "service=web", CANONICAL_URL, str(plain), cwd=tmp_path)
    assert tree(plain) == tree(ours)


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_copier_update_brings_a_new_version_of_the_template(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, source / part)
    git.first_commit(source, "main", "one")
    git.git("tag", "v0.0.1", cwd=source)
    readme = source / "template/repo/README.md.jinja"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nFrom the second version.\n", encoding="utf-8")
    folder = "apps/base/#{ service }#" if engine == "flux" else "services/#{ service }#"
    values = next((source / "template/service" / folder).glob("values.yaml*"))
    values.write_text(values.read_text(encoding="utf-8") + "# From the second version.\n", encoding="utf-8")
    write_bundle(source, tmp_path / "bundle", "0.0.2")

    made = new("web", tmp_path / "repo", Wanted(pairs=(f"engine={engine}",), defaults=True, template=str(source), ref="v0.0.1"))
    # The template of a local folder is recorded by its path: make it the public one, as an installed program does.
    for path in made.root.rglob(".copier-answers*"):
        path.write_text(path.read_text(encoding="utf-8").replace(str(source), CANONICAL_URL), encoding="utf-8")
    (made.root / "README.md").write_text(
        "Mine.\n" + (made.root / "README.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    git.git(*identity, "commit", "--quiet", "--all", "--message", "mine", cwd=made.root)
    serve(tmp_path / "bundle", monkeypatch)
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))

    copier("update", "--quiet", "--defaults", cwd=made.root)
    readme_text = (made.root / "README.md").read_text(encoding="utf-8")
    assert readme_text.startswith("Mine.\n")
    assert readme_text.endswith("From the second version.\n")
    assert "_commit: v0.0.2" in (made.root / ".copier-answers.yml").read_text(encoding="utf-8")
    git.git(*identity, "commit", "--quiet", "--all", "--message", "updated", cwd=made.root)

    file = ".copier-answers.web.yml" if engine == "flux" else "services/web/.copier-answers.yml"
    copier("update", "--quiet", "--defaults", "-a", file, cwd=made.root)
    service = made.root / ("apps/base/web" if engine == "flux" else "services/web")
    assert (service / "values.yaml").read_text(encoding="utf-8").endswith("# From the second version.\n")
    changed = git.git("status", "--porcelain", cwd=made.root).split()[1::2]
    assert sorted(changed) == sorted([file, f"{service.relative_to(made.root).as_posix()}/values.yaml"])


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_updating_without_a_new_version_changes_nothing(
    engine: str, canonical: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))
    root = make(tmp_path / "repo", {"engine": engine}).root
    serve(canonical, monkeypatch)
    copier("update", "--quiet", "--defaults", cwd=root)
    assert git.git("status", "--porcelain", cwd=root) == ""


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_adding_a_service_touches_no_file_that_is_there(engine: str, tmp_path: Path) -> None:
    root = make(tmp_path / "repo", {"engine": engine}).root
    before = tree(root)
    add_service("worker", root, Wanted(pairs=("kind=worker",), defaults=True))
    after = tree(root)
    assert {path: after[path] for path in before} == before
    added = {path.split("/")[0] for path in set(after) - set(before)}
    assert added == ({"apps", ".copier-answers.worker.yml"} if engine == "flux" else {"services"})
