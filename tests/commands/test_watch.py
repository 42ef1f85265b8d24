"""A saved file is checked at once, and only what it is part of is rendered again."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.commands.ahead import Options
from scaffold.commands.new import Wanted, new
from scaffold.commands.watch import Checked, watch
from scaffold.model.errors import BadInput

LIMIT = 120


class Watched:
    """A watch at work in a thread, what it shows in a queue."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shown: queue.Queue[Checked] = queue.Queue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=watch, args=(root, Options(), self.shown.put, self.stop))
        self.thread.start()

    def after(self, path: str, text: str) -> Checked:
        """Save a file until it is noticed: a watch that has just begun may not listen yet."""
        while True:
            (self.root / path).write_text(text, encoding="utf-8")
            try:
                checked = self.shown.get(timeout=5)
            except queue.Empty:
                assert self.thread.is_alive()
                continue
            if path in checked.changed:
                return checked


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    root = tmp_path_factory.mktemp("watch") / "shop"
    new("shop", root, Wanted(preset="minimal", defaults=True))
    found = Watched(root)
    yield found
    found.stop.set()
    found.thread.join(LIMIT)
    assert not found.thread.is_alive()


def test_a_save_is_checked_and_only_its_charts_are_rendered(watched: Watched) -> None:
    first = watched.shown.get(timeout=LIMIT)
    assert first.outcome is not None
    assert (first.outcome.findings, first.changed, first.rendered) == ((), (), 3)
    path = "services/shop/envs/dev/values.yaml"
    text = (watched.root / path).read_text(encoding="utf-8")
    bad = watched.after(path, f"{text}nonsense: 1\n")
    assert bad.outcome is not None
    assert {finding.rule for finding in bad.outcome.findings} == {"HELM-02"}
    assert bad.rendered == 1
    good = watched.after(path, text)
    assert good.outcome is not None
    # What was rendered before is still known.
    assert (good.outcome.findings, good.rendered) == ((), 0)


def test_settings_that_are_half_saved_do_not_end_the_watch(watched: Watched) -> None:
    assert "choose from" in watched.after(".scaffold.yaml", "nonsense: 1\n").fault
    assert watched.after(".scaffold.yaml", "---\nstrict: true\n").outcome is not None


def test_a_folder_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a folder"):
        watch(tmp_path / "gone", Options(), lambda _: None)
