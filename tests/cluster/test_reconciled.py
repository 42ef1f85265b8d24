"""Reconciled: Argo CD brings a new repository from nothing to Synced and Healthy, in order, and then leaves it alone.

One environment, whose cluster is the hub itself, registered under the environment's name. As the README of the
repository says, only ``bootstrap/root.yaml`` is applied by hand.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from tests.cluster.harness.api import Object
from tests.cluster.harness.argo_cd import applications, refresh_hard, state
from tests.cluster.harness.bootstrap import Synced, platform_names

pytestmark = [pytest.mark.argo, pytest.mark.parametrize("synced", ["standard", "full"], indirect=True)]

# All of them are in `full`.
COMPONENTS = (
    "service chart",
    "namespaces",
    "istio",
    "kyverno",
    "prometheus",
    "velero",
    "external-secrets",
    "Argo CD",
)
WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
TRACKED = "argocd.argoproj.io/tracking-id"
# Kinds that hold data, or what holds data, and what keeps Argo CD from deleting them. A schedule's annotations are
# those of its backups.
PROTECTED: dict[str, tuple[str, ...]] = {
    "CustomResourceDefinition": (),
    "Namespace": ("Prune=false", "Delete=false"),
    "PersistentVolumeClaim": ("Prune=false", "Delete=false"),
    "Schedule": ("Delete=false",),
}


@pytest.mark.proves("reconciled", *COMPONENTS)
def test_every_application_is_synced_and_healthy(
    synced: Synced, record_property: Callable[[str, object], None]
) -> None:
    record_property(
        "note", f"{synced.preset}: {len(synced.apps)} Applications Synced and Healthy after {synced.seconds:.0f} s"
    )
    assert {state(app) for app in synced.apps.values()} == {("Synced", "Healthy", "Succeeded")}
    assert all(not app["status"].get("conditions") for app in synced.apps.values())


def test_a_wave_starts_after_the_waves_before_it(synced: Synced) -> None:
    """The Applications of the platform are made by `platform-dev`, each after the earlier ones were deployed."""
    platform = [synced.apps[name] for name in platform_names(synced.root)]
    assert len(platform) == 1 or len({wave(app) for app in platform}) > 1
    early = [
        f"{later['metadata']['name']} made {made_at(later)}, {earlier['metadata']['name']} deployed {deployed(earlier)}"
        for earlier in platform
        for later in platform
        if wave(earlier) < wave(later) and made_at(later) < deployed(earlier)
    ]
    assert early == []


def test_services_come_after_their_platform(synced: Synced) -> None:
    last = max(deployed(synced.apps[name]) for name in platform_names(synced.root))
    assert made_at(synced.apps["shop-dev"]) >= last


def test_the_service_runs_with_the_replicas_that_its_autoscaler_wants(synced: Synced) -> None:
    api = synced.plane.api

    def wanted_and_ready() -> bool:
        scalers = api.list("autoscaling/v2", "HorizontalPodAutoscaler", "shop")
        wanted = {one["spec"]["scaleTargetRef"]["name"]: one["status"].get("desiredReplicas") for one in scalers}
        ready = {
            one["metadata"]["name"]: one["status"].get("readyReplicas")
            for one in api.list("apps/v1", "Deployment", "shop")
        }
        return bool(wanted) and all(wanted.values()) and ready == wanted

    synced.plane.processes.until("every Deployment has the replicas of its autoscaler", wanted_and_ready)


def test_nothing_drifts_in_ten_hard_refreshes(synced: Synced) -> None:
    names = set(synced.apps)
    before = {name: len(app["status"]["history"]) for name, app in applications(synced.plane).items()}
    for _ in range(10):
        refresh_hard(synced.plane, names)
        found = {name: state(app) for name, app in applications(synced.plane).items()}
        assert {name: one for name, one in found.items() if one != ("Synced", "Healthy", "Succeeded")} == {}
    after = {name: len(app["status"]["history"]) for name, app in applications(synced.plane).items()}
    assert after == before, "an Application was synced again though nothing was pushed"


def test_nothing_that_holds_data_can_be_pruned_or_deleted_with_its_application(synced: Synced) -> None:
    api, seen = synced.plane.api, Counter[str]()
    for app in synced.apps.values():
        for one in app["status"]["resources"]:
            kind = one["kind"]
            assert kind not in {"Backup", "Restore", "PersistentVolume"}, "comes from Git, which has no data"
            if kind in PROTECTED:
                version = f"{one.get('group', '')}/{one['version']}".removeprefix("/")
                found = api.get(version, kind, one.get("namespace", ""), one["name"])
                assert found
                seen[kind] += 1
                options = found["metadata"].get("annotations", {}).get(OPTIONS, "").split(",")
                assert set(PROTECTED[kind]) <= set(options), one
                # Argo CD counts no definition as its own, so it never deletes one.
                assert (TRACKED in found["metadata"].get("annotations", {})) == bool(PROTECTED[kind]), one
    assert min(seen[kind] for kind in ("CustomResourceDefinition", "Namespace", "Schedule")) > 0


def wave(app: Object) -> int:
    """Return the wave of an Application in its parent."""
    return int(app["metadata"]["annotations"][WAVE])


def made_at(app: Object) -> datetime:
    """Return when an Application was made, to the second."""
    return datetime.fromisoformat(app["metadata"]["creationTimestamp"])


def deployed(app: Object) -> datetime:
    """Return when an Application was synced the first time, to the second."""
    return datetime.fromisoformat(app["status"]["history"][0]["deployedAt"])
