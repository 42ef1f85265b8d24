"""Requests: every container says what it needs."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import brought_whole, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload, clusters
from scaffold.rules.reading.resources import BOTH, Defaults, asks, of_pod


@rule("WORK-04", Severity.WARNING, fix="Set resources.requests of cpu and memory.")
def containers_ask_for_what_they_need(repo: Repo) -> Iterator[Hit]:
    """Every container, init container and sidecar has a request of cpu and memory.

    Without one the scheduler counts the pod as nothing and fills the node, the pod is the first to be killed there,
    and one such container switches scaling by utilization off for the whole pod. A limit counts as a request, and so
    does the default of a LimitRange. Namespaces that get objects from elsewhere are not judged: a LimitRange may be
    among them.
    """
    if makes(repo, "mutate"):
        return
    for cluster in clusters(repo):
        defaults = Defaults(cluster)
        for namespace, workloads in cluster.workloads.items():
            for workload in workloads if brought_whole(cluster, namespace) else ():
                yield from _lacking(workload, defaults)


def _lacking(workload: Workload, defaults: Defaults) -> Iterator[Hit]:
    manifest = workload.manifest
    whole = [resource for resource in BOTH if of_pod(workload, "requests", resource) is not None
             or of_pod(workload, "limits", resource) is not None]  # fmt: skip
    for keys, container in workload.containers():
        lacking = [
            resource
            for resource in BOTH
            if resource not in whole and asks(container, "requests", resource, manifest.namespace, defaults) is None
        ]
        if lacking and keys[-2] != "ephemeralContainers":
            what = f"{manifest}: container {container.get('name')} has no request of {' and '.join(lacking)}"
            place = (*keys, "resources") if container.get("resources") else keys
            yield at(manifest, place, what)
