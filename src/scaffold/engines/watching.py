"""The disk, watched: what a person saves is told at once, by the system's own notices."""

import threading
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from scaffold.model.errors import ToolFailed

_PAUSE = 50
"""Milliseconds without a change after which a burst of them (a save, a checkout) is over."""


def changes(root: Path, stop: threading.Event | None = None) -> Iterator[list[str]]:
    """Yield the paths (from ``root``) that have changed, a list for each burst; nothing below ``.git`` counts."""
    there = root.resolve()
    try:
        for found in watchfiles.watch(there, watch_filter=_counts, debounce=2000, step=_PAUSE, stop_event=stop):
            yield sorted({str(Path(path).relative_to(there)) for _, path in found})
    except OSError as error:
        raise ToolFailed(f"{root} cannot be watched: {error}") from error


def _counts(_: watchfiles.Change, path: str) -> bool:
    return ".git" not in Path(path).parts
