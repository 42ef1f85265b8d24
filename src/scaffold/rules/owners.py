"""What brings objects into a cluster: Argo CD Applications, Flux Kustomizations and HelmReleases.

A rule may only say that something is missing where nobody else can bring it; this is where that is known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path

EVERYWHERE = "*"
_FLUX_KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io", "Kustomization")
_FLUX_RELEASE = ("helm.toolkit.fluxcd.io", "HelmRelease")
_USER = re.compile(r"^[^@/]+@")
_FIXED_REVISION = re.compile(r"(refs/tags/.*|v?\d+(\.\d+)*([-+].*)?|.*[*^~<>=].*|[0-9a-f]{7,64})\Z")


def sources(app: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the keys and fields of every source of an Application; ``spec.sources`` wins over ``spec.source``."""
    if app.get("spec", "sources"):
        for index, source in app.items("spec", "sources"):
            yield ("spec", "sources", index), source
    elif source := app.mapping("spec", "source"):
        yield ("spec", "source"), source
    if dry := app.mapping("spec", "sourceHydrator", "drySource"):
        yield ("spec", "sourceHydrator", "drySource"), dry


def is_here(repo: Repo, source: Mapping[str, Any]) -> bool:
    """Tell whether a source is the working tree that is checked: this repository, at a branch.

    A tag, a range or a commit may hold other files than the working tree.
    """
    revision = str(source.get("targetRevision") or "HEAD")
    return not source.get("chart") and same_url(repo.url, source.get("repoURL")) and not _FIXED_REVISION.match(revision)


def same_url(one: Any, other: Any) -> bool:
    """Tell whether two URLs name one git repository; ``https``, ``ssh`` and ``git@host:path`` are one."""
    return bool(one) and bool(other) and _plain(str(one)) == _plain(str(other))


def title(owner: Manifest) -> str:
    """Return an owner as ``Origin.owner`` names it."""
    return f"{owner.kind} {owner.namespace}/{owner.name}"


def destination(app: Manifest) -> tuple[str, str]:
    """Return cluster (name, else URL) and namespace of an Application."""
    to = app.mapping("spec", "destination")
    return str(to.get("name") or to.get("server") or ""), str(to.get("namespace") or "")


def brought_from_elsewhere(repo: Repo) -> Iterator[tuple[str, str]]:
    """Yield cluster and namespace (or EVERYWHERE) that get objects which are not among ``repo.manifests``.

    That is a chart or repository elsewhere, or something here that could not be rendered.
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
        if (owner.group, owner.kind) in {_FLUX_KUSTOMIZATION, _FLUX_RELEASE} and (
            (owner.cluster, title(owner)) not in seen or not _flux_source_is_here(repo, owner)
        ):
            yield owner.cluster, _flux_namespace(owner)


def _flux_source_is_here(repo: Repo, owner: Manifest) -> bool:
    reference = owner.mapping("spec", "sourceRef") or owner.mapping("spec", "chart", "spec", "sourceRef")
    namespace = reference.get("namespace") or owner.namespace
    return any(
        source.name == reference.get("name")
        and source.namespace == namespace
        and source.cluster == owner.cluster
        and same_url(repo.url, source.get("spec", "url"))
        for source in repo.each("source.toolkit.fluxcd.io", str(reference.get("kind")))
    )


def _flux_namespace(owner: Manifest) -> str:
    if target := owner.get("spec", "targetNamespace"):
        return str(target)
    # A tenant's service account has rights in its own namespace; without one the controller's own are unlimited.
    confined = owner.kind == "HelmRelease" or owner.get("spec", "serviceAccountName")
    return owner.namespace if confined else EVERYWHERE


def _plain(url: str) -> str:
    scheme, separator, rest = url.strip().rpartition("://")
    rest = _USER.sub("", rest)
    if not separator:
        rest = rest.replace(":", "/", 1)
    host, _, path = rest.partition("/")
    host = host.removesuffix({"ssh": ":22", "https": ":443", "http": ":80"}.get(scheme, ":"))
    return f"{host}/{path}".rstrip("/").removesuffix(".git").lower()
