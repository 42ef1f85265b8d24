"""The template that this program carries: a git bundle with its tags, served under its canonical URL.

Git itself does the serving: ``url.<bundle>.insteadOf`` in the environment of our git calls makes the canonical
URL mean the bundle. So ``new`` and ``add`` work offline, and the answers file always names the public URL, where
plain ``copier update`` finds newer versions.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from scaffold.engines import git, process
from scaffold.model.errors import BadInput, ToolFailed
from scaffold.model.version import __version__

CANONICAL_URL = "https://github.com/gitops-scaffold/gitops-scaffold.git"
"""The one constant: where the template is published."""

BUNDLE = "template.bundle"
PARTS = ("copier.yml", "questions", "template")
"""What of the project is the template."""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """Where the template comes from: ``url`` goes into answers files, ``ref`` is the version asked for (or None)."""

    url: str
    ref: str | None


@contextmanager
def open_source(chosen: str, ref: str | None) -> Iterator[TemplateSource]:
    """Make the template available to Copier while the context lasts.

    ``chosen`` is the URL or folder of another template, empty for our own. Raises BadInput for a folder that is
    no template, ToolFailed where our own is neither embedded nor a checkout.
    """
    if chosen:
        folder = Path(chosen).expanduser()
        if folder.exists() and not (folder / "copier.yml").is_file() and not (folder / "copier.yaml").is_file():
            raise BadInput(f"--template {chosen}: no copier.yml there, so it is no Copier template")
        if not folder.exists() and "://" not in chosen and not chosen.startswith(("git@", "gh:", "gl:")):
            raise BadInput(f"--template {chosen}: neither a folder nor the URL of a git repository")
        yield TemplateSource(str(folder.absolute()) if folder.exists() else chosen, ref)
        return
    bundle = embedded_bundle()
    with tempfile.TemporaryDirectory(prefix="scaffold-template-") as scratch:
        if bundle is None:
            bundle = _bundle_of_checkout(Path(scratch))
        if ref and ref not in _versions(bundle):
            # A version that is not carried: git looks for it where the template is published.
            yield TemplateSource(CANONICAL_URL, ref)
            return
        with _served(bundle):
            yield TemplateSource(CANONICAL_URL, ref or f"v{__version__}")


def embedded_bundle() -> Path | None:
    """Return the bundle inside the installed package, None in a checkout that was not built."""
    path = resources.files("scaffold").joinpath(BUNDLE)
    return Path(str(path)) if path.is_file() else None


def checkout_root() -> Path | None:
    """Return the root of the checkout this package runs from (an editable install), None when installed."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "copier.yml").is_file() and (root / "template").is_dir() else None


def write_bundle(root: Path, bundle: Path, version: str) -> None:
    """Write the bundle of a checkout: its released versions (tags ``v*``), and the working tree as ``version``.

    A released version keeps its commit. A working tree that is no released version becomes one commit with a fixed
    author and date: the same files give the same commit on any machine, whether or not the clone has history.
    """
    tag = f"v{version}"
    with tempfile.TemporaryDirectory(prefix="scaffold-bundle-") as scratch:
        work = Path(scratch)
        git.git("-c", "init.templateDir=", "init", "--quiet", "--initial-branch=main", cwd=work)
        for part in PARTS:
            source = root / part
            if source.is_dir():
                shutil.copytree(source, work / part, ignore=shutil.ignore_patterns("__pycache__", ".DS_Store"))
            else:
                shutil.copy2(source, work / part)
        git.git("add", "--all", "--force", cwd=work)
        _fetch_tags(root, work)
        if not _equals_tag(work, tag):
            git.git(
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "commit.gpgSign=false",
                "commit",
                "--quiet",
                "--message",
                f"Template {version}",
                cwd=work,
                env=_MOMENT,
            )
            git.git("-c", "tag.gpgSign=false", "tag", "--force", tag, cwd=work, env=_MOMENT)
        git.git("-c", "pack.threads=1", "bundle", "create", "--quiet", str(bundle.absolute()), "--tags", cwd=work)


_MOMENT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "scaffold"), ("EMAIL", "scaffold@localhost"), ("DATE", "2026-01-01T00:00:00Z"))
}


def _fetch_tags(root: Path, work: Path) -> None:
    """Take the released versions along; a shallow clone or an unpacked archive has none to give."""
    inside = process.run(["git", "rev-parse", "--show-toplevel", "--is-shallow-repository"], cwd=root, allowed=(0, 128))
    if inside.code == 0 and inside.out.split() == [str(root.resolve()), "false"]:
        git.git("fetch", "--quiet", "--no-tags", str(root), "+refs/tags/v*:refs/tags/v*", cwd=work)


def _equals_tag(work: Path, tag: str) -> bool:
    known = (
        process.run(["git", "rev-parse", "--verify", "--quiet", f"{tag}^{{tree}}"], cwd=work, allowed=(0, 1)).code == 0
    )
    return (
        known
        and process.run(["git", "diff", "--cached", "--quiet", tag, "--", *PARTS], cwd=work, allowed=(0, 1)).code == 0
    )


def _bundle_of_checkout(scratch: Path) -> Path:
    root = checkout_root()
    if root is None:
        raise ToolFailed("the embedded template is missing from this installation: install gitops-scaffold again")
    bundle = scratch / BUNDLE
    write_bundle(root, bundle, __version__)
    return bundle


@contextmanager
def _served(bundle: Path) -> Iterator[None]:
    # Environment configuration (git 2.31) reaches every git call below, Copier's too, and touches no file of the
    # user.
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)  # what the user's environment configures stays
    changes = {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"url.{bundle}.insteadOf",
        f"GIT_CONFIG_VALUE_{count}": CANONICAL_URL,
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _versions(bundle: Path) -> list[str]:
    heads = process.run(["git", "bundle", "list-heads", bundle]).out
    return sorted(line.rpartition("/")[2] for line in heads.splitlines() if "refs/tags/" in line)


def describe() -> str:
    """Say which template is used, for ``scaffold doctor``."""
    if (bundle := embedded_bundle()) is not None:
        return f"embedded, {', '.join(_versions(bundle))}"
    root = checkout_root()
    return f"working tree of the checkout {root}" if root else "missing"
