"""The one door to subprocesses: argument lists, a time limit, both streams in the error."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scaffold.model.errors import ToolFailed


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program answered."""

    code: int
    out: str
    err: str


def which(name: str) -> str | None:
    """Return the full path of a program, None where it is absent."""
    return shutil.which(name)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text_in: str | None = None,
    seconds: float = 120,
    allowed: Sequence[int] = (0,),
) -> Completed:
    """Run a program to its end.

    ``env`` is added to the current environment. Raises ToolFailed where the program is missing, takes longer than
    ``seconds`` or ends with a code that is not ``allowed``; the text quotes what it printed.
    """
    name = os.fspath(argv[0])
    try:
        done = subprocess.run(
            [os.fspath(part) for part in argv],
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            input=text_in,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.exists():
            raise ToolFailed(f"{name}: the folder {cwd} is gone") from error
        raise ToolFailed(f"{name} is not installed or not on PATH: install it and run the command again") from error
    except OSError as error:
        raise ToolFailed(f"{name} cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{' '.join(map(str, argv[:3]))} took longer than {seconds:g} s") from error
    if done.returncode not in allowed:
        said = "\n".join(part.strip() for part in (done.stderr, done.stdout) if part.strip())
        raise ToolFailed(f"{' '.join(map(str, argv[:3]))} failed with code {done.returncode}: {said or 'no output'}")
    return Completed(done.returncode, done.stdout, done.stderr)


class Conversation:
    """A child process that is talked to line by line; ended by ``close``, killed where it does not listen."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            encoding="utf-8",
        )

    @property
    def pid(self) -> int:
        """Return the child's process id."""
        return self._child.pid

    def send(self, line: str) -> None:
        """Write one line and flush it."""
        try:
            stream = _open(self._child.stdin)
            stream.write(line + "\n")
            stream.flush()
        except (BrokenPipeError, ValueError) as error:
            raise ToolFailed(self._ended()) from error

    def receive(self) -> str:
        """Read one line; blocks until it comes."""
        line = _open(self._child.stdout).readline()
        if not line:
            raise ToolFailed(self._ended())
        return line

    def close(self) -> None:
        """End the child: close its input, wait shortly, then kill it."""
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the child at once; a reader that waits for it is released."""
        self._child.kill()
        self._child.wait()

    def _ended(self) -> str:
        code = self._child.poll()
        return f"the worker {self._child.args!r} ended{f' with code {code}' if code is not None else ''}"


def _open(stream: IO[str] | None) -> IO[str]:
    if stream is None or stream.closed:
        raise ToolFailed("the worker has been closed")
    return stream
