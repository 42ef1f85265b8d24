"""What brings objects into a cluster: Argo CD Applications, Flux Kustomizations and HelmReleases.

A rule may only say that something is missing where nobody else can bring it; this is where that is known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.giturl import is_fixed, same_repository
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path

EVERYWHERE = "*"
IN_CLUSTER = "in-cluster"
KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_FLUX = frozenset({("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")})
_OWN_SERVERS = frozenset({"https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"})


def sources(app: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every source of an Application; ``sources`` wins over ``source``."""
    if dry := app.mapping("spec", "sourceHydrator", "drySource"):
        yield ("spec", "sourceHydrator", "drySource"), dry
    elif app.get("spec", "sources"):
        for index, source in app.items("spec", "sources"):
            yield ("spec", "sources", index), source
    elif source := app.mapping("spec", "source"):
        yield ("spec", "source"), source


def is_here(repo: Repo, source: Mapping[str, Any]) -> bool:
    """Tell whether a source is the working tree that is checked: this repository, at a branch."""
    revision = source.get("targetRevision")
    return not source.get("chart") and same_repository(repo.url, source.get("repoURL")) and not is_fixed(revision)


def title(owner: Manifest) -> str:
    """Return an owner as ``Origin.owner`` names it."""
    return f"{owner.kind} {owner.namespace}/{owner.name}"


def destination(app: Manifest) -> tuple[str, str]:
    """Return cluster (name, else URL) and namespace of an Application."""
    to = app.mapping("spec", "destination")
    cluster = str(to.get("name") or to.get("server") or "")
    return IN_CLUSTER if cluster.rstrip("/") in _OWN_SERVERS else cluster, str(to.get("namespace") or "")


def flux_cluster(owner: Manifest) -> str:
    """Return the cluster that a Kustomization or HelmRelease delivers to: its own, or the one of its kubeconfig."""
    return str(owner.get("spec", "kubeConfig", "secretRef", "name") or owner.cluster)


def brought_from_elsewhere(repo: Repo) -> Iterator[tuple[str, str]]:
    """Yield cluster and namespace (each may be EVERYWHERE) that get objects beside ``repo.manifests``.

    They come from a chart or repository elsewhere, or of something here that could not be rendered.
    """
    seen = {(manifest.cluster, manifest.origin.owner) for manifest in repo.manifests}
    generating = {owner for _, owner in seen if owner.startswith("ApplicationSet ")}
    for app in repo.each("argoproj.io", "Application"):
        cluster, namespace = destination(app)
        theirs = any(not is_here(repo, source) for _, source in sources(app) if "path" in source or "chart" in source)
        if theirs or (cluster, title(app)) not in seen:
            yield cluster, namespace or EVERYWHERE
    for generator in repo.each("argoproj.io", "ApplicationSet"):
        if title(generator) not in generating:
            yield EVERYWHERE, EVERYWHERE
    for owner in repo.manifests:
        if (owner.group, owner.kind) in _FLUX and (flux_cluster(owner), title(owner)) not in seen:
            yield flux_cluster(owner), _flux_namespace(owner)
    for external in repo.external:
        if external.place.path.endswith(KUSTOMIZATION_FILES):
            fields = [document.data for document in repo.documents(external.place.path)]
            named = fields[0].get("namespace") if fields and isinstance(fields[0], dict) else None
            yield EVERYWHERE, str(named or EVERYWHERE)


def _flux_namespace(owner: Manifest) -> str:
    if target := owner.get("spec", "targetNamespace"):
        return str(target)
    # A tenant's service account has rights in its own namespace; without one the controller's own are unlimited.
    confined = owner.kind == "HelmRelease" or owner.get("spec", "serviceAccountName")
    return owner.namespace if confined else EVERYWHERE
