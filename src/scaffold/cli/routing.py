"""The command that follows a request: ``explain-route``."""

from pathlib import Path
from typing import Annotated

import typer

from scaffold.cli.app import app
from scaffold.cli.options import Format, FormatChoice, HelmChoice, KubeVersion, Quiet, Seconds
from scaffold.cli.printing import colour, progress


@app.command("explain-route")
def explain_route(
    host: Annotated[str, typer.Argument(metavar="HOST", help="Name that is asked, or that of a Service.")],
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Path, with its query.")] = "/",
    header: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="NAME=VALUE", help="One header; may be repeated.")
    ] = None,
    method: Annotated[str, typer.Option("--method", metavar="M", help="Method of the request.")] = "GET",
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="Only entries on this port.")] = None,
    env: Annotated[str, typer.Option("--env", metavar="E", help="Only this environment.")] = "",
    root: Annotated[Path, typer.Option("-C", "--root", metavar="DIR", help="Root of the repository.")] = Path(),
    kube_version: KubeVersion = "",
    helm: HelmChoice = "auto",
    timeout: Seconds = 120,
    form: FormatChoice = Format.TEXT,
    quiet: Quiet = False,
) -> None:
    """Say which workload answers a request, in each cluster, or why nobody does."""
    from scaffold.commands.ahead import Options, begun
    from scaffold.engines.helm import backend

    options = Options(kube_version=kube_version, helm=backend(helm), seconds=timeout)
    say = progress(quiet=quiet or form is Format.JSON)
    with begun(root, options, style=False) as repository:
        from scaffold.commands import explain_route as command

        request = command.request_of(host, path, method, header or [], port)
        repo, answers = command.explain_route(repository, request, env, say)
    say("")
    from scaffold.report import routes as report

    shown = report.as_json(request, answers) if form is Format.JSON else report.text(request, answers, colour=colour())
    typer.echo(shown)
    for item in repo.unrendered:
        typer.echo(f"{item.place}: {item.text}", err=True)
    raise typer.Exit(0 if any(answer.answered for answer in answers) else 1)
