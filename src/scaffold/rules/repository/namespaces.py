"""Namespaces: somebody may create them."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import applications, options
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import destination
from scaffold.rules.reading.projects import admits_kind, projects


@rule("REPO-14", Severity.ERROR, fix="Bring the Namespace as an object of the platform, and leave CreateNamespace out.")
def namespaces_may_be_created(repo: Repo) -> Iterator[Hit]:
    """An Application with CreateNamespace is of a project that permits Namespaces.

    A team's project with an empty cluster whitelist refuses it: "resource :Namespace is not permitted", and nothing
    is synced. It is no matter where the namespace is applied as an object. Labels, quota and default-deny policies
    of namespaces are judged by the rules on security.
    """
    known = projects(repo)
    made = {(manifest.cluster, manifest.name) for manifest in repo.each("", "Namespace")}
    for app in applications(repo):
        project = known.get(str(app.get("spec", "project")))
        cluster, namespace = destination(app)
        if project is None or "CreateNamespace=true" not in options(app) or (cluster, namespace) in made:
            continue
        if namespace and not admits_kind(project, "", "Namespace", namespace, namespaced=False):
            what = f"AppProject {project.name} does not permit to create Namespace {namespace}"
            yield at(app, ("spec", "syncPolicy", "syncOptions"), f"{app}: {what}")
