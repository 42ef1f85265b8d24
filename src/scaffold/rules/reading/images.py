"""Images: every one that is applied, and the parts of a reference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import workload

_DEPTH = 12
_NO_PODS = frozenset({
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "autoscaling", "cert-manager.io",
    "constraints.gatekeeper.sh", "external-secrets.io", "kyverno.io", "policies.kyverno.io",
    "gateway.networking.k8s.io", "kustomize.toolkit.fluxcd.io", "networking.istio.io", "networking.k8s.io", "policy",
    "rbac.authorization.k8s.io", "security.istio.io", "source.toolkit.fluxcd.io",
})  # fmt: skip
"""API groups whose objects hold no spec of a pod, beyond the workloads that are known."""

_POD_KEYS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of ``registry/name:tag@digest``; what is not written is empty."""

    name: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> "Reference":
        """Take a reference apart."""
        rest, _, digest = text.partition("@")
        last = rest.rpartition("/")[2]
        name, colon, tag = rest.rpartition(":")
        return cls(name, tag, digest) if colon and ":" in last else cls(rest, "", digest)


def images(repo: Repo) -> Iterator[tuple[Manifest, Path, str]]:
    """Yield every image of a container that is applied, Knative's and others' pod templates included."""
    for manifest in repo.manifests:
        known = workload(manifest)
        if known:
            for keys, container in known.containers():
                if isinstance(image := container.get("image"), str):
                    yield manifest, (*keys, "image"), image
        elif manifest.group not in _NO_PODS and manifest.kind != "PrometheusRule":
            yield from ((manifest, keys, image) for keys, image in _below(manifest.get("spec"), ("spec",)))


def _below(value: Any, keys: Path) -> Iterator[tuple[Path, str]]:
    """Yield the images of everything that looks like the spec of a pod."""
    if len(keys) > _DEPTH:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _POD_KEYS and isinstance(item, list):
                for index, container in enumerate(item):
                    if isinstance(container, Mapping) and isinstance(container.get("image"), str):
                        yield (*keys, key, index, "image"), container["image"]
            else:
                yield from _below(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, (*keys, index))
