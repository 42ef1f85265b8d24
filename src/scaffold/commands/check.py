"""``scaffold check``: facts first, then rules.

Read the disk, expand what the controllers would apply, ask each engine once, then run the pure rules. What was not
looked at is part of the outcome.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scaffold.engines import disk, git, yamllint
from scaffold.engines.answers_file import read_answers
from scaffold.engines.helm import Backend, Helm, helm
from scaffold.expand import expand
from scaffold.facts.schemas import Catalog
from scaffold.model.errors import BadInput
from scaffold.model.hit import Hit
from scaffold.model.outcome import Outcome
from scaffold.model.repo import NotChecked, Repo
from scaffold.model.rule import Rule
from scaffold.rules import RULES
from scaffold.rules.schemas import unknown_kinds

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to look: which rules, which Kubernetes, which Helm, which CRDs beside the catalog."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    kube_version: str = ""
    helm: Backend = Backend.AUTO
    schemas: tuple[Path, ...] = ()
    seconds: float = 120


def check(root: Path, options: Options, progress: Progress = lambda _: None, engine: Helm | None = None) -> Outcome:
    """Check a repository. ``engine`` is a Helm that is open already; without it one is opened for the call."""
    started = time.monotonic()
    rules = chosen_rules(options.select, options.ignore)
    if engine is None:
        with helm(options.helm, options.seconds) as opened:
            return check(root, options, progress, opened)
    with ThreadPoolExecutor(max_workers=1) as background:
        repo, unread = read(root, options)
        progress(f"{len(repo.files)} files read")
        # yamllint is a program of its own: it runs on the other core while we expand.
        style = background.submit(yamllint.lint, root, _hand_edited(repo), options.seconds)
        repo = expanded(root, repo, engine)
        progress(f"{len(repo.manifests)} objects expanded")
        repo = repo.with_(engine_hits={"yamllint": _answer(style)})
    findings = sorted({finding for rule in rules for finding in rule.findings(repo)})
    progress(f"{len(rules)} rules run")
    return Outcome(
        findings=tuple(findings),
        external=tuple(sorted(set(repo.external))),
        not_checked=tuple(sorted({*repo.not_checked, *unread, *unknown_kinds(repo)})),
        files=len(repo.files),
        objects=len(repo.manifests),
        owners=len({manifest.origin.owner for manifest in repo.manifests if manifest.origin.owner}),
        clusters=repo.clusters,
        renders=len(repo.charts),
        kube_version=repo.kube_version,
        seconds=time.monotonic() - started,
    )


def read(root: Path, options: Options) -> tuple[Repo, list[NotChecked]]:
    """Read a working tree into a Repo that nothing has been expanded of yet."""
    if not root.is_dir():
        raise BadInput(f"{root} is not a folder: name the root of a GitOps repository")
    files, unread = disk.read_tree(root)
    repo = Repo.of(git.origin_url(root), files)
    texts = tuple(text for folder in options.schemas for text in _crds(folder))
    return repo.with_(kube_version=_kube_version(root, options), schema_texts=texts), unread


def expanded(root: Path, repo: Repo, engine: Helm) -> Repo:
    """Expand what the controllers would apply, charts rendered by the given Helm."""
    catalog = Catalog.builtin()

    def namespaced(api_version: str, kind: str) -> bool | None:
        scope = catalog.scope(api_version, kind)
        return None if scope is None else scope == "Namespaced"

    return expand(repo, lambda requests: engine.charts(root, requests), engine.templates, namespaced)


def chosen_rules(select: Iterable[str], ignore: Iterable[str]) -> list[Rule]:
    """Return the rules to run; an id may be a prefix (``MESH``). Raises BadInput for one that names no rule."""
    for word in (*select, *ignore):
        if not any(rule.id.startswith(word) for rule in RULES):
            raise BadInput(f"{word} names no rule: `scaffold rules` lists them")
    wanted = tuple(select) or ("",)
    return [rule for rule in RULES if rule.id.startswith(wanted) and not (ignore and rule.id.startswith(tuple(ignore)))]


def _kube_version(root: Path, options: Options) -> str:
    known = Catalog.builtin().versions
    wanted = options.kube_version
    answers = root / ".copier-answers.yml"
    if not wanted and answers.is_file():
        wanted = str(read_answers(answers).get("kubernetes_version", ""))
    wanted = wanted.removeprefix("v")
    wanted = ".".join(wanted.split(".")[:2])
    if wanted and wanted not in known:
        raise BadInput(f"Kubernetes {wanted} is not in the catalog: choose from {', '.join(known)}")
    return wanted or known[-1]


def _crds(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise BadInput(f"--schemas {folder}: not a folder")
    return [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.y*ml"))]


def _hand_edited(repo: Repo) -> list[str]:
    return [path for path in repo.files if path.endswith((".yaml", ".yml")) and not repo.in_chart_templates(path)]


def _answer(future: "Future[tuple[Hit, ...]]") -> tuple[Hit, ...]:
    return future.result()
