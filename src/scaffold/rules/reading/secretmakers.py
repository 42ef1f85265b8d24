"""Who makes Secrets: objects of that kind, and all that a controller turns into one."""

from collections.abc import Iterator

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.inventory import Cluster

_BY_FIELD = {
    ("cert-manager.io", "Certificate"): (("spec", "secretName"),),
    ("external-secrets.io", "ExternalSecret"): (("spec", "target", "name"), ("metadata", "name")),
    ("bitnami.com", "SealedSecret"): (("spec", "template", "metadata", "name"), ("metadata", "name")),
    ("secrets.hashicorp.com", "VaultStaticSecret"): (("spec", "destination", "name"),),
    ("secrets.hashicorp.com", "VaultDynamicSecret"): (("spec", "destination", "name"),),
    ("secrets.hashicorp.com", "VaultPKISecret"): (("spec", "destination", "name"),),
    ("secrets.hashicorp.com", "HCPVaultSecretsApp"): (("spec", "destination", "name"),),
}
_COPIES = ("reflector.v1.k8s.emberstack.com/", "replicator.v1.mittwald.de/", "kubed.appscode.com/")
_COPIED = frozenset({"Certificate", "ConfigMap", "ExternalSecret", "SealedSecret", "Secret"})
_EVERYWHERE = frozenset({("external-secrets.io", "ClusterExternalSecret"), ("external-secrets.io", "PushSecret")})


class Secrets:
    """The names of Secrets by namespace, as far as anything here makes them."""

    def __init__(self, cluster: Cluster) -> None:
        self._names: dict[str, set[str]] = {}
        for secret in cluster.each("", "Secret"):
            self._names.setdefault(secret.namespace, set()).add(secret.name)
        for (group, kind), fields in _BY_FIELD.items():
            for maker in cluster.each(group, kind):
                name = next((value for keys in fields if isinstance(value := maker.get(*keys), str)), "")
                self._names.setdefault(maker.namespace, set()).add(name)
        self._elsewhere = any(cluster.kinds.get(kind) for kind in _EVERYWHERE) or any(_copied(cluster))

    def lacks(self, namespace: str, name: str) -> bool:
        """Tell whether a Secret is missing where the other Secrets of its namespace are made by something here."""
        there = self._names.get(namespace)
        return bool(there) and name not in there and not self._elsewhere  # type: ignore[operator]


def _copied(cluster: Cluster) -> Iterator[Manifest]:
    """Yield what a controller copies into other namespaces."""
    for (_, kind), manifests in cluster.kinds.items():
        for manifest in manifests if kind in _COPIED else ():
            noted = [*manifest.annotations, *manifest.mapping("spec", "secretTemplate", "annotations")]
            if any(str(key).startswith(_COPIES) for key in noted):
                yield manifest
