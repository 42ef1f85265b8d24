"""yamllint over the files that people edit, with the repository's own configuration.

yamllint is GPL: it runs as a program of its own, never imported here.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from scaffold.engines import process
from scaffold.model.errors import ToolFailed
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place

_PROBLEM = re.compile(r"(.+?):(\d+):(\d+): \[(warning|error)\] (.*)")
_BATCH = 400
"""Files a call at the most: argument lists have a limit."""
_WORTH = 40_000
"""Bytes that are worth a process of their own: about 0.1 s of its work, twice its start."""


class Lint:
    """yamllint at work on some files (path from ``root`` to text), started at once on all cores.

    It takes longer than all else of a check, so others go on until ``problems`` are needed, and what it said of a
    file is kept in the user's cache for as long as file, configuration and yamllint stay the same. The repository's
    own configuration file is honoured.
    """

    def __init__(self, root: Path, texts: Mapping[str, str], seconds: float = 120) -> None:
        self._memory = _Memory(root)
        self._keys = {path: self._memory.key(path, text) for path, text in texts.items()}
        unknown = {path: len(text) for path, text in texts.items() if self._keys[path] not in self._memory.said}
        batches = _shared_out(unknown)
        self._fresh: list[tuple[Hit, ...]] = [()] * len(batches)
        self._errors: list[ToolFailed] = []

        def work(number: int) -> None:
            try:
                self._fresh[number] = _lint(root, batches[number], seconds)
            except ToolFailed as error:
                self._errors.append(error)

        self._threads = [threading.Thread(target=work, args=(number,)) for number in range(len(batches))]
        for thread in self._threads:
            thread.start()

    def problems(self) -> tuple[Hit, ...]:
        """Wait for the end and return what was found. Raises ToolFailed where yamllint itself failed."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        if self._threads:
            found: dict[str, list[tuple[int, str]]] = {path: [] for path in self._keys}
            for hit in (hit for hits in self._fresh for hit in hits):
                found[hit.place.path].append((hit.place.line, hit.text))
            known = self._memory.said
            self._memory.keep({key: known.get(key, found[path]) for path, key in self._keys.items()})
        said = self._memory.said
        return tuple(Hit(Place(path, line), text) for path, key in self._keys.items() for line, text in said[key])


class _Memory:
    """What yamllint said of the files of one repository, by what it depends on."""

    def __init__(self, root: Path) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._file = cache / "scaffold" / f"yamllint-{_digest(str(root.resolve()))[:16]}.json"
        self._world = _world(root)
        self.said: dict[str, list[tuple[int, str]]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            self.said = {key: [(int(line), str(text)) for line, text in hits] for key, hits in stored.items()}

    def key(self, path: str, text: str) -> str:
        return _digest(f"{self._world}\0{path}\0{text}")

    def keep(self, said: dict[str, list[tuple[int, str]]]) -> None:
        """Replace what is kept. A cache that cannot be written is no failure: the next run is slower."""
        self.said = said
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            fresh.write_text(json.dumps(said), encoding="utf-8")
            fresh.replace(self._file)


def _world(root: Path) -> str:
    """Return what its answers depend on beside the file: its version and its configuration, wherever that lies."""
    spec = importlib.util.find_spec("yamllint")
    parts = [sys.version, str(Path(spec.origin).stat().st_mtime_ns) if spec and spec.origin else ""]
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "yamllint" / "config"
    files = [*(root / name for name in (".yamllint", ".yamllint.yaml", ".yamllint.yml", ".gitignore")), settings]
    files += [Path(os.environ["YAMLLINT_CONFIG_FILE"])] if os.environ.get("YAMLLINT_CONFIG_FILE") else []
    for file in files:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            parts.append(file.read_text(encoding="utf-8"))
    return "\0".join(parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shared_out(sizes: Mapping[str, int]) -> list[list[str]]:
    """Share files out to one batch a core, about equal in size, none too long for a command line."""
    total = sum(sizes.values())
    count = max(1, min(os.cpu_count() or 1, 1 + total // _WORTH), -(-len(sizes) // _BATCH))
    batches: list[list[str]] = [[] for _ in range(count)]
    loads = [0] * count
    for path in sorted(sizes, key=lambda path: (-sizes[path], path)):
        least = min((number for number in range(count) if len(batches[number]) < _BATCH), key=loads.__getitem__)
        batches[least].append(path)
        loads[least] += sizes[path] + 200
    return [batch for batch in batches if batch]


def _lint(root: Path, paths: list[str], seconds: float) -> tuple[Hit, ...]:
    argv = [sys.executable, "-m", "yamllint", "--format", "parsable", *paths]
    done = process.run(argv, cwd=root, seconds=seconds, allowed=(0, 1, 2))
    found = [_hit(line) for line in done.out.splitlines()]
    if done.code and not any(found):
        process.run(argv, cwd=root, seconds=seconds)  # failed for another reason: raises with its words
    return tuple(hit for hit in found if hit)


def version() -> str:
    """Return yamllint's version."""
    return process.run([sys.executable, "-m", "yamllint", "--version"]).out.strip()


def _hit(line: str) -> Hit | None:
    if found := _PROBLEM.match(line):
        path = found[1].removeprefix("./")
        return Hit(Place(path, int(found[2])), f"{found[5]} (column {found[3]})")
    return None
