"""Namespaces: each comes from one source."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import applications, options
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import destination, title

_MANAGED = ("spec", "syncPolicy", "managedNamespaceMetadata")


@rule("GITOPS-06", Severity.WARNING, fix="Keep the labels in the Namespace object, or in managedNamespaceMetadata.")
def namespaces_come_from_one_source(repo: Repo) -> Iterator[Hit]:
    """A namespace comes from an object, or from CreateNamespace with managedNamespaceMetadata: not from both.

    Argo CD drops managedNamespaceMetadata whole where the Application renders the Namespace itself or
    CreateNamespace is not on; where another owner applies the object, the two take the labels from each other. That
    namespaces carry the labels of Pod Security and of the mesh is judged by the rules of those.
    """
    objects = {
        (manifest.cluster, manifest.name): manifest for manifest in repo.each("", "Namespace") if manifest.origin.owner
    }
    for app in applications(repo):
        if not app.mapping(*_MANAGED):
            continue
        cluster, namespace = destination(app)
        if "CreateNamespace=true" not in options(app):
            yield at(app, _MANAGED, f"{app}: managedNamespaceMetadata does nothing without CreateNamespace=true")
        elif made := objects.get((cluster, namespace)):
            where = f"Namespace {namespace} ({made.place()})"
            what = f"labels {where} of {made.origin.owner}, too"
            if made.origin.owner == title(app):
                what = f"is dropped, the Application renders {where}"
            yield at(app, _MANAGED, f"{app}: managedNamespaceMetadata {what}")
