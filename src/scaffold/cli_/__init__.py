"""The door: maps options to commands and results to exit codes; nothing else.

Exit codes: 0 clean, 1 findings or conflicts, 2 wrong use or bad input, 3 a tool failed.
Commands are imported when they run: ``--help`` loads none of them.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from scaffold import __version__
from scaffold.model.errors import ScaffoldError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Scaffold and check production GitOps repositories for Argo CD and Flux.",
)
add = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Add one more of a thing to a repository.")
app.add_typer(add, name="add")


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


PathArgument = Annotated[Path, typer.Argument(help="Root of the repository.", show_default=True)]
Pairs = Annotated[
    list[str] | None, typer.Option("-d", "--data", metavar="KEY=VALUE", help="One answer; may be repeated.")
]
AnswersFile = Annotated[Path | None, typer.Option("--answers", metavar="FILE", help="YAML file of answers.")]
Preset = Annotated[
    str, typer.Option("--preset", metavar="NAME", help="Answers to start from: minimal, standard or full.")
]
Defaults = Annotated[bool, typer.Option("--defaults", help="Ask nothing, take the default of every open question.")]
Template = Annotated[
    str,
    typer.Option(
        "--template", envvar="SCAFFOLD_TEMPLATE", metavar="URL", help="Another template than the embedded one."
    ),
]
Ref = Annotated[str | None, typer.Option("--ref", metavar="TAG", help="Version of the template.")]
HelmChoice = Annotated[
    str, typer.Option("--helm", metavar="WHICH", help="auto, embedded, or binary (the helm on PATH).")
]
KubeVersion = Annotated[str, typer.Option("--kube-version", metavar="1.N", help="Kubernetes version to check against.")]
Schemas = Annotated[
    list[Path] | None, typer.Option("--schemas", metavar="DIR", help="Folder of CRDs that the catalog lacks.")
]
Seconds = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, help="Limit for one call of a tool.")]
FormatChoice = Annotated[Format, typer.Option("--format", help="How to print the result.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary of what was clean.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        typer.echo(f"scaffold {__version__}")
        raise typer.Exit


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

    say = _progress(quiet or form is Format.JSON)
    # Opened first: the engine loads on another core while Copier is imported and the template rendered.
    with ExitStack() as stack:
        engine = stack.enter_context(open_helm(backend(helm))) if check else None

        from scaffold.commands import new as command

        wanted = command.Wanted(tuple(data or ()), answers, preset, template, ref, defaults, _terminal())
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

    wanted = command.Wanted(tuple(data or ()), answers, preset, template, ref, defaults, _terminal())
    made = command.add_service(name, path, wanted)
    file = command.service_answers_file(str(made.answers.get("engine", "")), name)
    typer.echo(
        f"Added the service {name} (answers in {file}). Look at it with `git status`, then `scaffold check {path}`."
    )


@app.command()
def check(
    path: PathArgument = Path(),
    select: Annotated[
        list[str] | None, typer.Option("--select", metavar="RULE", help="Only these rules (prefixes work).")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="RULE", help="Not these rules.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on anything that could not be checked, too.")] = False,
    kube_version: KubeVersion = "",
    schemas: Schemas = None,
    helm: HelmChoice = "auto",
    timeout: Seconds = 120,
    form: FormatChoice = Format.TEXT,
    quiet: Quiet = False,
) -> None:
    """Check a GitOps repository offline: what would break in the cluster, at the line to edit."""
    from scaffold.commands.ahead import Options, begun
    from scaffold.engines.helm import backend

    options = Options(
        tuple(select or ()), tuple(ignore or ()), kube_version, backend(helm), tuple(schemas or ()), timeout
    )
    say = _progress(quiet or form is Format.JSON)
    with begun(path, options) as repository:
        from scaffold.commands.check import check as command

        outcome = command(repository, say)
    say("")
    _print_outcome(outcome, form, strict=strict, quiet=quiet)
    raise typer.Exit(1 if outcome.failed(strict=strict) else 0)


@app.command()
def render(
    path: PathArgument = Path(),
    env: Annotated[str, typer.Option("--env", metavar="E", help="Only this environment.")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="A file an owner, below this folder.")
    ] = None,
    kube_version: KubeVersion = "",
    helm: HelmChoice = "auto",
    timeout: Seconds = 120,
) -> None:
    """Print what the controllers would apply, as YAML, every object with its origin."""
    from scaffold.commands.ahead import Options, begun
    from scaffold.engines.helm import backend

    options = Options(kube_version=kube_version, helm=backend(helm), seconds=timeout)
    with begun(path, options, style=False) as repository:
        from scaffold.commands import render as command
        from scaffold.report.manifests import stream

        repo, manifests = command.render(repository, env)
    if output:
        written = command.write(manifests, output)
        typer.echo(f"{len(manifests)} objects in {len(written)} files below {output}", err=True)
    else:
        sys.stdout.write(stream(manifests))
    problems = [f"{hit.place}: {hit.text}" for chart in repo.charts for hit in chart.faults]
    problems += [f"{hit.place}: {hit.text}" for hit in repo.faults]
    for line in dict.fromkeys(problems):
        typer.echo(line, err=True)
    for item in repo.not_checked:
        typer.echo(f"{item.place}: not rendered, {item.what}: {item.reason}", err=True)
    raise typer.Exit(1 if problems else 0)


@app.command()
def doctor(form: FormatChoice = Format.TEXT) -> None:
    """Show versions and sources of every tool and schema."""
    from scaffold.commands.doctor import doctor as command

    rows = command()
    if form is Format.JSON:
        typer.echo(json.dumps([{"what": what, "is": said, "usable": usable} for what, said, usable in rows], indent=2))
        return
    width = max(len(what) for what, _, _ in rows)
    for what, said, usable in rows:
        typer.echo(f"{'ok     ' if usable else 'missing'}  {what:<{width}}  {said}")


def main() -> None:
    """Run the program; nothing foreseen ends in a traceback."""
    with _exit_codes():
        app(prog_name="scaffold", standalone_mode=True)


@contextmanager
def _exit_codes() -> Iterator[None]:
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


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _progress(quiet: bool) -> Callable[[str], None]:
    if quiet or not sys.stderr.isatty():
        return lambda _: None

    def say(what: str) -> None:
        sys.stderr.write(f"\r\033[K{what}{' …' if what else ''}")
        sys.stderr.flush()

    return say


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _print_outcome(outcome: Any, form: Format, *, strict: bool, quiet: bool) -> None:
    if form is Format.JSON:
        from scaffold.report import json as report

        typer.echo(report.render(outcome, strict=strict))
    else:
        from scaffold.report import text

        if shown := text.render(outcome, colour=_colour(), strict=strict, quiet=quiet, width=_width()):
            typer.echo(shown)


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
        _print_outcome(outcome, form, strict=True, quiet=quiet)
        typer.echo("")
    typer.echo(report_made.render(made.root, made.answers, made.service, colour=_colour()))
