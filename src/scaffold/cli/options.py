"""Options that several commands share, by the names of their types."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


class CheckFormat(StrEnum):
    """How the result of a check is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    HTML = "html"


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
