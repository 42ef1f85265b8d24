"""Argo CD without a container: Redis, the repository server, the application and the ApplicationSet controllers."""

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.control_plane import TOKEN, ControlPlane
from tests.cluster.harness.processes import NotReady, free_ports
from tests.conftest import SHARED

NAMESPACE = "argocd"
VERSION = "argoproj.io/v1alpha1"
# How Argo CD calls the cluster that it runs in.
HUB = "https://kubernetes.default.svc"
REFRESH = "argocd.argoproj.io/refresh"
# The binary acts by the name it is called.
_ROLES = ("argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller")
_WRAPPERS = {
    # Argo CD's image ships it; without it every request for manifests ends in "permission denied".
    "git-verify-wrapper.sh": 'git verify-commit --raw "$1" 2>&1 || true',
    # kustomize cannot be built as a program of its own; kubectl carries it.
    "kustomize": 'test "$1" = build || { echo v5.8.1; exit; }\nshift\nexec kubectl kustomize "$@"',
}


@contextmanager
def argo_cd(plane: ControlPlane, clusters: Mapping[str, ControlPlane]) -> Iterator[None]:
    """Run Argo CD on a control plane, with these clusters registered under their names; it may be one of them."""
    _install(plane, clusters)
    folder = plane.folder / "argo-cd"
    binaries = _binaries(plane.bin, folder)
    redis, repo, *rest = free_ports(8)
    environment = _environment(folder, binaries, plane.kubeconfig(NAMESPACE))
    local = "127.0.0.1"
    plane.processes.start(
        "redis",
        [plane.bin / "redis-server", "--bind", local, "--port", str(redis), "--save", "", "--appendonly", "no"],
    )
    plane.processes.start(
        "argocd-repo-server",
        [
            binaries / "argocd-repo-server",
            f"--redis={local}:{redis}",
            f"--address={local}",
            f"--port={repo}",
            f"--metrics-address={local}",
            f"--metrics-port={rest[0]}",
            "--disable-tls",
            "--client-ca-path=",
            "--loglevel=warn",
        ],
        environment,
    )
    plane.processes.start(
        "argocd-application-controller",
        [
            binaries / "argocd-application-controller",
            f"--redis={local}:{redis}",
            f"--repo-server={local}:{repo}",
            "--repo-server-plaintext",
            f"--metrics-port={rest[1]}",
            # Argo CD marks no definition as its own, so it sees that one is established at the next comparison only,
            # by default two to three minutes later. Comparing all of them more often takes more time than it saves.
            "--app-resync=5",
            "--app-resync-jitter=0",
            # A chart is synced anew until Argo CD has seen its definitions: by default 2, 6, 18 … s after each other.
            "--self-heal-backoff-factor=1",
            "--loglevel=warn",
        ],
        environment,
    )
    plane.processes.start(
        "argocd-applicationset-controller",
        [
            binaries / "argocd-applicationset-controller",
            f"--argocd-repo-server={local}:{repo}",
            "--repo-server-plaintext",
            f"--metrics-addr={local}:{rest[2]}",
            f"--probe-addr={local}:{rest[3]}",
            f"--webhook-addr={local}:{rest[4]}",
            "--loglevel=warn",
        ],
        environment,
    )
    yield


def applications(plane: ControlPlane) -> dict[str, Object]:
    """Return all Applications by name."""
    return {item["metadata"]["name"]: item for item in plane.api.list(VERSION, "Application", NAMESPACE)}


def until_settled(
    plane: ControlPlane, expected: set[str], seconds: float = 600, revision: str = ""
) -> dict[str, Object]:
    """Wait until exactly these Applications exist, each Synced, Healthy and without an operation; return them.

    Both words count: a broken Application can be Unknown and Healthy. With ``revision`` all of that holds for this
    commit.
    """

    def settled() -> bool:
        apps = applications(plane)
        return _settled(apps, expected) and all(not revision or revision in _revisions(app) for app in apps.values())

    try:
        plane.processes.until("every Application is Synced and Healthy", settled, seconds, pause=0.5)
    except NotReady as error:
        raise NotReady(f"{_summary(applications(plane), expected)}\n{error}") from None
    return applications(plane)


def refresh(plane: ControlPlane) -> None:
    """Tell Argo CD that something was pushed, as the webhook of a git server does."""
    for item in applications(plane).values():
        plane.api.patch(item | _TYPE, {"metadata": {"annotations": {REFRESH: "normal"}}})
    for item in plane.api.list(VERSION, "ApplicationSet", NAMESPACE):
        kind = {"apiVersion": VERSION, "kind": "ApplicationSet"}
        change = {"metadata": {"annotations": {"argocd.argoproj.io/application-set-refresh": "true"}}}
        plane.api.patch(item | kind, change)


def refresh_hard(plane: ControlPlane, names: set[str]) -> None:
    """Have Argo CD render and compare these Applications anew, and wait until it has."""
    for name, app in applications(plane).items():
        if name in names:
            plane.api.patch(app | _TYPE, {"metadata": {"annotations": {REFRESH: "hard"}}})

    def done() -> bool:
        return not any(REFRESH in app["metadata"].get("annotations", {}) for app in applications(plane).values())

    plane.processes.until("the hard refresh is done", done)


def _revisions(app: Object) -> list[str]:
    sync = app["status"]["sync"]
    return [sync.get("revision", ""), *sync.get("revisions", ())]


_TYPE = {"apiVersion": VERSION, "kind": "Application"}


def state(app: Object) -> tuple[str, str, str]:
    """Return the sync status, the health and the phase of the last operation."""
    status = app.get("status", {})
    return (
        status.get("sync", {}).get("status", "none"),
        status.get("health", {}).get("status", "none"),
        status.get("operationState", {}).get("phase", "none"),
    )


def _settled(apps: dict[str, Object], expected: set[str]) -> bool:
    states = {name: state(app) for name, app in apps.items()}
    return set(apps) == expected and all(_is_settled(one) for one in states.values())


def _is_settled(one: tuple[str, str, str]) -> bool:
    # One that is made anew, over objects that stayed, has nothing to do.
    return one[:2] == ("Synced", "Healthy") and one[2] in {"Succeeded", "none"}


def _summary(apps: dict[str, Object], expected: set[str]) -> str:
    lines = [f"missing: {sorted(expected - set(apps))}", f"not expected: {sorted(set(apps) - expected)}"]
    for name, app in sorted(apps.items()):
        if _is_settled(state(app)):
            continue
        status = app.get("status", {})
        lines.append(f"{name}: {' '.join(state(app))}: {status.get('operationState', {}).get('message', '')[:600]}")
        lines += [f"  {one['type']}: {one['message'][:600]}" for one in status.get("conditions", ())]
        for one in status.get("resources", ()):
            health = one.get("health", {})
            if one.get("status") != "Synced" or health.get("status", "Healthy") != "Healthy":
                lines.append(f"  {one['kind']} {one['name']}: {one.get('status')} {health}")
    return "\n".join(lines)


def _install(plane: ControlPlane, clusters: Mapping[str, ControlPlane]) -> None:
    plane.apply_crds(SHARED / "crds" / "argo-cd")
    part = {"labels": {"app.kubernetes.io/part-of": "argocd"}}
    plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    (shipped,) = objects(Path(__file__).with_name("argocd-cm.yaml").read_text(encoding="utf-8"))
    plane.api.apply(shipped)
    for name in ("rbac-cm", "cmd-params-cm", "tls-certs-cm", "ssh-known-hosts-cm", "gpg-keys-cm"):
        meta = {"name": f"argocd-{name}", "namespace": NAMESPACE} | part
        plane.api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    _secret(plane, "argocd-secret", part["labels"], {"server.secretkey": "of the tests"})
    default = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    meta = {"name": "default", "namespace": NAMESPACE}
    plane.api.apply({"apiVersion": VERSION, "kind": "AppProject", "metadata": meta, "spec": default})
    for name, cluster in clusters.items():
        authority = base64.b64encode(cluster.authority.read_bytes()).decode()
        config = {"bearerToken": TOKEN, "tlsClientConfig": {"caData": authority}}
        # As `argocd cluster add --in-cluster` has it: the hub is not watched twice.
        server = HUB if cluster is plane else cluster.server
        data = {"name": name, "server": server, "config": json.dumps(config)}
        _secret(plane, f"cluster-{name}", {"argocd.argoproj.io/secret-type": "cluster"}, data)


def _secret(plane: ControlPlane, name: str, labels: dict[str, str], data: dict[str, str]) -> None:
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    # Only this key is of use: the one that signs sessions.
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    plane.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": encoded})


def _binaries(programs: Path, folder: Path) -> Path:
    binaries = folder / "bin"
    binaries.mkdir(parents=True)
    for role in _ROLES:
        (binaries / role).symlink_to(programs / "argocd")
    for name in ("helm", "kubectl"):
        (binaries / name).symlink_to(programs / name)
    for name, text in _WRAPPERS.items():
        (binaries / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (binaries / name).chmod(0o755)
    assert shutil.which("git"), "git is needed"
    return binaries


def _environment(folder: Path, binaries: Path, kubeconfig: Path) -> dict[str, str]:
    made = {name: folder / name for name in ("home", "tls", "ssh", "gpg", "gnupg", "plugins", "tmp")}
    for path in made.values():
        path.mkdir(mode=0o700)
    return {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": str(made["home"]),
        "TMPDIR": str(made["tmp"]),
        "KUBECONFIG": str(kubeconfig),
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(made["tls"]),
        "ARGOCD_SSH_DATA_PATH": str(made["ssh"]),
        "ARGOCD_GPG_DATA_PATH": str(made["gpg"]),
        "ARGOCD_GNUPGHOME": str(made["gnupg"]),
        "ARGOCD_PLUGINSOCKFILEPATH": str(made["plugins"]),
        # Garbage is collected half as often as by default, which was a sixth of the time.
        "GOGC": "200",
        # Half of the default: the platform has eight waves, root four, a service five.
        "ARGOCD_SYNC_WAVE_DELAY": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
