"""Renovate: it finds the versions of the repository, and nothing merges into production by itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.production import names_production
from scaffold.rules.reading.ranges import is_exact
from scaffold.rules.reading.renovate import Renovate, configuration, file_matcher

_IGNORED = re.compile(r"(?:.*/)?(?:node_modules|vendor|examples|__tests__|tests?|__fixtures__)/.*")
_FLUX_SOURCES = frozenset({"OCIRepository"})
_UPDATES = ("minor", "patch", "digest", "pin", "pinDigest")
_PLAIN_MATCHERS = frozenset({"matchFileNames", "matchPaths", "matchManagers"})


@rule("REPO-07", Severity.WARNING, fix="Set managerFilePatterns of the manager to the files that hold versions.")
def renovate_finds_every_chart(repo: Repo) -> Iterator[Hit]:
    """Renovate reads every file that pins a chart for Argo CD or Flux.

    The managers ``argocd`` and ``flux`` read no such file until they are told which: the bot looks busy, and the
    platform grows old. It is judged where the configuration takes nothing from presets of others.
    """
    found = configuration(repo)
    if found is None or not found.whole:
        return
    for manager in ("argocd", "flux"):
        reads = found.reads(manager)
        missed = sorted({path for path, of in _versions(repo) if of == manager and not reads(path)})
        if missed:
            more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
            yield Hit(found.place(manager, "managerFilePatterns"), f"{manager} does not read {missed[0]}{more}")


@rule("REPO-08", Severity.WARNING, fix="End packageRules with one that sets automerge false for production's files.")
def nothing_merges_into_production_by_itself(repo: Repo) -> Iterator[Hit]:
    """No update of a file of production is merged by Renovate itself.

    What runs in production is promoted from the environment before it, and approved. Files of production are those
    with production in their path; the rules of the configuration are gone through in their order.
    """
    found = configuration(repo)
    if found is None or not found.whole:
        return
    seen: set[Place] = set()
    for path, manager in sorted(set(_versions(repo))):
        if not names_production(path) or not found.reads(manager)(path):
            continue
        place = _merges(found, path, manager)
        if place and place not in seen:
            seen.add(place)
            yield Hit(place, f"updates of {path} are merged automatically")


def _versions(repo: Repo) -> Iterator[tuple[str, str]]:
    """Yield path and manager of every file that pins a chart and is in use."""
    for manifest in repo.raw:
        path = manifest.origin.path
        if path not in repo.reached or _IGNORED.fullmatch(path):
            continue
        if manifest.group == "argoproj.io" and manifest.kind in {"Application", "ApplicationSet"}:
            above = ("spec",) if manifest.kind == "Application" else ("spec", "template", "spec")
            sources = [manifest.mapping(*above, "source"), *(one for _, one in manifest.items(*above, "sources"))]
            if any(source.get("chart") and is_exact(source.get("targetRevision")) for source in sources):
                yield path, "argocd"
        elif manifest.group == "helm.toolkit.fluxcd.io" and is_exact(manifest.get("spec", "chart", "spec", "version")):
            if manifest.get("spec", "chart", "spec", "sourceRef", "kind") == "HelmRepository":
                yield path, "flux"
        elif manifest.kind in _FLUX_SOURCES and is_exact(manifest.get("spec", "ref", "tag")):
            yield path, "flux"


def _merges(found: Renovate, path: str, manager: str) -> Place | None:
    """Return what merges updates of a file by itself, None if nothing does."""
    merging = found.place("automerge") if found.data.get("automerge") is True else None
    for name in _UPDATES:
        options = found.data.get(name)
        if isinstance(options, Mapping) and options.get("automerge") is True:
            merging = found.place(name, "automerge")
    for index, one in found.rules():
        if not _may_match(one, path, manager):
            continue
        certain = {key for key in one if key.startswith("match")} <= _PLAIN_MATCHERS and _says_files(one)
        if one.get("automerge") is True:
            merging = found.place("packageRules", index, "automerge")
        elif certain and (one.get("automerge") is False or one.get("enabled") is False):
            merging = None
    return merging


def _says_files(rule_: Mapping[str, Any]) -> bool:
    named = "matchFileNames" in rule_ or "matchPaths" in rule_
    return not named or file_matcher(rule_) is not None


def _may_match(rule_: Mapping[str, Any], path: str, manager: str) -> bool:
    matches = file_matcher(rule_)
    managers = rule_.get("matchManagers")
    ours = not isinstance(managers, list) or manager in managers or any(str(one).startswith("!") for one in managers)
    return ours and (matches is None or matches(path))
