"""Labels: what selects pods selects the ones that are meant, today and after the next upgrade."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import text
from scaffold.rules.reading.affinity import matches, means_own, terms, twice
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference
from scaffold.rules.reading.inventory import Cluster, Workload, clusters, ports_of
from scaffold.rules.reading.selection import Selection, running

_IMMUTABLE = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})
_CHANGES = frozenset({"app.kubernetes.io/version", "chart", "helm.sh/chart"})
_COMPONENT = "app.kubernetes.io/component"


@rule("WORK-02", Severity.WARNING, fix="Select by name and instance alone; leave versions to other labels.")
def selectors_survive_an_upgrade(repo: Repo) -> Iterator[Hit]:
    """No selector of a workload names a version, a chart or a checksum.

    The selector of a workload that exists cannot be changed: the next version is refused, "field is immutable". A
    label `version` is only judged where it is the tag of the image and no part of the workload's name.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                manifest = workload.manifest
                if manifest.group != "apps" or manifest.kind not in _IMMUTABLE:
                    continue
                for key, value in manifest.mapping("spec", "selector", "matchLabels").items():
                    if key in _CHANGES or str(key).startswith("checksum/") or _is_tag(workload, key, value):
                        what = f"{manifest}: its selector has {key}: {value}, which every new version changes"
                        yield at(manifest, ("spec", "selector", "matchLabels", key), what)


@rule(
    "WORK-06", Severity.ERROR, fix="Select labels that the pods carry, and leave out of matchLabelKeys what is there."
)
def scheduling_terms_match_pods(repo: Repo) -> Iterator[Hit]:
    """Spread constraints match the pods that carry them, and affinities to pods match some.

    One that matches nothing is accepted and does nothing: all pods may stand on one node. A required affinity to
    pods that are not there leaves the pod pending. With a key both in matchLabelKeys and in the selector every pod is
    refused. Terms about other pods are judged where all pods of the namespace come from this repository; one that names
    the workload itself is about its own.
    """
    for cluster in clusters(repo):
        selection = Selection(cluster)
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _spread(workload)
                yield from _affinities(cluster, selection, workload)


@rule("WORK-09", Severity.WARNING, fix="Add the component to the selector, or give each component its own object.")
def components_share_no_front(repo: Repo) -> Iterator[Hit]:
    """No Service sends requests to a component that has not the port, and no budget counts two components as one.

    Components (app.kubernetes.io/component) are kept apart so that one may fail alone. A Service whose selector takes
    another one, too, loses the requests that go there; with a shared budget one that is down stops every drain of
    the other. NetworkPolicies and monitors may well be about a whole application.
    """
    for cluster in clusters(repo):
        selection = Selection(cluster)
        for service in cluster.services.values():
            yield from _mixed_service(service, list(running(selection.of_service(service))))
        for budget in cluster.each("policy", "PodDisruptionBudget"):
            selector = budget.mapping("spec", "selector")
            taken = list(running(selection.of_selector(budget.namespace, selector))) if selector else []
            components = {one.labels[_COMPONENT] for one in taken if _COMPONENT in one.labels}
            if len(components) > 1 and all(_COMPONENT in one.labels for one in taken):
                what = f"{budget} counts the pods of {', '.join(sorted(components))} as one"
                yield at(budget, ("spec", "selector"), what)


def _is_tag(workload: Workload, key: Any, value: Any) -> bool:
    if key != "version" or not isinstance(value, str) or value in workload.manifest.name or "." not in value:
        return False
    images = [str(container.get("image")) for _, container in workload.containers()]
    return any(Reference.of(image).tag.removeprefix("v") == value.removeprefix("v") for image in images)


def _spread(workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    for index, term in manifest.items(*workload.spec, "topologySpreadConstraints"):
        keys = (*workload.spec, "topologySpreadConstraints", index)
        what = f"{manifest}: the spread over {term.get('topologyKey')}"
        if term.get("labelSelector") is None:
            yield at(manifest, keys, f"{what} has no labelSelector, and so counts no pod")
        elif both := twice(term):
            yield at(manifest, (*keys, "matchLabelKeys"), f"{what} has {both} in matchLabelKeys and in its selector")
        elif not matches(term.get("labelSelector"), workload.labels):
            yield at(manifest, (*keys, "labelSelector"), f"{what} does not count its own pods, {_labels(workload)}")


def _affinities(cluster: Cluster, selection: Selection, workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    for kind in ("podAffinity", "podAntiAffinity"):
        for keys, required in terms(manifest, (*workload.spec, "affinity", kind)):
            term = manifest.mapping(*keys)
            selector = term.get("labelSelector")
            if both := twice(term):
                what = f"{manifest}: {kind} has {both} in matchLabelKeys and in its selector"
                yield at(manifest, (*keys, "matchLabelKeys"), what)
                continue
            if not isinstance(selector, Mapping) or (kind == "podAffinity" and not required):
                continue
            if term.get("namespaces") or term.get("namespaceSelector") is not None or term.get("mismatchLabelKeys"):
                continue
            others = selection.of_selector(manifest.namespace, selector)
            if others or matches(selector, workload.labels):
                continue
            if not cluster.closed(manifest.namespace) and not means_own(selector, workload):
                continue
            wanted = selector.get("matchLabels")
            shown = text(wanted) if isinstance(wanted, Mapping) and wanted else "its expressions"
            what = f"{manifest}: {kind} selects {shown}, and no pod of the namespace has that"
            yield at(manifest, (*keys, "labelSelector"), what)


def _labels(workload: Workload) -> str:
    return f"they are labelled {text(workload.labels)}" if workload.labels else "they have no labels"


def _mixed_service(service: Manifest, taken: list[Workload]) -> Iterator[Hit]:
    components = {one.labels.get(_COMPONENT) for one in taken}
    if len(components) < 2 or None in components or service.get("spec", "clusterIP") == "None":
        return
    for index, port in service.items("spec", "ports"):
        target = port.get("targetPort") or port.get("port")
        protocol = port.get("protocol") or "TCP"
        if not isinstance(target, int) or isinstance(target, bool):
            continue  # a pod without a port of that name gets no requests for it
        has = {id(one): _declares(one, target, str(protocol)) for one in taken}
        for one in taken:
            if any(has.values()) and not has[id(one)] and any(True for _ in one.ports()):
                what = f"{service} selects {one.manifest}, too, which has no port {target}"
                yield at(service, ("spec", "ports", index), what)


def _declares(workload: Workload, number: int, protocol: str) -> bool:
    return any(
        port.get("containerPort") == number and str(port.get("protocol") or "TCP") == protocol
        for _, container in workload.containers()
        for port in ports_of(container)
    )
