"""Runs the cluster tests in two processes: those with a control plane of their own and Argo CD, and all that share one.

Usage: python tools/e2e.py [PYTEST OPTION ...]. Each leaves its record in .tools; the exit code is that of the worse.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = {"argo": "cluster and argo", "plane": "cluster and not argo"}


def record(part: str) -> Path:
    """Return the JUnit file of a part."""
    return ROOT / ".tools" / f"e2e-{part}.xml"


def main(options: Sequence[str]) -> int:
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for part, marks in PARTS.items():
            record(part).unlink(missing_ok=True)
            command = [sys.executable, "-m", "pytest", "--verbose", "--color=no", "-m", marks, "-p", "no:cacheprovider"]
            command += [f"--junitxml={record(part)}", "-o", "junit_family=legacy", *options, "tests/cluster"]
            running[part] = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
            )
        readers = [threading.Thread(target=_show, args=item) for item in running.items()]
        for reader in readers:
            reader.start()
        codes = {part: process.wait() for part, process in running.items()}
        for reader in readers:
            reader.join()
    except KeyboardInterrupt:
        # pytest ends what it has started; it is asked, not killed.
        for process in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)
        for process in running.values():
            process.wait()
        print("interrupted; everything that was started is ended", flush=True)
        return 130
    said = ", ".join(f"{part} {'passed' if code == 0 else f'failed with code {code}'}" for part, code in codes.items())
    print(f"e2e: {said}, {(time.monotonic() - started) / 60:.1f} min", flush=True)
    return max(codes.values())


def _show(part: str, process: subprocess.Popen[str]) -> None:
    for line in process.stdout or ():
        print(f"[{part}] {line.rstrip()}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
