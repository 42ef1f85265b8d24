"""Pod security: the admission of the API server takes our pods as the namespace is labelled, and nothing weaker."""

import json
from typing import Any

import pytest

from tests.cluster.harness.api import Object, Refused
from tests.cluster.workloads.tenant import Tenant

pytestmark = pytest.mark.proves("behaves", "namespaces")

LEVEL = "pod-security.kubernetes.io/enforce"
# Per case: what is changed in the pod, and in its container, and what the server says about it.
WEAKER: dict[str, tuple[Object, Object, str]] = {
    "privileged": ({}, {"securityContext": {"privileged": True}}, "privileged"),
    "root": ({"securityContext": {"runAsNonRoot": False, "runAsUser": 0}}, {}, "runAsNonRoot != true"),
    "host network": ({"hostNetwork": True}, {}, "host namespaces"),
    "host path": ({"volumes": [{"name": "tmp", "hostPath": {"path": "/"}}]}, {}, "hostPath"),
    "capabilities": ({}, {"securityContext": {"allowPrivilegeEscalation": False}}, "unrestricted capabilities"),
    "seccomp": ({"securityContext": {"runAsNonRoot": True}}, {}, "seccompProfile"),
}


def test_no_workload_of_ours_is_warned_about(tenant: Tenant) -> None:
    """The server warns of the pods that a workload would make; those that run have been admitted."""
    kinds = {"Deployment": "apps/v1", "CronJob": "batch/v1"}
    ours = [item for item in tenant.rendered if item["kind"] in kinds]
    assert len(ours) >= 6
    for item in ours:
        done = tenant.kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", text=json.dumps(item)
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert len(tenant.first) >= 14
    namespace = tenant.one("Namespace", tenant.namespace)
    assert namespace["metadata"]["labels"][LEVEL] == "restricted"


def test_a_weaker_workload_is_warned_about(tenant: Tenant) -> None:
    """So the test before can fail."""
    planted = tenant.one("Deployment", "queue") | {"metadata": {"name": "weaker", "namespace": tenant.namespace}}
    text = json.dumps(planted).replace('"runAsNonRoot": true', '"runAsNonRoot": false')
    done = tenant.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", text=text)
    assert "Warning: would violate PodSecurity" in done.stderr


@pytest.mark.parametrize(("pod", "container", "said"), WEAKER.values(), ids=WEAKER)
def test_a_weaker_pod_is_refused(tenant: Tenant, pod: Object, container: Object, said: str) -> None:
    (ours,) = tenant.one("Deployment", "queue")["spec"]["template"]["spec"]["containers"]
    with pytest.raises(Refused, match="violates PodSecurity") as refusal:
        tenant.pod("weaker", tenant.one("Deployment", "queue"), **pod, containers=[ours | container])
    assert refusal.value.status == 403
    assert said in refusal.value.message


def test_no_pod_of_ours_holds_a_token(tenant: Tenant) -> None:
    assert {volume["name"] for pod in tenant.first for volume in pod["spec"]["volumes"]} == {"tmp", "data"}


@pytest.mark.parametrize("given", [{}, {"automountServiceAccountToken": True}], ids=["nothing said", "asked for"])
def test_a_pod_that_asks_for_no_token_of_our_account_gets_none(tenant: Tenant, given: dict[str, Any]) -> None:
    deployment = tenant.one("Deployment", "queue")
    spec = {**deployment["spec"]["template"]["spec"], **given}
    if not given:
        del spec["automountServiceAccountToken"]
    meta = {"name": "token", "namespace": tenant.namespace}
    pod = tenant.plane.api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, dry_run=True)
    tokens = [volume for volume in pod["spec"]["volumes"] if "serviceAccountToken" in str(volume)]
    assert bool(tokens) == bool(given)
