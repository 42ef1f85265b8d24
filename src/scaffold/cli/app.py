"""The application that the commands are put into, and what becomes of an error."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from scaffold.model.errors import ScaffoldError
from scaffold.model.version import __version__

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Scaffold and check production GitOps repositories for Argo CD and Flux.",
)
add = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Add one more of a thing to a repository.")
app.add_typer(add, name="add")


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        typer.echo(f"scaffold {__version__}")
        raise typer.Exit


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every error into one line and an exit code."""
    try:
        yield
    except ScaffoldError as error:
        typer.echo(f"scaffold: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("scaffold: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # `scaffold render | head`: the reader has what it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:  # a defect of ours: one line, and how to get the rest
        if os.environ.get("SCAFFOLD_TRACEBACK"):
            raise
        typer.echo(
            f"scaffold: this is a defect of scaffold {__version__}, please report it: {type(error).__name__}: {error} "
            "(SCAFFOLD_TRACEBACK=1 shows where)",
            err=True,
        )
        sys.exit(3)
