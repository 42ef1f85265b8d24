"""Argo CD as a judge of manifests: its API server, repository server and ApplicationSet controller.

Nothing is synced: the application controller does not run.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster.harness import argo_cd
from tests.cluster.harness.api import Object
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.processes import free_ports

_LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class ArgoServer:
    """A running API server of Argo CD that asks for no login."""

    plane: ControlPlane
    port: int

    def ask(self, path: str) -> Any:
        """Return the parsed answer to a GET; raises AssertionError with what the server says where it fails."""
        connection = http.client.HTTPConnection(_LOCAL, self.port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == http.HTTPStatus.OK, (
            f"{path}: {answer.status} {text[:2000]}\n{self.plane.processes.tails()}"
        )
        return json.loads(text)

    def applications(self) -> set[str]:
        """Return the names of the Applications that the server has seen."""
        return {item["metadata"]["name"] for item in self.ask("/api/v1/applications")["items"] or ()}

    def manifests(self, name: str) -> list[Object]:
        """Return what the repository server makes of an Application."""
        answer = self.ask(f"/api/v1/applications/{name}/manifests?appNamespace={argo_cd.NAMESPACE}")
        return [json.loads(text) for text in answer["manifests"]]


@contextmanager
def argo_server(plane: ControlPlane, clusters: Mapping[str, ControlPlane]) -> Iterator[ArgoServer]:
    """Run them on a control plane, with these clusters registered under their names."""
    argo_cd._install(plane, clusters)
    folder = plane.folder / "argo-server"
    binaries = argo_cd._binaries(plane.bin, folder)
    (binaries / "argocd-server").symlink_to(plane.bin / "argocd")
    environment = argo_cd._environment(folder, binaries, plane.kubeconfig(argo_cd.NAMESPACE))
    redis, repo, server, *rest = free_ports(8)
    programs = {
        "redis": [f"--bind {_LOCAL} --port {redis} --save", "", "--appendonly no"],
        "argocd-repo-server": [
            f"--redis={_LOCAL}:{redis} --address={_LOCAL} --port={repo} --disable-tls --client-ca-path=",
            f"--metrics-address={_LOCAL} --metrics-port={rest[0]} --loglevel=warn",
        ],
        "argocd-applicationset-controller": [
            f"--argocd-repo-server={_LOCAL}:{repo} --repo-server-plaintext --metrics-addr={_LOCAL}:{rest[1]}",
            f"--probe-addr={_LOCAL}:{rest[2]} --webhook-addr={_LOCAL}:{rest[3]} --loglevel=warn",
        ],
        "argocd-server": [
            f"--redis={_LOCAL}:{redis} --repo-server={_LOCAL}:{repo} --repo-server-plaintext",
            f"--insecure --disable-auth --address={_LOCAL} --port={server}",
            f"--metrics-address={_LOCAL} --metrics-port={rest[4]} --loglevel=warn",
        ],
    }
    for name, options in programs.items():
        binary = plane.bin / "redis-server" if name == "redis" else binaries / name
        # An option's empty value stands alone.
        words = [word for option in options for word in option.split() or [""]]
        plane.processes.start(name, [binary, *words], environment)
    found = ArgoServer(plane, server)
    plane.processes.until("the API server of Argo CD answers", lambda: found.ask("/api/version"))
    yield found
