"""Stores that Secrets are read from, and who may read from them."""

from collections.abc import Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.rules.reading.completeness import all_opened, brought_whole, inside, is_plain, is_whole
from scaffold.rules.reading.inventory import Cluster
from scaffold.rules.reading.vaults import EXTERNAL, VAULT

STORES = ("SecretStore", "ClusterSecretStore")


class Stores:
    """The stores of a cluster by namespace; those of the cluster are in none."""

    def __init__(self, repo: Repo, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opened = all_opened(repo)
        self._stores = {(one.namespace, one.name): one for one in cluster.each(EXTERNAL, "SecretStore")}
        self._everywhere = {one.name: one for one in cluster.each(EXTERNAL, "ClusterSecretStore")}
        self._auths = {(one.namespace, one.name) for one in cluster.each(VAULT, "VaultAuth")}

    def missing(self, namespace: str, reference: Mapping[str, Any]) -> str:
        """Say which store is missing, or is not for a namespace; empty if none is for sure."""
        kind, name = reference.get("kind") or "SecretStore", reference.get("name")
        if not is_plain(name) or not self._opened:
            return ""
        there = any(home == namespace for home, _ in self._stores)
        if kind == "SecretStore" and (namespace, name) not in self._stores and brought_whole(self._cluster, namespace):
            if name in self._everywhere:
                return f"there is no SecretStore {name} {inside(namespace)}, but a ClusterSecretStore"
            return f"there is no SecretStore {name} {inside(namespace)}" if there else ""
        if kind == "ClusterSecretStore":
            if name not in self._everywhere:
                whole = is_whole(self._cluster)
                if whole and (namespace, name) in self._stores:
                    return f"there is no ClusterSecretStore {name}, but a SecretStore {inside(namespace)}"
                return f"there is no ClusterSecretStore {name}" if whole and self._everywhere else ""
            return _not_for(self._everywhere[str(name)], namespace)
        return ""

    def no_auth(self, user: Manifest) -> str:
        """Say which VaultAuth is missing, empty if none is for sure."""
        reference = user.get("spec", "vaultAuthRef")
        if not is_plain(reference) or not self._opened:
            return ""
        home, _, name = str(reference).rpartition("/")
        home = home or user.namespace
        others = any(one == home for one, _ in self._auths)
        missing = (home, name) not in self._auths and others and brought_whole(self._cluster, home)
        return f"there is no VaultAuth {name} {inside(home)}" if missing else ""


def _not_for(store: Manifest, namespace: str) -> str:
    """Say that a store is not for a namespace; selectors and patterns are not judged."""
    conditions = [one for _, one in store.items("spec", "conditions")]
    listed: set[str] = set()
    for one in conditions:
        names = one.get("namespaces")
        if set(one) != {"namespaces"} or not isinstance(names, list):
            return ""
        listed |= {name for name in names if isinstance(name, str)}
    wrong = bool(listed) and namespace not in listed and is_plain(namespace) and all(map(is_plain, listed))
    return f"{store} is for {', '.join(sorted(listed))}, not for {namespace}" if wrong else ""
