"""Which fields kustomize's transformers write: paths by kind, as data (kustomize 5.8)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.expand.objects import as_list


class FieldError(Exception):
    """A field path that leads through something that is neither map nor list."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A path below objects of a kind; empty group, version or kind mean any."""

    keys: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""
    create: bool = False

    def selects(self, api_version: str, kind: str) -> bool:
        """Tell whether the spec is for objects of this kind."""
        return (not self.kind or self.kind == kind) and selects(self.group, self.version, "", api_version, kind)


def selects(group: str, version: str, kind: str, api_version: str, of_kind: str) -> bool:
    """Tell whether group, version and kind, each a wildcard when empty, are those of an object."""
    own_group, _, own_version = api_version.rpartition("/")
    return (
        (not kind or kind == of_kind) and (not group or group == own_group) and (not version or version == own_version)
    )


def spec(path: str, kind: str = "", group: str = "", version: str = "", *, create: bool = False) -> FieldSpec:
    """Make a spec of a path in kustomize's spelling: ``a/b``, a slash in a key has a backslash before it."""
    keys = tuple(part.replace("\0", "/") for part in path.removeprefix("/").replace("\\/", "\0").split("/"))
    return FieldSpec(keys, kind, group, version, create)


def places(node: Any, keys: Sequence[str], create: bool, empty: Callable[[], Any]) -> Iterator[tuple[Any, str]]:
    """Yield (map, key) of every field that a path leads to; lists on the way stand for each of their items."""
    if isinstance(node, list):
        for item in node:
            yield from places(item, keys, create, empty)
    elif isinstance(node, dict):
        name = keys[0].removesuffix("[]")
        if node.get(name) is None:
            if not create or name != keys[0]:
                return
            node[name] = empty() if len(keys) == 1 else {}
        if len(keys) == 1:
            yield node, name
        else:
            yield from places(node[name], keys[1:], create, empty)
    elif node is not None:
        raise FieldError(f"expected sequence or mapping node at {keys[0]}")


_WORKLOADS = ("Deployment", "ReplicaSet", "DaemonSet")

_TEMPLATES: tuple[tuple[str, str, str, str], ...] = (
    ("spec/template/metadata", "ReplicationController", "", "v1"),
    *(("spec/template/metadata", kind, "", "") for kind in _WORKLOADS),
    ("spec/template/metadata", "StatefulSet", "apps", ""),
    ("spec/template/metadata", "Job", "batch", ""),
    ("spec/jobTemplate/metadata", "CronJob", "batch", ""),
    ("spec/jobTemplate/spec/template/metadata", "CronJob", "batch", ""),
)

METADATA_LABELS = (spec("metadata/labels", create=True),)

TEMPLATE_LABELS = (
    *METADATA_LABELS,
    *(spec(f"{path}/labels", kind, group, version, create=True) for path, kind, group, version in _TEMPLATES),
    spec("spec/volumeClaimTemplates[]/metadata/labels", "StatefulSet", "apps", create=True),
)

_AFFINITY = "spec/template/spec/affinity"
_TERMS = tuple(
    f"{_AFFINITY}/{affinity}/{term}/labelSelector/matchLabels"
    for affinity in ("podAffinity", "podAntiAffinity")
    for term in (
        "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
        "requiredDuringSchedulingIgnoredDuringExecution",
    )
)

SELECTOR_LABELS = (
    spec("spec/selector", "Service", version="v1", create=True),
    spec("spec/selector", "ReplicationController", version="v1", create=True),
    *(spec("spec/selector/matchLabels", kind, create=True) for kind in _WORKLOADS),
    spec("spec/selector/matchLabels", "StatefulSet", "apps", create=True),
    *(
        spec(path, kind, "apps")
        for kind in ("Deployment", "StatefulSet")
        for path in (*_TERMS, "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels")
    ),
    spec("spec/selector/matchLabels", "Job", "batch"),
    spec("spec/jobTemplate/spec/selector/matchLabels", "CronJob", "batch"),
    spec("spec/selector/matchLabels", "PodDisruptionBudget", "policy"),
    *(
        spec(f"{path}/matchLabels", "NetworkPolicy", "networking.k8s.io")
        for path in ("spec/podSelector", "spec/ingress/from/podSelector", "spec/egress/to/podSelector")
    ),
    *TEMPLATE_LABELS,
)

ANNOTATIONS = (
    spec("metadata/annotations", create=True),
    *(
        spec(f"{path}/annotations", kind, "" if kind == "StatefulSet" else group, version, create=True)
        for path, kind, group, version in _TEMPLATES
    ),
)

NAMESPACES = (
    spec("spec/service/namespace", "APIService", "apiregistration.k8s.io", create=True),
    spec("spec/conversion/webhook/clientConfig/service/namespace", "CustomResourceDefinition", "apiextensions.k8s.io"),
)


@dataclass(frozen=True, slots=True)
class NameReference:
    """Fields that hold the name of an object of some kind."""

    kind: str
    group: str
    version: str
    referrers: tuple[FieldSpec, ...]


_PODS = (
    ("spec", "Pod"),
    ("template/spec", "PodTemplate"),
    *(("spec/template/spec", kind) for kind in (*_WORKLOADS, "StatefulSet", "Job")),
    ("spec/jobTemplate/spec/template/spec", "CronJob"),
)
_CONFIG_MAPS = (
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
)

NAME_REFERENCES = (
    NameReference(
        "ConfigMap",
        "",
        "v1",
        (
            *(
                spec(f"{prefix}/{path}", kind, version="v1" if kind == "Pod" else "")
                for prefix, kind in _PODS
                for path in _CONFIG_MAPS
            ),
            spec("rules/resourceNames", "Role"),
            spec("rules/resourceNames", "ClusterRole"),
            spec("metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", "Ingress"),
        ),
    ),
    NameReference(
        "Service",
        "",
        "v1",
        tuple(
            spec("webhooks/clientConfig/service", kind, "admissionregistration.k8s.io")
            for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        ),
    ),
    NameReference(
        "ServiceAccount",
        "",
        "v1",
        tuple(spec("subjects", kind, "rbac.authorization.k8s.io") for kind in ("RoleBinding", "ClusterRoleBinding")),
    ),
)
"""Of kustomize's own table the part that matters here: names change by a hash (ConfigMaps only), and a reference
that is a map also takes the namespace that the ``namespace`` field gave to what it names."""


def read_name_references(config: Mapping[str, Any]) -> list[NameReference]:
    """Read ``nameReference`` of a ``configurations`` file."""
    return [
        NameReference(
            _word(entry, "kind"),
            _word(entry, "group"),
            _word(entry, "version"),
            tuple(
                spec(_word(field, "path"), _word(field, "kind"), _word(field, "group"), _word(field, "version"))
                for field in as_list(entry.get("fieldSpecs"))
                if isinstance(field, Mapping) and _word(field, "path")
            ),
        )
        for entry in as_list(config.get("nameReference"))
        if isinstance(entry, Mapping)
    ]


def _word(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
