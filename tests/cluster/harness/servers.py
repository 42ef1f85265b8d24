"""Loopback servers: git repositories over HTTP, a Helm repository, and the metrics API that an autoscaler asks."""

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cluster.harness.api import Api
from tests.cluster.harness.control_plane import ControlPlane


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Serve on a free loopback port, which is returned."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing: the programs' own logs say what they asked."""

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def files_and_git(root: Path) -> type[BaseHTTPRequestHandler]:
    """Serve ``root/git`` through git's own HTTP backend and ``root/charts`` as files."""

    class Handler(_Quiet):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path.startswith("/git/"):
                self._git(b"")
                return
            file = (root / path.lstrip("/")).resolve()
            if file.is_file() and file.is_relative_to((root / "charts").resolve()):
                self.answer(200, file.read_bytes(), {"Content-Type": "application/octet-stream"})
            else:
                self.answer(404, b"not here", {"Content-Type": "text/plain"})

        def do_POST(self) -> None:
            self._git(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _git(self, body: bytes) -> None:
            url = urlsplit(self.path)
            environment = os.environ | {
                "GIT_PROJECT_ROOT": str(root / "git"),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "PATH_INFO": url.path.removeprefix("/git"),
                "QUERY_STRING": url.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_ADDR": "127.0.0.1",
            }
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            status = int(headers.pop("Status", "200" if head else "500").split()[0])
            self.answer(status, content or done.stderr, headers)

    return Handler


@contextmanager
def metrics_api(plane: ControlPlane, usage: Mapping[str, str] | None = None) -> Iterator[None]:
    """Stand in for metrics-server: every container of every pod uses a little CPU, or what ``usage`` says by its name.

    The API server reaches it as it reaches the real one, by an APIService; its Service leads to this process.
    """
    namespace, group = "kube-system", "metrics.k8s.io/v1beta1"
    tls = (plane.authority, plane.authority.with_name("key.pem"))
    used = {} if usage is None else usage
    with closing(Api(plane.server, plane.api.token, plane.authority)) as api, serving(_usage(api, used), tls) as port:
        service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service"}
        service |= {"metadata": {"name": "metrics-server", "namespace": namespace}}
        service |= {"spec": {"type": "ExternalName", "externalName": "localhost"}}
        plane.api.apply(service)
        spec = {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"name": "metrics-server", "namespace": namespace, "port": port},
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        }
        plane.api.apply(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
                "spec": spec,
            }
        )
        plane.processes.until("the metrics API answers", lambda: _answers(plane.api, f"/apis/{group}"))
        yield


def _answers(api: Api, path: str) -> bool:
    try:
        return bool(api.ask("GET", path))
    except AssertionError:
        return False


def _usage(api: Api, usage: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    version = "metrics.k8s.io/v1beta1"
    kinds = [{"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]

    class Handler(_Quiet):
        # A connection that the API server kept would outlive the tests.
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parts = url.path.strip("/").split("/")
            if parts[-1] == "pods" and "namespaces" in parts:
                selector = parse_qs(url.query).get("labelSelector", [""])[0]
                pods = api.list("v1", "Pod", parts[-2], labelSelector=selector)
                items = [self._of(pod) for pod in pods]
                body: dict[str, Any] = {"kind": "PodMetricsList", "apiVersion": version, "metadata": {}, "items": items}
            elif parts == ["apis", *version.split("/")]:
                body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": kinds}
            else:
                self.answer(404, b"{}", {"Content-Type": "application/json"})
                return
            self.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

        @staticmethod
        def _of(pod: dict[str, Any]) -> dict[str, Any]:
            names = [container["name"] for container in pod["spec"]["containers"]]
            meta = {key: pod["metadata"][key] for key in ("name", "namespace", "labels") if key in pod["metadata"]}
            return {
                "metadata": meta,
                "timestamp": pod["metadata"]["creationTimestamp"],
                "window": "30s",
                "containers": [
                    {"name": name, "usage": {"cpu": usage.get(name, "10m"), "memory": "20Mi"}} for name in names
                ],
            }

    return Handler
