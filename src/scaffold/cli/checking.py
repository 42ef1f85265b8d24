"""The commands that look: ``check``, ``render``, ``explain`` at a repository and its rules, ``doctor`` at the tools."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from scaffold.cli.app import app
from scaffold.cli.options import (
    CheckFormat,
    Format,
    FormatChoice,
    HelmChoice,
    KubeVersion,
    PathArgument,
    Quiet,
    Schemas,
    Seconds,
)
from scaffold.cli.printing import colour, print_outcome, progress, report_file, watch_checks, width, write_outcome
from scaffold.model.errors import BadInput


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
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Findings that are known and left out.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write what is found now into the baseline.")
    ] = False,
    form: Annotated[CheckFormat, typer.Option("--format", help="How to print the result.")] = CheckFormat.TEXT,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="FORMAT=FILE", help="Also write the result there (- prints it); repeatable."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Check again at every save, until interrupted.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check a GitOps repository offline: what would break in the cluster, at the line to edit."""
    from scaffold.commands.ahead import Options, begun
    from scaffold.engines.helm import backend

    reports = [report_file(given) for given in report or ()]
    options = Options(
        select=tuple(select or ()),
        ignore=tuple(ignore or ()),
        kube_version=kube_version,
        helm=backend(helm),
        schemas=tuple(schemas or ()),
        seconds=timeout,
        baseline=baseline,
        update_baseline=update_baseline,
        strict=strict,
        outline=CheckFormat.HTML in {form, *(also for also, _ in reports)},
    )
    say = progress(quiet=quiet or form is not CheckFormat.TEXT)
    if watch:
        if form is not CheckFormat.TEXT or reports or update_baseline:
            raise BadInput("--watch shows text: leave out --format, --report and --update-baseline")
        watch_checks(path, options, say, quiet=quiet)
        return
    with begun(path, options) as repository:
        from scaffold.commands.check import check as command

        outcome = command(repository, say)
        strict = repository.options.strict
    say("")
    print_outcome(outcome, form, strict=strict, quiet=quiet)
    for also, file in reports:
        write_outcome(outcome, also, file, strict=strict)
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
    problems = dict.fromkeys(f"{hit.place}: {hit.text}" for hit in repo.unrendered)
    for line in problems:
        typer.echo(line, err=True)
    for item in repo.not_checked:
        typer.echo(f"{item.place}: not rendered, {item.what}: {item.reason}", err=True)
    raise typer.Exit(1 if problems else 0)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule, as a finding names it.")],
    form: FormatChoice = Format.TEXT,
) -> None:
    """Say what a rule wants, why, and what to do."""
    from scaffold.commands.explain import explain as command

    found = command(rule)
    if form is Format.JSON:
        said = {"rule": found.rule.id, "severity": str(found.rule.severity), "title": found.rule.title}
        said |= {"reason": found.rule.reason, "fix": found.rule.fix, "example": found.example}
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    from scaffold.report import rule as report

    typer.echo(report.render(found.rule, found.example, colour=colour(), width=width()))


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
