"""What takes long starts first: reading the disk, yamllint and the Helm engine.

All commands that look at a repository begin here. The module imports little on purpose: what it starts runs on the
other cores while the rooms with the rules, the schemas and the expansion are still being loaded.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.commands.settings import read_settings
from scaffold.engines import disk, git
from scaffold.engines.helm import Backend, Helm, helm
from scaffold.engines.yamllint import Lint
from scaffold.model.errors import BadInput
from scaffold.model.repo import NotChecked, Repo

STYLE_RULE = "YAML-02"
"""The rule that needs yamllint; where it is not asked for, yamllint is not started."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to look: which rules, which Kubernetes, which Helm, which CRDs beside the catalog, which known findings."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    kube_version: str = ""
    helm: Backend = Backend.AUTO
    schemas: tuple[Path, ...] = ()
    seconds: float = 120
    baseline: Path | None = None
    update_baseline: bool = False
    strict: bool = False
    outline: bool = False
    inventory: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A repository that has been read, with its engines at work. ``started`` is a reading of the monotonic clock."""

    root: Path
    options: Options
    repo: Repo
    unread: tuple[NotChecked, ...]
    engine: Helm
    style: Lint
    started: float


@contextmanager
def begun(
    root: Path, options: Options, engine: Helm | None = None, *, style: bool = True, earlier: Repo | None = None
) -> Iterator[Begun]:
    """Read a repository and start the engines.

    ``engine`` is a Helm that is open already, it stays open. What was parsed of ``earlier`` is not parsed again.
    """
    started = time.monotonic()
    if not root.is_dir():
        raise BadInput(f"{root} is not a folder: name the root of a GitOps repository")
    options = _with_settings(options, root)
    with ExitStack() as stack:
        opened = engine or stack.enter_context(helm(options.helm, options.seconds))
        files, unread = disk.read_tree(root, git.committable(root))
        repo = Repo.of("", files)
        if earlier:
            repo.take_parsed(earlier)
        lint = Lint(root, _hand_edited(repo) if style and _wants_style(options) else {}, options.seconds)
        yield Begun(root, options, repo, tuple(unread), opened, lint, started)


def _with_settings(options: Options, root: Path) -> Options:
    """Return the options with the repository's own settings where the command line says nothing."""
    said = {name: value for name, value in read_settings(root).items() if not getattr(options, name)}
    return replace(options, **said)


def _wants_style(options: Options) -> bool:
    selected = not options.select or STYLE_RULE.startswith(options.select)
    return selected and not (options.ignore and STYLE_RULE.startswith(options.ignore))


def _hand_edited(repo: Repo) -> dict[str, str]:
    yamls = ((path, text) for path, text in repo.files.items() if path.endswith((".yaml", ".yml")))
    return {path: text for path, text in yamls if not repo.in_chart_templates(path)}
