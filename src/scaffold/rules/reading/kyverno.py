"""Kyverno's CEL policies: what they match, in which namespaces, and what their expressions read."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import selects
from scaffold.model.yamltext import Path
from scaffold.rules.reading.installs import Install
from scaffold.rules.reading.inventory import Cluster

GROUP = "policies.kyverno.io"
LEGACY = "kyverno.io"
NAME_LABEL = "kubernetes.io/metadata.name"
VALIDATING = ("ValidatingPolicy", "NamespacedValidatingPolicy")
CONTROLLERS = frozenset({"cronjobs", "daemonsets", "deployments", "jobs", "replicasets", "statefulsets"})
"""What Kyverno derives rules for by itself."""

WEBHOOKS: Path = ("config", "webhooks", "namespaceSelector")
"""Where the values of Kyverno's chart say which namespaces it is asked about."""

_RULES: Path = ("spec", "matchConstraints", "resourceRules")
_EXPRESSIONS = ("variables", "matchConditions", "validations")


def resource_rules(policy: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every rule that says which resources a policy is for."""
    for index, found in policy.items(*_RULES):
        yield (*_RULES, index), found


def listed(fields: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts of a list."""
    value = fields.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def is_for_pods(policy: Manifest) -> bool:
    """Tell whether a policy is asked about pods when they are made."""
    return any(
        {"", "*"} & set(listed(found, "apiGroups"))
        and "pods" in listed(found, "resources")
        and {"CREATE", "*"} & set(listed(found, "operations"))
        for _, found in resource_rules(policy)
    )


def is_for_pods_alone(policy: Manifest) -> bool:
    """Tell whether a policy is asked about pods and their subresources, and nothing else."""
    named = [resource for _, found in resource_rules(policy) for resource in listed(found, "resources")]
    return is_for_pods(policy) and all(resource == "pods" or resource.startswith("pods/") for resource in named)


def underived(policy: Manifest) -> tuple[Path, str] | None:
    """Return where and why Kyverno derives no rules for the controllers of pods; None where it does."""
    match = policy.mapping("spec", "matchConstraints")
    rules = list(resource_rules(policy))
    selector = match.get("objectSelector")
    if isinstance(selector, Mapping) and (selector.get("matchLabels") or selector.get("matchExpressions")):
        return ("spec", "matchConstraints", "objectSelector"), "it has an objectSelector"
    if match.get("excludeResourceRules"):
        return ("spec", "matchConstraints", "excludeResourceRules"), "it has excludeResourceRules"
    if len(rules) != 1:
        return _RULES, f"it has {len(rules)} resourceRules"
    keys, found = rules[0]
    if found.get("resourceNames"):
        return (*keys, "resourceNames"), "it names single pods"
    for field, wanted in (("apiGroups", [""]), ("apiVersions", ["v1"]), ("resources", ["pods"])):
        if listed(found, field) != wanted:
            return (*keys, field), f"{field} is {listed(found, field)}, not {wanted}"
    return None


def expressions(policy: Manifest) -> Iterator[tuple[Path, str]]:
    """Yield keys and text of what decides: variables, conditions and validations; no messages."""
    for field in _EXPRESSIONS:
        for index, _ in policy.items("spec", field):
            text = policy.get("spec", field, index, "expression")
            if isinstance(text, str):
                yield ("spec", field, index, "expression"), text


def with_name(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Return the labels of a namespace, with the one that the API server adds."""
    return {**cluster.namespaces.get(namespace, {}), NAME_LABEL: namespace}


def is_for_namespace(policy: Manifest, labels: Mapping[str, Any]) -> bool:
    """Tell whether a policy is for objects of a namespace with these labels."""
    if policy.kind.startswith("Namespaced"):
        return labels.get(NAME_LABEL) == policy.namespace
    selector = policy.get("spec", "matchConstraints", "namespaceSelector")
    return not isinstance(selector, Mapping) or selects(selector, labels)


def webhooks_reach(installs: Iterable[Install], namespace: str, labels: Mapping[str, Any]) -> bool:
    """Tell whether Kyverno is asked about a namespace, as far as the values of its chart say."""
    for install in installs:
        selector = install.get(*WEBHOOKS)
        # The chart's own default excepts kube-system; older charts have a list here, which is not read.
        default = namespace != "kube-system" and install.get(*WEBHOOKS[:-1]) is None
        if not (default if selector is None else selects(selector, labels)):
            return False
    return True
