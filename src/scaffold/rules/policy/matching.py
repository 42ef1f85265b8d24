"""What policies match: APIs that stay, all controllers of pods, and all containers of a pod."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.kyverno import (
    CONTROLLERS,
    GROUP,
    LEGACY,
    VALIDATING,
    expressions,
    is_for_pods,
    is_for_pods_alone,
    listed,
    resource_rules,
    underived,
)

_SUCCESSORS = {
    "ClusterPolicy": "ValidatingPolicy, MutatingPolicy, GeneratingPolicy or ImageValidatingPolicy",
    "Policy": "NamespacedValidatingPolicy or one of its kin",
    "CleanupPolicy": "NamespacedDeletingPolicy",
    "ClusterCleanupPolicy": "DeletingPolicy",
}
_DERIVED = (*VALIDATING, "ImageValidatingPolicy", "NamespacedImageValidatingPolicy")
_READS_CONTAINERS = re.compile(r"\bspec\s*\.\s*\??containers\b")
_READS_ALL = re.compile(r"\b(image|imagePullPolicy|securityContext)\b")
_ALL = ("initContainers", "ephemeralContainers")


@rule("POL-01", Severity.WARNING, fix="Write it as a policy of policies.kyverno.io/v1.")
def policies_are_of_an_api_that_stays(repo: Repo) -> Iterator[Hit]:
    """Policies of Kyverno are of policies.kyverno.io/v1.

    ClusterPolicy, Policy and CleanupPolicy of kyverno.io are deprecated since Kyverno 1.17 and are to be removed with
    1.20: then the CustomResourceDefinitions go, and every policy with them. v1alpha1 of the new group is deprecated.
    """
    for manifest in repo.manifests:
        if manifest.group == LEGACY and manifest.kind in _SUCCESSORS:
            what = f"{manifest.api_version} is to be removed, its successor is {_SUCCESSORS[manifest.kind]}"
            yield at(manifest, ("apiVersion",), f"{manifest}: {what}")
        elif manifest.api_version == f"{GROUP}/v1alpha1":
            yield at(manifest, ("apiVersion",), f"{manifest}: {manifest.api_version} is deprecated, v1 is served")


@rule("POL-02", Severity.WARNING, fix="Match exactly the pods of v1 in one rule, or set controllers to an empty list.")
def policies_on_pods_reach_their_controllers(repo: Repo) -> Iterator[Hit]:
    """A policy on pods is one that Kyverno derives the rules for Deployments and the other controllers from.

    It does so for one resourceRule with exactly the pods of v1, without objectSelector, excludeResourceRules and
    resourceNames. Anything beside them turns it off without a word: a bad Deployment is accepted, and its pods never
    come. Whoever means pods alone says so with an empty list of controllers. A controller that Kyverno does not know
    is passed over, and a MutatingPolicy cannot set metadata of a template.
    """
    for policy in repo.each(GROUP, *_DERIVED, "MutatingPolicy", "NamespacedMutatingPolicy"):
        named = policy.get("spec", "autogen", "podControllers", "controllers")
        if named == [] or not is_for_pods_alone(policy):
            continue
        if found := underived(policy):
            yield at(policy, found[0], f"{policy}: no rules for Deployments and others are derived, {found[1]}")
            continue
        yield from _controllers(policy, named)
        for index, _ in policy.items("spec", "mutations"):
            keys: Path = ("spec", "mutations", index, "applyConfiguration", "expression")
            if "Object.metadata" in str(policy.get(*keys) or ""):
                what = "the rules derived for Deployments and others fail at Object.metadata"
                yield at(policy, keys, f"{policy}: {what}")


@rule("POL-03", Severity.WARNING, fix="Read containers, initContainers and ephemeralContainers together.")
def policies_read_every_container(repo: Repo) -> Iterator[Hit]:
    """A policy about images or security contexts reads containers, initContainers and ephemeralContainers.

    What runs in an init container, a native sidecar or a container of kubectl debug is not seen otherwise. A second
    policy for pods/ephemeralcontainers is as good. Policies that read no image and no security context are free.
    """
    for cluster in clusters(repo):
        debugged = _covers_debugging(cluster)
        for policy in cluster.each(GROUP, *VALIDATING):
            read = list(expressions(policy))
            text = "\n".join(one for _, one in read)
            where = next((keys for keys, one in read if _READS_CONTAINERS.search(one)), None)
            if where is None or not _READS_ALL.search(text):
                continue
            pods = is_for_pods(policy) and not debugged
            lacking = [one for one in (_ALL if pods else _ALL[:1]) if one not in text]
            if lacking:
                yield at(policy, where, f"{policy} reads containers, but not {' and '.join(lacking)}")
        for policy in cluster.each(LEGACY, "ClusterPolicy", "Policy"):
            for keys, spec in _patterns(policy):
                if "containers" in spec and not any("initContainers" in str(key) for key in spec):
                    yield at(policy, (*keys, "containers"), f"{policy} reads containers, but not {' and '.join(_ALL)}")


def _controllers(policy: Manifest, named: Any) -> Iterator[Hit]:
    keys: Path = ("spec", "autogen", "podControllers", "controllers")
    for index, name in enumerate(named if isinstance(named, list) else ()):
        meant = f"{str(name).lower().removesuffix('s')}s"
        if str(name) not in CONTROLLERS and meant in CONTROLLERS:
            yield at(policy, (*keys, index), f"{policy}: controller {name} is passed over, {meant} is meant")
    if named and policy.get("spec", "autogen", "validatingAdmissionPolicy", "enabled") is True:
        what = "with validatingAdmissionPolicy enabled no rules for controllers are derived"
        yield at(policy, keys, f"{policy}: {what}")


def _covers_debugging(cluster: Cluster) -> bool:
    return any(
        {"pods/ephemeralcontainers", "pods/*", "*/*"} & set(listed(found, "resources"))
        for policy in cluster.each(GROUP, *VALIDATING)
        for _, found in resource_rules(policy)
    )


def _patterns(policy: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of the pod's spec in every pattern about images or security contexts."""
    for index, _ in policy.items("spec", "rules"):
        start: Path = ("spec", "rules", index, "validate")
        keys = [(*start, "pattern", "spec")]
        keys += [(*start, "anyPattern", number, "spec") for number, _ in policy.items(*start, "anyPattern")]
        for one in keys:
            fields = (str(key) for _, container in policy.items(*one, "containers") for key in container)
            if any("image" in field or "securityContext" in field for field in fields):
                yield one, policy.mapping(*one)
