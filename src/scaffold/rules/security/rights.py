"""Rights: accounts and roles that are named exist, and nobody unknown rules the cluster."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import all_opened, brought_whole, inside, is_plain, makes
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters

_RBAC = "rbac.authorization.k8s.io"
_ANYBODY = frozenset({"system:anonymous", "system:authenticated", "system:serviceaccounts", "system:unauthenticated"})
_ADMIN = frozenset({"admin", "cluster-admin", "edit"})
_ROLE_REF: Path = ("roleRef",)
_CLOSE = 0.85


@rule("SEC-06", Severity.ERROR, fix="Correct the name, or bring the ServiceAccount.")
def pods_run_as_accounts_that_exist(repo: Repo) -> Iterator[Hit]:
    """The ServiceAccount a pod runs as exists in its namespace.

    The workload is accepted, and none of its pods is made: "serviceaccount not found". Judged where all of the
    namespace comes from this repository and other accounts of it are here, as some are made by the tools that grant
    rights in a cloud. Whether a pod needs its token is not asked.
    """
    whole = all_opened(repo) and not makes(repo, "generate", "mutate")
    for cluster in clusters(repo) if whole else ():
        accounts = _accounts(cluster)
        for namespace, workloads in cluster.workloads.items():
            there = accounts.get(namespace)
            if not there or not cluster.closed(namespace):
                continue
            for workload in workloads:
                name = workload.manifest.get(*workload.spec, "serviceAccountName")
                if is_plain(name) and name not in there:
                    what = f"there is no ServiceAccount {name} {inside(namespace)}, there is {_some(there)}"
                    yield at(workload.manifest, (*workload.spec, "serviceAccountName"), f"{workload.manifest}: {what}")


@rule("SEC-07", Severity.ERROR, fix="Name a role and subjects that exist, groups with the prefix of their provider.")
def bindings_bind_something(repo: Repo) -> Iterator[Hit]:
    """A binding names a role and accounts that exist, and groups as the API server names them.

    A binding to what does not exist is accepted and grants nothing. Judged where all of a namespace comes from here and
    others of the kind are here; of a ClusterRole, that a name of another kind, or nearly the same, is meant. The prefix
    of groups is read from an AuthenticationConfiguration in the repository. How much a role grants is not judged.
    """
    whole = all_opened(repo) and not makes(repo, "generate")
    prefixes = _prefixes(repo)
    for cluster in clusters(repo):
        roles = _Roles(cluster)
        accounts = _accounts(cluster)
        for binding in cluster.each(_RBAC, "RoleBinding", "ClusterRoleBinding"):
            if whole and (why := roles.missing(binding)):
                yield at(binding, (*_ROLE_REF, "name"), f"{binding}: {why}")
            for index, subject in binding.items("subjects"):
                keys: Path = ("subjects", index, "name")
                name, kind = subject.get("name"), subject.get("kind")
                home = str(subject.get("namespace") or "")
                there = accounts.get(home) if whole and kind == "ServiceAccount" and cluster.closed(home) else None
                if there and is_plain(name) and name not in there:
                    what = f"there is no ServiceAccount {name} {inside(home)}, there is {_some(there)}"
                    yield at(binding, keys, f"{binding}: {what}")
                group = kind == "Group" and bool(prefixes) and is_plain(name)
                if group and not str(name).startswith(("system:", *prefixes)):
                    what = f"group {name} has no prefix {' or '.join(prefixes)}, nobody is in it"
                    yield at(binding, keys, f"{binding}: {what}")


@rule("SEC-17", Severity.WARNING, fix="Bind the role to the accounts and groups that need it, by their names.")
def nobody_unknown_rules_the_cluster(repo: Repo) -> Iterator[Hit]:
    """Rights to change a cluster or a namespace are bound to somebody: not to everybody, and not to `default`.

    `system:authenticated` is every pod, too, `system:anonymous` everybody who reaches the port. The account `default`
    is that of every pod that names none.
    """
    for binding in repo.each(_RBAC, "RoleBinding", "ClusterRoleBinding"):
        role = binding.get(*_ROLE_REF, "name")
        if binding.get(*_ROLE_REF, "kind") != "ClusterRole" or str(role) not in _ADMIN:
            continue
        for index, subject in binding.items("subjects"):
            name, kind = subject.get("name"), subject.get("kind")
            anybody = kind in ("Group", "User") and str(name).startswith(tuple(_ANYBODY))
            if anybody or (kind == "ServiceAccount" and name == "default"):
                who = f"{kind} {name}" if anybody else f"ServiceAccount {subject.get('namespace')}/default"
                yield at(binding, ("subjects", index, "name"), f"{binding} gives {role} to {who}")


class _Roles:
    """The roles of a cluster, by namespace; those of the cluster are in none."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._names: dict[str, set[str]] = {"": {one.name for one in cluster.each(_RBAC, "ClusterRole")}}
        for one in cluster.each(_RBAC, "Role"):
            self._names.setdefault(one.namespace, set()).add(one.name)

    def missing(self, binding: Manifest) -> str:
        """Say which role is missing for sure, empty if none is."""
        kind, name, home = binding.get("roleRef", "kind"), binding.get("roleRef", "name"), binding.namespace
        if not is_plain(name):
            return ""
        everywhere, here = self._names[""], self._names.get(home, set())
        if kind == "Role" and binding.kind == "RoleBinding" and name not in here:
            if not brought_whole(self._cluster, home) or not (here or name in everywhere):
                return ""
            meant = f", but a ClusterRole {name}" if name in everywhere else f", there is {_some(here)}"
            return f"there is no Role {name} {inside(home)}{meant}"
        if kind == "ClusterRole" and name not in everywhere and self._cluster.open == frozenset():
            if name in here:
                return f"there is no ClusterRole {name}, but a Role {name} {inside(home)}"
            meant_names = difflib.get_close_matches(str(name), everywhere, 1, _CLOSE) if _is_own(str(name)) else []
            return f"there is no ClusterRole {name}, but {meant_names[0]}" if meant_names else ""
        return ""


def _is_own(name: str) -> bool:
    return name not in {*_ADMIN, "view"} and not name.startswith("system:")


def _accounts(cluster: Cluster) -> dict[str, set[str]]:
    """Return the accounts of each namespace that has any here, with the one that is always there."""
    found: dict[str, set[str]] = {}
    for account in cluster.each("", "ServiceAccount"):
        found.setdefault(account.namespace, {"default"}).add(account.name)
    return found


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names - {"default"})[:5])


def _prefixes(repo: Repo) -> tuple[str, ...]:
    """Return the prefixes of all groups from outside; none where one of them may be without."""
    found: list[Any] = []
    for manifest in repo.raw:
        if (manifest.group, manifest.kind) == ("apiserver.config.k8s.io", "AuthenticationConfiguration"):
            for index, _ in manifest.items("jwt"):
                groups: Mapping[str, Any] = manifest.mapping("jwt", index, "claimMappings", "groups")
                if groups:
                    found.append(groups.get("prefix"))
    known = [one for one in found if isinstance(one, str) and one]
    return tuple(dict.fromkeys(known)) if len(known) == len(found) else ()
