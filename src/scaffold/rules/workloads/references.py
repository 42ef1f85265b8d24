"""References: what a pod cannot start without is there, and has the keys that are asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import all_opened, inside, is_plain, is_whole, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.needs import needed
from scaffold.rules.reading.secretmakers import Secrets

_MADE = frozenset({"istio-ca-root-cert", "kube-root-ca.crt", "openshift-service-ca.crt"})
_BUILT_IN = frozenset({"system-cluster-critical", "system-node-critical"})
_CLASSES = (
    ("priorityClassName", "scheduling.k8s.io", "PriorityClass"),
    ("runtimeClassName", "node.k8s.io", "RuntimeClass"),
)
_FIELDS = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}


@rule("WORK-14", Severity.ERROR, fix="Correct the name or the key, bring the object, or mark the reference optional.")
def pods_find_what_they_refer_to(repo: Repo) -> Iterator[Hit]:
    """The ConfigMaps, Secrets, claims and classes that a pod names exist, with the keys that it asks for.

    The workload is accepted, and its pods never start. Existence is judged where all of the namespace comes from this
    repository: a Secret only where the other Secrets of the namespace stand here, too, as Secrets are often made by
    hand; a class only where others of its kind do. Keys are judged of every ConfigMap and Secret that is here.
    Service accounts are SEC-06's, pull secrets REPO-02's.
    """
    whole = all_opened(repo) and not makes(repo, "generate", "mutate")
    for cluster in clusters(repo):
        texts = {(kind, one.namespace, one.name): one for kind in _FIELDS for one in cluster.each("", kind)}
        there = _There(cluster)
        for namespace, workloads in cluster.workloads.items():
            for workload in workloads:
                yield from _keys(workload, texts)
                if whole and cluster.closed(namespace):
                    yield from _names(there, workload)
                if whole and is_whole(cluster):
                    yield from _classes(cluster, workload)


class _There:
    """The names of what pods refer to, by kind and namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._secrets = Secrets(cluster)
        self._everywhere = _MADE | {one.name for one in cluster.each("trust.cert-manager.io", "Bundle")}
        self._names = {
            (kind, one.namespace, one.name)
            for kind in ("ConfigMap", "PersistentVolumeClaim")
            for one in cluster.each("", kind)
        }
        self._claims = {
            (one.namespace, f"{name}-{one.name}-")
            for one in cluster.each("apps", "StatefulSet")
            for index, _ in one.items("spec", "volumeClaimTemplates")
            if (name := one.get("spec", "volumeClaimTemplates", index, "metadata", "name"))
        }

    def lacks(self, kind: str, namespace: str, name: str) -> bool:
        """Tell whether something is missing; what is made by hand or by others is not."""
        if kind == "Secret":
            return self._secrets.lacks(namespace, name)
        if kind == "PersistentVolumeClaim" and (namespace, name.rstrip("0123456789")) in self._claims:
            return False
        known = kind in {"ConfigMap", "PersistentVolumeClaim"}
        return known and (kind, namespace, name) not in self._names and name not in self._everywhere


def _names(there: _There, workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    for keys, kind, name in needed(manifest):
        if is_plain(name) and there.lacks(kind, manifest.namespace, name):
            yield at(manifest, keys, f"{manifest}: there is no {kind} {name} {inside(manifest.namespace)}")


def _classes(cluster: Cluster, workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    for field, group, kind in _CLASSES:
        name = manifest.get(*workload.spec, field)
        known = {one.name for one in cluster.each(group, kind)}
        if known and is_plain(name) and name not in known | _BUILT_IN:
            has = f"there are {', '.join(sorted(known))}"
            yield at(manifest, (*workload.spec, field), f"{manifest}: there is no {kind} {name}, {has}")


def _keys(workload: Workload, texts: Mapping[tuple[str, str, str], Manifest]) -> Iterator[Hit]:
    """Yield keys that are asked for and that an object which is here does not have."""
    manifest = workload.manifest
    for path, kind, reference, name in _asked(workload):
        found = texts.get((kind, manifest.namespace, str(name)))
        if found is None or reference.get("optional") is True or found.get("type") not in (None, "Opaque"):
            continue
        has = [key for field in _FIELDS[kind] for key in found.mapping(field)]
        key = reference.get("key")
        # One without any is filled when it runs.
        if has and is_plain(key) and key not in has:
            what = f"{found} has no key {key}, it has {', '.join(sorted(map(str, has))[:8])}"
            yield at(manifest, path, f"{manifest}: {what}")


def _asked(workload: Workload) -> Iterator[tuple[Path, str, Mapping[str, Any], Any]]:
    """Yield keys, kind, reference (with ``key``) and name of every key that is asked for."""
    manifest = workload.manifest
    for keys, _ in workload.containers():
        for index, variable in manifest.items(*keys, "env"):
            value = variable.get("valueFrom")
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                reference = value.get(field) if isinstance(value, Mapping) else None
                if isinstance(reference, Mapping):
                    yield (*keys, "env", index, "valueFrom", field, "key"), kind, reference, reference.get("name")
    for index, volume in manifest.items(*workload.spec, "volumes"):
        for field, kind, named in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            source = volume.get(field)
            for number, item in manifest.items(*workload.spec, "volumes", index, field, "items"):
                if isinstance(source, Mapping) and not source.get("optional"):
                    here = (*workload.spec, "volumes", index, field, "items", number, "key")
                    yield here, kind, item, source.get(named)
