"""Projects: what an AppProject permits covers what its Applications bring."""

from collections.abc import Iterator

from scaffold.facts.schemas import Catalog
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import ARGO, applications, brought, brought_by, carriers
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import IN_CLUSTER, brought_from_elsewhere, sources
from scaffold.rules.reading.projects import admits_destination, admits_kind, admits_source, both_names, projects


@rule("GITOPS-03", Severity.ERROR, fix="Name a project that exists, and permit in it what the Application brings.")
def projects_admit_their_applications(repo: Repo) -> Iterator[Hit]:
    """An Application's project exists and permits its repositories, its destination and every kind it brings.

    One object that the project refuses stops the whole sync. Where AppProjects are not in the repository, or a
    cluster is named by name here and by URL there, nothing is said. That nobody uses the project "default" is
    GITOPS-24's.
    """
    known = projects(repo)
    if not known:
        return
    by_owner = brought(repo)
    complete = _projects_are_complete(repo)
    for app in applications(repo):
        name = app.get("spec", "project")
        if not isinstance(name, str) or name in {"", "default"} or "{{" in name:
            continue
        if project := known.get(name):
            yield from _refused(app, project, brought_by(app, by_owner))
        elif complete and not any(m.name == name and m.kind == "AppProject" for m in repo.raw):
            yield at(app, ("spec", "project"), f"{app}: no AppProject {name}")


@rule("GITOPS-24", Severity.WARNING, fix="Give the Application a project of its own that permits what it needs.")
def applications_are_not_of_the_default_project(repo: Repo) -> Iterator[Hit]:
    """No Application is of the project "default", unless an AppProject here restricts that.

    As it is installed it permits every repository, every cluster and every kind: whoever may commit an Application
    may then do anything anywhere.
    """
    if "default" in projects(repo):
        return
    for carrier, above in carriers(repo):
        if carrier.get(*above, "spec", "project") == "default":
            yield at(carrier, (*above, "spec", "project"), f"{carrier} is of the project default")


def _projects_are_complete(repo: Repo) -> bool:
    """Tell whether all AppProjects are here: some are applied, and nothing elsewhere may bring more of them."""
    homes = {project.namespace for project in repo.each(ARGO, "AppProject")}
    foreign = set(brought_from_elsewhere(repo))
    return bool(homes) and not any(
        cluster in {IN_CLUSTER, "", "*"} and namespace in {*homes, "*"} for cluster, namespace in foreign
    )


def _refused(app: Manifest, project: Manifest, objects: list[Manifest]) -> Iterator[Hit]:
    by = f"AppProject {project.name}"
    for keys, source in sources(app):
        url = source.get("repoURL")
        if isinstance(url, str) and not admits_source(project, url):
            yield at(app, (*keys, "repoURL"), f"{app}: {by} does not permit repository {url}")
    cluster, server = both_names(app)
    to = str(app.get("spec", "destination", "namespace") or "")
    if (cluster or server) and not admits_destination(project, cluster, server, to):
        where = f"{cluster or server}/{to}".rstrip("/")
        yield at(app, ("spec", "destination"), f"{app}: {by} does not permit destination {where}")
        return
    for manifest in objects:
        scope = Catalog.builtin().scope(manifest.api_version, manifest.kind)
        if scope is None or not manifest.name:
            continue
        namespaced = scope == "Namespaced"
        if not admits_kind(project, manifest.group, manifest.kind, manifest.name, namespaced=namespaced):
            kind = f"{manifest.kind} ({manifest.group})" if manifest.group else manifest.kind
            yield at(manifest, ("kind",), f"{manifest}: {by} of {app} does not permit {kind}")
        elif namespaced and not admits_destination(project, cluster, server, manifest.namespace):
            yield at(manifest, (), f"{manifest}: {by} of {app} does not permit namespace {manifest.namespace}")
