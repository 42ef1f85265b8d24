"""The policies of the repository, asked about all that is applied beside them: what each refuses, and what is unknown.

Kyverno is not run. Its ValidatingPolicies are evaluated here; everything of its that needs a cluster, a registry or
Kyverno's own functions is not checked, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scaffold.facts.schemas import Catalog
from scaffold.model.cel import Compiler
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import NotChecked, Repo
from scaffold.model.selectors import selects
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.kyverno import GROUP, LEGACY, NAME_LABEL, VALIDATING, webhooks_reach, with_name
from scaffold.rules.reading.verdicts import Judge, Verdict, template_of

_FILTERED = frozenset({"kube-node-lease", "kube-public", "kube-system", "kyverno"})
_UNASKED = {
    "ImageValidatingPolicy": "signatures are in the registry",
    "MutatingPolicy": "what it changes is not applied to the objects",
    "NamespacedImageValidatingPolicy": "signatures are in the registry",
    "NamespacedMutatingPolicy": "what it changes is not applied to the objects",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What policies say: hits by the name of an engine, and what could not be told."""

    hits: Mapping[str, tuple[Hit, ...]]
    not_checked: tuple[NotChecked, ...]


def ask(repo: Repo, load: Callable[[], Compiler | None]) -> Asked:
    """Ask every policy about every object that it is for.

    The compiler is loaded where there is a policy to be asked; where it cannot be, none is checked.
    """
    hits: dict[str, list[Hit]] = {"policies": [], "policies-audit": []}
    unknown: list[NotChecked] = []
    compiler = load() if any(True for _ in repo.each(GROUP, *VALIDATING)) else None
    judge = Judge(compiler) if compiler else None
    installs = installs_of(repo, frozenset({"kyverno"})) if judge else []
    for cluster in clusters(repo):
        unknown += _never_asked(cluster)
        policies = list(cluster.each(GROUP, *VALIDATING))
        if policies and judge is None:
            unknown += [
                _unknown(policy, "the library for CEL, cel-expr-python, is not installed") for policy in policies
            ]
        elif policies and judge is not None:
            reached = [install for install in installs if install.cluster == cluster.name]
            for policy, manifest, verdict in _verdicts(repo, cluster, judge, policies, reached):
                if verdict.result == "fail":
                    kind = "policies" if _denies(policy) else "policies-audit"
                    what = f"{policy.kind} {policy.name} ({policy.place()}): {verdict.text}"
                    hits[kind].append(at(manifest, (), f"{manifest} is refused by {what}"))
                elif verdict.result == "unknown":
                    unknown.append(_unknown(policy, f"{verdict.text} (asked about {manifest})"))
    return Asked({kind: tuple(found) for kind, found in hits.items()}, tuple(dict.fromkeys(unknown)))


def _verdicts(
    repo: Repo, cluster: Cluster, judge: Judge, policies: list[Manifest], installs: list[Install]
) -> Iterator[tuple[Manifest, Manifest, Verdict]]:
    exceptions = _exceptions(cluster)
    for manifest in repo.in_cluster(cluster.name):
        scoped = Catalog.builtin().scope(manifest.api_version, manifest.kind) == "Cluster"
        namespace = "" if scoped else manifest.namespace
        labels = with_name(cluster, namespace) if namespace else {}
        if namespace in _FILTERED or (namespace and not webhooks_reach(installs, namespace, labels)):
            continue
        for policy in policies:
            template = template_of(policy, manifest)
            if template is None:
                continue
            known = namespace in cluster.namespaces or not namespace
            inside = _is_inside(policy, manifest, namespace, labels, known=known)
            if inside is None:
                yield policy, manifest, Verdict("unknown", f"the labels of namespace {namespace} are not here")
            elif inside:
                data = request(manifest, namespace, labels)
                excepted = exceptions.get((policy.kind, policy.name), [])
                yield policy, manifest, judge.verdict(policy, template, data, excepted)


def _is_inside(
    policy: Manifest, manifest: Manifest, namespace: str, labels: Mapping[str, Any], *, known: bool
) -> bool | None:
    """Tell whether a policy is for objects of a namespace; None where its labels are not known."""
    if policy.kind.startswith("Namespaced"):
        return namespace == policy.namespace
    selector = policy.get("spec", "matchConstraints", "namespaceSelector")
    if not isinstance(selector, Mapping) or not selector:
        return True
    if (manifest.group, manifest.kind) == ("", "Namespace"):
        return selects(selector, {**manifest.labels, NAME_LABEL: manifest.name})
    if not namespace:
        return True
    asked = {*policy.mapping("spec", "matchConstraints", "namespaceSelector", "matchLabels")}
    listed = policy.items("spec", "matchConstraints", "namespaceSelector", "matchExpressions")
    asked |= {str(one.get("key")) for _, one in listed}
    return selects(selector, labels) if known or asked == {NAME_LABEL} else None


def request(manifest: Manifest, namespace: str, labels: Mapping[str, Any], operation: str = "CREATE") -> dict[str, Any]:
    """Return the variables of the request that makes an object."""
    metadata = {**manifest.mapping("metadata"), **({"namespace": namespace} if namespace else {})}
    data = {**manifest.data, "metadata": metadata}
    kind = {"group": manifest.group, "version": manifest.api_version.rpartition("/")[2], "kind": manifest.kind}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": dict(labels)}}
    old = data if operation == "UPDATE" else None
    request = {"operation": operation, "namespace": namespace, "name": manifest.name, "kind": kind, "object": data}
    return {
        "object": data,
        "oldObject": old,
        "request": {**request, "oldObject": old, "dryRun": False, "subResource": ""},
        "namespaceObject": space if namespace else None,
    }


def _exceptions(cluster: Cluster) -> dict[tuple[str, str], list[Manifest]]:
    """Return the exceptions that are not over, by kind and name of the policy."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for exception in cluster.each(GROUP, "PolicyException"):
        if not _is_over(exception.get("spec", "expiresAt")):
            for _, reference in exception.items("spec", "policyRefs"):
                found.setdefault((str(reference.get("kind")), str(reference.get("name"))), []).append(exception)
    return found


def _is_over(value: Any) -> bool:
    try:
        end = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return end is not None and (end if end.tzinfo else end.replace(tzinfo=UTC)) < datetime.now(UTC)


def _denies(policy: Manifest) -> bool:
    actions = policy.get("spec", "validationActions")
    background = policy.get("spec", "evaluation", "admission", "enabled") is False
    return not background and (not isinstance(actions, list) or not actions or "Deny" in actions)


def _never_asked(cluster: Cluster) -> Iterator[NotChecked]:
    for policy in cluster.each(GROUP, *_UNASKED):
        yield _unknown(policy, _UNASKED[policy.kind])
    for policy in cluster.each(LEGACY, "ClusterPolicy", "Policy"):
        yield _unknown(policy, f"policies of {LEGACY} are not evaluated")


def _unknown(policy: Manifest, reason: str) -> NotChecked:
    return NotChecked(policy.place(), f"{policy.kind} {policy.name}", reason)
