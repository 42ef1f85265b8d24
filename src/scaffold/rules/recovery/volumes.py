"""Volumes: snapshots can be taken and moved, and nobody deletes what they were taken of."""

import re
from collections.abc import Iterator
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import SYNC_OPTIONS, applications, words
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.installs import Install
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.owners import title
from scaffold.rules.reading.velero import Plan, Velero, veleros

_SNAPSHOTS = "snapshot.storage.k8s.io"
_LABEL = "velero.io/csi-volumesnapshot-class"
_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
_ENFORCE = "pod-security.kubernetes.io/enforce"
_LEFT_OUT = "velero.io/exclude-from-backup"
_CACHE = re.compile(r"(^|[-_.])(cache|scratch|temp|tmp)([-_.]|$)")
_KASTEN = "config.kio.kasten.io"
_STORK = "stork.libopenstorage.org"
_APP_NAMESPACE = "k10.kasten.io/appNamespace"


@rule("DR-10", Severity.WARNING, fix="Label exactly one VolumeSnapshotClass of each driver for Velero.")
def drivers_have_one_snapshot_class(repo: Repo) -> Iterator[Hit]:
    """Of several VolumeSnapshotClasses of one driver, exactly one is labelled for Velero.

    With two labels Velero takes the one it happens to find first; without any, and without a default class, it finds
    none and the volume is not in the backup. One class alone needs no label. Judged in clusters with schedules that
    take snapshots.
    """
    for velero in veleros(repo):
        if not any(plan.snapshots and not plan.by_files for plan in velero.plans):
            continue
        drivers: dict[str, list[Manifest]] = {}
        for one in velero.cluster.each(_SNAPSHOTS, "VolumeSnapshotClass"):
            drivers.setdefault(str(one.get("driver")), []).append(one)
        for driver, classes in drivers.items():
            labelled = [one for one in classes if _LABEL in one.labels]
            for one in labelled[1:]:
                keys = ("metadata", "labels", _LABEL)
                yield at(one, keys, f"{one} is labelled for Velero beside {labelled[0].name}, of driver {driver}")
            if len(classes) > 1 and not labelled and not any(_DEFAULT in one.annotations for one in classes):
                names = ", ".join(one.name for one in classes)
                yield at(classes[0], ("metadata",), f"none of {names}, of driver {driver}, is labelled for Velero")


@rule("DR-11", Severity.ERROR, fix="Set deployNodeAgent: true, features: EnableCSI, and the namespace to privileged.")
def data_can_be_moved(repo: Repo) -> Iterator[Hit]:
    """Schedules that move the data of snapshots, or copy files, find the node agent, CSI and a privileged namespace.

    The node agent reads the volumes of the nodes: without it such backups wait until they fail, and in a namespace
    that enforces another level its pods are refused. Judged where the chart of Velero and its values are in the
    repository.
    """
    for velero in veleros(repo):
        moving = [plan for plan in velero.plans if plan.get("template", "snapshotMoveData") is True]
        copying = [plan for plan in velero.plans if plan.by_files]
        for install in velero.installs:
            there = [plan for plan in (*moving, *copying) if plan.namespace == install.namespace]
            if there:
                yield from _agent(velero, install, there[0])
            if csi := [plan for plan in moving if plan.namespace == install.namespace]:
                yield from _csi(install, csi[0])


@rule("DR-18", Severity.WARNING, fix="Annotate the claim so that it is neither pruned nor deleted with its owner.")
def claims_are_not_pruned(repo: Repo) -> Iterator[Hit]:
    """A claim is annotated so that the engine does not prune it, nor delete it with its Application.

    A renamed folder or a removed line is enough, and with the claim its volume is deleted. What keeps a claim is
    `Prune=false` and `Delete=false` for Argo CD, `prune: disabled` for Flux, and `helm.sh/resource-policy: keep`.
    Claims for a certain volume, those that are filled from a source, those of a StorageClass here that retains its
    volumes, and caches by name or label are not judged.
    """
    apps = {title(app): app for app in applications(repo)}
    fluxed = {title(one): one for one in repo.each("kustomize.toolkit.fluxcd.io", "Kustomization")}
    for cluster in clusters(repo):
        classes = cluster.each("storage.k8s.io", "StorageClass")
        retained = {one.name for one in classes if one.get("reclaimPolicy") == "Retain"}
        for claim in cluster.each("", "PersistentVolumeClaim"):
            if _comes_back(claim) or claim.get("spec", "storageClassName") in retained:
                continue
            owner = claim.origin.owner
            why = ""
            if app := apps.get(owner):
                why = _by_argo(claim, app)
            elif (made := fluxed.get(owner)) and made.get("spec", "prune") is True:
                kept = _value(claim, "kustomize.toolkit.fluxcd.io/prune") == "disabled"
                why = "" if kept else "prunes it: prune: disabled is missing"
            if why:
                yield at(claim, ("metadata",), f"{claim}: {owner} {why}")


@rule("DR-20", Severity.WARNING, fix="Leave a namespace to one of them, and pause the other.")
def one_product_backs_up_a_namespace(repo: Repo) -> Iterator[Hit]:
    """No two products take backups of the volumes of one namespace.

    Each makes snapshots and deletes old ones by its own rules, and both freeze the same database. Judged are policies
    of Kasten and schedules of Portworx beside schedules of Velero.
    """
    for velero in veleros(repo):
        plans = [plan for plan in velero.plans if plan.snapshots and not plan.paused]
        for other, namespaces in _others(velero.cluster):
            for namespace in namespaces:
                if plan := next((plan for plan in plans if plan.covers(namespace)), None):
                    what = f"{other} backs up namespace {namespace}, {plan.what} too"
                    yield at(other, ("spec",), what)
                    break


def _agent(velero: Velero, install: Install, plan: Plan) -> Iterator[Hit]:
    deployed = install.get("deployNodeAgent")
    if deployed is False or install.silent("deployNodeAgent"):
        place = install.place("deployNodeAgent")
        yield Hit(place, f"{install.owner}: deployNodeAgent is not on, but {plan.what} needs the node agent")
        return
    for one in velero.cluster.each("", "Namespace") if deployed is True else ():
        level = one.labels.get(_ENFORCE)
        if one.name == install.namespace and level in {"baseline", "restricted"}:
            yield at(one, ("metadata", "labels", _ENFORCE), f"{one} enforces {level}: the node agent is refused")


def _csi(install: Install, plan: Plan) -> Iterator[Hit]:
    features = install.get("configuration", "features")
    keys = ("configuration", "features")
    if install.silent(*keys) or (isinstance(features, str) and "EnableCSI" not in features and "$" not in features):
        yield Hit(install.place(*keys), f"{install.owner}: features have no EnableCSI, but {plan.what} moves snapshots")


def _comes_back(claim: Manifest) -> bool:
    """Tell whether the data of a claim is somewhere else, too, or is not worth to be kept."""
    named = any(claim.get("spec", field) for field in ("dataSource", "dataSourceRef", "volumeName"))
    return bool(named or _CACHE.search(claim.name) or claim.labels.get(_LEFT_OUT) == "true")


def _by_argo(claim: Manifest, app: Manifest) -> str:
    if _value(claim, "helm.sh/resource-policy") == "keep":
        return ""
    options = set(words(claim, SYNC_OPTIONS))
    set_for_all = app.get("spec", "syncPolicy", "syncOptions")
    options |= {str(one) for one in set_for_all} if isinstance(set_for_all, list) else set()
    automated = app.mapping("spec", "syncPolicy", "automated")
    if automated.get("prune") is True and automated.get("enabled") is not False and not options & _unless("Prune"):
        return "prunes it: Prune=false is missing"
    finalizers = app.get("metadata", "finalizers")
    cascades = isinstance(finalizers, list) and any(str(one).startswith("resources-finalizer") for one in finalizers)
    if cascades and not options & _unless("Delete"):
        return "deletes it with itself: Delete=false is missing"
    return ""


def _unless(option: str) -> set[str]:
    return {f"{option}=false", f"{option}=confirm"}


def _value(manifest: Manifest, annotation: str) -> Any:
    return manifest.annotations.get(annotation)


def _others(cluster: Cluster) -> Iterator[tuple[Manifest, list[str]]]:
    """Yield what else makes backups, with the namespaces it names."""
    for policy in cluster.each(_KASTEN, "Policy"):
        actions = {one.get("action") for _, one in policy.items("spec", "actions")}
        if "backup" in actions and policy.get("spec", "paused") is not True:
            yield policy, list(_kasten_namespaces(policy))
    for one in cluster.each(_STORK, "ApplicationBackupSchedule"):
        named = one.get("spec", "template", "spec", "namespaces")
        if one.get("spec", "suspend") is not True and isinstance(named, list):
            yield one, [name for name in named if isinstance(name, str)]


def _kasten_namespaces(policy: Manifest) -> Iterator[str]:
    name = policy.get("spec", "selector", "matchLabels", _APP_NAMESPACE)
    if isinstance(name, str):
        yield name
    for _, one in policy.items("spec", "selector", "matchExpressions"):
        values: Any = one.get("values")
        if one.get("key") == _APP_NAMESPACE and one.get("operator") == "In" and isinstance(values, list):
            yield from (value for value in values if isinstance(value, str))
