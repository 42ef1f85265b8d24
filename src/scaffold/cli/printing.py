"""What the door knows of the terminal it prints to, and the outcome of a check in the form that was asked for."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from scaffold.cli.options import CheckFormat
from scaffold.model.errors import BadInput


def terminal() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def progress(*, quiet: bool) -> Callable[[str], None]:
    """Return what shows a step in place of the one before; it says nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        return lambda _: None

    def say(what: str) -> None:
        sys.stderr.write(f"\r\033[K{what}{' …' if what else ''}")
        sys.stderr.flush()

    return say


def width() -> int:
    """Return the cells of a line, 0 where lines are not folded."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def colour() -> bool:
    """Tell whether to print in colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def print_outcome(outcome: Any, form: CheckFormat, *, strict: bool, quiet: bool) -> None:
    """Print the outcome of a check; ``quiet`` is for people, the other forms are always whole."""
    if form is CheckFormat.TEXT:
        from scaffold.report import text

        shown = text.render(outcome, colour=colour(), strict=strict, quiet=quiet, width=width())
    else:
        shown = _shown(outcome, form, strict)
    if shown:
        typer.echo(shown)


def report_file(given: str) -> tuple[CheckFormat, str]:
    """Return form and file of ``FORMAT=FILE``."""
    name, _, file = given.partition("=")
    forms = [form.value for form in CheckFormat]
    if name not in forms or not file:
        raise BadInput(f"--report {given}: write FORMAT=FILE with a format of {', '.join(forms)}")
    return CheckFormat(name), file


def write_outcome(outcome: Any, form: CheckFormat, file: str, *, strict: bool) -> None:
    """Write the outcome of a check into a file, whole and without colours; ``-`` is the standard output."""
    shown = _shown(outcome, form, strict)
    if file == "-":
        typer.echo(shown, nl=bool(shown))
        return
    try:
        Path(file).write_text(f"{shown}\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--report {form}={file} cannot be written: {error.strerror}") from error


def _shown(outcome: Any, form: CheckFormat, strict: bool) -> str:
    shown: str = import_module(f"scaffold.report.{form}").render(outcome, strict=strict)
    return shown


def watch_checks(root: Path, options: Any, say: Callable[[str], None], *, quiet: bool) -> None:
    """Show a check after every save; to be interrupted is its end."""
    from scaffold.commands.watch import Checked, watch

    def show(checked: Checked) -> None:
        say("")
        if sys.stdout.isatty():
            typer.echo("\033[2J\033[H", nl=False)
        if checked.outcome is None:
            typer.echo(f"scaffold: {checked.fault}")
        else:
            print_outcome(checked.outcome, CheckFormat.TEXT, strict=options.strict, quiet=quiet)
        seen = (
            f"{', '.join(checked.changed[:3])} changed, {checked.rendered} charts rendered; " if checked.changed else ""
        )
        typer.echo(f"{seen}watching {root}, Ctrl-C ends")

    with suppress(KeyboardInterrupt):
        watch(root, options, show, progress=say)
