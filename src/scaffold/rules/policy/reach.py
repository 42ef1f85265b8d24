"""Whom policies reach: the images they allow, the namespaces they are for, and what must start without Kyverno."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import all_opened
from scaffold.rules.reading.hits import at, context
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.kyverno import (
    GROUP,
    NAME_LABEL,
    VALIDATING,
    WEBHOOKS,
    expressions,
    is_for_namespace,
    is_for_pods,
    webhooks_reach,
    with_name,
)
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.owners import EVERYWHERE, IN_CLUSTER, destination

_KINDS = (
    *VALIDATING, "MutatingPolicy", "NamespacedMutatingPolicy", "ImageValidatingPolicy",
    "NamespacedImageValidatingPolicy",
)  # fmt: skip
_SELECTOR: Path = ("spec", "matchConstraints", "namespaceSelector")
_TEXT = re.compile(r"'([^'\\\n]*)'|\"([^\"\\\n]*)\"")
_LIST = re.compile(r"\s*\[[^\[\]]*\]\s*\Z", re.DOTALL)
_DIRECT = re.compile(r"startsWith\(\s*(?:'([^'\\\n]*)'|\"([^\"\\\n]*)\")\s*\)")
_DENIES = re.compile(r"!\s*[\w.]*\s*(\(|\.)[^|&]*startsWith")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?\Z")
_ALWAYS = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


@rule(
    "POL-05", Severity.WARNING, fix="List the registry, with a slash at the end, in the policy that allows registries."
)
def allowed_registries_are_those_in_use(repo: Repo) -> Iterator[Hit]:
    """The prefixes of a policy on registries end with a slash, and the image of the mesh's proxy is among them.

    `registry.example.com` lets `registry.example.com.evil.org` in. The proxy is put into the pods before the policy
    looks at them: where its registry is missing, no pod of the mesh is admitted. Judged for policies that compare
    images with startsWith, and where istiod's values name the hub.
    """
    for mesh in meshes(repo):
        for policy in mesh.cluster.each(GROUP, *VALIDATING):
            allowed = list(_allowed(policy)) if is_for_pods(policy) else []
            for keys, prefix in allowed:
                if _HOST.match(prefix):
                    yield at(
                        policy, keys, f"{policy}: prefix {prefix} has no slash at its end, {prefix}.evil.org passes"
                    )
            image = _proxy(mesh) if allowed else ""
            if image and not any(image.startswith(prefix) for _, prefix in allowed):
                for namespace in _injected(mesh.cluster, policy):
                    what = f"{image} of the mesh's proxy is not allowed, namespace {namespace} gets no pods"
                    yield at(policy, allowed[0][0], f"{policy}: {what}")
                    break


@rule("POL-06", Severity.WARNING, fix="Write the namespaces and labels as they are in the cluster.")
def policies_select_namespaces_that_exist(repo: Repo) -> Iterator[Hit]:
    """A policy's namespaceSelector takes some namespace, and the names in it are those of namespaces.

    A wrong label switches a policy off, a wrong name ends an exemption, both without a word. A name is judged where
    one that is nearly the same is in use; that nothing is selected, where nothing comes from elsewhere that may bring
    namespaces.
    """
    for cluster in clusters(repo):
        known = _known(repo, cluster)
        for policy in cluster.each(GROUP, *_KINDS):
            for keys, name in _names(policy):
                meant = difflib.get_close_matches(name, known, 1, 0.85) if name not in known | _ALWAYS else []
                if meant and meant[0] not in {other for _, other in _names(policy)}:
                    yield at(policy, keys, f"{policy}: there is no namespace {name}, but {meant[0]}")
            if not policy.mapping(*_SELECTOR) or not cluster.namespaces or not _all_here(repo, cluster):
                continue
            every = [with_name(cluster, name) for name in known | _ALWAYS]
            if not any(is_for_namespace(policy, labels) for labels in every):
                yield at(policy, _SELECTOR, f"{policy}: none of {len(cluster.namespaces)} namespaces is selected")


@rule("POL-07", Severity.WARNING, fix="Except the namespace in config.webhooks.namespaceSelector, or in the policy.")
def what_heals_the_cluster_needs_no_kyverno(repo: Repo) -> Iterator[Hit]:
    """Policies that fail closed leave out the namespaces of the system, of CNI and of what applies the repository.

    While Kyverno is down, the webhooks of a policy with failurePolicy Fail refuse all that it is for. Where that takes
    in DNS, CNI or the GitOps controllers, nobody is left to start Kyverno again. Judged where the values of Kyverno's
    chart are here; the namespaceSelector of the policy and that of the chart count together.
    """
    charts = [one for one in installs_of(repo, frozenset({"kyverno"})) if one.complete]
    for cluster in clusters(repo):
        for install in (one for one in charts if one.cluster == cluster.name):
            for namespace in _needed(repo, cluster, install):
                labels = with_name(cluster, namespace)
                if not webhooks_reach([install], namespace, labels):
                    continue
                policy = next((one for one in cluster.each(GROUP, *_KINDS) if _closes(one, labels)), None)
                if policy:
                    what = f"while it is down, {policy} ({policy.place()}) refuses what namespace {namespace} needs"
                    yield Hit(install.place(*WEBHOOKS), f"{install.owner}: {what}", context(install.owner.origin))


def _allowed(policy: Manifest) -> Iterator[tuple[Path, str]]:
    """Yield keys and text of the prefixes that images may have."""
    read = list(expressions(policy))
    text = "\n".join(one for _, one in read)
    if "startsWith(" not in text or not re.search(r"\bimage\b", text) or _DENIES.search(text):
        return
    for keys, one in read:
        pattern = _TEXT if _LIST.match(one) else _DIRECT
        for found in pattern.finditer(one):
            prefix = found[1] or found[2] or ""
            if "." in prefix or "/" in prefix or ":" in prefix:
                yield keys, prefix


def _proxy(mesh: Mesh) -> str:
    """Return the image of the proxy without its tag, empty where it is not known."""
    istiod = mesh.install("istiod")
    hub = istiod.get("global", "hub") if istiod else None
    image = istiod.get("global", "proxy", "image") if istiod else None
    if isinstance(image, str) and "/" in image:
        return image
    return f"{hub}/{image or 'proxyv2'}" if isinstance(hub, str) and "${" not in hub else ""


def _injected(cluster: Cluster, policy: Manifest) -> Iterator[str]:
    for name, labels in cluster.namespaces.items():
        joins = labels.get("istio-injection") == "enabled" or bool(labels.get("istio.io/rev"))
        if joins and is_for_namespace(policy, with_name(cluster, name)):
            yield name


def _names(policy: Manifest) -> Iterator[tuple[Path, str]]:
    """Yield keys and text of every name of a namespace in a namespaceSelector."""
    name = policy.get(*_SELECTOR, "matchLabels", NAME_LABEL)
    if isinstance(name, str):
        yield (*_SELECTOR, "matchLabels", NAME_LABEL), name
    for index, expression in policy.items(*_SELECTOR, "matchExpressions"):
        values = expression.get("values") if expression.get("key") == NAME_LABEL else None
        for number, value in enumerate(values if isinstance(values, list) else ()):
            if isinstance(value, str):
                yield (*_SELECTOR, "matchExpressions", index, "values", number), value


def _known(repo: Repo, cluster: Cluster) -> set[str]:
    """Return the names of all namespaces that anything here is about."""
    found = {*cluster.namespaces, *(manifest.namespace for manifest in repo.in_cluster(cluster.name))}
    for app in repo.each("argoproj.io", "Application"):
        found |= {app.namespace} | ({destination(app)[1]} if destination(app)[0] == cluster.name else set())
    for owner in cluster.each("helm.toolkit.fluxcd.io", "HelmRelease"):
        found.add(str(owner.get("spec", "targetNamespace") or owner.namespace))
    return {name for name in found if name and "${" not in name}


def _all_here(repo: Repo, cluster: Cluster) -> bool:
    return EVERYWHERE not in cluster.open and all_opened(repo)


def _needed(repo: Repo, cluster: Cluster, install: Install) -> list[str]:
    """Return the namespaces of what must start while Kyverno is down."""
    found = {"kube-system"}
    if install.owner.kind == "HelmRelease":
        # The roots lie beside the controllers, those of tenants anywhere.
        flux = cluster.each("kustomize.toolkit.fluxcd.io", "Kustomization")
        found |= {one.namespace for one in flux if not one.origin.owner}
    elif cluster.name == IN_CLUSTER:
        found.add(install.owner.namespace)
    found |= {one.namespace for one in installs_of(repo, frozenset({"cni"})) if one.cluster == cluster.name}
    return sorted(name for name in found if name)


def _closes(policy: Manifest, labels: Mapping[str, Any]) -> bool:
    """Tell whether a policy refuses pods of a namespace while Kyverno is down."""
    open_ = policy.get("spec", "failurePolicy") == "Ignore"
    off = policy.get("spec", "evaluation", "admission", "enabled") is False
    return not open_ and not off and is_for_pods(policy) and is_for_namespace(policy, labels)
