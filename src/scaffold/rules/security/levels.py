"""Pod Security levels of namespaces: each has one that is pinned, and the agents of the nodes have a privileged one."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading import podsecurity
from scaffold.rules.reading.completeness import is_plain
from scaffold.rules.reading.hits import at, context
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import clusters

_PREFIX = "pod-security.kubernetes.io/"
_MODES = ("enforce", "audit", "warn")
_LEVELS = ("privileged", "baseline", "restricted")
_CHARTS = frozenset({"falco", "fluent-bit", "kube-prometheus-stack", "prometheus-node-exporter", "velero"})


@rule(
    "SEC-01", Severity.WARNING, fix="Give the namespace an enforced level and pin its version to the cluster's minor."
)
def namespaces_have_a_pinned_level(repo: Repo) -> Iterator[Hit]:
    """Where namespaces have Pod Security levels, every one with pods has one, and its version is pinned.

    A namespace without the labels takes any pod. Without a version, or with `latest`, an upgrade of the cluster brings
    new checks, and pods that ran yesterday are refused. Versions are written v1.37; one above the cluster's minor
    counts as the cluster's own. Judged in clusters where some namespace enforces a level.
    """
    for cluster in clusters(repo):
        objects = list(cluster.each("", "Namespace"))
        adopted = any(labels.get(f"{_PREFIX}enforce") for labels in cluster.namespaces.values())
        for namespace in objects:
            yield from _labels(repo, namespace)
            unlabelled = not any(str(key).startswith(_PREFIX) for key in namespace.labels)
            if adopted and unlabelled and cluster.workloads.get(namespace.name):
                what = "has pods and no Pod Security level, other namespaces have one"
                yield at(namespace, ("metadata", "labels"), f"{namespace} {what}")


@rule("SEC-15", Severity.ERROR, fix="Give the namespace of what works on the nodes the level privileged.")
def agents_of_the_nodes_are_privileged(repo: Repo) -> Iterator[Hit]:
    """The namespaces of Falco, node-exporter, Fluent Bit and Velero's node-agent enforce no level above privileged.

    Their pods mount paths of the node or share its network: baseline and restricted refuse them, the DaemonSet stands
    there without pods. Judged where the chart's values are here. Istio's agents are MESH-17's, workloads of this
    repository WORK-21's.
    """
    charts = [one for one in installs_of(repo, _CHARTS) if one.complete and _is_on_nodes(one)]
    for cluster in clusters(repo):
        for install in charts:
            level = cluster.namespaces.get(install.namespace, {}).get(f"{_PREFIX}enforce")
            if install.cluster == cluster.name and level in ("baseline", "restricted"):
                what = f"chart {install.chart} goes to namespace {install.namespace}, which enforces {level}"
                yield Hit(install.place(), f"{install.owner}: {what}", context(install.owner.origin))


def _labels(repo: Repo, namespace: Manifest) -> Iterator[Hit]:
    labels: Mapping[str, Any] = namespace.labels
    newest = podsecurity.minor(f"v{repo.kube_version}") or podsecurity.NEWEST
    for mode in _MODES:
        level, version = labels.get(f"{_PREFIX}{mode}"), labels.get(f"{_PREFIX}{mode}-version")
        keys = ("metadata", "labels", f"{_PREFIX}{mode}")
        if is_plain(level) and level not in _LEVELS:
            yield at(namespace, keys, f"{namespace}: {mode} is {level}, it is privileged, baseline or restricted")
        versioned = ("metadata", "labels", f"{_PREFIX}{mode}-version")
        minor = podsecurity.minor(version)
        if is_plain(version) and version != "latest" and minor is None:
            yield at(namespace, versioned, f"{namespace}: {mode}-version is {version}, it is written v1.37")
        elif minor is not None and minor > newest:
            yield at(namespace, versioned, f"{namespace}: {mode}-version {version} is above the cluster's v1.{newest}")
        elif mode == "enforce" and level in ("baseline", "restricted") and version in (None, "latest"):
            what = f"the version of {level} is not pinned, an upgrade changes it"
            yield at(namespace, versioned if version else keys, f"{namespace}: {what}")


def _is_on_nodes(install: Install) -> bool:
    """Tell whether a chart brings pods that a level above privileged refuses."""
    match install.chart:
        case "kube-prometheus-stack":
            return install.get("nodeExporter", "enabled") is not False
        case "velero":
            return install.get("deployNodeAgent") is True
        case "fluent-bit":
            return install.get("kind") in (None, "DaemonSet") and install.get("daemonSetVolumes") != []
    return True
