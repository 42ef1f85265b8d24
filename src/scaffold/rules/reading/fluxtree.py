"""The tree of Flux: Kustomizations and HelmReleases of a cluster, who brings whom, and who waits for whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.rules.reading.owners import title

KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM = "helm.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"
OPERATOR = "fluxcd.controlplane.io"
_GROUPS = {"Kustomization": KUSTOMIZE, "HelmRelease": HELM}

Key = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True)
class Tree:
    """One cluster's Flux objects. ``objects`` is what each of them brings, by title."""

    cluster: str
    owners: Mapping[Key, Manifest] = field(repr=False)
    objects: Mapping[str, list[Manifest]] = field(repr=False)
    by_title: Mapping[str, Manifest] = field(repr=False)
    complete: bool
    """Whether every Kustomization of the cluster is known: nothing elsewhere brings more of them."""
    _before: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def each(self, kind: str) -> Iterator[Manifest]:
        """Yield the owners of a kind."""
        return (owner for (found, _, _), owner in self.owners.items() if found == kind)

    def brings(self, owner: Manifest) -> list[Manifest]:
        """Return what an owner brings."""
        return self.objects.get(title(owner), [])

    def needs(self, owner: Manifest) -> Iterator[tuple[int, Mapping[str, object], Key]]:
        """Yield index, fields and key of everything that an owner depends on."""
        for index, entry in owner.items("spec", "dependsOn"):
            name, namespace = str(entry.get("name") or ""), str(entry.get("namespace") or owner.namespace)
            yield index, entry, (owner.kind, namespace, name)

    def before(self, owner: Manifest) -> set[str]:
        """Return the titles of all that is applied before an owner: what it and its parents depend on, and those."""
        if (known := self._before.get(title(owner))) is not None:
            return known
        found = self._before.setdefault(title(owner), set())
        waiting = [owner]
        while waiting:
            one = waiting.pop()
            follow = [self.owners[key] for _, _, key in self.needs(one) if key in self.owners]
            if parent := self.by_title.get(one.origin.owner):
                follow.append(parent)
            for other in follow:
                if title(other) not in found:
                    found.add(title(other))
                    waiting.append(other)
        return found


def trees(repo: Repo) -> Iterator[Tree]:
    """Yield the tree of each cluster that Flux applies something to."""
    owners: dict[str, dict[Key, Manifest]] = {}
    objects: dict[str, dict[str, list[Manifest]]] = {}
    for manifest in repo.manifests:
        if manifest.kind in _GROUPS and manifest.group == _GROUPS[manifest.kind]:
            owners.setdefault(manifest.cluster, {})[manifest.kind, manifest.namespace, manifest.name] = manifest
        if manifest.origin.owner:
            objects.setdefault(manifest.cluster, {}).setdefault(manifest.origin.owner, []).append(manifest)
    for cluster, found in owners.items():
        brought = objects.get(cluster, {})
        by_title = {title(owner): owner for owner in found.values()}
        yield Tree(cluster, found, brought, by_title, _is_complete(repo, found, brought))


def _is_complete(repo: Repo, owners: Mapping[Key, Manifest], objects: Mapping[str, list[Manifest]]) -> bool:
    """Tell whether all Kustomizations and sources are here: each was opened, and nothing else makes more of them."""
    makers = any(
        (manifest.group == OPERATOR and manifest.kind != "FluxInstance") or manifest.group == "argoproj.io"
        for manifest in repo.manifests
    )
    kustomizations = [owner for (kind, _, _), owner in owners.items() if kind == "Kustomization"]
    opened = all(title(owner) in objects for owner in kustomizations if not owner.get("spec", "kubeConfig"))
    rooted = all(owner.origin.owner or title(owner) in objects for owner in kustomizations)
    return bool(kustomizations) and not makers and opened and rooted and not repo.faults


def brought_by_title(repo: Repo) -> dict[tuple[str, str], list[Manifest]]:
    """Return what is applied by cluster and title of the owner."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in repo.manifests:
        if manifest.origin.owner:
            found.setdefault((manifest.cluster, manifest.origin.owner), []).append(manifest)
    return found
