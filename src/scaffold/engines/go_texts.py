"""Go templates as a chart, for a Helm that renders charts only: both engines write and read it here."""

import json
from collections.abc import Sequence
from pathlib import Path

OUT = "texts/templates/out.yaml"
"""The template's path as Helm names it."""


def write_chart(folder: Path, texts: Sequence[str]) -> None:
    """Write a chart that renders to the texts; its values are their parameters.

    Each text becomes a named template, so that "." and "$" are the parameters as in the caller's world.
    """
    defines = "".join(f'{{{{ define "text{index}" }}}}{text}{{{{ end }}}}' for index, text in enumerate(texts))
    calls = " ".join(f'(include "text{index}" .Values)' for index in range(len(texts)))
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: texts\nversion: 0.0.0\n", encoding="utf-8")
    body = f'{defines}{{{{ dict "out" (list {calls}) | toJson }}}}\n'
    (folder / "templates" / "out.yaml").write_text(body, encoding="utf-8")


def read_out(rendered: str) -> list[str]:
    """Return the texts of what the chart rendered to."""
    strings: list[str] = json.loads(rendered)["out"]
    return strings
