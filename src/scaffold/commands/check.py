"""``scaffold check``: facts first, then rules.

What has been begun (the disk, the engines) is expanded to what the controllers would apply; then the pure rules run.
What was not looked at is part of the outcome.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from scaffold.commands.ahead import Begun, Options
from scaffold.commands.outline import outline
from scaffold.commands.policies import Asked, ask
from scaffold.commands.suppress import by_baseline, by_comments, write_baseline
from scaffold.engines import git
from scaffold.engines.answers_file import read_answers
from scaffold.engines.cel import compiler
from scaffold.engines.helm import Helm
from scaffold.engines.kustomize import kustomize
from scaffold.expand import expand
from scaffold.facts.schemas import Catalog
from scaffold.model.errors import BadInput
from scaffold.model.outcome import Outcome
from scaffold.model.repo import Repo
from scaffold.model.rule import Rule
from scaffold.rules import DOMAINS, RULES
from scaffold.rules.schemas import unknown_kinds

Progress = Callable[[str], None]


def check(begun: Begun, progress: Progress = lambda _: None) -> Outcome:
    """Check a repository that has been begun with."""
    options = begun.options
    rules = chosen_rules(options.select, options.ignore)
    if options.update_baseline and not options.baseline:
        raise BadInput("--update-baseline: say which file, with --baseline FILE or baseline in .scaffold.yaml")
    progress(f"{len(begun.repo.files)} files read")
    repo = expanded(begun.root, known(begun), begun.engine)
    progress(f"{len(repo.manifests)} objects expanded")
    findings = {finding for rule in rules if not rule.needs for finding in rule.findings(repo)}
    progress(f"{len(rules)} rules run, waiting for yamllint")
    asked = ask(repo, compiler) if any(rule.needs.startswith("policies") for rule in rules) else Asked({}, ())
    repo = repo.with_(engine_hits={"yamllint": begun.style.problems(), **asked.hits})
    findings |= {finding for rule in rules if rule.needs for finding in rule.findings(repo)}
    kept, suppressed, hits = by_comments(repo, sorted(findings), rules, RULES)
    repo = repo.with_(engine_hits={"suppressions": tuple(hits)})
    kept += [finding for rule in rules if rule.needs == "suppressions" for finding in rule.findings(repo)]
    baselined = gone = 0
    if options.baseline:
        if options.update_baseline:
            write_baseline(kept, options.baseline)
        kept, baselined, gone = by_baseline(kept, options.baseline)
    return Outcome(
        findings=tuple(sorted(kept)),
        external=tuple(sorted(set(repo.external))),
        not_checked=tuple(sorted({*repo.not_checked, *begun.unread, *unknown_kinds(repo), *asked.not_checked})),
        files=len(repo.files),
        objects=len(repo.manifests),
        owners=len({manifest.origin.owner for manifest in repo.manifests if manifest.origin.owner}),
        clusters=repo.clusters,
        renders=len(repo.charts),
        kube_version=repo.kube_version,
        seconds=time.monotonic() - begun.started,
        rules=tuple(rules),
        suppressed=tuple(sorted(suppressed)),
        baselined=baselined,
        gone=gone,
        outline=outline(begun.root.resolve().name, repo, kept) if options.outline else None,
    )


def known(begun: Begun) -> Repo:
    """Return the repository with what the options and its own answers say of it; nothing is expanded yet."""
    texts = tuple(text for folder in begun.options.schemas for text in _crds(folder))
    return begun.repo.with_(
        url=git.origin_url(begun.root),
        kube_version=_kube_version(begun.root, begun.options),
        schema_texts=texts,
        inventory=begun.options.inventory,
    )


def expanded(root: Path, repo: Repo, engine: Helm) -> Repo:
    """Expand what the controllers would apply, charts rendered by the given Helm."""
    catalog = Catalog.builtin()

    def namespaced(api_version: str, kind: str) -> bool | None:
        scope = catalog.scope(api_version, kind)
        return None if scope is None else scope == "Namespaced"

    return expand(
        repo,
        lambda requests: engine.charts(root, requests),
        engine.templates,
        namespaced,
        kustomizer=kustomize(root),
    )


def chosen_rules(select: Iterable[str], ignore: Iterable[str]) -> list[Rule]:
    """Return the rules to run; an id may be a prefix (``MESH``). Raises BadInput for one that names no rule."""
    for word in (*select, *ignore):
        if not word or not any(rule.id.startswith(word) for rule in RULES):
            raise BadInput(f"{word or 'an empty word'} names no rule: ids begin with {', '.join(DOMAINS)}")
    wanted = tuple(select) or ("",)
    return [rule for rule in RULES if rule.id.startswith(wanted) and not (ignore and rule.id.startswith(tuple(ignore)))]


def _kube_version(root: Path, options: Options) -> str:
    known_versions = Catalog.builtin().versions
    wanted = options.kube_version
    answers = root / ".copier-answers.yml"
    if not wanted and answers.is_file():
        wanted = str(read_answers(answers).get("kubernetes_version", ""))
    wanted = ".".join(wanted.removeprefix("v").split(".")[:2])
    if wanted and wanted not in known_versions:
        raise BadInput(f"Kubernetes {wanted} is not in the catalog: choose from {', '.join(known_versions)}")
    return wanted or known_versions[-1]


def _crds(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise BadInput(f"--schemas {folder}: not a folder")
    return [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.y*ml"))]
