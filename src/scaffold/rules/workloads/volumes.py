"""Volumes: who mounts them, on how many nodes, and how much goes into them."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.scalers import Scaling
from scaffold.rules.reading.sidecars import kind_of

_ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@rule("WORK-12", Severity.WARNING, fix="Set strategy.type: Recreate, or use a StatefulSet with a claim for each pod.")
def volumes_of_one_node_have_one_pod(repo: Repo) -> Iterator[Hit]:
    """A Deployment with a volume that one node may mount runs one pod, and ends it before the next one starts.

    A rolling update starts the new pod first: on another node it waits for the volume for ever, on the same node two
    programs write into one folder. Judged are claims in the repository whose access modes are ReadWriteOnce and
    ReadWriteOncePod alone. That maxSurge and maxUnavailable are both 0 is SCHEMA-01's; how many nodes there are is not
    known.
    """
    for cluster in clusters(repo):
        claims = _claims(cluster)
        scaling = Scaling(cluster) if claims else None
        for workloads in cluster.workloads.values() if scaling else ():
            for workload in workloads:
                if workload.manifest.kind == "Deployment" and scaling:
                    yield from _one_pod(workload, claims, scaling)


@rule("WORK-19", Severity.WARNING, fix="Mount the volume where it is meant, or give scratch space a sizeLimit.")
def scratch_volumes_are_shared_or_limited(repo: Repo) -> Iterator[Hit]:
    """Every emptyDir is shared by containers, or is scratch space of one with a limit of its size.

    One that no container mounts does nothing, and a log shipper whose folder nobody else mounts reads an empty one.
    Without a limit one pod fills the disk of its node, and others are evicted for it. A limit of ephemeral-storage of
    the container is one, and so is memory for a volume in memory.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _scratch(workload)


def _claims(cluster: Cluster) -> Mapping[tuple[str, str], Manifest]:
    found: dict[tuple[str, str], Manifest] = {}
    for claim in cluster.each("", "PersistentVolumeClaim"):
        modes = claim.get("spec", "accessModes")
        if isinstance(modes, list) and modes and all(isinstance(mode, str) and mode in _ONE_NODE for mode in modes):
            found[claim.namespace, claim.name] = claim
    return found


def _one_pod(workload: Workload, claims: Mapping[tuple[str, str], Manifest], scaling: Scaling) -> Iterator[Hit]:
    manifest = workload.manifest
    strategy = manifest.mapping("spec", "strategy")
    update = strategy.get("rollingUpdate")
    surge = update.get("maxSurge") if isinstance(update, Mapping) else None
    rolls = strategy.get("type") in (None, "", "RollingUpdate") and surge not in (0, "0%")
    bounds = scaling.bounds(workload)
    for index, volume in manifest.items(*workload.spec, "volumes"):
        named = volume.get("persistentVolumeClaim")
        name = named.get("claimName") if isinstance(named, Mapping) and not named.get("readOnly") else None
        claim = claims.get((manifest.namespace, str(name)))
        if claim is None or bounds == (0, 0):
            continue
        keys = (*workload.spec, "volumes", index, "persistentVolumeClaim")
        if bounds and bounds[1] > 1:
            what = f"{manifest}: up to {bounds[1]} pods mount {claim}, which one node may mount"
            yield at(manifest, keys, what)
        elif rolls:
            what = f"{manifest}: an update starts a second pod with {claim}, which one node may mount"
            yield at(manifest, keys, what)


def _scratch(workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    mounted: dict[str, list[Mapping[str, Any]]] = {}
    for keys, container in workload.containers():
        names = {str(mount.get("name")) for _, mount in manifest.items(*keys, "volumeMounts")}
        for name in names:
            mounted.setdefault(name, []).append(container)
    for index, volume in manifest.items(*workload.spec, "volumes"):
        # "emptyDir:" without a value is one, too.
        if "emptyDir" not in volume:
            continue
        keys = (*workload.spec, "volumes", index)
        users = mounted.get(str(volume.get("name")), [])
        what = f"{manifest}: no container mounts the emptyDir {volume.get('name')}"
        if not users:
            yield at(manifest, keys, what)
            continue
        why = _alone(workload, users[0], str(volume.get("name")), volume.get("emptyDir")) if len(users) == 1 else ""
        if why:
            yield at(manifest, keys, f"{manifest}: the emptyDir {volume.get('name')} {why}")


def _alone(workload: Workload, user: Mapping[str, Any], name: str, volume: Any) -> str:
    """Say what is wrong with a volume of one container, empty for nothing."""
    listed = user.get("volumeMounts")
    paths = [
        str(mount.get("mountPath"))
        for mount in (listed if isinstance(listed, list) else ())
        if isinstance(mount, Mapping) and mount.get("name") == name
    ]
    others = len(list(workload.containers())) > 1
    if kind_of(user) == "log shipper" and others and any("log" in path for path in paths):
        return f"is mounted by {user.get('name')} alone, whose logs nobody writes"
    empty = volume if isinstance(volume, Mapping) else {}
    resources = user.get("resources")
    limits = resources.get("limits") if isinstance(resources, Mapping) else None
    bounded = "memory" if empty.get("medium") == "Memory" else "ephemeral-storage"
    if empty.get("sizeLimit") or (isinstance(limits, Mapping) and limits.get(bounded)):
        return ""
    return f"of container {user.get('name')} has no sizeLimit"
