"""Configuration: what changes in Git reaches the pods."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload, clusters
from scaffold.rules.reading.releases import releases
from scaffold.rules.reading.selection import RUNS_ON

# The alphabet of Kustomize's hashes.
_HASHED = re.compile(r".*-[bcdfghkmt2456789]{10}\Z")
_RELOADS = re.compile(r"checksum|hash|reload|restart", re.IGNORECASE)
_SUM = re.compile(r"[0-9a-f]{32,}\Z")


@rule(
    "WORK-18",
    Severity.WARNING,
    fix="Generate the ConfigMap with a hashed name, or annotate the pods with its checksum.",
)
def changed_configuration_restarts_the_pods(repo: Repo) -> Iterator[Hit]:
    """What pods take from a ConfigMap or Secret into their environment restarts them when it changes.

    Environment variables, and files that are mounted by subPath, are read once, at the start: after a change in Git
    everything is in sync and nothing has changed, until a node fails and one pod of three behaves another way. Judged
    are objects that stand in the repository, are not immutable and have no hash in their name; a checksum among the
    pods' annotations, or a reloader in the cluster, will do. Whole folders are updated, and the program may look.
    """
    reloaders = {release.cluster for release in releases(repo) if "reloader" in release.chart}
    for cluster in clusters(repo):
        reloader = any("reloader" in one.manifest.name for found in cluster.workloads.values() for one in found)
        if reloader or cluster.name in reloaders:
            continue
        texts = {
            (kind, one.namespace, one.name): one
            for kind in ("ConfigMap", "Secret")
            for one in cluster.each("", kind)
            if one.get("immutable") is not True and not _HASHED.match(one.name)
        }
        for workloads in cluster.workloads.values() if texts else ():
            for workload in workloads:
                if workload.manifest.kind in RUNS_ON and not _noticed(workload):
                    yield from _unnoticed(workload, texts)


def _noticed(workload: Workload) -> bool:
    """Tell whether the pods or the workload carry a sum, or the wish of a reloader."""
    pods = workload.manifest.mapping(*workload.template, "metadata", "annotations")
    noted = {**workload.manifest.annotations, **pods}
    return any(_RELOADS.search(str(key)) or _SUM.match(str(value)) for key, value in noted.items())


def _unnoticed(workload: Workload, texts: Mapping[tuple[str, str, str], Manifest]) -> Iterator[Hit]:
    manifest = workload.manifest
    seen: set[tuple[str, str]] = set()
    for keys, kind, name, how in _read_once(workload):
        found = texts.get((kind, manifest.namespace, str(name)))
        if found and (kind, found.name) not in seen:
            seen.add((kind, found.name))
            yield at(manifest, keys, f"{manifest}: a change of {found}, {how}, does not restart its pods")


def _read_once(workload: Workload) -> Iterator[tuple[Path, str, Any, str]]:
    """Yield keys, kind, name and way of everything that is read at the start alone."""
    manifest = workload.manifest
    volumes = {str(volume.get("name")): volume for _, volume in manifest.items(*workload.spec, "volumes")}
    for keys, _ in workload.containers():
        for index, source in manifest.items(*keys, "envFrom"):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if isinstance(named := source.get(field), Mapping):
                    yield (*keys, "envFrom", index), kind, named.get("name"), "which is its environment"
        for index, variable in manifest.items(*keys, "env"):
            value = variable.get("valueFrom")
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                named = value.get(field) if isinstance(value, Mapping) else None
                if isinstance(named, Mapping):
                    how = f"which gives {variable.get('name')}"
                    yield (*keys, "env", index, "valueFrom", field), kind, named.get("name"), how
        for index, mount in manifest.items(*keys, "volumeMounts"):
            volume = volumes.get(str(mount.get("name")), {})
            for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
                named = volume.get(field)
                if isinstance(named, Mapping) and (mount.get("subPath") or mount.get("subPathExpr")):
                    yield (*keys, "volumeMounts", index), kind, named.get(key), "mounted by subPath"
