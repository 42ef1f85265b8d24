"""The command that compares: ``diff``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scaffold.cli.app import app
from scaffold.cli.options import HelmChoice, KubeVersion, Quiet, Seconds
from scaffold.cli.printing import colour, progress


class DiffFormat(StrEnum):
    """How a comparison is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="[REV]", help="Revision to compare with.")] = "HEAD",
    after: Annotated[str, typer.Argument(metavar="[REV]", help="The other one; the working tree if omitted.")] = "",
    root: Annotated[Path, typer.Option("-C", "--root", metavar="DIR", help="Root of the repository.")] = Path(),
    kube_version: KubeVersion = "",
    helm: HelmChoice = "auto",
    timeout: Seconds = 120,
    form: Annotated[DiffFormat, typer.Option("--format", help="How to print the result.")] = DiffFormat.TEXT,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when something changes.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show what changes in the clusters between two revisions: by object and environment, not by line."""
    from scaffold.commands.ahead import Options
    from scaffold.commands.diff import diff as command
    from scaffold.engines.helm import backend
    from scaffold.report import delta as report

    say = progress(quiet=quiet or form is not DiffFormat.TEXT)
    options = Options(kube_version=kube_version, helm=backend(helm), seconds=timeout)
    found = command(root, before, after, options, say)
    say("")
    match form:
        case DiffFormat.JSON:
            shown = report.as_json(found.before, found.after, found.changes, found.not_compared)
        case DiffFormat.MARKDOWN:
            shown = report.markdown(found.changes, found.not_compared)
        case DiffFormat.TEXT:
            shown = report.text(found.changes, found.not_compared, colour=colour())
    typer.echo(shown)
    raise typer.Exit(1 if exit_code and (found.changes or found.not_compared) else 0)
