"""One tenant for all tests of workloads: a service of each kind, applied once, taken away after the last test."""

from collections.abc import Iterator

import pytest

from tests.cluster.harness.api import Api, Object, Refused
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.nodes import ZONE
from tests.cluster.harness.servers import metrics_api
from tests.cluster.workloads.shapes import copied, lasting, with_spec
from tests.cluster.workloads.tenant import ENVIRONMENT, Tenant, repository

NAMESPACE = "workloads"


def _fixed(count: int) -> dict[str, dict[str, int]]:
    return {ENVIRONMENT: {"min": count, "max": count}}


# Beside shop, the web service with a canary that the preset asks for: 3 to 10 pods by its autoscaler.
SERVICES = {
    "queue": {"kind": "worker", "replicas": _fixed(9)},
    # Between 3 and 10 pods too, but it begins with all of them busy.
    "ebb": {"kind": "worker", "replicas": {ENVIRONMENT: {"min": 3, "max": 10}}},
    "store": {"kind": "worker", "replicas": _fixed(1), "volume_size": "1Gi"},
    "tick": {"kind": "cron", "schedule": "* * * * *"},
    "hung": {"kind": "cron", "schedule": "* * * * *"},
    "broken": {"kind": "cron", "image_tag": "failing"},
    # More than the quota has: a test applies it.
    "bulky": {"kind": "worker", "replicas": _fixed(8), "cpu_request": "3"},
}
# The volume that the storage of a real cluster would make for the claim of store.
VOLUME: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "workloads-store"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"namespace": NAMESPACE, "name": "store"},
        "csi": {"driver": "csi.example.com", "volumeHandle": "store"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["b"]}]}]
            }
        },
    },
}


@pytest.fixture(scope="package")
def tenant(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """All services of the repository but bulky, their pods available."""
    root = repository(tmp_path_factory.mktemp("workloads"), {"namespace": NAMESPACE}, SERVICES)
    # 70 % of its request is what an autoscaler aims at.
    tenant = Tenant(plane, root, NAMESPACE, usage={"ebb": "70m"})
    tenant.render()
    plane.api.apply(VOLUME)
    try:
        with metrics_api(plane, tenant.usage):
            for item in tenant.rendered:
                name = item["metadata"]["name"]
                if (item["kind"], name) == ("Deployment", "ebb"):
                    plane.api.apply(with_spec(item, replicas=10))
                if name != "bulky":
                    tenant.apply(item)
            _begin_what_takes_long(tenant)
            tenant.settled()
            tenant.first = tenant.pods()
            yield tenant
    finally:
        _taken_away(tenant)


def _begin_what_takes_long(tenant: Tenant) -> None:
    """Start runs that the last tests look at: one that fails and is retried for a minute, and two that hang."""
    hung = lasting(tenant.one("CronJob", "hung"), "1h")
    tenant.apply(hung)
    # Rendered, the time of a run is up before the next one is due.
    patient = copied(hung, "hung", "patient")
    patient["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] = 3600
    tenant.apply(patient)
    # The name is one as the schedule gives it, by which the alerts know a run.
    assert tenant.kubectl("create", "job", "broken-1", "--from=cronjob/broken").returncode == 0


def _taken_away(tenant: Tenant) -> None:
    """Delete what is in no namespace first: without its server the metrics API holds up the end of every namespace."""
    api = tenant.plane.api
    _delete(api, api.path("apiregistration.k8s.io/v1", "APIService", name="v1beta1.metrics.k8s.io"))
    tenant.remove()
    _delete(api, api.path("v1", "PersistentVolume", name=VOLUME["metadata"]["name"]))


def _delete(api: Api, path: str) -> None:
    """Delete what may not exist, where the fixture failed before it was made."""
    try:
        api.ask("DELETE", path)
    except Refused as error:
        if error.status != 404:
            raise
