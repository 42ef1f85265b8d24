"""Charts: they render with every environment's values, and their schema refuses what it does not know."""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path, parse
from scaffold.rules.gitops.delivery import applications_without_their_values
from scaffold.rules.helm.refusals import taken_apart

_FINE_UNDER_GITOPS = ("chart directory is missing these dependencies", "directory does not exist")
"""The controllers fetch dependencies themselves, and a chart of nothing but dependencies has no templates."""

_REMOTE = ("http://", "https://")


@rule("HELM-00", Severity.WARNING, fix="Change the chart so that `helm lint --strict` has no complaint.")
def charts_pass_lint(repo: Repo) -> Iterator[Hit]:
    """`helm lint --strict` has no complaint about a chart, with the values of every environment.

    It knows what Helm itself would refuse or warn of at an install: bad versions, deprecated APIs, broken names.
    """
    for chart in repo.charts:
        # A chart that does not render is HELM-02's; lint would only say it again.
        for hit in chart.lint if not chart.faults else ():
            if not any(words in hit.text for words in _FINE_UNDER_GITOPS):
                # Lint names folders, too; a person edits files.
                known = hit.place.path in repo.files
                yield hit if known else Hit(Place(f"{chart.path}/Chart.yaml"), hit.text, hit.context)


@rule("HELM-02", Severity.ERROR, fix="Correct the value; or correct the chart's template or its values.schema.json.")
def charts_accept_their_values(repo: Repo) -> Iterator[Hit]:
    """A chart renders with every environment's values, and its schema is closed: unknown keys are refused.

    A misspelt key that passes changes nothing, and nobody is told. A schema that refers to the network cannot be
    evaluated offline, and Helm fetches it at every render.
    """
    unread = {path for path, _ in repo.syntax_faults}
    incomplete = applications_without_their_values(repo)
    for chart in repo.charts:
        # Values that are missing or no YAML are found by rules of their own.
        for fault in chart.faults if chart.owner not in incomplete and unread.isdisjoint(chart.values) else ():
            yield from taken_apart(repo, chart, fault)
    for folder in sorted(repo.chart_folders):
        path = f"{folder}/values.schema.json"
        vendored = any(PurePosixPath(folder).is_relative_to(other) for other in repo.chart_folders - {folder})
        if repo.files.get(path) and not vendored:
            yield from _schema(path, repo.files[path])


def _schema(path: str, text: str) -> Iterator[Hit]:
    try:
        schema = json.loads(text)
    except ValueError as error:
        yield Hit(Place(path, getattr(error, "lineno", 1)), f"no JSON: {error}")
        return
    documents, _ = parse(text)
    lines = documents[0].lines if documents else {}
    for keys, why in (*_open_objects(schema, schema, (), "", set()), *_remote_references(schema, (), "")):
        nearest = next((lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in lines), 1)
        yield Hit(Place(path, nearest), why)


def _open_objects(root: Any, schema: Any, keys: Path, where: str, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yield every object of the values that takes unknown keys: the root, and what lists its properties.

    What is written out as ``additionalProperties: true``, and maps without properties, are open on purpose;
    parts of an ``allOf`` or ``if`` have to be.
    """
    if not isinstance(schema, Mapping) or keys in seen:
        return
    seen.add(keys)
    if isinstance(reference := schema.get("$ref"), str) and reference.startswith("#/"):
        target: Path = tuple(part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/"))
        yield from _open_objects(root, _at(root, target), target, where, seen)
    rest = schema.get("additionalProperties")
    closed = rest is False or isinstance(rest, Mapping) or schema.get("unevaluatedProperties") is False
    if not closed and ((not keys) or ("properties" in schema and rest is None)):
        yield (*keys, "additionalProperties"), f"{where or 'the root'} takes unknown keys"
    for name in ("properties", "patternProperties"):
        for key, value in _map(schema.get(name)).items():
            yield from _open_objects(root, value, (*keys, name, key), f"{where}.{key}".lstrip("."), seen)
    for name in ("items", "additionalProperties"):
        yield from _open_objects(root, schema.get(name), (*keys, name), f"{where}[]", seen)


def _remote_references(schema: Any, keys: Path, base: str) -> Iterator[tuple[Path, str]]:
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _remote_references(item, (*keys, index), base)
    elif isinstance(schema, Mapping):
        base = schema["$id"] if isinstance(schema.get("$id"), str) else base
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            full = reference if "://" in reference else base
            if full.startswith(_REMOTE):
                yield (*keys, "$ref"), f"$ref {reference} is fetched from the network"
        for key, value in schema.items():
            if key not in {"const", "default", "enum", "examples"}:
                yield from _remote_references(value, (*keys, key), base)


def _at(root: Any, keys: Path) -> Any:
    for key in keys:
        root = root.get(key) if isinstance(root, Mapping) else None
    return root


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
