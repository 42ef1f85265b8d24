"""A Kubernetes control plane on loopback: etcd, the API server, its controllers, the scheduler, and KWOK's nodes."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.harness.api import Api
from tests.cluster.harness.nodes import INVENTORY, Node
from tests.cluster.harness.processes import Processes, free_ports

TOKEN = "of-the-tests"  # noqa: S105 - of a server that lives for a test, on loopback


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane and how to reach it."""

    bin: Path
    folder: Path
    server: str
    authority: Path
    processes: Processes
    api: Api

    def kubeconfig(self, namespace: str = "default") -> Path:
        """Return a kubeconfig of the administrator with this default namespace."""
        path = self.folder / f"kubeconfig-{namespace}"
        cluster = {"server": self.server, "certificate-authority": str(self.authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin", "namespace": namespace}}],
            "current-context": "tests",
        }
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

    def apply_crds(self, *folders: Path) -> int:
        """Apply the custom resource definitions of these folders and wait until all are served."""
        command = [str(self.bin / "kubectl"), f"--kubeconfig={self.kubeconfig()}", "apply", "--server-side"]
        command += [f"--filename={folder}" for folder in folders]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        names = {line.split()[0].partition("/")[2] for line in done.stdout.splitlines()}

        def served() -> bool:
            there = self.api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            ready = {
                item["metadata"]["name"]
                for item in there
                for condition in item.get("status", {}).get("conditions") or ()
                if condition["type"] == "Established" and condition["status"] == "True"
            }
            return names <= ready

        self.processes.until("the custom resources are served", served)
        return len(names)


@contextmanager
def control_plane(
    programs: Path, folder: Path, *, workloads: bool, nodes: Sequence[Node] = INVENTORY
) -> Iterator[ControlPlane]:
    """Run a control plane; with ``workloads`` controllers, scheduler and these nodes too."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, key = _certificate(programs, folder)
    client, peer, port = free_ports(3)
    server = f"https://127.0.0.1:{port}"
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n", encoding="utf-8")
    api = Api(server, TOKEN, authority)
    with Processes(folder / "logs") as processes, closing(api):
        processes.start(
            "etcd",
            [
                programs / "etcd",
                "--unsafe-no-fsync",
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{client}",
                f"--advertise-client-urls=http://127.0.0.1:{client}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
                "--quota-backend-bytes=4294967296",
            ],
        )
        processes.start(
            "kube-apiserver",
            [
                programs / "kube-apiserver",
                f"--etcd-servers=http://127.0.0.1:{client}",
                "--bind-address=127.0.0.1",
                "--advertise-address=192.0.2.1",
                "--endpoint-reconciler-type=none",
                f"--secure-port={port}",
                f"--tls-cert-file={authority}",
                f"--tls-private-key-file={key}",
                f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                f"--service-account-key-file={authority}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--allow-privileged=true",
            ],
        )
        plane = ControlPlane(programs, folder, server, authority, processes, api)
        processes.until("the API server is ready", api.ready)
        if workloads:
            _workloads(plane, key, nodes)
        yield plane


def _workloads(plane: ControlPlane, key: Path, nodes: Sequence[Node]) -> None:
    manager, scheduler, kwok = free_ports(3)
    kubeconfig = plane.kubeconfig()
    plane.processes.start(
        "kube-controller-manager",
        [
            plane.bin / "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={manager}",
            f"--cert-dir={plane.folder / 'controller-manager'}",
            "--leader-elect=false",
            "--use-service-account-credentials=false",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={plane.authority}",
            "--horizontal-pod-autoscaler-sync-period=2s",
            # By default a new pod's CPU is not looked at for five minutes.
            "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
        ],
    )
    plane.processes.start(
        "kube-scheduler",
        [
            plane.bin / "kube-scheduler",
            f"--kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={scheduler}",
            f"--cert-dir={plane.folder / 'scheduler'}",
            "--leader-elect=false",
        ],
    )
    plane.processes.start(
        "kwok",
        [
            plane.bin / "kwok",
            f"--kubeconfig={kubeconfig}",
            "--manage-all-nodes=true",
            # Without leases the nodes turn NotReady after 40 s, and nothing stays healthy.
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{kwok}",
            f"--config={Path(__file__).with_name('stages.yaml')}",
        ],
    )
    for node in nodes:
        # Not applied: that would leave out the size, which a kubelet registers with the node.
        plane.api.ask("POST", "/api/v1/nodes", node.manifest())

    def nodes_are_ready() -> bool:
        ready = [
            condition
            for node in plane.api.list("v1", "Node")
            for condition in node.get("status", {}).get("conditions", ())
            if condition["type"] == "Ready" and condition["status"] == "True"
        ]
        return len(ready) == len(nodes)

    plane.processes.until("the nodes are ready", nodes_are_ready)


def _certificate(programs: Path, folder: Path) -> tuple[Path, Path]:
    """Make one certificate that is server and authority at once; its key signs service account tokens too."""
    command = [str(programs / "generate-cert"), "--host=127.0.0.1,localhost", "--ca", "--rsa-bits=2048"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
