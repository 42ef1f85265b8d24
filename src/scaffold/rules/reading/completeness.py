"""What is known of a cluster as a whole: whether anything comes into it, or into a namespace, from elsewhere."""

from scaffold.model.repo import Repo
from scaffold.rules.reading.inventory import Cluster
from scaffold.rules.reading.owners import EVERYWHERE

_TEMPLATED = ("{{", "${", "$(")


def brought_whole(cluster: Cluster, namespace: str) -> bool:
    """Tell whether all objects of a namespace stand here; what operators make of them is not asked."""
    return namespace not in cluster.open and EVERYWHERE not in cluster.open


def is_whole(cluster: Cluster) -> bool:
    """Tell whether nothing comes into a cluster from elsewhere."""
    return not cluster.open


def all_opened(repo: Repo) -> bool:
    """Tell whether everything that brings objects could be opened."""
    return not repo.not_checked and not repo.unrendered


def is_plain(name: object) -> bool:
    """Tell whether a text is a name as it stands: nothing is put into it later."""
    return isinstance(name, str) and bool(name) and not any(mark in name for mark in _TEMPLATED)


def makes(repo: Repo, *fields: str) -> bool:
    """Tell whether a policy engine is told to change or to make objects: then what is missing may be put there."""
    return any(
        manifest.kind in {"MutatingPolicy", "GeneratingPolicy", "NamespacedMutatingPolicy"}
        or any(rule.get(field) for _, rule in manifest.items("spec", "rules") for field in fields)
        for manifest in repo.manifests
        if manifest.group in {"kyverno.io", "policies.kyverno.io"}
    )


def inside(namespace: str) -> str:
    """Return a namespace in words; empty is that of whoever applies it."""
    return f"in namespace {namespace}" if namespace else "here"
