"""Mesh: Istio's own installation agrees with the policies and with what delivers it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import selects
from scaffold.rules.reading.hits import context
from scaffold.rules.reading.mesh import Mesh, meshes

_LIST = re.compile(r"\[\s*(?:(?:'[^']*'|\"[^\"]*\")\s*,?\s*)+\]")
_TEXT = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_WEBHOOK = "ValidatingWebhookConfiguration"
_IMAGE = "proxyv2"


@rule("MESH-31", Severity.ERROR, fix="Add Istio's registry to the trusted ones, or set global.hub to one of them.")
def the_proxy_comes_from_a_trusted_registry(repo: Repo) -> Iterator[Hit]:
    """The registry of Istio's proxy is among those that the image policies trust.

    Policies run after the injection and judge the proxy as any container: no injected pod is admitted. Judged for
    ValidatingPolicies that deny and hold a list of registry prefixes, where istiod's global.hub is here.
    """
    for mesh in meshes(repo):
        istiod = mesh.install("istiod")
        hub = istiod.get("global", "hub") if istiod else None
        if not istiod or not isinstance(hub, str) or "/" in str(istiod.get("global", "proxy", "image") or ""):
            continue
        image = f"{hub.rstrip('/')}/{_IMAGE}"
        for policy in mesh.each("ValidatingPolicy", "policies.kyverno.io"):
            trusted = _trusted(policy)
            if trusted and not image.startswith(tuple(trusted)) and _meets_proxies(mesh, policy):
                what = f"{policy} trusts {', '.join(sorted(trusted))}, not {hub}/"
                yield Hit(istiod.place("global", "hub"), f"{istiod.owner}: {what}", context(istiod.owner.origin))


@rule("MESH-32", Severity.WARNING, fix="Set base.validationFailurePolicy to Fail, or ignore that difference.")
def the_webhook_is_no_drift(repo: Repo) -> Iterator[Hit]:
    """Istio's validating webhook is installed as istiod will leave it, or its difference is ignored.

    The charts install it with failurePolicy Ignore, and istiod turns that into Fail: the Application is out of sync for
    ever, and what heals itself sets it back each time. Judged where the chart's values are here.
    """
    for mesh in meshes(repo):
        ignored = any(_ignored_by_argocd(settings) for settings in mesh.cluster.each("", "ConfigMap"))
        for install in mesh.charts:
            policy = install.get("base", "validationFailurePolicy")
            off = install.get("global", "configValidation") is False
            if install.chart not in {"base", "istiod"} or policy == "Fail" or off or ignored:
                continue
            if (policy or install.complete) and _compares(install.owner):
                what = f"base.validationFailurePolicy of chart {install.chart} is not Fail, istiod changes it"
                place = install.place("base", "validationFailurePolicy")
                yield Hit(place, f"{install.owner}: {what}", context(install.owner.origin))


def _trusted(policy: Manifest) -> set[str]:
    """Return the registry prefixes of a policy that denies images by where they come from; empty for any other."""
    actions = policy.get("spec", "validationActions")
    if not isinstance(actions, list) or "Deny" not in actions:
        return set()
    texts = [str(item.get("expression")) for field in ("variables", "validations")
             for _, item in policy.items("spec", field)]  # fmt: skip
    whole = " ".join(texts)
    resources = [str(found.get("resources")) for _, found in policy.items("spec", "matchConstraints", "resourceRules")]
    if (
        "startsWith(" not in whole
        or ".image" not in whole
        or not any("'pods'" in names for names in resources)
        or "istio-proxy" in whole
    ):
        return set()
    found = {one or other for listed in _LIST.findall(whole) for one, other in _TEXT.findall(listed)}
    return found if found and all("." in text.partition("/")[0] and "/" in text for text in found) else set()


def _meets_proxies(mesh: Mesh, policy: Manifest) -> bool:
    """Tell whether a policy holds in a namespace with an injected workload."""
    if policy.get("spec", "matchConstraints", "objectSelector"):
        return False
    wanted = policy.get("spec", "matchConstraints", "namespaceSelector") or {}
    return any(
        mesh.injected(workload) and selects(wanted, mesh.cluster.namespaces[workload.manifest.namespace])
        for workload in mesh.workloads()
        if workload.manifest.namespace in mesh.cluster.namespaces
    )


def _compares(owner: Manifest) -> bool:
    """Tell whether what delivers a chart would see a webhook that was changed."""
    if owner.kind == "HelmRelease":
        drift = owner.mapping("spec", "driftDetection")
        return drift.get("mode") in ("enabled", "warn") and not drift.get("ignore")
    return not any(_concerns(item) for _, item in owner.items("spec", "ignoreDifferences"))


def _concerns(item: Mapping[str, Any]) -> bool:
    if item.get("kind") not in (_WEBHOOK, "*"):
        return False
    paths = " ".join(str(item.get(field)) for field in ("jsonPointers", "jqPathExpressions"))
    managers = item.get("managedFieldsManagers")
    return "failurePolicy" in paths or bool(managers) or "/webhooks'" in paths


def _ignored_by_argocd(settings: Manifest) -> bool:
    data = settings.mapping("data") if settings.name == "argocd-cm" else {}
    return any(
        str(key).startswith("resource.customizations.ignoreDifferences") and "failurePolicy" in str(value)
        for key, value in data.items()
    )
