"""Lifecycle: what happens when an Application is deleted, and what must not come back for ever."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import ARGO, applications, brought, brought_by, phases
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.production import is_production

_FINALIZER = "resources-finalizer.argocd.argoproj.io"
_OWNERS = frozenset({"Application", "ApplicationSet"})
_ONE_SHOT = {
    ("velero.io", "Backup"): "Velero deletes it when it expires",
    ("velero.io", "BackupRepository"): "Velero makes it",
    ("velero.io", "DataDownload"): "Velero makes it",
    ("velero.io", "DataUpload"): "Velero makes it",
    ("velero.io", "DeleteBackupRequest"): "Velero deletes it when it is done",
    ("velero.io", "DownloadRequest"): "Velero deletes it when it is done",
    ("velero.io", "PodVolumeBackup"): "Velero makes it",
    ("velero.io", "PodVolumeRestore"): "Velero makes it",
    ("velero.io", "Restore"): "it restores once more wherever the cluster is built again",
    ("velero.io", "ServerStatusRequest"): "Velero deletes it when it is done",
    ("cert-manager.io", "CertificateRequest"): "it is signed once, and cert-manager deletes old ones",
    ("acme.cert-manager.io", "Order"): "cert-manager makes it for one certificate",
    ("acme.cert-manager.io", "Challenge"): "cert-manager makes it for one certificate",
    ("wgpolicyk8s.io", "PolicyReport"): "the policy engine writes it",
    ("wgpolicyk8s.io", "ClusterPolicyReport"): "the policy engine writes it",
    ("openreports.io", "Report"): "the policy engine writes it",
    ("openreports.io", "ClusterReport"): "the policy engine writes it",
    ("certificates.k8s.io", "CertificateSigningRequest"): "the server deletes it within a day",
}


@rule("GITOPS-16", Severity.WARNING, fix="Set the finalizer on what brings objects, not on the root of production.")
def deletion_does_what_is_meant(repo: Repo) -> Iterator[Hit]:
    """A child Application deletes what it brought when it is deleted; the root of production deletes nothing.

    Without the finalizer everything that a removed Application brought stays in the cluster, and nobody owns it.
    With it on a root, one mistake deletes all that the root leads to. Children that bring Applications themselves,
    and those of production that something may be left behind of, are free to choose.
    """
    by_owner = brought(repo)
    for app in applications(repo):
        finalizers = app.get("metadata", "finalizers")
        held = isinstance(finalizers, list) and any(str(one).startswith(_FINALIZER) for one in finalizers)
        children = [m for m in brought_by(app, by_owner) if m.group == ARGO and m.kind in _OWNERS]
        if app.origin.owner.startswith("Application ") and not children:
            if not held and not is_production(app):
                yield at(app, ("metadata",), f"{app} has no finalizer: what it brought stays when it is deleted")
        elif held and children and not app.origin.owner and any(map(is_production, (app, *children))):
            what = f"its deletion deletes production with it ({next(filter(is_production, (app, *children)))})"
            yield at(app, ("metadata", "finalizers"), f"{app} has a finalizer: {what}")


@rule("GITOPS-19", Severity.WARNING, fix="Keep it out of Git: let a schedule, a Certificate or a command make it.")
def nothing_that_expires_is_applied(repo: Repo) -> Iterator[Hit]:
    """Nothing is applied that a controller makes, signs or deletes by itself.

    What expires is applied again for ever, a restore runs again where a cluster is rebuilt, and reports are fought
    about. Hooks are passed over. Jobs are JOB-04's.
    """
    for manifest in repo.manifests:
        why = _ONE_SHOT.get((manifest.group, manifest.kind))
        if why and manifest.origin.owner and not _is_hook(manifest):
            yield at(manifest, ("kind",), f"{manifest} is applied again and again: {why}")


def _is_hook(manifest: Manifest) -> bool:
    return phases(manifest) != {0} or "argocd.argoproj.io/hook" in manifest.annotations
