"""Render the examples: golden files for review and a showcase. ``--check`` fails where they differ from the template.

An example is rendered by the same command as a user's repository; only its origin (``_commit``, ``_commit_sha``) is
left out of its answers file, because it changes with every commit of the template.
"""

import argparse
import filecmp
import re
import shutil
import sys
import tempfile
from pathlib import Path

from scaffold.commands.new import Wanted, new

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES: dict[str, Wanted] = {
    "argocd-standard": Wanted(preset="standard", pairs=("engine=argocd",), defaults=True),
    "flux-standard": Wanted(preset="standard", pairs=("engine=flux",), defaults=True),
    "minimal": Wanted(preset="minimal", defaults=True),
}


def render(folder: Path) -> None:
    """Render all examples below a folder."""
    for name, wanted in EXAMPLES.items():
        made = new("shop", folder / name, wanted)
        shutil.rmtree(made.root / ".git")
        for answers in made.root.rglob(".copier-answers*"):
            text = answers.read_text(encoding="utf-8")
            answers.write_text(re.sub(r"(?m)^_commit(_sha)?: .*\n", "", text), encoding="utf-8")


def differences(left: Path, right: Path) -> list[str]:
    """Return the paths that differ between two folders."""
    files = {path.relative_to(root).as_posix() for root in (left, right) for path in root.rglob("*") if path.is_file()}
    return sorted(
        path
        for path in files
        if not (left / path).is_file()
        or not (right / path).is_file()
        or not filecmp.cmp(left / path, right / path, shallow=False)
    )


def main() -> int:
    """Render into ``examples/``, or compare with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "examples"
        render(fresh)
        committed = ROOT / "examples"
        changed = differences(fresh, committed)
        if check:
            print("\n".join(f"differs: examples/{path}" for path in changed) or "the examples are up to date")
            return 1 if changed else 0
        shutil.rmtree(committed, ignore_errors=True)
        shutil.copytree(fresh, committed)
        print(f"{len(changed)} files changed below examples/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
