"""Budgets: a drain takes one pod after the other, and it gets on."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.budgets import Budget, budgets
from scaffold.rules.reading.completeness import brought_whole, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.scalers import Scaling

_REPLICATED = frozenset({"Deployment", "Rollout", "StatefulSet"})


@rule("AUTO-06", Severity.WARNING, fix="Bring a PodDisruptionBudget with the selector of the workload.")
def replicated_workloads_have_a_budget(repo: Repo) -> Iterator[Hit]:
    """A workload of two pods or more has a PodDisruptionBudget, and every budget counts pods that exist.

    Without one the drain of two nodes may take all pods at once, however many there are. Namespaces that get objects
    from elsewhere are not judged. A budget that nothing gets past is AUTO-07's.
    """
    made = makes(repo, "generate")
    for cluster in clusters(repo):
        scaling = Scaling(cluster)
        found = list(budgets(cluster))
        counted = {id(one.manifest) for budget in found for one in budget.workloads}
        for budget in found:
            if not budget.workloads and cluster.closed(budget.manifest.namespace):
                yield at(budget.manifest, ("spec", "selector"), f"{budget.manifest} counts no pod of its namespace")
        for namespace, workloads in cluster.workloads.items():
            for workload in workloads if brought_whole(cluster, namespace) and not made else ():
                bounds = scaling.bounds(workload)
                several = bounds is not None and bounds[0] > 1 and workload.manifest.kind in _REPLICATED
                if several and bounds and id(workload.manifest) not in counted:
                    what = f"{workload.manifest} has {bounds[0]} pods at least, and no PodDisruptionBudget counts them"
                    keys = ("spec", "replicas") if workload.manifest.get("spec", "replicas") is not None else ()
                    yield at(workload.manifest, keys, what)


@rule("AUTO-07", Severity.ERROR, fix="Let one pod go: one budget for a pod, maxUnavailable: 1, two replicas or more.")
def budgets_let_a_pod_go(repo: Repo) -> Iterator[Hit]:
    """Every PodDisruptionBudget lets a pod go while all are well, and no pod has two of them.

    What lets none go stops the drain of its node, and with it every upgrade of the cluster. Neither minAvailable nor
    maxUnavailable is accepted, and is none, too; with two budgets the eviction of a pod fails with 500. How many pods
    there are is judged where all of the namespace comes from this repository: an autoscaler's minimum, a part
    rounded up.
    """
    for cluster in clusters(repo):
        scaling = Scaling(cluster)
        first: dict[int, Budget] = {}
        for budget in budgets(cluster):
            manifest = budget.manifest
            for workload in budget.workloads:
                other = first.setdefault(id(workload.manifest), budget)
                if other is not budget:
                    what = f"{manifest} counts the pods of {workload.manifest}, and so does {other.manifest}"
                    yield at(manifest, ("spec", "selector"), what)
            where, why = _stuck(cluster, scaling, budget)
            if why:
                yield at(manifest, where, f"{manifest}: {why}")


def _stuck(cluster: Cluster, scaling: Scaling, budget: Budget) -> tuple[tuple[str, ...], str]:
    """Return where and why a budget lets no pod go; empty where it may."""
    spec = budget.manifest.mapping("spec")
    if spec and spec.get("minAvailable") is None and spec.get("maxUnavailable") is None:
        return ("spec",), "neither minAvailable nor maxUnavailable is set, and so no pod may go"
    if not budget.field:
        return (), ""
    keys, said = ("spec", budget.field), f"{budget.field}: {budget.manifest.get('spec', budget.field)}"
    if budget.manifest.get(*keys) in (0, "0%") and budget.field == "maxUnavailable":
        asleep = bool(budget.workloads) and all(scaling.bounds(one) == (0, 0) for one in budget.workloads)
        return (keys, f"{said} lets no pod go") if not asleep else ((), "")
    kinds = all(_is_counted(one) for one in budget.workloads)
    fewest = budget.fewest(scaling) if kinds and cluster.closed(budget.manifest.namespace) else None
    if fewest is None or fewest < 1:
        return (), ""
    allowed = budget.allows(fewest)
    if allowed is None or allowed > 0:
        return (), ""
    names = ", ".join(str(one.manifest) for one in budget.workloads)
    return keys, f"{said} lets none of {fewest} go, as many as {names} may have"


def _is_counted(workload: Workload) -> bool:
    return workload.manifest.kind in _REPLICATED
