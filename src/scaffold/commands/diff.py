"""``scaffold diff``: what changes in the clusters between two revisions, or from one to the working tree."""

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import Progress, expanded, known
from scaffold.engines import git
from scaffold.engines.helm import helm
from scaffold.expand import environment_of
from scaffold.model.delta import ObjectChange, object_changes
from scaffold.model.errors import BadInput
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo


@dataclass(frozen=True, slots=True)
class Delta:
    """What differs. ``not_compared`` says of which side what could not be rendered, and why."""

    before: str
    after: str
    changes: tuple[ObjectChange, ...]
    not_compared: tuple[str, ...]


def diff(root: Path, before: str, after: str, options: Options, progress: Progress = lambda _: None) -> Delta:
    """Compare what would be applied at two revisions; an empty one is the working tree."""
    if not root.is_dir():
        raise BadInput(f"{root} is not a folder: name the root of a GitOps repository")
    if git.committable(root) is None:
        raise BadInput(f"{root} is in no git repository: a diff compares revisions")
    sides: list[Repo] = []
    url = git.origin_url(root)
    with ExitStack() as stack:
        engine = stack.enter_context(helm(options.helm, options.seconds))
        for revision in (before, after):
            progress(f"rendering {revision or 'the working tree'}")
            folder = root
            if revision:
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scaffold-diff-")))
                folder = git.export(root, revision, scratch)
            with begun(folder, options, engine, style=False) as repository:
                repo = known(repository).with_(url=url)
                sides.append(expanded(repository.root, repo, engine))
    changes = object_changes(*(_by_environment(repo) for repo in sides))
    not_compared = [
        f"{revision or 'the working tree'}: {text}"
        for revision, repo in zip((before, after), sides, strict=True)
        for text in _unrendered(repo)
    ]
    if not any(repo.manifests for repo in sides):
        not_compared.append("nothing is applied from here on either side: -C names the root of a GitOps repository")
    return Delta(before, after, tuple(changes), tuple(dict.fromkeys(not_compared)))


def _by_environment(repo: Repo) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in repo.manifests:
        found[environment_of(repo, manifest) or manifest.cluster].append(manifest)
    return found


def _unrendered(repo: Repo) -> list[str]:
    texts = [f"{hit.place}: {hit.text}" for hit in repo.unrendered]
    return texts + [f"{item.place}: {item.what}: {item.reason}" for item in repo.not_checked]
