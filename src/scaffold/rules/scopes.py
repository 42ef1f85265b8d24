"""Which kinds have no namespace: two owners of one such object meet, whatever namespaces they deliver to."""

_CLUSTER_SCOPED = {
    "": ("ComponentStatus", "Namespace", "Node", "PersistentVolume"),
    "admissionregistration.k8s.io": (
        "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
    ),
    "apiextensions.crossplane.io": ("CompositeResourceDefinition", "Composition", "EnvironmentConfig"),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    "apiregistration.k8s.io": ("APIService",),
    "argoproj.io": ("ClusterAnalysisTemplate", "ClusterWorkflowTemplate"),
    "capsule.clastix.io": ("CapsuleConfiguration", "GlobalTenantResource", "ResourcePool", "Tenant"),
    "cert-manager.io": ("ClusterIssuer",),
    "certificates.k8s.io": ("CertificateSigningRequest", "ClusterTrustBundle"),
    "external-secrets.io": ("ClusterExternalSecret", "ClusterPushSecret", "ClusterSecretStore"),
    "flowcontrol.apiserver.k8s.io": ("FlowSchema", "PriorityLevelConfiguration"),
    "fluentbit.fluent.io": (
        "ClusterFilter", "ClusterFluentBitConfig", "ClusterInput", "ClusterMultilineParser", "ClusterOutput",
        "ClusterParser",
    ),
    "gateway.networking.k8s.io": ("GatewayClass",),
    "keda.sh": ("ClusterTriggerAuthentication",),
    "kueue.x-k8s.io": ("AdmissionCheck", "ClusterQueue", "Cohort", "ResourceFlavor", "WorkloadPriorityClass"),
    "kyverno.io": ("ClusterCleanupPolicy", "ClusterPolicy", "GlobalContextEntry"),
    "networking.k8s.io": ("IPAddress", "IngressClass", "ServiceCIDR"),
    "node.k8s.io": ("RuntimeClass",),
    "pkg.crossplane.io": ("Configuration", "DeploymentRuntimeConfig", "Function", "Provider"),
    "policies.kyverno.io": (
        "DeletingPolicy", "GeneratingPolicy", "ImageValidatingPolicy", "MutatingPolicy", "ValidatingPolicy",
    ),
    "policy.karmada.io": ("ClusterOverridePolicy", "ClusterPropagationPolicy"),
    "policy.networking.k8s.io": ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding"),
    "resource.k8s.io": ("DeviceClass", "ResourceSlice"),
    "scheduling.k8s.io": ("PriorityClass",),
    "snapshot.storage.k8s.io": ("VolumeSnapshotClass", "VolumeSnapshotContent"),
    "storage.k8s.io": ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"),
}  # fmt: skip
_KINDS = frozenset((group, kind) for group, kinds in _CLUSTER_SCOPED.items() for kind in kinds)


def is_cluster_scoped(group: str, kind: str) -> bool:
    """Tell whether a kind is known to have no namespace."""
    return (group, kind) in _KINDS
