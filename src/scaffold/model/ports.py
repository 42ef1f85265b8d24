"""What expansion asks of the engines: rendering charts and Go templates. The engines fulfil it, tests use lambdas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """One render of a chart of this repository.

    ``path`` is the chart's folder, ``values`` the paths of values files in order (later wins), both from the
    repository's root; ``inline`` wins over the files. ``kube_version`` is ``1.36``. ``place`` and ``owner`` say
    who asks, for messages.
    """

    path: str
    release: str
    namespace: str
    place: Place
    owner: str
    values: tuple[str, ...] = ()
    inline: Mapping[str, Any] = field(default_factory=dict)
    kube_version: str = "1.37"


@dataclass(frozen=True, slots=True)
class ChartResult:
    """What came of a request: rendered text by template path (from the repository's root), CRDs likewise.

    ``faults`` is why it could not be rendered, ``lint`` what ``helm lint --strict`` says of it.
    """

    documents: Mapping[str, str] = field(default_factory=dict)
    crds: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Hit, ...] = ()
    lint: tuple[Hit, ...] = ()


class ChartRenderer(Protocol):
    """Renders a batch of requests, answers in the same order."""

    def __call__(self, requests: Sequence[ChartRequest], /) -> list[ChartResult]:
        """Render."""


class GoTemplates(Protocol):
    """Renders Go templates with sprig, ``missingkey=error``.

    A job is (parameters, template strings); its answer the rendered strings, or one error text.
    """

    def __call__(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]], /) -> list[list[str] | str]:
        """Render."""


class Kustomizer(Protocol):
    """Builds a folder with the real kustomize."""

    def __call__(self, folder: str, fields: Mapping[str, Any], resources: Sequence[str] | None, /) -> tuple[str, str]:
        """Return YAML, and an error (one of them empty).

        ``fields`` are those that a controller adds to the folder's file, ``resources`` stand in place of the file.
        """
