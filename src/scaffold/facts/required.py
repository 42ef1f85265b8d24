"""Where Kubernetes' own OpenAPI is not what its server enforces: seen on kube-apiserver 1.37.2, object by object.

An OpenAPI calls a field required because its Go type has no ``omitempty``. What the server asks for is in its code.
"""

from collections.abc import Mapping

_CORE = "io.k8s.api.core.v1."
_STORAGE = "io.k8s.api.storage.v1."
_ADMISSION = "io.k8s.api.admissionregistration.v1."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_RULE = ("apiGroups", "apiVersions", "operations", "resources")

NOT_ENFORCED: Mapping[str, tuple[str, ...]] = {
    f"{_CORE}Event": ("involvedObject",),
    f"{_CORE}EvictionResponder": ("priority",),
    f"{_CORE}HTTPHeader": ("value",),
    f"{_CORE}ISCSIPersistentVolumeSource": ("lun",),
    f"{_CORE}ISCSIVolumeSource": ("lun",),
    f"{_CORE}LimitRangeSpec": ("limits",),
    f"{_CORE}PreferredSchedulingTerm": ("preference",),
    f"{_CORE}ScaleIOPersistentVolumeSource": ("secretRef",),
    f"{_CORE}ScaleIOVolumeSource": ("secretRef",),
    f"{_CORE}SleepAction": ("seconds",),
    f"{_CORE}Sysctl": ("value",),
    f"{_CORE}TypedLocalObjectReference": ("kind", "name"),
    f"{_STORAGE}CSIDriver": ("spec",),
    f"{_STORAGE}CSINode": ("spec",),
    f"{_STORAGE}CSINodeSpec": ("drivers",),
    f"{_STORAGE}TokenRequest": ("audience",),
    f"{_EXTENSIONS}CustomResourceDefinitionVersion": ("served", "storage"),
    "io.k8s.api.batch.v1.PodFailurePolicy": ("rules",),
    "io.k8s.api.discovery.v1.ForNode": ("name",),
    "io.k8s.api.discovery.v1.ForZone": ("name",),
    "io.k8s.api.resource.v1.Counter": ("value",),
    "io.k8s.api.resource.v1.DeviceCapacity": ("value",),
    "io.k8s.api.resource.v1.ResourcePool": ("generation",),
    "io.k8s.apimachinery.pkg.apis.meta.v1.GroupResource": ("group",),
}
"""Called required, but their zero value is as good, or nobody looks."""

ENFORCED: Mapping[str, tuple[str, ...]] = {
    f"{_CORE}ConfigMapEnvSource": ("name",),
    f"{_CORE}ConfigMapKeySelector": ("name",),
    f"{_CORE}ConfigMapProjection": ("name",),
    f"{_CORE}ConfigMapVolumeSource": ("name",),
    f"{_CORE}Container": ("image",),
    f"{_CORE}EphemeralContainer": ("image",),
    f"{_CORE}EphemeralVolumeSource": ("volumeClaimTemplate",),
    f"{_CORE}ExecAction": ("command",),
    f"{_CORE}PersistentVolumeClaimSpec": ("accessModes",),
    f"{_CORE}PersistentVolumeSpec": ("accessModes", "capacity"),
    f"{_CORE}PodDNSConfigOption": ("name",),
    f"{_CORE}ReplicationControllerSpec": ("template",),
    f"{_CORE}SecretEnvSource": ("name",),
    f"{_CORE}SecretKeySelector": ("name",),
    f"{_CORE}SecretProjection": ("name",),
    f"{_CORE}SecretVolumeSource": ("secretName",),
    f"{_CORE}VolumeNodeAffinity": ("required",),
    f"{_ADMISSION}ApplyConfiguration": ("expression",),
    f"{_ADMISSION}MutatingAdmissionPolicyBindingSpec": ("policyName",),
    f"{_ADMISSION}MutatingAdmissionPolicySpec": ("matchConstraints", "mutations", "reinvocationPolicy"),
    f"{_ADMISSION}NamedRuleWithOperations": _RULE,
    f"{_ADMISSION}ParamKind": ("apiVersion", "kind"),
    f"{_ADMISSION}ParamRef": ("parameterNotFoundAction",),
    f"{_ADMISSION}RuleWithOperations": _RULE,
    f"{_ADMISSION}ValidatingAdmissionPolicySpec": ("matchConstraints",),
    f"{_EXTENSIONS}CustomResourceValidation": ("openAPIV3Schema",),
    "io.k8s.api.networking.v1.IngressClassSpec": ("controller",),
    "io.k8s.api.networking.v1.ServiceCIDRSpec": ("cidrs",),
    "io.k8s.api.rbac.v1.AggregationRule": ("clusterRoleSelectors",),
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference": ("name", "namespace"),
}
"""Called optional, and refused when missing."""
