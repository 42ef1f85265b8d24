"""What a workload's pods cannot start without: account, ConfigMaps, Secrets and claims, unless they are optional."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import workload

Need = tuple[Path, str, str]
"""Keys, kind and name of what is needed."""


def needed(manifest: Manifest) -> Iterator[Need]:
    """Yield what the pods of a manifest need; nothing for a manifest that runs no pods."""
    runs = workload(manifest)
    if runs is None:
        return
    account = manifest.get(*runs.spec, "serviceAccountName")
    if isinstance(account, str) and account:
        yield (*runs.spec, "serviceAccountName"), "ServiceAccount", account
    for index, volume in manifest.items(*runs.spec, "volumes"):
        keys: Path = (*runs.spec, "volumes", index)
        yield from _named(volume.get("configMap"), (*keys, "configMap"), "ConfigMap", "name")
        yield from _named(volume.get("secret"), (*keys, "secret"), "Secret", "secretName")
        yield from _named(volume.get("persistentVolumeClaim"), (*keys, "persistentVolumeClaim"),
                          "PersistentVolumeClaim", "claimName")  # fmt: skip
    for keys, _ in runs.containers():
        for index, source in manifest.items(*keys, "envFrom"):
            here: Path = (*keys, "envFrom", index)
            yield from _named(source.get("configMapRef"), (*here, "configMapRef"), "ConfigMap", "name")
            yield from _named(source.get("secretRef"), (*here, "secretRef"), "Secret", "name")
        for index, variable in manifest.items(*keys, "env"):
            value = variable.get("valueFrom")
            if isinstance(value, Mapping):
                here = (*keys, "env", index, "valueFrom")
                yield from _named(value.get("configMapKeyRef"), (*here, "configMapKeyRef"), "ConfigMap", "name")
                yield from _named(value.get("secretKeyRef"), (*here, "secretKeyRef"), "Secret", "name")


def _named(reference: Any, keys: Path, kind: str, field: str) -> Iterator[Need]:
    if isinstance(reference, Mapping) and reference.get("optional") is not True:
        name = reference.get(field)
        if isinstance(name, str) and name:
            yield (*keys, field), kind, name
