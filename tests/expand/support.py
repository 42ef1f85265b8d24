"""What the tests of this room share: engines as functions, and what came out as short lines."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.expand import expand
from scaffold.model.manifest import Manifest
from scaffold.model.ports import ChartRequest, ChartResult
from scaffold.model.repo import Repo

URL = "https://git.example/team/config.git"


def no_charts(requests: Sequence[ChartRequest]) -> list[ChartResult]:
    raise AssertionError(f"nobody should render {requests}")


def no_templates(jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
    raise AssertionError(f"nobody should ask for {jobs}")


class Charts:
    """Answers every request with one ConfigMap of the release's name, and keeps the batches it was asked for."""

    def __init__(self, documents: Mapping[str, str] | None = None, crds: Mapping[str, str] | None = None) -> None:
        self.batches: list[list[ChartRequest]] = []
        self.documents = documents
        self.crds = crds or {}

    def __call__(self, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        self.batches.append(list(requests))
        return [
            ChartResult(documents=self.documents or {f"{r.path}/templates/cm.yaml": named(r.release)}, crds=self.crds)
            for r in requests
        ]

    @property
    def requests(self) -> list[ChartRequest]:
        return [request for batch in self.batches for request in batch]


def go(jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
    """Render ``{{ .a.b }}`` and ``{{ index .a.b N }}``; a missing key is an error, as with ``missingkey=error``."""
    answers: list[list[str] | str] = []
    for parameters, texts in jobs:
        try:
            answers.append([_fill(text, parameters) for text in texts])
        except KeyError as error:
            answers.append(f"map has no entry for key {error}")
    return answers


def _fill(text: str, parameters: Mapping[str, Any]) -> str:
    while "{{" in text:
        before, _, rest = text.partition("{{")
        tag, _, after = rest.partition("}}")
        words = tag.split()
        value: Any = parameters
        for key in (words[1] if words[0] == "index" else words[0]).strip(".").split("."):
            value = value[key]
        if words[0] == "index":
            value = value[int(words[2])]
        text = f"{before}{value}{after}"
    return text


def files(texts: Mapping[str, str]) -> dict[str, str]:
    return {path: textwrap.dedent(text) for path, text in texts.items()}


def expanded(texts: Mapping[str, str], charts: Any = no_charts, templates: Any = no_templates, url: str = URL,
             **more: Any) -> Repo:  # fmt: skip
    return expand(Repo.of(url, files(texts)), charts, templates, **more)


def line(manifest: Manifest) -> str:
    origin = manifest.origin
    return f"{manifest.cluster or '-'} {manifest} @ {origin.path}:{origin.line} < {origin.owner or 'hand'}"


def lines(repo: Repo) -> list[str]:
    return [line(manifest) for manifest in repo.manifests]


def named(name: str, kind: str = "ConfigMap", namespace: str = "") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    version = "apps/v1" if kind == "Deployment" else "v1"
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{where}}}\n"


def application(name: str, source: str, destination: str = "{name: prod, namespace: web}", url: str = URL) -> str:
    """Return an Application; ``source`` are the fields of its source beside repoURL, flow style."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        f'spec:\n  destination: {destination}\n  source: {{repoURL: "{url}", {source}}}\n'
    )
