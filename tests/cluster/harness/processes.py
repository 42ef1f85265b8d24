"""The programs of one test environment: each with a log of its own, waited for, ended by its id.

Nothing outlives the tests: a program stands in a session of its own, so that Ctrl-C reaches only pytest, which ends it
here; where pytest itself is killed, the kernel ends its programs.
"""

import contextlib
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

LIMIT = 300
# PR_SET_PDEATHSIG, set by a Python that then becomes the program; preexec_fn is not safe beside threads.
_DIES_WITH_US = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


class NotReady(AssertionError):
    """Something did not happen in time; the text quotes the last answer and the logs."""


@dataclass
class Processes:
    """Started programs, ended in the reverse order."""

    logs: Path
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start a program; its output goes to a file of its name."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.started[name] = subprocess.Popen(
                [sys.executable, "-c", _DIES_WITH_US, *map(str, command)],
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.logs,
                start_new_session=True,
            )

    def until(self, what: str, asked: Callable[[], Any], seconds: float = LIMIT, pause: float = 0.2) -> Any:
        """Ask until the answer is true and return it; a program that ended or too long a wait is an error."""
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                if last := asked():
                    return last
            except OSError as error:
                last = error
            for name, process in self.started.items():
                if process.poll() is not None:
                    raise NotReady(f"{name} ended with {process.returncode} ({what})\n{self.tail(name, 40)}")
            time.sleep(pause)
        raise NotReady(f"not within {seconds} s: {what}; last: {last}\n{self.tails()}")

    def tail(self, name: str, lines: int = 12) -> str:
        """Return the end of a program's log."""
        text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join([f"--- {name} ({self.logs / name}.log)", *(line[:600] for line in text.splitlines()[-lines:])])

    def tails(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(self.tail(name) for name in self.started)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Their state is thrown away, so nobody is asked politely; children (git, helm) are of the same group.
        for process in reversed(self.started.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on; all are taken before one is given back."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def listening(processes: Processes) -> set[tuple[str, str]]:
    """Return on which addresses our programs, their children and this process accept TCP connections.

    Each by the name of the program, which for this process is ``tests``.
    """
    sockets = _sockets_that_listen()
    names = {process.pid: name for name, process in processes.started.items()}
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            # After the name, which may hold anything: state, parent, group, session.
            session = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[3])
            name = "tests" if int(folder.name) == os.getpid() else names.get(session)
            if name:
                found |= {(name, sockets[target]) for target in _open_files(folder) & sockets.keys()}
    return found


def listens_beyond_loopback(processes: Processes) -> set[tuple[str, str]]:
    """Return which of our programs can be reached from other machines, each with its address."""
    return {(name, address) for name, address in listening(processes) if not _is_loopback(address)}


def _open_files(folder: Path) -> set[str]:
    found = set()
    for file in (folder / "fd").iterdir():
        # In our own the descriptor with which this is listed is closed by now.
        with contextlib.suppress(FileNotFoundError):
            found.add(str(file.readlink()))
    return found


def _is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address.rpartition(":")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _sockets_that_listen() -> dict[str, str]:
    """Return the address, a colon and the port of each listening socket, by what a file descriptor of it links to."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == "0A":
                    host, port = local.split(":")
                    # Words of four bytes in the order of the machine.
                    words = [int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)]
                    found[f"socket:[{inode}]"] = f"{ipaddress.ip_address(b''.join(words))}:{int(port, 16)}"
    return found
