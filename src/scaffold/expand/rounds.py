"""Expansion in rounds: open what a round brought, render its charts as one batch, go on with what came out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from scaffold.expand.applicationset import open_set
from scaffold.expand.argocd import open_application
from scaffold.expand.flux import open_instance, open_kustomization
from scaffold.expand.found import Found, Job, Render, with_metadata
from scaffold.expand.helmrelease import open_release
from scaffold.expand.objects import rendered
from scaffold.expand.roots import ARGO, FLUX, Root
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.ports import ChartRenderer, ChartResult, GoTemplates, Kustomizer
from scaffold.model.repo import Chart, NotChecked, Repo
from scaffold.model.yamltext import parse

MAX_DEPTH = 32
"""Owners below owners that are followed; what goes deeper makes itself again and again."""

MAX_OWNERS = 10_000
"""Owners that are opened in all."""

Namespaced = Callable[[str, str], bool | None]
_RELEASE = ("helm.toolkit.fluxcd.io", "HelmRelease")
_OWNERS = frozenset({
    (ARGO, "Application"), (ARGO, "ApplicationSet"), (FLUX, "Kustomization"), _RELEASE,
    ("fluxcd.controlplane.io", "FluxInstance"),
})  # fmt: skip


@dataclass(slots=True)
class Tree:
    """All that one root brings. ``brought`` are the places of controller objects that an owner in it brings."""

    root: Root
    manifests: list[Manifest] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    rest: Found = field(default_factory=Found)
    brought: set[Place] = field(default_factory=set)
    opened: set[tuple[str, ...]] = field(default_factory=set)


Step = tuple[Tree, Found, int]
"""What was found for a tree, and how many owners deep."""


class Expansion:
    """The state of one expansion; the engines are asked once a round."""

    def __init__(
        self, repo: Repo, render: ChartRenderer, go_templates: GoTemplates, namespaced: Namespaced,
        wanted: Callable[[Render], bool], kustomizer: Kustomizer | None = None,
    ) -> None:  # fmt: skip
        self._repo = repo
        self._render = render
        self._go_templates = go_templates
        self._namespaced = namespaced
        self._wanted = wanted
        self._kustomizer = kustomizer
        self._known: dict[tuple[str, str, str, str], Manifest] = {}
        self._raw = {(m.kind, m.namespace, m.name): m for m in reversed(repo.raw)}
        self._texts: dict[tuple[str, str, str, str], str] = {}
        self._count = 0
        self._waiting: list[tuple[Tree, Manifest, int]] = []
        self._substituting: list[tuple[Tree, Manifest, int]] = []
        self._releases: list[tuple[Tree, Manifest, int]] = []

    def grow(self, roots: Iterable[Root]) -> list[Tree]:
        """Follow the roots to the end."""
        trees = [Tree(root) for root in roots]
        self._advance([(tree, tree.root.found, 0) for tree in trees])
        while self._waiting or self._substituting or self._releases:
            # What reads ConfigMaps and sources that others bring comes after them, a release last.
            if not self._waiting and self._substituting:
                self._waiting, self._substituting = self._substituting, []
            elif not self._waiting:
                self._waiting, self._releases = self._releases, []
            waiting, self._waiting = self._waiting, []
            self._advance([(tree, self._open(owner), depth) for tree, owner, depth in waiting])
        for tree in trees:
            # What a root brings again by itself was applied by hand only the first time.
            owned = {(m.place(), m.kind, m.name) for m in tree.manifests if m.origin.owner}
            tree.manifests = [m for m in tree.manifests if m.origin.owner or (m.place(), m.kind, m.name) not in owned]
        return trees

    def _open(self, owner: Manifest) -> Found:
        match owner.kind:
            case "Application":
                return open_application(self._repo, owner, self._kustomizer)
            case "ApplicationSet":
                return open_set(self._repo, owner, self._go_templates)
            case "HelmRelease":
                return open_release(self._repo, owner, self._lookup, self._texts)
            case "FluxInstance":
                return open_instance(owner)
            case _:
                return open_kustomization(self._repo, owner, self._lookup, self._kustomizer)

    def _advance(self, steps: list[Step]) -> None:
        """Take what the steps found, and ask the engines for the rest."""
        renders: list[tuple[Tree, Render, int]] = []
        while steps:
            jobs: list[tuple[Tree, Job, int]] = []
            for tree, found, depth in steps:
                self._take(tree, found, depth)
                renders += [(tree, one, depth) for one in found.renders if self._wanted(one)]
                jobs += [(tree, job, depth) for job in found.jobs]
            steps = self._answered(jobs) if jobs else []
        results = self._render([one.request for _, one, _ in renders]) if renders else []
        for (tree, one, depth), result in zip(renders, results, strict=True):
            tree.charts.append(_chart(one, result))
            self._take(tree, self._rendered(one, result), depth)

    def _answered(self, jobs: list[tuple[Tree, Job, int]]) -> list[Step]:
        answers = self._go_templates([(job.parameters, job.texts) for _, job, _ in jobs])
        return [(tree, job.then(answer), depth) for (tree, job, depth), answer in zip(jobs, answers, strict=True)]

    def _rendered(self, one: Render, result: ChartResult) -> Found:
        found = Found(reached={*self._repo.below(one.request.path), *one.values})
        for path, text in result.documents.items():
            for manifest in rendered(text, path, self._repo.files.get(path, "")):
                if not one.tests and "test" in str(manifest.annotations.get("helm.sh/hook", "")).split(","):
                    continue
                brought = with_metadata(manifest, one.metadata)
                found.manifests.append(one.owner.brings(brought, one.request.path, one.values))
        for path, text in result.crds.items() if one.crds else ():
            for document in parse(text)[0]:
                if isinstance(document.data, dict):
                    crd = Manifest(document.data, Origin(path, document.line), document.lines)
                    found.manifests.append(one.owner.brings(crd, one.request.path, one.values))
        return found

    def _take(self, tree: Tree, found: Found, depth: int) -> None:
        rest = tree.rest
        rest.reached |= found.reached
        rest.external += found.external
        rest.not_checked += found.not_checked
        rest.faults += found.faults
        placed = [self._placed(manifest) for manifest in found.manifests]
        tree.manifests += placed
        for manifest in placed:
            self._known.setdefault((manifest.cluster, manifest.kind, manifest.namespace, manifest.name), manifest)
            if (manifest.group, manifest.kind) in _OWNERS:
                self._enqueue(tree, manifest, depth)
        self._texts |= found.texts

    def _enqueue(self, tree: Tree, owner: Manifest, depth: int) -> None:
        if depth:
            tree.brought.add(owner.place())
        key = (owner.cluster, owner.group, owner.kind, owner.namespace, owner.name)
        if key in tree.opened:
            return
        tree.opened.add(key)
        self._count += 1
        if depth >= MAX_DEPTH or self._count > MAX_OWNERS:
            limit = f"deeper than {MAX_DEPTH} owners" if depth >= MAX_DEPTH else f"more than {MAX_OWNERS} owners"
            if not any(one.reason.endswith(limit) for one in tree.rest.not_checked):
                title = f"{owner.kind} {owner.namespace}/{owner.name}"
                tree.rest.not_checked.append(NotChecked(owner.place(), title, f"not followed, nor the next: {limit}"))
        else:
            later = self._releases if (owner.group, owner.kind) == _RELEASE else self._waiting
            if owner.group == FLUX and owner.get("spec", "postBuild", "substituteFrom"):
                later = self._substituting
            later.append((tree, owner, depth + 1))

    def _placed(self, manifest: Manifest) -> Manifest:
        """Return the object with its effective namespace: none for a kind that is cluster-scoped."""
        own = manifest.get("metadata", "namespace")
        given = manifest.namespace and manifest.namespace != own
        if given and self._namespaced(manifest.api_version, manifest.kind) is False:
            return replace(manifest, namespace="")
        return manifest

    def _lookup(self, cluster: str, kind: str, namespace: str, name: str) -> Manifest | None:
        found = self._known.get((cluster, kind, namespace, name))
        # A ConfigMap counts where it is applied; a source may be applied by hand and only lie here.
        if found is None and kind not in {"ConfigMap", "Secret"}:
            found = self._raw.get((kind, namespace, name)) or self._raw.get((kind, "", name))
        return found


def _chart(one: Render, result: ChartResult) -> Chart:
    request = one.request
    return Chart(
        request.path, request.release, request.namespace, one.values, request.owner, request.place,
        result.faults, result.lint,
    )  # fmt: skip
