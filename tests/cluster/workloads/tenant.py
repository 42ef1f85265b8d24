"""A tenant: the services of a rendered repository in their namespace of the control plane, and questions about them."""

import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scaffold.commands.new import Wanted, add_service
from tests.cluster.harness.api import Api, Object, objects
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.nodes import INVENTORY, Node
from tests.cluster.harness.repositories import made, rendered
from tests.cluster.workloads.shapes import rolled_out

ENVIRONMENT = "prod"
CLUSTER = {
    "name": ENVIRONMENT,
    "cluster": ENVIRONMENT,
    "server": "https://prod.example.com:6443",
    "region": "eu-west-1",
}
# Where pods run that tolerate no taint.
GENERAL = [node for node in INVENTORY if not node.tainted]
# Under which name Argo CD applies.
MANAGER = "argocd-controller"
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
# What has to be there before the first pod, as the repository's own order has it.
_FIRST = ("Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy")
_WAVE = "argocd.argoproj.io/sync-wave"


@dataclass
class Tenant:
    """The namespace of a repository with one environment, on a control plane."""

    plane: ControlPlane
    root: Path
    namespace: str
    # CPU that a container of this name uses, as the metrics API tells the autoscalers; empty for next to nothing.
    usage: dict[str, str] = field(default_factory=dict)
    # What the repository renders, for all namespaces.
    everything: list[Object] = field(default_factory=list)
    # What the repository brings into the namespace, and the namespace, in the order of applying.
    rendered: list[Object] = field(default_factory=list)
    # The pods as they were when all services had become available for the first time.
    first: list[Object] = field(default_factory=list)

    def render(self) -> None:
        """Render the repository as it is now."""
        self.everything = objects(rendered(self.root))
        self.rendered = sorted((item for item in self.everything if self.namespace in _places(item)), key=_turn)

    def one(self, kind: str, name: str) -> Object:
        """Return the only rendered object of this kind and name."""
        (found,) = [item for item in self.rendered if (item["kind"], item["metadata"]["name"]) == (kind, name)]
        return found

    def promote(self, versions: Mapping[str, str]) -> None:
        """Write versions of services into their version.yaml, the files that a promotion changes, and render."""
        for service, tag in versions.items():
            file = self.root / "services" / service / "envs" / ENVIRONMENT / "version.yaml"
            version = yaml.safe_load(file.read_text(encoding="utf-8"))
            version["image"]["tag"] = tag
            file.write_text(yaml.safe_dump(version), encoding="utf-8")
        self.render()

    def apply(self, item: Object) -> Object:
        """Apply an object as the controller of the repository would."""
        return self.plane.api.apply(item, manager=MANAGER)

    def live(self, item: Object) -> Object:
        """Return an object as it is on the server now."""
        found = self.plane.api.get(item["apiVersion"], item["kind"], self.namespace, item["metadata"]["name"])
        assert found, item["metadata"]
        return found

    def deployment(self, name: str) -> Object:
        """Return a Deployment as it is on the server now."""
        return self.live({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}})

    def deployments(self) -> list[Object]:
        """Return all Deployments of the namespace."""
        return self.plane.api.list("apps/v1", "Deployment", self.namespace)

    def pods(self, **labels: str) -> list[Object]:
        """Return the pods that are not being deleted, by ``service``, ``component`` or all."""
        keys = {"service": NAME, "component": COMPONENT}
        selector = ",".join(f"{keys[key]}={value}" for key, value in labels.items())
        found = self.plane.api.list("v1", "Pod", self.namespace, labelSelector=selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def until(self, what: str, asked: Callable[[], Any]) -> Any:
        """Wait until the answer is true, and return it."""
        return self.plane.processes.until(what, asked)

    def pod(self, name: str, deployment: Object, **fields: Any) -> Object:
        """Apply a pod of its own, made like those of a Deployment but for its labels and these fields."""
        spec = deployment["spec"]["template"]["spec"] | fields
        meta = {"name": name, "namespace": self.namespace}
        return self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    @contextmanager
    def cordoned(self, nodes: Iterable[Node]) -> Iterator[None]:
        """Have these nodes take no new pods during the block."""
        names = [node.name for node in nodes]
        assert names

        def mark(*, on: bool) -> None:
            for name in names:
                node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
                self.plane.api.patch(node, {"spec": {"unschedulable": on}})

        mark(on=True)
        try:
            yield
        finally:
            mark(on=False)

    @contextmanager
    def watched(self, look: Callable[[list[Object]], None]) -> Iterator[None]:
        """Show all pods of the namespace before the block and again and again, those that are being deleted too."""
        done = threading.Event()
        look(self.plane.api.list("v1", "Pod", self.namespace))

        def work() -> None:
            # A connection of its own: the other one is taken in turn.
            with closing(Api(self.plane.server, self.plane.api.token, self.plane.authority)) as api:
                while not done.wait(0.1):
                    look(api.list("v1", "Pod", self.namespace))

        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(work)
            try:
                yield
            finally:
                done.set()
            watching.result()

    def settled(self, *names: str) -> None:
        """Wait until these Deployments (or all) are rolled out and have all their pods available."""

        def done() -> bool:
            return all(
                rolled_out(item) for item in self.deployments() if item["metadata"]["name"] in names or not names
            )

        self.until(f"{names or 'all Deployments'} are rolled out", done)

    def delete(self, item: Object) -> None:
        """Delete an object with what belongs to it, and wait until it is gone."""
        path = self.plane.api.path(item["apiVersion"], item["kind"], self.namespace, item["metadata"]["name"])
        self.plane.api.ask("DELETE", path, {"propagationPolicy": "Foreground"})
        version, kind, name = item["apiVersion"], item["kind"], item["metadata"]["name"]
        self.until(f"{kind} {name} is gone", lambda: self.plane.api.get(version, kind, self.namespace, name) is None)

    def remove(self) -> None:
        """Delete the namespace with all in it, and wait until no pod is in anybody's way."""
        api = self.plane.api
        for version, kind in (("batch/v1", "CronJob"), ("batch/v1", "Job"), ("apps/v1", "Deployment")):
            api.ask("DELETE", api.path(version, kind, self.namespace), {"propagationPolicy": "Background"})
        self.until("no pod is left", lambda: not api.list("v1", "Pod", self.namespace))
        api.ask("DELETE", api.path("v1", "Namespace", name=self.namespace))

    def evict(self, pod: Object) -> None:
        """Evict a pod, or raise Refused."""
        meta = {"name": pod["metadata"]["name"], "namespace": self.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
        self.plane.api.ask("POST", self.plane.api.path("v1", "Pod", **meta) + "/eviction", body)

    def kubectl(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl in the namespace."""
        command = [str(self.plane.bin / "kubectl"), f"--kubeconfig={self.plane.kubeconfig(self.namespace)}", *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def repository(
    folder: Path, answers: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]], preset: str = "full"
) -> Path:
    """Make a repository of one environment with its first service, ``shop``, and these."""
    root = made(folder / "repository", preset, {"environments": [CLUSTER]} | dict(answers))
    for name, given in services.items():
        file = folder / f"{name}.answers.yml"
        file.write_text(yaml.safe_dump(dict(given)), encoding="utf-8")
        add_service(name, root, Wanted(file=file, defaults=True))
    return root


def replicas(tenant: Tenant, name: str) -> int:
    """Return how many pods a Deployment is told to have."""
    return int(tenant.deployment(name)["spec"]["replicas"])


def _places(item: Object) -> set[str]:
    return {item["metadata"].get("namespace", ""), item["metadata"]["name"] if item["kind"] == "Namespace" else ""}


def _turn(item: Object) -> tuple[int, int]:
    first = _FIRST.index(item["kind"]) if item["kind"] in _FIRST else len(_FIRST)
    return first, int(item["metadata"].get("annotations", {}).get(_WAVE, "0"))
