"""``scaffold render``: what the controllers would apply, every object with its origin."""

from collections import defaultdict
from pathlib import Path

from scaffold.commands.ahead import Begun
from scaffold.commands.check import Progress, expanded, known
from scaffold.expand import environment_of, environments
from scaffold.model.errors import BadInput
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.report.manifests import stream


def render(begun: Begun, environment: str, progress: Progress = lambda _: None) -> tuple[Repo, list[Manifest]]:
    """Return the expanded repository and the manifests of one environment (empty: of all)."""
    progress(f"{len(begun.repo.files)} files read")
    repo = expanded(begun.root, known(begun), begun.engine)
    there = environments(repo)
    if environment and environment not in there:
        raise BadInput(f"--env {environment}: no such environment, choose from {', '.join(there) or 'none'}")
    chosen = [m for m in repo.manifests if not environment or environment_of(repo, m) == environment]
    return repo, chosen


def write(manifests: list[Manifest], folder: Path) -> list[Path]:
    """Write one file an owner into a new or empty folder; returns their paths."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not an empty folder: choose another one for -o")
    by_owner: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        by_owner[manifest.origin.owner or "files"].append(manifest)
    written: list[Path] = []
    for owner, group in sorted(by_owner.items()):
        cluster = group[0].cluster or "any"
        name = owner.replace(" ", "-").replace("/", "-").lower()
        path = folder / cluster.replace("://", "-").replace("/", "-").replace(":", "-") / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stream(group), encoding="utf-8")
        written.append(path)
    return written
