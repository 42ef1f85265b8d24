"""The ``helm`` part of an Argo CD source: values files, inline values and parameters as one chart request."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scaffold.expand import globs, values
from scaffold.expand.objects import as_list
from scaffold.expand.source import Source, elsewhere
from scaffold.model.hit import Hit
from scaffold.model.ports import ChartRequest
from scaffold.model.repo import NotChecked, Repo, normalise
from scaffold.model.yamltext import parse

_VERSION = re.compile(r"v?(\d+\.\d+)")
_NOWHERE = ".."
_READ = frozenset({
    "releaseName", "valueFiles", "values", "valuesObject", "parameters", "fileParameters", "namespace", "kubeVersion",
    "ignoreMissingValueFiles", "skipCrds", "skipTests", "passCredentials", "version",
})  # fmt: skip


@dataclass(slots=True)
class Asked:
    """A chart request, the files beside values files that went into it, and what had no part in it."""

    request: ChartRequest
    read: set[str] = field(default_factory=set)
    not_checked: list[NotChecked] = field(default_factory=list)
    faults: list[Hit] = field(default_factory=list)


def value_files(repo: Repo, source: Source) -> list[str]:
    """Return the values files that lie here, globs expanded, in the order Helm reads them.

    A file named explicitly keeps its own position, also where a glob before it matches it.
    """
    named = [_resolved(repo, source, entry) for entry in _list(source, "valueFiles") if isinstance(entry, str)]
    explicit = {name for name in named if not globs.is_glob(name)}
    found: dict[str, None] = {}
    for name in named:
        if globs.is_glob(name):
            found |= dict.fromkeys(match for match in globs.doublestar(name, repo.files) if match not in explicit)
        elif name in repo.files:
            found[name] = None
    return list(found)


def chart_request(repo: Repo, source: Source) -> Asked:
    """Return what Argo CD would have Helm render for a source whose folder holds a chart."""
    helm = source.options("helm")
    asked = Asked(
        ChartRequest(
            path=source.folder,
            release=str(helm.get("releaseName") or source.app.name),
            namespace=str(helm.get("namespace") or source.owner.namespace),
            place=source.place(),
            owner=source.owner.name,
            values=tuple(value_files(repo, source)),
            kube_version=_minor(helm.get("kubeVersion")) or repo.kube_version,
        )
    )
    for name, value in helm.items():
        if name not in _READ and value:
            asked.not_checked.append(source.not_checked(f"helm.{name} is not evaluated", "helm", name))
    for index, entry in enumerate(_list(source, "valueFiles")):
        if isinstance(entry, str) and (why := _not_here(repo, source, entry)):
            reason = f"values file {entry} is not read: {why}"
            asked.not_checked.append(source.not_checked(reason, "helm", "valueFiles", index))
    inline = _inline(source, asked)
    for name, text, as_text in _parameters(repo, source, asked):
        if (changed := values.set_path(inline, name, text, as_text=as_text)) is None:
            reason = f"parameter {name} is not evaluated: it changes an item of a list"
            asked.not_checked.append(source.not_checked(reason, "helm", "parameters"))
        else:
            inline = changed
    asked.request = replace(asked.request, inline=inline)
    return asked


def _list(source: Source, name: str) -> list[Any]:
    return as_list(source.options("helm").get(name))


def _inline(source: Source, asked: Asked) -> dict[str, Any]:
    helm = source.options("helm")
    inline = helm.get("valuesObject")
    if not isinstance(inline, Mapping) and isinstance(helm.get("values"), str):
        documents, faults = parse(helm["values"])
        if faults:
            text = f"helm.values is no YAML: {faults[0].message}"
            asked.faults.append(Hit(source.place("helm", "values"), text, source.owner.name))
        inline = documents[0].data if documents else {}
    return dict(inline) if isinstance(inline, Mapping) else {}


def _parameters(repo: Repo, source: Source, asked: Asked) -> Iterator[tuple[str, str, bool]]:
    for parameter in _list(source, "parameters"):
        if isinstance(parameter, Mapping):
            name, value = (str(parameter.get(key) or "") for key in ("name", "value"))
            yield name, value, bool(parameter.get("forceString"))
    for parameter in _list(source, "fileParameters"):
        if isinstance(parameter, Mapping):
            file = _resolved(repo, source, str(parameter.get("path") or ""))
            if file in repo.files:
                asked.read.add(file)
                yield str(parameter.get("name") or ""), repo.files[file].replace("\\", "\\\\"), True


def _resolved(repo: Repo, source: Source, entry: str) -> str:
    """Return where an entry leads from the root; what is not here leads nowhere."""
    if _not_here(repo, source, entry):
        return _NOWHERE
    name, _, rest = entry.partition("/")
    if name in source.references:
        return normalise(rest)
    return normalise(entry if entry.startswith("/") else f"{source.folder}/{entry}")


def _not_here(repo: Repo, source: Source, entry: str) -> str:
    """Return why an entry is not in the working tree, empty if it is (or should be)."""
    if "://" in entry:
        return "it is fetched from the network"
    name = entry.partition("/")[0]
    if name in source.references:
        return elsewhere(repo, source.references[name])
    return "it depends on the build environment" if "$ARGOCD_" in entry or "${ARGOCD_" in entry else ""


def _minor(version: Any) -> str:
    found = _VERSION.match(version) if isinstance(version, str) else None
    return found[1] if found else ""
