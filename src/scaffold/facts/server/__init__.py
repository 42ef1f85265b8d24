"""What the API server's Go code asks of an object beyond its schema, as tables of field and limit.

Read in the validation of Kubernetes 1.37 and compared with a running server. Only what one object alone shows is here:
whether what it names exists is for the rules to say.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from scaffold.facts.server import access, autoscaling, extension, network, pods, storage, volumes, workloads
from scaffold.facts.server.metadata import METADATA, name_of
from scaffold.facts.server.shapes import Shape, table
from scaffold.model.yamltext import Path

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
KINDS: Mapping[tuple[str, str], Shape] = {
    ("", "ConfigMap"): access.CONFIG_MAP,
    ("", "LimitRange"): access.LIMIT_RANGE,
    ("", "Namespace"): access.NAMESPACE,
    ("", "PersistentVolume"): storage.VOLUME,
    ("", "PersistentVolumeClaim"): table({"spec": volumes.CLAIM}),
    ("", "Pod"): pods.POD,
    ("", "ResourceQuota"): access.QUOTA,
    ("", "Secret"): access.SECRET,
    ("", "Service"): network.SERVICE,
    ("apps", "DaemonSet"): workloads.DAEMON_SET,
    ("apps", "Deployment"): workloads.DEPLOYMENT,
    ("apps", "ReplicaSet"): workloads.REPLICA_SET,
    ("apps", "StatefulSet"): workloads.STATEFUL_SET,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaling.AUTOSCALER,
    ("batch", "CronJob"): workloads.CRON_JOB,
    ("batch", "Job"): workloads.JOB,
    ("policy", "PodDisruptionBudget"): workloads.DISRUPTION_BUDGET,
    ("networking.k8s.io", "Ingress"): network.INGRESS,
    ("networking.k8s.io", "IngressClass"): network.INGRESS_CLASS,
    ("networking.k8s.io", "NetworkPolicy"): network.NETWORK_POLICY,
    ("discovery.k8s.io", "EndpointSlice"): network.ENDPOINT_SLICE,
    ("coordination.k8s.io", "Lease"): access.LEASE,
    ("node.k8s.io", "RuntimeClass"): storage.RUNTIME_CLASS,
    ("scheduling.k8s.io", "PriorityClass"): access.PRIORITY_CLASS,
    ("storage.k8s.io", "StorageClass"): storage.CLASS,
    (_RBAC, "Role"): access.ROLE,
    (_RBAC, "ClusterRole"): access.CLUSTER_ROLE,
    (_RBAC, "RoleBinding"): access.ROLE_BINDING,
    (_RBAC, "ClusterRoleBinding"): access.CLUSTER_ROLE_BINDING,
    (_ADMISSION, "ValidatingWebhookConfiguration"): extension.WEBHOOKS,
    (_ADMISSION, "MutatingWebhookConfiguration"): extension.WEBHOOKS,
    (_ADMISSION, "ValidatingAdmissionPolicy"): extension.ADMISSION_POLICY,
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): extension.ADMISSION_BINDING,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): extension.CUSTOM_RESOURCE,
    ("apiregistration.k8s.io", "APIService"): extension.API_SERVICE,
}


def refused(data: Mapping[str, Any], api_version: str, kind: str) -> list[tuple[Path, str]]:
    """Return what the server's code refuses of an object, each place once."""
    found: dict[Path, str] = {}
    group = api_version.rpartition("/")[0]
    own = KINDS.get((group, kind))
    if own and "spec" in own.fields and data.get("spec") is None:
        data = {**data, "spec": {}}  # in Go it is there, if empty
    for path, text in _shape(group, kind).wrong(data):
        found.setdefault(path, text)
    return list(found.items())


@cache
def _shape(group: str, kind: str) -> Shape:
    named = table({"": METADATA, "metadata.name": name_of(group, kind)})
    own = KINDS.get((group, kind))
    return table({"": (named, own) if own else named})
