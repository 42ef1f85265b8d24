"""A cluster to look at: the `standard` example, reconciled by Argo CD, left running (`make cluster`).

Usage: python -m tests.cluster.up [down]. What the cluster is made of belongs to one process in the background, which
ends it all when it is told to, and whose end the kernel makes the end of all its programs. It holds a lock on a file
with its id for as long as it lives; all it writes is in one folder.
"""

import contextlib
import fcntl
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tests.cluster.harness.api import Api, Refused
from tests.cluster.harness.argo_cd import NAMESPACE, VERSION, state
from tests.cluster.harness.bootstrap import bootstrapped, expected
from tests.cluster.harness.repositories import git
from tests.conftest import ROOT, SHARED

PRESET = "standard"
RUN = ROOT / ".tools" / "cluster-run"
PID, LOG, READY, FAILED, FILES = (RUN / name for name in ("pid", "log", "ready.json", "failed", "files"))
HUB = FILES / "dev"


class CannotStart(Exception):
    """There is no cluster; the text is one line."""


def up() -> None:
    """Start the cluster, unless it runs, and say how to use it."""
    programs = _programs()
    lock = _locked()
    if lock is None:
        if not READY.exists():
            raise CannotStart("a start is under way; `make cluster-down` ends it")
        say(_told("is running already"))
        return
    with lock:
        # An earlier one that failed left its logs.
        for path in RUN.iterdir():
            if path != PID:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        process = _supervisor(programs, lock)
    try:
        _follow(process)
    except KeyboardInterrupt:
        _end(process.pid)
        raise
    say(_told("runs"))


def down() -> None:
    """End the cluster and remove its folder."""
    if not RUN.exists():
        say("no cluster is running")
        return
    lock = _locked()
    if lock is None:
        pid = PID.read_text(encoding="utf-8")
        if not pid:
            raise CannotStart("a start has only begun; try again")
        _end(int(pid))
        say(f"the cluster is ended, {RUN.relative_to(ROOT)} is removed")
        return
    lock.close()
    shutil.rmtree(RUN)
    say(f"no cluster was running; {RUN.relative_to(ROOT)} of an earlier one is removed")


def serve(programs: Path, lock: int) -> None:
    """Be the process in the background."""
    os.set_inheritable(lock, False)  # noqa: FBT003 - takes no name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with bootstrapped(programs, FILES, PRESET) as synced:
            # Whoever can reach loopback may push.
            git(synced.bare, "config", "http.receivepack", "true")
            about = {"url": synced.apps["root"]["spec"]["source"]["repoURL"], "programs": str(programs)}
            about |= {"seconds": round(synced.seconds), "applications": len(synced.apps)}
            part = READY.with_suffix(".part")
            part.write_text(json.dumps(about), encoding="utf-8")
            part.replace(READY)
            synced.plane.processes.until("the cluster is ended", lambda: False, math.inf, pause=1)
    except Exception as error:  # noqa: BLE001 - all of it to the log, its first line to who waits
        traceback.print_exc()
        FAILED.write_text(str(error).partition("\n")[0] or type(error).__name__, encoding="utf-8")
        raise SystemExit(1) from None


def say(text: str, file: IO[str] | None = None) -> None:
    """Show a text at once."""
    print(text, file=file, flush=True)


def _locked() -> IO[str] | None:
    """Lock the file of the process in the background; None where one holds it."""
    RUN.mkdir(parents=True, exist_ok=True)
    file = PID.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _programs() -> Path:
    if not SHARED.is_dir():
        raise CannotStart("../shared (custom resource definitions) is not beside this checkout")
    if not shutil.which("git"):
        raise CannotStart("git is needed")
    command = [sys.executable, str(ROOT / "tools" / "cluster" / "build.py"), "--print"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(done.stderr.strip())
    return Path(done.stdout.strip())


def _supervisor(programs: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
    # As in the tests: neither the user's settings nor his repository play a part.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SCAFFOLD_", "XDG_"))}
    environment |= {"HOME": str(FILES / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
    Path(environment["HOME"]).mkdir(parents=True)
    command = [sys.executable, "-m", "tests.cluster.up", "serve", str(programs), str(lock.fileno())]
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )
    lock.truncate(0)
    lock.write(str(process.pid))
    return process


def _follow(process: subprocess.Popen[bytes]) -> None:
    """Show what the start is doing until it is done."""
    started, said = time.monotonic(), ""
    while not READY.exists():
        if process.poll() is not None:
            reason = FAILED.read_text(encoding="utf-8") if FAILED.exists() else f"exit code {process.returncode}"
            raise CannotStart(f"the cluster did not start: {reason} (all of it: {LOG.relative_to(ROOT)})")
        if (stage := _stage()) != said:
            said = stage
            say(f"  {time.monotonic() - started:3.0f} s  {stage}")
        time.sleep(0.5)


def _stage() -> str:
    if (kubeconfig := HUB / f"kubeconfig-{NAMESPACE}").exists():
        with contextlib.suppress(OSError, ValueError, Refused), contextlib.closing(_api(kubeconfig)) as api:
            settled = [app for app in api.list(VERSION, "Application", NAMESPACE) if state(app)[:2] == _SETTLED]
            return f"Argo CD: {len(settled)} of {len(expected(FILES / 'shop'))} Applications are Synced and Healthy"
    if HUB.exists():
        return "the control plane starts, the example repository is made"
    return "starting"


_SETTLED = ("Synced", "Healthy")


def _api(kubeconfig: Path) -> Api:
    config: dict[str, Any] = json.loads(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return Api(cluster["server"], user["token"], Path(cluster["certificate-authority"]))


def _told(how: str) -> str:
    about = json.loads(READY.read_text(encoding="utf-8"))
    return f"""
A control plane with Argo CD {how}: the `{PRESET}` example, whose {about["applications"]} Applications were
Synced and Healthy {about["seconds"]} s after its root was applied.

  export KUBECONFIG={HUB / "kubeconfig-default"}
  export PATH={about["programs"]}:$PATH
  kubectl get applications --namespace argocd
  kubectl get pods --all-namespaces
  git clone {about["url"]}    # commit and push to main: Argo CD follows within three minutes, or
  kubectl annotate applications --all --namespace argocd argocd.argoproj.io/refresh=normal    # at once

Upstream charts and their operators are stand-ins, pods only seem to run (docs/verification.md).
Logs: {(HUB / "logs").relative_to(ROOT)}. `make cluster-down` ends it."""


def _end(pid: int) -> None:
    """End the process in the background, which ends the others; remove what they wrote."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if (lock := _locked()) is not None:
                lock.close()
                shutil.rmtree(RUN)
                return
            time.sleep(0.1)
    raise CannotStart(f"process {pid} does not end")


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["serve"]:
        serve(Path(arguments[1]), int(arguments[2]))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        down() if arguments == ["down"] else up()
    except (CannotStart, OSError) as error:
        say(str(error), sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted; everything that was started is ended", sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
