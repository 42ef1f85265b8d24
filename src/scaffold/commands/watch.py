"""``scaffold check --watch``: checked again at every save; only what has changed is rendered and parsed anew."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import Progress, check
from scaffold.engines.helm import helm
from scaffold.engines.helm_memory import Remembering
from scaffold.engines.watching import changes
from scaffold.model.errors import BadInput
from scaffold.model.outcome import Outcome
from scaffold.model.repo import Repo  # noqa: TC001 - imported anyway


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: its outcome, or why it could not be made (a half-saved settings file); what had changed before it."""

    outcome: Outcome | None
    fault: str
    changed: tuple[str, ...]
    rendered: int


def watch(
    root: Path,
    options: Options,
    show: Callable[[Checked], None],
    stop: threading.Event | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Check, show, and do so again whenever a file changes, until ``stop`` is set or the user interrupts."""
    earlier: Repo | None = None
    with helm(options.helm, options.seconds) as opened:
        engine = Remembering(opened)

        def once(changed: list[str]) -> None:
            nonlocal earlier
            before = engine.rendered
            try:
                with begun(root, options, engine, earlier=earlier) as repository:
                    earlier = repository.repo
                    outcome = check(repository, progress)
            except BadInput as error:
                if not changed:
                    raise
                show(Checked(None, str(error), tuple(changed), 0))
            else:
                show(Checked(outcome, "", tuple(changed), engine.rendered - before))

        once([])
        for changed in changes(root, stop):
            once(changed)
