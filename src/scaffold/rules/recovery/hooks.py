"""Hooks: what quiesces a database before a backup finds the container it runs in."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import text
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import is_plain, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload, clusters
from scaffold.rules.reading.selection import Selection
from scaffold.rules.reading.velero import Plan, Velero, veleros

_ANNOTATIONS = (
    "pre.hook.backup.velero.io/container",
    "post.hook.backup.velero.io/container",
    "post.hook.restore.velero.io/container",
)
_INJECTED = frozenset({"istio-proxy", "linkerd-proxy", "vault-agent", "daprd"})


@rule("DR-12", Severity.ERROR, fix="Select labels of the pod template, and name one of its containers.")
def hooks_find_their_containers(repo: Repo) -> Iterator[Hit]:
    """Every hook of a backup selects pods that exist, and names a container of them.

    A hook that selects nothing is passed over, and the volumes are copied while the database writes; one whose
    container is missing makes the backup fail. Judged are hooks in the annotations of pod templates, and those of
    schedules for namespaces where all pods come from this repository.
    """
    if makes(repo, "mutate"):
        return
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _annotated(workload)
    for velero in veleros(repo):
        selection = Selection(velero.cluster)
        for plan in velero.plans:
            for keys, hook in _resources(plan):
                yield from _scheduled(velero, selection, plan, keys, hook)


def _annotated(workload: Workload) -> Iterator[Hit]:
    keys: Path = (*workload.template, "metadata", "annotations")
    annotations = workload.manifest.mapping(*keys)
    names = _containers([workload])
    for annotation in _ANNOTATIONS:
        name = annotations.get(annotation)
        if isinstance(name, str) and is_plain(name) and name not in names:
            what = f"{workload.manifest}: {annotation}: no container {name}"
            yield at(workload.manifest, (*keys, annotation), what)


def _resources(plan: Plan) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    listed = plan.get("template", "hooks", "resources")
    for index, hook in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(hook, Mapping):
            yield ("template", "hooks", "resources", index), hook


def _scheduled(velero: Velero, selection: Selection, plan: Plan, keys: Path, hook: Mapping[str, Any]) -> Iterator[Hit]:
    named = hook.get("includedNamespaces")
    names = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    names = names or plan.names("template", "includedNamespaces")
    if not names or not all(is_plain(one) and velero.cluster.closed(one) for one in names):
        return
    selector = hook.get("labelSelector")
    found = [one for name in names for one in selection.of_selector(name, selector or {})]
    if not found:
        labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
        wanted = text(labels) if isinstance(labels, Mapping) else "these labels"
        what = f"hook {hook.get('name')}: no pod of namespace {', '.join(names)} has {wanted}"
        yield plan.hit((*keys, "labelSelector"), what)
        return
    containers = _containers(found)
    for phase in ("pre", "post"):
        steps = hook.get(phase)
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            run = step.get("exec") if isinstance(step, Mapping) else None
            name = run.get("container") if isinstance(run, Mapping) else None
            if isinstance(name, str) and is_plain(name) and name not in containers:
                pods = ", ".join(sorted({str(one.manifest) for one in found}))
                where = (*keys, phase, index, "exec", "container")
                yield plan.hit(where, f"hook {hook.get('name')}: no container {name} in {pods}")


def _containers(workloads: list[Workload]) -> set[str]:
    return {str(container.get("name")) for one in workloads for _, container in one.containers()} | _INJECTED
