"""Revisions: what production follows is a decision, and no branch is an environment."""

import re
from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import applications, carried_sources, carriers
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import sources
from scaffold.rules.reading.production import is_production

_RANGE = re.compile(r".*[*^~<>|\s].*|v?(\d+\.)*[xX](\.[xX])*")
_ENVIRONMENTS = frozenset({
    "dev", "development", "int", "integration", "live", "nonprod", "preprod", "prd", "prod", "production", "qa",
    "sandbox", "stage", "staging", "stg", "test", "uat",
})  # fmt: skip


@rule("GITOPS-02", Severity.WARNING, fix="Name the branch that is guarded by pull requests, a tag or a commit.")
def production_follows_a_named_revision(repo: Repo) -> Iterator[Hit]:
    """Production follows a named branch, tag or commit: not HEAD, not nothing, no range.

    HEAD is whatever the default branch is called, and a range moves by itself: neither shows in a pull request.
    Production is what is named so: the Application, its cluster, namespace or folder. Charts of chart repositories
    are HELM-01's.
    """
    for app in applications(repo):
        if not is_production(app):
            continue
        for keys, source in sources(app):
            revision = source.get("targetRevision")
            if source.get("chart") or str(source.get("repoURL") or "").startswith("oci://"):
                continue
            if revision is None or revision == "":
                yield at(app, keys, f"{app}: no targetRevision, so it follows HEAD")
            elif isinstance(revision, str) and (revision == "HEAD" or _RANGE.fullmatch(revision)):
                yield at(app, (*keys, "targetRevision"), f"{app} follows {revision}")


@rule("GITOPS-22", Severity.WARNING, fix="Keep all environments on one branch, each in a folder of its own.")
def environments_are_no_branches(repo: Repo) -> Iterator[Hit]:
    """No source follows a branch that is named like an environment.

    A merge from one branch to the next carries along what belongs to one environment alone, and in an order of its
    own. Branches of rendered manifests, such as ``environments/prod``, are output and not meant.
    """
    for carrier, above in carriers(repo):
        for keys, source in carried_sources(carrier, above):
            if not source.get("chart") and str(source.get("targetRevision")) in _ENVIRONMENTS:
                revision = source["targetRevision"]
                yield at(carrier, (*keys, "targetRevision"), f"{carrier} follows branch {revision}")
    for repository in repo.each("source.toolkit.fluxcd.io", "GitRepository"):
        branch = repository.get("spec", "ref", "branch")
        if isinstance(branch, str) and branch in _ENVIRONMENTS:
            yield at(repository, ("spec", "ref", "branch"), f"{repository} follows branch {branch}")
