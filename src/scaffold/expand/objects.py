"""Objects out of texts: documents of any file, lists taken apart, copies that may be changed."""

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Document, Path, parse

CLUSTER_SCOPED = frozenset(
    {
        "admissionregistration.k8s.io/MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
        "apiextensions.k8s.io/CustomResourceDefinition",
        "apiregistration.k8s.io/APIService",
        "certificates.k8s.io/CertificateSigningRequest",
        "flowcontrol.apiserver.k8s.io/FlowSchema",
        "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
        "networking.k8s.io/IngressClass",
        "node.k8s.io/RuntimeClass",
        "policy/PodSecurityPolicy",
        "rbac.authorization.k8s.io/ClusterRole",
        "rbac.authorization.k8s.io/ClusterRoleBinding",
        "scheduling.k8s.io/PriorityClass",
        "storage.k8s.io/CSIDriver",
        "storage.k8s.io/CSINode",
        "storage.k8s.io/StorageClass",
        "storage.k8s.io/VolumeAttachment",
        "/ComponentStatus",
        "/Namespace",
        "/Node",
        "/PersistentVolume",
    }
)
"""The kinds that kustomize itself knows to be cluster-scoped (5.8); it gives every other one a namespace."""


def cluster_scoped(api_version: str, kind: str) -> bool:
    """Tell whether kustomize takes a kind for cluster-scoped."""
    group, slash, _ = api_version.partition("/")
    return f"{group if slash else ''}/{kind}" in CLUSTER_SCOPED


def documents(repo: Repo, path: str) -> list[Document]:
    """Return the documents of a file whatever its name; faults in it are the syntax check's business."""
    if path.endswith((".yaml", ".yml")) and not repo.in_chart_templates(path):
        return repo.documents(path)
    return parse(repo.files.get(path, ""))[0]


def manifest_of(document: Document, path: str) -> Manifest:
    """Make a manifest of a document."""
    return Manifest(document.data, Origin(path, document.line), document.lines)


def items(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the objects of a ``List`` (of any ``…List`` that has items), else the object itself."""
    listed = manifest.get("items")
    if not manifest.kind.endswith("List") or not isinstance(listed, list):
        yield manifest
        return
    for index, item in enumerate(listed):
        if isinstance(item, Mapping):
            lines = below(manifest.lines, ("items", index))
            origin = Origin(manifest.origin.path, lines.get((), manifest.origin.line))
            yield from items(Manifest(item, origin, lines))


def below(lines: Mapping[Path, int], prefix: Path) -> dict[Path, int]:
    """Return the lines of a part, as if it were a document of its own."""
    size = len(prefix)
    return {path[size:]: line for path, line in lines.items() if path[:size] == prefix}


def as_list(value: Any) -> list[Any]:
    """Return a value that should be a list, empty if it is none."""
    return value if isinstance(value, list) else []


def as_map(value: Any) -> Mapping[str, Any]:
    """Return a value that should be a map, empty if it is none."""
    return value if isinstance(value, Mapping) else {}


def copied(value: Any) -> Any:
    """Copy parsed data, so that it can be changed."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def rendered(text: str, path: str, template: str) -> Iterator[Manifest]:
    """Yield the objects of a rendered template; the line is that of the kind in the template, as near as it goes.

    Of several objects of one kind the nth is taken for the nth ``kind:`` line that says so.
    """
    seen: dict[str, int] = {}
    for document in parse(text)[0]:
        if not isinstance(document.data, dict):
            continue
        for manifest in items(Manifest(document.data, Origin(path))):
            if manifest.api_version and manifest.kind:
                count = seen[manifest.kind] = seen.get(manifest.kind, -1) + 1
                yield Manifest(manifest.data, Origin(path, _kind_line(template, manifest.kind, count)))


@lru_cache(maxsize=4096)
def _kind_line(template: str, kind: str, count: int) -> int:
    expression = re.compile(rf"^[ \t]*kind:[ \t]*[\"']?{re.escape(kind)}[\"']?[ \t]*$", re.MULTILINE)
    starts = [found.start() for found in expression.finditer(template)]
    return template.count("\n", 0, starts[min(count, len(starts) - 1)]) + 1 if starts else 1


def held_texts(holder: Manifest) -> Iterator[tuple[str, str]]:
    """Yield key and text of all that a ConfigMap or Secret holds; data of a Secret that is no text is left out."""
    for key, value in holder.mapping("data").items():
        if isinstance(value, str) and holder.kind != "Secret":
            yield key, value
        elif isinstance(value, str):
            with suppress(ValueError):  # no base64, or not of a text
                yield key, base64.b64decode(value, validate=True).decode()
    for key, value in holder.mapping("stringData").items():
        if isinstance(value, str):
            yield key, value
