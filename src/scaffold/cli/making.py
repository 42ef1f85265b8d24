"""The commands that make something: ``new``, ``add service``."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from scaffold.cli.app import add, app
from scaffold.cli.options import (
    AnswersFile,
    CheckFormat,
    Defaults,
    Format,
    FormatChoice,
    HelmChoice,
    Pairs,
    PathArgument,
    Preset,
    Quiet,
    Ref,
    Template,
)
from scaffold.cli.printing import colour, print_outcome, progress, terminal


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Name of the repository and of its first service.")
    ] = "",
    destination: Annotated[
        Path | None, typer.Argument(metavar="[DEST]", help="Folder to make; ./NAME if omitted.")
    ] = None,
    data: Pairs = None,
    answers: AnswersFile = None,
    preset: Preset = "",
    defaults: Defaults = False,
    template: Template = "",
    ref: Ref = None,
    helm: HelmChoice = "auto",
    check: Annotated[bool, typer.Option("--check/--no-check", help="Check what was made.")] = True,
    form: FormatChoice = Format.TEXT,
    quiet: Quiet = False,
) -> None:
    """Make a GitOps repository: ask, render, commit, check.

    Answers come from -d, before --answers, before --preset, before the defaults.
    """
    from scaffold.commands.ahead import Options, begun
    from scaffold.engines.helm import backend
    from scaffold.engines.helm import helm as open_helm

    say = progress(quiet=quiet or form is Format.JSON)
    # Opened first: the engine loads on another core while Copier is imported and the template rendered.
    with ExitStack() as stack:
        engine = stack.enter_context(open_helm(backend(helm))) if check else None

        from scaffold.commands import new as command

        wanted = command.Wanted(tuple(data or ()), answers, preset, template, ref, defaults, terminal())
        made = command.new(name, destination, wanted)
        say("rendered and committed")
        outcome = None
        if engine:
            with begun(made.root, Options(), engine) as repository:
                from scaffold.commands.check import check as run_check

                outcome = run_check(repository, say)
    say("")
    _print_made(made, outcome, form, quiet=quiet)
    raise typer.Exit(1 if outcome and outcome.failed(strict=True) else 0)


@add.command("service")
def add_service(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    path: PathArgument = Path(),
    data: Pairs = None,
    answers: AnswersFile = None,
    preset: Preset = "",
    defaults: Defaults = False,
    template: Template = "",
    ref: Ref = None,
) -> None:
    """Add a service: one folder (Flux: its folders), no shared list is touched."""
    from scaffold.commands import new as command

    wanted = command.Wanted(tuple(data or ()), answers, preset, template, ref, defaults, terminal())
    made = command.add_service(name, path, wanted)
    file = command.service_answers_file(str(made.answers.get("engine", "")), name)
    typer.echo(
        f"Added the service {name} (answers in {file}). Look at it with `git status`, then `scaffold check {path}`."
    )


def _print_made(made: Any, outcome: Any, form: Format, *, quiet: bool) -> None:
    if form is Format.JSON:
        from scaffold.report import json as report

        checked = json.loads(report.render(outcome, strict=True)) if outcome else None
        typer.echo(
            json.dumps(
                {"root": str(made.root), "answers": {**made.answers}, "service": {**made.service}, "check": checked},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    from scaffold.report import made as report_made

    if outcome and not (quiet and not outcome.failed(strict=True)):
        print_outcome(outcome, CheckFormat.TEXT, strict=True, quiet=quiet)
        typer.echo("")
    typer.echo(report_made.render(made.root, made.answers, made.service, colour=colour()))
