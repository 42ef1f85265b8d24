"""Secrets that controllers make of a store outside: who makes which Secret, from where, and with which keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Cluster

EXTERNAL = "external-secrets.io"
VAULT = "secrets.hashicorp.com"
VAULT_KINDS = ("VaultDynamicSecret", "VaultPKISecret", "VaultStaticSecret")
_HOOKS = frozenset({"argocd.argoproj.io/hook", "helm.sh/hook"})
_DATA = ("data", "stringData")


@dataclass(frozen=True, slots=True)
class Maker:
    """Who writes a Secret: the object, and the keys that name it."""

    manifest: Manifest
    keys: Path
    name: str


def makers(cluster: Cluster) -> Iterator[Maker]:
    """Yield everything that writes a whole Secret of its own."""
    for secret in cluster.each("", "Secret"):
        if any(secret.mapping(field) for field in _DATA) and not _HOOKS & secret.annotations.keys():
            yield Maker(secret, ("metadata", "name"), secret.name)
    for certificate in cluster.each("cert-manager.io", "Certificate"):
        yield from _maker(certificate, ("spec", "secretName"))
    for external in cluster.each(EXTERNAL, "ExternalSecret"):
        # Merge adds to the Secret of another, None writes nothing, a manifest is no Secret.
        policy = external.get("spec", "target", "creationPolicy")
        if policy in (None, "Owner", "Orphan") and not external.get("spec", "target", "manifest"):
            keys: Path = ("spec", "target", "name") if external.get("spec", "target", "name") else ("metadata", "name")
            yield from _maker(external, keys)
    for sealed in cluster.each("bitnami.com", "SealedSecret"):
        yield from _maker(sealed, ("metadata", "name"))
    for made in cluster.each(VAULT, *VAULT_KINDS):
        if made.get("spec", "destination", "create") is True:
            yield from _maker(made, ("spec", "destination", "name"))


def keys_of(external: Manifest) -> set[str] | None:
    """Return the keys of the Secret that an ExternalSecret makes; None where they are not all written down."""
    spec: Mapping[str, Any] = external.mapping("spec")
    template = external.mapping("spec", "target", "template")
    if spec.get("dataFrom") or template.get("templateFrom") or external.get("spec", "target", "manifest"):
        return None
    written = template.get("data")
    named = {str(one.get("secretKey")) for _, one in external.items("spec", "data")}
    if isinstance(written, Mapping) and written:
        merged = template.get("mergePolicy") == "Merge"
        return {*map(str, written), *(named if merged else ())}
    return named or None


def _maker(manifest: Manifest, keys: Path) -> Iterator[Maker]:
    name = manifest.get(*keys)
    if isinstance(name, str) and name:
        yield Maker(manifest, keys, name)
