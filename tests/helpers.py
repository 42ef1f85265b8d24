"""What tests of rules share: a repository out of texts, and what a rule finds in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Any

from scaffold.expand import expand
from scaffold.facts.schemas import Catalog
from scaffold.model.ports import ChartRequest, ChartResult
from scaffold.model.repo import Repo
from scaffold.model.rule import Rule
from scaffold.rules import RULES

URL = "https://git.example.com/platform/fleet.git"
CLUSTER = "test"

Renderer = Callable[[Sequence[ChartRequest]], list[ChartResult]]
Templates = Callable[[Sequence[tuple[Mapping[str, Any], Sequence[str]]]], list[list[str] | str]]


def rule(rule_id: str) -> Rule:
    """Return a rule by its id."""
    return next(rule for rule in RULES if rule.id == rule_id)


def hits(rule_id: str, files: Mapping[str, str]) -> list[str]:
    """Return what a rule finds, as "path:line text", where every object of the files is applied to one cluster."""
    return found(rule_id, applied(files))


def expanded_hits(rule_id: str, files: Mapping[str, str]) -> list[str]:
    """Return what a rule finds in what the controllers would apply; charts render to nothing."""
    return found(rule_id, expanded(Repo.of(URL, dedented(files))))


def found(rule_id: str, repo: Repo) -> list[str]:
    """Return what a rule finds in a repository, as "path:line text"."""
    return [f"{finding.place} {finding.text}" for finding in sorted(rule(rule_id).findings(repo))]


def applied(files: Mapping[str, str]) -> Repo:
    """Build a repository of which every object is applied to one cluster."""
    repo = Repo.of(URL, dedented(files))
    return repo.with_(manifests=tuple(replace(manifest, cluster=CLUSTER) for manifest in repo.raw))


def expanded(repo: Repo, render: Renderer | None = None, templates: Templates | None = None) -> Repo:
    """Expand what the controllers would apply, with the catalog's knowledge of namespaced kinds."""

    def namespaced(api_version: str, kind: str) -> bool | None:
        scope = Catalog.builtin().scope(api_version, kind)
        return None if scope is None else scope == "Namespaced"

    return expand(
        repo,
        render or (lambda requests: [ChartResult() for _ in requests]),
        templates or (lambda jobs: ["no templates here" for _ in jobs]),
        namespaced,
    )


def dedented(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files without the indentation they have in a test."""
    return {path: dedent(text).lstrip("\n") for path, text in files.items()}
