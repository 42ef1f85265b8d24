"""Waves: within one sync, what others need comes first.

Argo CD applies phase by phase, wave by wave, and waits for each to be healthy: what needs something of a later one
waits for ever.
"""

from collections.abc import Iterator, Mapping

from scaffold.facts.schemas import Catalog
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.applications import (
    SYNC_WAVE,
    applications,
    brought,
    brought_by,
    options,
    order,
    wave,
)
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.needs import needed

_HEALTH = ("resource.customizations.health.argoproj.io_Application", "resource.customizations")
_ISTIO = "networking.istio.io"
_PHASES = {-1: "PreSync", 0: "Sync", 1: "PostSync"}


@rule("GITOPS-09", Severity.ERROR, fix="Give the CustomResourceDefinition a wave that is not after its objects'.")
def definitions_come_before_their_objects(repo: Repo) -> Iterator[Hit]:
    """An Application applies a CustomResourceDefinition no later than the objects of that kind.

    The server knows no such kind until then, and the sync ends there. Definitions that other Applications bring, or
    that were in the cluster before, are not judged.
    """
    by_owner = brought(repo)
    for app in applications(repo):
        objects = brought_by(app, by_owner)
        defined = {
            (str(m.get("spec", "group")), str(m.get("spec", "names", "kind"))): m
            for m in objects
            if m.kind == "CustomResourceDefinition" and m.group == "apiextensions.k8s.io"
        }
        for manifest in objects if defined else ():
            definition = defined.get((manifest.group, manifest.kind))
            if definition and _after(definition, manifest):
                when = f"{_when(manifest)}, its definition {_when(definition)} ({definition.place()})"
                yield at(manifest, _wave_keys(manifest), f"{manifest} is applied in {when}")


@rule("GITOPS-10", Severity.ERROR, fix="Write the wave as a quoted integer, lower for what the others need.")
def waves_are_in_order(repo: Repo) -> Iterator[Hit]:
    """Sync waves are quoted integers, and nothing in a sync needs what only a later wave brings.

    What is no integer counts as 0 without a word, an unquoted one is refused. A namespace has to be there before
    its objects, what a pod mounts or runs as before the pod gets healthy, a DestinationRule before the
    VirtualService that names its subsets.
    """
    for manifest in repo.manifests:
        value = manifest.annotations.get(SYNC_WAVE)
        known = Catalog.builtin().scope(manifest.api_version, manifest.kind)
        if value is not None and not _is_integer(value) and (isinstance(value, str) or not known):
            why = "is no integer, and counts as 0" if isinstance(value, str) else "needs quotes"
            yield at(manifest, ("metadata", "annotations", SYNC_WAVE), f"{manifest}: sync wave {value} {why}")
    by_owner = brought(repo)
    for app in applications(repo):
        objects = brought_by(app, by_owner)
        if len({order(manifest) for manifest in objects}) > 1:
            yield from _namespaces(app, objects)
            yield from _mounts(objects)
            yield from _subsets(objects)


@rule("GITOPS-11", Severity.WARNING, fix="Add resource.customizations.health.argoproj.io_Application to argocd-cm.")
def waves_of_applications_have_a_health_to_wait_for(repo: Repo) -> Iterator[Hit]:
    """Where Applications have waves, argocd-cm gives Applications a health.

    Argo CD has none for them since 1.8: all waves are applied at once, and the order is only hoped for. It is
    judged where argocd-cm is in the repository.
    """
    settings = [m for m in repo.each("", "ConfigMap") if m.name == "argocd-cm"]
    if not settings or any("argoproj.io_Application" in text for text in repo.files.values()):
        return
    if any(
        isinstance(value := m.get("data", key), str) and (key != _HEALTH[1] or "argoproj.io/Application" in value)
        for m in settings
        for key in _HEALTH
    ):
        return
    for objects in brought(repo).values():
        apps = [m for m in objects if (m.group, m.kind) == ("argoproj.io", "Application")]
        if len({wave(app) for app in apps}) > 1:
            first = next(app for app in apps if wave(app))
            yield at(settings[0], ("data",), f"{settings[0]} has no health for Applications, and {first} has a wave")
            return


@rule("GITOPS-14", Severity.ERROR, fix="Make what the hook needs a hook of an earlier wave, too.")
def hooks_need_nothing_that_comes_later(repo: Repo) -> Iterator[Hit]:
    """A hook that runs before a sync needs only what is a hook of that phase itself, or was there before.

    At the first sync the account, the ConfigMap or the Secret of the same Application is not there yet: the hook's
    pod cannot start, and what it waits for is applied after it.
    """
    by_owner = brought(repo)
    for app in applications(repo):
        objects = brought_by(app, by_owner)
        before = [m for m in objects if (found := order(m)) and found[0] < 0]
        if not before:
            continue
        there = _by_name(objects)
        for hook in before:
            for keys, kind, name in needed(hook):
                other = there.get((kind, hook.namespace, name))
                if other and _after(other, hook):
                    yield at(hook, keys, f"{hook} runs in {_when(hook)}, {kind} {name} comes in {_when(other)}")


def _is_integer(value: object) -> bool:
    try:
        return isinstance(value, str) and int(value) is not None and "_" not in value and value == value.strip()
    except ValueError:
        return False


def _after(one: Manifest, other: Manifest) -> bool:
    """Tell whether one object is applied after another, in a later phase or wave of the same sync."""
    first, second = order(one), order(other)
    return first is not None and second is not None and first > second


def _when(manifest: Manifest) -> str:
    phase, number = order(manifest) or (0, 0)
    return f"{_PHASES[phase]} wave {number}"


def _wave_keys(manifest: Manifest) -> Path:
    return ("metadata", "annotations", SYNC_WAVE) if SYNC_WAVE in manifest.annotations else ()


def _by_name(objects: list[Manifest]) -> dict[tuple[str, str, str], Manifest]:
    """Return the objects by kind, namespace and name; of those that are there twice the one that comes first."""
    found: dict[tuple[str, str, str], Manifest] = {}
    for manifest in objects:
        key = (manifest.kind, manifest.namespace, manifest.name)
        if order(manifest) is not None and (key not in found or _after(found[key], manifest)):
            found[key] = manifest
    return found


def _namespaces(app: Manifest, objects: list[Manifest]) -> Iterator[Hit]:
    made = {m.name: m for m in objects if (m.group, m.kind) == ("", "Namespace")}
    if "CreateNamespace=true" in options(app):
        made.pop(str(app.get("spec", "destination", "namespace")), None)
    for manifest in objects if made else ():
        namespace = made.get(manifest.namespace)
        if namespace and _after(namespace, manifest):
            what = f"{_when(manifest)}, its Namespace in {_when(namespace)} ({namespace.place()})"
            yield at(manifest, _wave_keys(manifest), f"{manifest} is applied in {what}")


def _mounts(objects: list[Manifest]) -> Iterator[Hit]:
    there = _by_name(objects)
    for manifest in objects:
        if (found := order(manifest)) is None or found[0] < 0:
            continue  # GITOPS-14
        for keys, kind, name in needed(manifest):
            other = there.get((kind, manifest.namespace, name))
            if other and _after(other, manifest):
                what = f"{_when(manifest)} and needs {kind} {name}, which comes in {_when(other)}"
                yield at(manifest, keys, f"{manifest} is applied in {what}")


def _subsets(objects: list[Manifest]) -> Iterator[Hit]:
    rules: Mapping[str, Manifest] = {
        _short(m.get("spec", "host"), m.namespace): m
        for m in objects
        if (m.group, m.kind) == (_ISTIO, "DestinationRule")
    }
    for service in objects if rules else ():
        if (service.group, service.kind) != (_ISTIO, "VirtualService"):
            continue
        for index, _ in service.items("spec", "http"):
            for number, route in service.items("spec", "http", index, "route"):
                to = route.get("destination")
                if not isinstance(to, Mapping) or not to.get("subset"):
                    continue
                policy = rules.get(_short(to.get("host"), service.namespace))
                if policy and _after(policy, service):
                    keys: Path = ("spec", "http", index, "route", number, "destination", "subset")
                    what = f"{_when(service)}, {policy} with its subset {to['subset']} in {_when(policy)}"
                    yield at(service, keys, f"{service} is applied in {what}")


def _short(host: object, namespace: str) -> str:
    text = str(host or "")
    return text if "." in text else f"{text}.{namespace}.svc.cluster.local"
