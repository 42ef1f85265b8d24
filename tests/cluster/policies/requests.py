"""How the API server is asked about a policy: dry, by the requests that a policy sees."""

from tests.cluster.harness.api import MERGE, Object, Refused
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.policies import admission
from tests.cluster.policies.cases import EPHEMERAL, Case, place

STRATEGIC = "application/strategic-merge-patch+json"
# Changes of a pod: one that no policy judges, and one that all of them judge.
UNJUDGED: Object = {"metadata": {"annotations": {"touched": "yes"}}}
JUDGED: Object = {"metadata": {"labels": {"touched": "yes"}}, "spec": {"activeDeadlineSeconds": 3600}}


def why_not(plane: ControlPlane, policy: Object) -> str:
    """Return why a policy cannot be asked of the server; empty if it can."""
    if reason := admission.no_counterpart(policy):
        return reason
    try:
        for converted in admission.conversions(policy).values():
            plane.api.apply(converted, dry_run=True)
    except Refused as error:
        return error.message
    return ""


def exists_before(case: Case) -> bool:
    """Tell whether the object of a case is made before the policies: it is changed later."""
    return case.operation == "UPDATE" or EPHEMERAL in case.item["spec"]


def make(plane: ControlPlane, pod: Object) -> None:
    """Make a pod; its ephemeral containers are added by their subresource, there is no other way."""
    spec = dict(pod["spec"])
    added = spec.pop(EPHEMERAL, [])
    plane.api.apply(pod | {"spec": spec})
    if added:
        path = plane.api.path("v1", "Pod", *place(pod)[1:])
        plane.api.ask("PATCH", f"{path}/{EPHEMERAL.lower()}", {"spec": {EPHEMERAL: added}}, STRATEGIC)


def on_server(plane: ControlPlane, case: Case) -> tuple[str, str]:
    """Return which policy is against a case on the server, and its words."""
    if case.operation == "UPDATE":
        return change(plane, case.item, UNJUDGED)
    if EPHEMERAL in case.item["spec"]:
        # Nobody can make a pod that has them already: it is asked about when something else of it changes.
        return change(plane, case.item, JUDGED)
    return admission.answer(lambda: plane.api.apply(case.item, dry_run=True))


def change(plane: ControlPlane, pod: Object, patch: Object, part: str = "", kind: str = MERGE) -> tuple[str, str]:
    """Return which policy is against a change of a pod that exists, and its words."""
    path = plane.api.path("v1", "Pod", *place(pod)[1:]) + part
    return admission.answer(lambda: plane.api.ask("PATCH", f"{path}?dryRun=All", patch, kind))


def debug(plane: ControlPlane, pod: Object, image: str) -> tuple[str, str]:
    """Return which policy is against another ephemeral container with this image in a pod, and its words."""
    added = {"spec": {EPHEMERAL: [{"name": "second", "image": image}]}}
    return change(plane, pod, added, f"/{EPHEMERAL.lower()}", STRATEGIC)
