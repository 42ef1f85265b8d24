"""Bootstrapped: a new repository, brought to Synced and Healthy with what its README tells to apply by hand.

Around it stands what a user has before: clusters, a git server, a mirror of the upstream charts, a metrics API.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.argo_cd import argo_cd, until_settled
from tests.cluster.harness.control_plane import ControlPlane, control_plane
from tests.cluster.harness.nodes import INVENTORY
from tests.cluster.harness.repositories import made, push, template_clone
from tests.cluster.harness.servers import files_and_git, metrics_api, serving
from tests.cluster.harness.stand_ins import operators, write_charts


@dataclass(frozen=True)
class Synced:
    """A repository that Argo CD has brought into its clusters."""

    preset: str
    # The cluster of each environment; that of the first is the hub, too.
    clusters: Mapping[str, ControlPlane]
    root: Path
    # Where Argo CD reads the repository.
    bare: Path
    # Where the repository's template is published, for `copier update`.
    template: Path
    # The Applications as they were once all had settled.
    apps: Mapping[str, Object]
    seconds: float

    @property
    def plane(self) -> ControlPlane:
        """The hub: the cluster that Argo CD runs in."""
        return next(iter(self.clusters.values()))


@contextmanager
def bootstrapped(
    programs: Path,
    folder: Path,
    preset: str,
    answers: Mapping[str, Any] | None = None,
    *,
    environments: tuple[str, ...] = ("dev",),
    seconds: float = 600,
) -> Iterator[Synced]:
    """Make a repository from a preset, push it and apply ``bootstrap/root.yaml``; all settles, or this fails.

    Each environment has a cluster of its own, named as it is.
    """
    with ExitStack() as stack:
        clusters = {}
        for name in environments:
            plane = clusters[name] = stack.enter_context(
                control_plane(programs, folder / name, workloads=True, nodes=INVENTORY[:3])
            )
            stack.enter_context(metrics_api(plane))
            stack.enter_context(operators(plane))
            _volumes(plane)
        port = stack.enter_context(serving(files_and_git(folder / "served")))
        write_charts(folder / "served" / "charts")
        addresses = {
            "engine": "argocd",
            "repo_url": f"http://127.0.0.1:{port}/git/shop.git",
            "chart_mirror": f"http://127.0.0.1:{port}/charts",
            "environments": [
                {"name": name, "cluster": name, "server": plane.server, "region": "eu-west-1"}
                for name, plane in clusters.items()
            ],
        }
        template = template_clone(folder / "template")
        root = made(folder / "shop", preset, addresses | dict(answers or {}), template)
        bare = folder / "served" / "git" / "shop.git"
        push(root, bare)
        hub = clusters[environments[0]]
        stack.enter_context(argo_cd(hub, clusters))
        started = time.monotonic()
        for item in objects((root / "bootstrap" / "root.yaml").read_text(encoding="utf-8")):
            hub.api.apply(item, manager="kubectl")
        apps = until_settled(hub, expected(root), seconds)
        yield Synced(preset, clusters, root, bare, template, apps, time.monotonic() - started)


def expected(root: Path) -> set[str]:
    """Return the Applications that the repository makes: root, each platform and its parts, each service."""
    platforms = {f"platform-{folder.name}" for folder in (root / "platform" / "environments").iterdir()}
    services = {f"{file.parts[-4]}-{file.parts[-2]}" for file in (root / "services").glob("*/envs/*/version.yaml")}
    return {"root"} | platforms | services | platform_names(root)


def platform_names(root: Path) -> set[str]:
    """Return the Applications that the platforms of all environments are made of."""
    return {
        item["metadata"]["name"]
        for file in (root / "platform" / "environments").glob("*/*.yaml")
        for item in objects(file.read_text(encoding="utf-8"))
    }


def _volumes(plane: ControlPlane) -> None:
    """Stand in for a default StorageClass: volumes that a claim is bound to."""
    for number in range(3):
        spec = {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/volumes/{number}"},
        }
        meta = {"name": f"volume-{number}"}
        plane.api.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec})
