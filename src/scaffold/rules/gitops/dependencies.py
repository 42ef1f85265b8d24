"""Dependencies of Flux: who waits for whom, and that the wait ends."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.fluxtree import HELM, KUSTOMIZE, Key, Tree, trees
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import POD_TEMPLATES
from scaffold.rules.reading.owners import title

_TAKES_TIME = frozenset({(HELM, "HelmRelease"), (KUSTOMIZE, "Kustomization"), *POD_TEMPLATES})


@rule("GITOPS-32", Severity.ERROR, fix="Name a Kustomization or HelmRelease that exists, and leave no circle.")
def dependencies_can_be_met(repo: Repo) -> Iterator[Hit]:
    """Everything in dependsOn exists in the same cluster, and no circle leads back.

    What waits for something that is not there is never applied, and of a circle nothing is, without a word. Without
    a namespace that of the object is meant. Whether it exists is judged where all Kustomizations of the cluster are
    in the repository.
    """
    lying = {(manifest.kind, manifest.name) for manifest in repo.raw}
    for tree in trees(repo):
        for owner in tree.owners.values():
            for index, _, (kind, namespace, name) in tree.needs(owner):
                known = (kind, namespace, name) in tree.owners or "${" in f"{namespace}{name}" or not name
                if known or not tree.complete:
                    continue
                elsewhere = next((key for key in tree.owners if (key[0], key[2]) == (kind, name)), None)
                if elsewhere or (kind, name) not in lying:
                    hint = f", there is one in namespace {elsewhere[1]}" if elsewhere else ""
                    what = f"depends on {kind} {namespace}/{name}, which does not exist{hint}"
                    yield at(owner, ("spec", "dependsOn", index), f"{owner} {what}")
        for circle in _circles(tree):
            through = " → ".join(one.name for one in (*circle, circle[0]))
            index = next(i for i, _, key in tree.needs(circle[0]) if tree.owners.get(key) is circle[1 % len(circle)])
            yield at(circle[0], ("spec", "dependsOn", index), f"{circle[0]} waits for itself: {through}")


@rule("GITOPS-25", Severity.WARNING, fix="Set `wait: true` or healthChecks on what the others depend on.")
def what_others_depend_on_is_waited_for(repo: Repo) -> Iterator[Hit]:
    """A Kustomization that others depend on is ready only when what it applied is: wait, or healthChecks.

    Otherwise it is ready as soon as its objects are accepted, and the others start beside controllers that are not
    running yet. One that brings nothing that takes time needs no wait, nor does a dependency with a readyExpr.
    """
    for tree in trees(repo):
        needed: dict[Key, Manifest] = {}
        for owner in tree.each("Kustomization"):
            for _, entry, key in tree.needs(owner):
                if not entry.get("readyExpr"):
                    needed.setdefault(key, owner)
        for key, user in needed.items():
            needy = tree.owners.get(key)
            if needy is None or needy.get("spec", "wait") or needy.get("spec", "healthChecks"):
                continue
            slow = next((m for m in tree.brings(needy) if (m.group, m.kind) in _TAKES_TIME), None)
            if slow:
                keys = ("spec", "wait") if needy.get("spec", "wait") is not None else ("spec",)
                yield at(needy, keys, f"{needy} does not wait for {slow.kind} {slow.name}, {user} depends on it")


@rule("GITOPS-33", Severity.WARNING, fix="Depend on the Kustomization that brings the CustomResourceDefinition.")
def definitions_are_waited_for(repo: Repo) -> Iterator[Hit]:
    """A Kustomization with custom resources depends on the one that brings their definition.

    Flux tries all objects of a Kustomization before it applies any: with one unknown kind none is applied, not even
    the HelmRelease beside it that would bring the kind. Definitions that are not in the repository are not judged.
    """
    for tree in trees(repo):
        defined: dict[tuple[str, str], list[Manifest]] = {}
        for objects in tree.objects.values():
            for manifest in objects:
                if (manifest.group, manifest.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
                    kind = str(manifest.get("spec", "group")), str(manifest.get("spec", "names", "kind"))
                    defined.setdefault(kind, []).append(manifest)
        for user in tree.each("Kustomization"):
            seen: set[tuple[str, str]] = set()
            for manifest in tree.brings(user):
                kind = manifest.group, manifest.kind
                if kind in defined and kind not in seen and not _is_before(tree, user, defined[kind]):
                    seen.add(kind)
                    by = defined[kind][0].origin.owner
                    yield at(manifest, (), f"{manifest}: {user} does not depend on {by}, which brings {manifest.kind}")


@rule("GITOPS-38", Severity.WARNING, fix="Depend on the Kustomization that brings the namespace.")
def target_namespaces_are_waited_for(repo: Repo) -> Iterator[Hit]:
    """The targetNamespace of a Kustomization is brought by itself or by one that it depends on.

    Flux does not create it: all objects are refused until somebody else has. Namespaces that are not in the
    repository are not judged.
    """
    for tree in trees(repo):
        made: dict[str, list[Manifest]] = {}
        for objects in tree.objects.values():
            for manifest in objects:
                if (manifest.group, manifest.kind) == ("", "Namespace"):
                    made.setdefault(manifest.name, []).append(manifest)
        for user in tree.each("Kustomization"):
            target = user.get("spec", "targetNamespace")
            namespaces = made.get(target, []) if isinstance(target, str) else []
            if namespaces and not user.get("spec", "kubeConfig") and not _is_before(tree, user, namespaces):
                by = namespaces[0].origin.owner
                yield at(user, ("spec", "targetNamespace"), f"{user} does not depend on {by}, which brings {target}")


def _is_before(tree: Tree, user: Manifest, objects: list[Manifest]) -> bool:
    """Tell whether one of the objects is brought by an owner itself or before it; what is applied by hand is."""
    before = {title(user), *tree.before(user)}
    for manifest in objects:
        owner = tree.by_title.get(manifest.origin.owner)
        if owner is None or title(owner) in before:
            return True
        if owner.kind == "HelmRelease" and owner.origin.owner in before - {title(user)}:
            return True
    return False


def _circles(tree: Tree) -> Iterator[list[Manifest]]:
    """Yield every circle once, as it is met on a walk through all dependencies."""
    done: set[Key] = set()
    for start in sorted(tree.owners):
        path: dict[Key, Iterator[Key]] = {}
        waiting: list[Key] = [start]
        while waiting:
            key = waiting[-1]
            if key in done:
                waiting.pop()
                continue
            if key not in path:
                path[key] = iter([found for _, _, found in tree.needs(tree.owners[key]) if found in tree.owners])
            following = next(path[key], None)
            if following is None:
                done.add(key)
                del path[key]
                waiting.pop()
            elif following in path:
                keys = list(path)
                yield [tree.owners[one] for one in keys[keys.index(following) :]]
            else:
                waiting.append(following)
