"""Rights: what the server's authorizer says that an account may do, and what rendered Roles give it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.cluster.harness.api import Api, Object
from tests.cluster.harness.control_plane import ControlPlane

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


class Resource(NamedTuple):
    """Something that a rule is about; ``name`` has the part after the slash too, as in ``pods/exec``."""

    group: str
    name: str
    namespaced: bool = True


class Right(NamedTuple):
    """One verb on one resource."""

    verb: str
    resource: Resource


def known(api: Api) -> set[Resource]:
    """Return every resource that the server serves."""
    roots = {("", "/api/v1")}
    for group in api.ask("GET", "/apis")["groups"]:
        roots |= {(group["name"], f"/apis/{version['groupVersion']}") for version in group["versions"]}
    return {
        Resource(group, one["name"], one["namespaced"])
        for group, root in roots
        for one in api.ask("GET", root)["resources"]
    }


def allowed(plane: ControlPlane, user: str, namespace: str, resources: Iterable[Resource]) -> set[Right]:
    """Ask about every verb on these resources in a namespace (empty: in the cluster), and return what is allowed."""
    asked = [Right(verb, resource) for resource in resources for verb in VERBS]
    assert asked
    return {right for right in asked if may(plane, user, namespace, right)}


def may(plane: ControlPlane, user: str, namespace: str, right: Right) -> bool:
    """Say whether a user may do something in a namespace; an account belongs to the groups of all accounts."""
    name, _, part = right.resource.name.partition("/")
    about = {"verb": right.verb, "group": right.resource.group, "resource": name, "subresource": part}
    _, _, home, _ = user.split(":")
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{home}", "system:authenticated"]
    spec = {"user": user, "groups": groups, "resourceAttributes": about | {"namespace": namespace}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = plane.api.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert not answer["status"].get("evaluationError"), answer["status"]
    return bool(answer["status"]["allowed"])


def granted(items: Iterable[Object], account: Object) -> set[tuple[str, Right]]:
    """Return what rendered objects give to a rendered ServiceAccount: namespace and right."""
    items = list(items)
    # Cluster-wide rights are rendered for nobody; once they are, this has to know them.
    assert not [item for item in items if item["kind"] in {"ClusterRole", "ClusterRoleBinding"}]
    return {
        (binding["metadata"]["namespace"], right)
        for binding in items
        if binding["kind"] == "RoleBinding" and any(_is(subject, account) for subject in binding["subjects"])
        for role in items
        if role["kind"] == "Role" and _name(role) == (binding["metadata"]["namespace"], binding["roleRef"]["name"])
        for right in _rules(role)
    }


def user_of(account: Object) -> str:
    """Return the user name of a ServiceAccount."""
    return f"system:serviceaccount:{account['metadata']['namespace']}:{account['metadata']['name']}"


def _rules(role: Object) -> Iterator[Right]:
    for rule in role["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from (Right(verb, Resource(group, resource)) for verb in rule["verbs"])


def _is(subject: Object, account: Object) -> bool:
    return subject["kind"] == "ServiceAccount" and (subject["namespace"], subject["name"]) == _name(account)


def _name(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]
