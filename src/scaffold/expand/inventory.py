"""The clusters that Argo CD knows, as far as a repository says: declared ones, and Secrets that register them."""

from collections.abc import Mapping
from typing import Any

from scaffold.expand.objects import as_map, held_texts
from scaffold.expand.source import IN_CLUSTER
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo

LABEL = "argocd.argoproj.io/secret-type"
OWN_CLUSTER = {"name": IN_CLUSTER, "server": "https://kubernetes.default.svc"}
# State of Argo CD or kubectl, and one-shot orders: never handed to a template.
_NOT_GIVEN = frozenset({
    "argocd.argoproj.io/hydrate", "argocd.argoproj.io/hydrate-timestamp", "argocd.argoproj.io/refresh",
    "argocd.argoproj.io/refresh-timestamp", "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/tracking-id", "kubectl.kubernetes.io/last-applied-configuration",
})  # fmt: skip

Cluster = Mapping[str, Any]
"""``name``, ``server``, ``project`` (texts), ``labels`` and ``annotations`` (maps of texts)."""


def known_clusters(repo: Repo, namespace: str) -> tuple[list[Cluster], str]:
    """Return the clusters registered in Argo CD's namespace, by name; or none and why they cannot be known."""
    if repo.inventory:
        return sorted(repo.inventory, key=lambda cluster: str(cluster.get("name"))), ""
    found: dict[str, Cluster] = {}
    for manifest in repo.raw:
        if not _registers(manifest) or manifest.namespace not in {"", namespace}:
            continue
        if manifest.kind != "Secret" or "sops" in manifest.data:
            return [], f"{manifest.kind} {manifest.name} registers a cluster whose name is not readable here"
        data = dict(held_texts(manifest))
        if name := data.get("name"):
            labels, annotations = dict(manifest.labels), dict(manifest.annotations)
            found[name] = data | {"labels": labels, "annotations": annotations}
    if not found:
        return [], "no cluster is declared here (`clusters` in .scaffold.yaml declares them)"
    return [found[name] for name in sorted(found)], ""


def parameters(cluster: Cluster, normalised: str, *, go_template: bool) -> dict[str, Any]:
    """Return what the clusters generator gives to a template."""
    labels = dict(as_map(cluster.get("labels")))
    every = as_map(cluster.get("annotations"))
    annotations = {key: value for key, value in every.items() if key not in _NOT_GIVEN}
    found: dict[str, Any] = {key: str(cluster.get(key) or "") for key in ("name", "server", "project")}
    found["nameNormalized"] = normalised
    if not go_template:
        found |= {f"metadata.labels.{key}": value for key, value in labels.items()}
        return found | {f"metadata.annotations.{key}": value for key, value in annotations.items()}
    metadata: dict[str, Any] = {}
    if every:
        metadata["annotations"] = annotations
    if labels:
        metadata["labels"] = labels
    return found | {"metadata": metadata}


def _registers(manifest: Manifest) -> bool:
    places = (("metadata",), ("spec", "target", "template", "metadata"), ("spec", "template", "metadata"))
    return any(manifest.mapping(*keys, "labels").get(LABEL) == "cluster" for keys in places)
