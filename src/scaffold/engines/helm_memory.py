"""A Helm that remembers: a chart is rendered again only when something that goes into it has changed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.engines.helm import Helm
from scaffold.model.ports import ChartRequest, ChartResult

_KEPT = 5000
"""Renders that are remembered: a repository of a thousand services in three environments, and what changes in it."""


class Remembering:
    """Wraps a Helm for as long as a program runs; of very many renders the oldest are forgotten."""

    def __init__(self, engine: Helm) -> None:
        self._engine = engine
        self._known: dict[bytes, ChartResult] = {}
        self.rendered = 0
        """Charts that had to be rendered so far."""

    def version(self) -> str:
        """Return the engine's version."""
        return self._engine.version()

    def charts(self, root: Path, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        """Render a batch of requests, answers in the same order."""
        contents: dict[str, bytes] = {}
        keys = [_key(root, request, contents) for request in requests]
        fresh = [index for index, key in enumerate(keys) if key not in self._known]
        answers = self._engine.charts(root, [requests[index] for index in fresh])
        self.rendered += len(fresh)
        self._known |= {keys[index]: answer for index, answer in zip(fresh, answers, strict=True)}
        results = [self._known[key] for key in keys]
        for key in list(self._known)[: max(len(self._known) - _KEPT, 0)]:
            del self._known[key]
        return results

    def templates(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
        """Render Go templates; they are few."""
        return self._engine.templates(jobs)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


def _key(root: Path, request: ChartRequest, contents: dict[str, bytes]) -> bytes:
    digest = hashlib.sha256(repr(request).encode(errors="replace"))
    for path in (request.path, *request.values):
        if path not in contents:
            contents[path] = _content(root / path)
        digest.update(contents[path])
    return digest.digest()


def _content(path: Path) -> bytes:
    """Return a digest of a file, or of all files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f"{file.relative_to(path)}\0".encode(errors="replace"))
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()
