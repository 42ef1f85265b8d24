"""What the controllers would apply, as located manifests: pure, and the engines are asked through protocols.

The room exists because a repository says what is applied only by way of its controllers: Argo CD Applications and
ApplicationSets, Flux Kustomizations and HelmReleases, Kustomize and Helm. A manifest keeps where it comes from.
"""

from collections.abc import Iterable

from scaffold.expand.environments import environment_of, environments
from scaffold.expand.found import Render
from scaffold.expand.objects import cluster_scoped
from scaffold.expand.plain import plain_roots
from scaffold.expand.roots import candidates, own_url, roots
from scaffold.expand.rounds import Expansion, Namespaced, Tree
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.ports import ChartRenderer, GoTemplates, Kustomizer
from scaffold.model.repo import Repo

__all__ = ["environment_of", "environments", "expand"]


def expand(
    repo: Repo,
    render: ChartRenderer,
    go_templates: GoTemplates,
    namespaced: Namespaced | None = None,
    environment: str | None = None,
    kustomizer: Kustomizer | None = None,
) -> Repo:
    """Return the repository with all that would be applied from it.

    ``namespaced`` says of (apiVersion, kind) whether it lives in a namespace, None where it does not know; without
    it kustomize's own short list is used. ``kustomizer`` is the real kustomize, for what is not evaluated here. With
    an ``environment`` only its charts are rendered and only its objects returned. The result's ``url`` is the one by
    which the files name the repository.
    """
    repo = repo.with_(url=own_url(repo))

    def wanted(one: Render) -> bool:
        if environment is None:
            return True
        origin = Origin(one.request.path, owner=one.owner.name, values=one.values)
        return environment_of(repo, Manifest({}, origin, cluster=one.owner.cluster)) == environment

    expansion = Expansion(repo, render, go_templates, namespaced or _without_catalog, wanted, kustomizer)
    waiting = candidates(repo)
    trees = [] if waiting else expansion.grow(plain_roots(repo, kustomizer))
    while waiting:
        trees += expansion.grow(roots(repo, waiting))
        brought = {place for tree in trees for place in tree.brought | tree.root.places}
        waiting = [manifest for manifest in waiting if manifest.place() not in brought]
    trees = _kept(trees)
    manifests = [manifest for tree in trees for manifest in tree.manifests]
    if environment is not None:
        manifests = [manifest for manifest in manifests if environment_of(repo, manifest) == environment]
    return repo.with_(
        manifests=tuple(manifests),
        charts=tuple(chart for tree in trees for chart in tree.charts),
        reached=frozenset(path for tree in trees for path in tree.rest.reached),
        external=tuple(dict.fromkeys(one for tree in trees for one in tree.rest.external)),
        not_checked=tuple(dict.fromkeys(one for tree in trees for one in tree.rest.not_checked)),
        faults=tuple(dict.fromkeys(one for tree in trees for one in tree.rest.faults)),
    )


def _kept(trees: list[Tree]) -> list[Tree]:
    """Leave out the trees whose root another tree brings, as it was only seen later; of a ring keep the first."""
    kept = [tree for tree in trees if not _brought_by_another(tree, trees)]
    have = {place for tree in kept for place in tree.brought}
    for tree in trees:
        if tree not in kept and not tree.root.places <= have:
            kept.append(tree)
            have |= tree.brought
    return kept


def _brought_by_another(tree: Tree, trees: Iterable[Tree]) -> bool:
    places: frozenset[Place] = tree.root.places
    return bool(places) and any(other is not tree and places <= other.brought for other in trees)


def _without_catalog(api_version: str, kind: str) -> bool | None:
    return False if cluster_scoped(api_version, kind) else None
