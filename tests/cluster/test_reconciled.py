"""Reconciled: Argo CD brings a new repository from nothing to Synced and Healthy, in order, and then leaves it alone.

One environment, whose cluster is the hub itself, registered a second time under the environment's name. As the README
of the repository says, only ``bootstrap/root.yaml`` is applied by hand.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.argo_cd import applications, argo_cd, refresh_hard, state, until_settled
from tests.cluster.harness.control_plane import ControlPlane, control_plane
from tests.cluster.harness.repositories import made, push
from tests.cluster.harness.servers import files_and_git, metrics_api, serving
from tests.cluster.harness.stand_ins import operators, write_charts

pytestmark = pytest.mark.argo

WAVE = "argocd.argoproj.io/sync-wave"


@dataclass(frozen=True)
class Synced:
    """A repository that Argo CD has brought into the cluster."""

    preset: str
    plane: ControlPlane
    root: Path
    apps: dict[str, Object]
    seconds: float


@pytest.fixture(scope="module", params=["minimal", "standard", "full"])
def synced(
    request: pytest.FixtureRequest, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Synced]:
    """A preset, pushed and bootstrapped; the fixture fails unless everything settles."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(programs, folder / "plane", workloads=True))
        port = stack.enter_context(serving(files_and_git(folder / "served")))
        stack.enter_context(metrics_api(plane))
        stack.enter_context(operators(plane.api))
        write_charts(folder / "served" / "charts")
        answers = {
            "engine": "argocd",
            "repo_url": f"http://127.0.0.1:{port}/git/shop.git",
            "chart_mirror": f"http://127.0.0.1:{port}/charts",
            "environments": [{"name": "dev", "cluster": "dev", "server": plane.server, "region": "eu-west-1"}],
        }
        root = made(folder / "shop", request.param, answers)
        push(root, folder / "served" / "git" / "shop.git")
        stack.enter_context(argo_cd(plane, ("dev",)))
        started = time.monotonic()
        for item in objects((root / "bootstrap" / "root.yaml").read_text(encoding="utf-8")):
            plane.api.apply(item, manager="kubectl")
        apps = until_settled(plane, expected(root))
        seconds = time.monotonic() - started
        yield Synced(request.param, plane, root, apps, seconds)


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


def expected(root: Path) -> set[str]:
    """Return the Applications that the repository makes: root, the platform and its parts, the first service."""
    return {"root", "platform-dev", "shop-dev", *platform_names(root)}


def platform_names(root: Path) -> set[str]:
    """Return the Applications of the platform."""
    return {
        item["metadata"]["name"]
        for file in (root / "platform" / "environments" / "dev").glob("*.yaml")
        for item in objects(file.read_text(encoding="utf-8"))
    }


def wave(app: Object) -> int:
    """Return the wave of an Application in its parent."""
    return int(app["metadata"]["annotations"][WAVE])


def made_at(app: Object) -> datetime:
    """Return when an Application was made, to the second."""
    return datetime.fromisoformat(app["metadata"]["creationTimestamp"])


def deployed(app: Object) -> datetime:
    """Return when an Application was synced the first time, to the second."""
    return datetime.fromisoformat(app["status"]["history"][0]["deployedAt"])
