"""Filters: what a backup takes is what is needed to restore, and the server can read what it is told."""

from collections.abc import Iterator, Mapping

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import is_plain
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster
from scaffold.rules.reading.owners import EVERYWHERE, destination
from scaffold.rules.reading.velero import Plan, Velero, veleros

_OLD = ("includedResources", "excludedResources", "includeClusterResources")
_NEW = ("includedClusterScopedResources", "excludedClusterScopedResources", "includedNamespaceScopedResources",
        "excludedNamespaceScopedResources")  # fmt: skip
_LEFT_OUT = "velero.io/exclude-from-backup"
_OTHER_PRODUCTS = frozenset({
    "backup.appscode.com", "config.kio.kasten.io", "core.kubestash.com", "dataprotection.kubeblocks.io", "k8up.io",
    "longhorn.io", "postgresql.cnpg.io", "stash.appscode.com", "stork.libopenstorage.org", "volsync.backube",
})  # fmt: skip
_ONE_TIME = ("certificaterequests", "orders", "challenges")
_ACME = frozenset({"orders", "challenges"})


@rule("DR-05", Severity.WARNING, fix="Take the namespace into a schedule, or label what is not worth it.")
def volumes_are_backed_up(repo: Repo) -> Iterator[Hit]:
    """Every namespace that a schedule names is there, and every claim is in a schedule or is said to be disposable.

    A misspelt namespace is a backup of nothing, and nobody is told. What is not worth a backup carries the label
    `velero.io/exclude-from-backup: "true"`. Judged in clusters with schedules and no other product for backups;
    namespaces are missed where the repository defines namespaces and nothing brings others.
    """
    for velero in veleros(repo):
        cluster = velero.cluster
        plans = [plan for plan in velero.plans if not plan.paused]
        yield from _unknown_namespaces(repo, velero)
        if not plans or not all(one.complete for one in velero.installs) or _has_others(cluster):
            continue
        covered: dict[str, bool] = {}
        for claim, keys in _claims(cluster):
            if claim.namespace not in covered:
                covered[claim.namespace] = any(plan.covers(claim.namespace) for plan in plans)
            namespace = cluster.namespaces.get(claim.namespace, {})
            disposable = "true" in {claim.labels.get(_LEFT_OUT), namespace.get(_LEFT_OUT)}
            if not disposable and claim.namespace and not covered[claim.namespace]:
                yield at(claim, keys, f"{claim}: no schedule takes namespace {claim.namespace}")


@rule("DR-06", Severity.ERROR, fix="Use the filters by scope alone, and leave out what restic once needed.")
def filters_are_not_mixed(repo: Repo) -> Iterator[Hit]:
    """A backup has filters of one kind, one way to select by label, and nothing of restic.

    The schema takes old and new filters together, the server refuses them: each backup ends as FailedValidation.
    `defaultVolumesToRestic` does nothing since restic is gone, so no volume is copied.
    """
    for velero in veleros(repo):
        for plan in velero.plans:
            yield from _mixed(plan)
        for install in velero.installs:
            if install.get("configuration", "uploaderType") == "restic":
                place = install.place("configuration", "uploaderType")
                yield Hit(place, f"{install.owner}: uploaderType restic is gone, only kopia is left")


@rule("DR-16", Severity.WARNING, fix="Exclude orders, challenges and certificaterequests of cert-manager.")
def certificates_are_not_asked_for_again(repo: Repo) -> Iterator[Hit]:
    """What cert-manager makes for one certificate is not in the backup of a namespace with Certificates.

    Restored, an Order or a CertificateRequest belongs to a certificate of the past: it is tried again, and rate
    limits are used up. Judged are schedules that take all kinds of a namespace where Certificates are. That the
    Secrets of accounts and authorities are kept is not judged: not all of them are in this repository.
    """
    for velero in veleros(repo):
        places = {one.namespace for one in velero.cluster.each("cert-manager.io", "Certificate")}
        acme = any(one.get("spec", "acme") for one in velero.cluster.each("cert-manager.io", "Issuer", "ClusterIssuer"))
        for plan in velero.plans:
            covered = sorted(place for place in places if place and plan.covers(place))
            wanted = [name for name in _ONE_TIME if acme or name not in _ACME]
            taken = [name for name in wanted if _takes(plan, name)]
            if covered and taken:
                what = f"takes {', '.join(taken)} of cert-manager in namespace {', '.join(covered)}"
                yield plan.hit(("template",), what)


def _unknown_namespaces(repo: Repo, velero: Velero) -> Iterator[Hit]:
    cluster = velero.cluster
    if not any(True for _ in cluster.each("", "Namespace")) or EVERYWHERE in velero.open:
        return
    known = set(cluster.namespaces) | set(velero.open) | set(cluster.open)
    known |= {manifest.namespace for manifests in cluster.kinds.values() for manifest in manifests}
    known |= {destination(app)[1] for app in repo.each("argoproj.io", "Application")}
    known |= {"default", "kube-system", "kube-public", "kube-node-lease"}
    for plan in velero.plans:
        for index, name in enumerate(plan.names("template", "includedNamespaces")):
            if is_plain(name) and not set("*?[{") & set(name) and name not in known:
                yield plan.hit(("template", "includedNamespaces", index), f"no namespace {name}")


def _has_others(cluster: Cluster) -> bool:
    return any(group in _OTHER_PRODUCTS for group, _ in cluster.kinds)


def _claims(cluster: Cluster) -> Iterator[tuple[Manifest, tuple[str, ...]]]:
    for claim in cluster.each("", "PersistentVolumeClaim"):
        yield claim, ("metadata", "name")
    for one in cluster.each("apps", "StatefulSet"):
        templates = [claim for _, claim in one.items("spec", "volumeClaimTemplates")]
        kept = [claim for claim in templates if _labels(claim).get(_LEFT_OUT) != "true"]
        if kept and one.mapping("spec", "template", "metadata", "labels").get(_LEFT_OUT) != "true":
            yield one, ("spec", "volumeClaimTemplates")


def _labels(claim: Mapping[str, object]) -> Mapping[str, object]:
    metadata = claim.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return labels if isinstance(labels, Mapping) else {}


def _mixed(plan: Plan) -> Iterator[Hit]:
    old = [name for name in _OLD if plan.get("template", name) not in (None, [])]
    new = [name for name in _NEW if plan.get("template", name) not in (None, [])]
    if old and new:
        yield plan.hit(("template", old[0]), f"{old[0]} and {new[0]} exclude each other")
    if plan.get("template", "defaultVolumesToRestic") is not None:
        what = "defaultVolumesToRestic does nothing, defaultVolumesToFsBackup replaced it"
        yield plan.hit(("template", "defaultVolumesToRestic"), what)
    if plan.get("template", "labelSelector") and plan.get("template", "orLabelSelectors"):
        yield plan.hit(("template", "orLabelSelectors"), "labelSelector and orLabelSelectors exclude each other")


def _takes(plan: Plan, kind: str) -> bool:
    """Tell whether a schedule takes a namespaced kind of cert-manager."""
    if any(name == "*" or name.partition(".")[0] == kind for name in _listed(plan, "excluded")):
        return False
    included = _listed(plan, "included")
    return not included or any(name == "*" or name.partition(".")[0] == kind for name in included)


def _listed(plan: Plan, word: str) -> list[str]:
    """Return the namespaced kinds that filters of either style include or exclude."""
    return [*plan.names("template", f"{word}Resources"), *plan.names("template", f"{word}NamespaceScopedResources")]
