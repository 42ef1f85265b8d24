"""Hook pods: they are not taken for the application's own."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import has_all, selects, text
from scaffold.rules.reading.applications import words
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters


@rule("HELM-15", Severity.ERROR, fix="Give the hook's pod a component label of its own that nothing selects.")
def hook_pods_are_not_selected(repo: Repo) -> Iterator[Hit]:
    """No Service and no disruption budget selects the pod of a test or another hook.

    While it runs it gets requests that it does not answer, and a budget counts a pod that nothing replaces. Tests
    are passed over under Argo CD, which never runs them; Jobs are JOB-08's.
    """
    for cluster in clusters(repo):
        for hook in cluster.each("", "Pod"):
            hooks = words(hook, "helm.sh/hook")
            never = hook.origin.owner.startswith("Application ") and all(word.startswith("test") for word in hooks)
            if not hooks or never:
                continue
            if taker := _taker(cluster, hook):
                yield at(hook, ("metadata", "labels"), f"{hook}: {taker} selects it by {_wanted(taker)}")


def _taker(cluster: Cluster, hook: Manifest) -> Manifest | None:
    for service in cluster.services.values():
        wanted = service.mapping("spec", "selector")
        if service.namespace == hook.namespace and wanted and has_all(hook.labels, wanted):
            return service
    for budget in cluster.each("policy", "PodDisruptionBudget"):
        selector = budget.get("spec", "selector")
        if budget.namespace == hook.namespace and selector and selects(selector, hook.labels):
            return budget
    return None


def _wanted(taker: Manifest) -> str:
    labels = taker.mapping("spec", "selector")
    found = labels.get("matchLabels", labels)
    return text(found) if isinstance(found, dict) else ""
