"""Exceptions: each is from a policy that exists, for less than everything, and not over already."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import all_opened, is_plain, is_whole
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.kyverno import GROUP, LEGACY

_OLD = ("ClusterPolicy", "Policy")

_Policies = Mapping[str, list[Manifest]]


@rule(
    "POL-09", Severity.WARNING, fix="Name policy and kind as they are, say for what by matchConditions, or remove it."
)
def exceptions_except_something(repo: Repo) -> Iterator[Hit]:
    """A PolicyException names a policy that exists, by its kind, for some objects, until a time to come.

    Neither the schema nor Kyverno's command line checks it: with a wrong kind it is dead, and what it was for is
    refused; without matchConditions it excepts everything. The one of kyverno.io counts for ClusterPolicies alone. That
    a policy is missing is judged where nothing comes into the cluster from elsewhere.
    """
    for cluster in clusters(repo):
        new = _by_name(cluster, GROUP)
        old = _by_name(cluster, LEGACY)
        whole = is_whole(cluster) and all_opened(repo)
        for exception in cluster.each(GROUP, "PolicyException"):
            yield from _references(exception, new, old, whole=whole)
            if not exception.get("spec", "matchConditions"):
                yield at(exception, ("spec",), f"{exception} has no matchConditions, it excepts everything")
            if why := _over(exception.get("spec", "expiresAt")):
                yield at(exception, ("spec", "expiresAt"), f"{exception}: {why}")
        for exception in cluster.each(LEGACY, "PolicyException"):
            for index, entry in exception.items("spec", "exceptions"):
                name = str(entry.get("policyName"))
                if name in new and name not in old:
                    what = f"{exception.api_version} does not count for {new[name][0].kind} {name}"
                    yield at(exception, ("spec", "exceptions", index, "policyName"), f"{exception}: {what}")


def _by_name(cluster: Cluster, group: str) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for (owner, kind), manifests in cluster.kinds.items():
        if owner == group and kind.endswith("Policy"):
            for manifest in manifests:
                found.setdefault(manifest.name, []).append(manifest)
    return found


def _references(exception: Manifest, new: _Policies, old: _Policies, *, whole: bool) -> Iterator[Hit]:
    for index, reference in exception.items("spec", "policyRefs"):
        name, kind = reference.get("name"), reference.get("kind")
        if not is_plain(name) or not is_plain(kind):
            continue
        kinds = {one.kind for one in (*new.get(str(name), ()), *old.get(str(name), ()))}
        keys = ("spec", "policyRefs", index)
        if kind in _OLD:
            yield at(exception, (*keys, "kind"), f"{exception}: a {kind} is excepted from by {LEGACY}, not by {GROUP}")
        elif kinds and kind not in kinds:
            what = f"there is no {kind} {name}, but {' and '.join(sorted(kinds))} {name}"
            yield at(exception, (*keys, "kind"), f"{exception}: {what}")
        elif not kinds and whole and (new or old):
            yield at(exception, (*keys, "name"), f"{exception}: there is no {kind} {name}")


def _over(value: object) -> str:
    """Say why an exception does not count any more, empty if it does."""
    if not isinstance(value, str) or not is_plain(value):
        return ""
    try:
        end = datetime.fromisoformat(value)
    except ValueError:
        return f"expiresAt {value} is no time such as 2030-01-31T00:00:00Z"
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    return f"it ended on {value}" if end < datetime.now(UTC) else ""
