"""The parameters that ApplicationSet generators find in a repository: git files, git directories, lists."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from scaffold.expand import globs, values
from scaffold.expand.objects import as_list, documents
from scaffold.expand.source import elsewhere
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import External, NotChecked, Repo
from scaffold.model.yamltext import Key, parse

_NETWORK = {
    "scmProvider": "it asks a hosting service",
    "pullRequest": "it asks a hosting service",
    "clusterDecisionResource": "it asks the cluster",
    "plugin": "it asks a service",
    "clusters": "the registered clusters are not in the repository",
    "matrix": "matrix generators are not evaluated yet",
    "merge": "merge generators are not evaluated yet",
}
_INVALID = re.compile("[^-a-z0-9.]")


@dataclass(frozen=True, slots=True)
class Element:
    """The parameters of one Application, ``origin`` names where they come from."""

    parameters: dict[str, Any]
    origin: str


@dataclass(frozen=True, slots=True)
class Generator:
    """One entry of ``spec.generators``."""

    owner: Manifest
    keys: tuple[Key, ...]
    fields: Mapping[str, Any]
    go_template: bool

    @property
    def values(self) -> Mapping[str, str]:
        """Return the templates of further parameters."""
        found = self.fields.get("values")
        return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, Mapping) else {}


@dataclass(slots=True)
class Generated:
    """What a generator found, and what it read for it."""

    elements: list[Element]
    reached: set[str]
    external: list[External]
    not_checked: list[NotChecked]
    faults: list[Hit]


def generators(owner: Manifest) -> Iterator[tuple[str, Generator]]:
    """Yield kind and generator of every entry."""
    go_template = bool(owner.get("spec", "goTemplate"))
    for index, entry in owner.items("spec", "generators"):
        for kind, fields in entry.items():
            if kind != "selector" and isinstance(fields, Mapping):
                yield kind, Generator(owner, ("spec", "generators", index, kind), fields, go_template)


def generate(repo: Repo, kind: str, generator: Generator) -> Generated:
    """Run a generator on the repository."""
    made = Generated([], set(), [], [], [])
    owner, keys = generator.owner, generator.keys
    entry = owner.mapping(*keys[:-1])
    reason = _NETWORK.get(kind, "")
    if not reason and entry.get("selector"):
        reason = "a selector on parameters is not evaluated yet"
    if not reason and generator.fields.get("template"):
        reason = "a generator's own template is not evaluated yet"
    if reason:
        made.not_checked.append(NotChecked(owner.place(*keys), _title(owner), f"{kind} generator: {reason}"))
    elif kind == "list":
        made.elements += _list(generator, made)
    elif kind == "git" and (where := elsewhere(repo, generator.fields, "revision")):
        made.external.append(External(owner.place(*keys), f"git generator of {where}"))
    elif kind == "git" and generator.fields.get("directories"):
        made.elements += _directories(repo, generator)
    elif kind == "git" and generator.fields.get("files"):
        made.elements += _files(repo, generator, made)
    else:
        made.faults.append(Hit(owner.place(*keys), f"{owner}: {kind} is no generator that finds anything"))
    return made


def _title(owner: Manifest) -> str:
    return f"ApplicationSet {owner.namespace}/{owner.name}"


def _list(generator: Generator, made: Generated) -> Iterator[Element]:
    found = list(as_list(generator.fields.get("elements")))
    if isinstance(generator.fields.get("elementsYaml"), str):
        parsed = [document.data for document in parse(generator.fields["elementsYaml"])[0]]
        found += parsed[0] if parsed and isinstance(parsed[0], list) else []
    for index, element in enumerate(found):
        place = generator.owner.place(*generator.keys, "elements", index)
        if not isinstance(element, Mapping):
            made.faults.append(Hit(place, f"{generator.owner}: element {index} is no map"))
        elif generator.go_template:
            yield Element(dict(element), f"element {index}")
        else:
            flat: dict[str, Any] = {}
            for key, value in element.items():
                inner = value.items() if key == "values" and isinstance(value, Mapping) else [("", value)]
                for name, text in inner:
                    flat[f"values.{name}" if name else key] = text
            if wrong := [key for key, value in flat.items() if not isinstance(value, str)]:
                text = f"{generator.owner}: {wrong[0]} is no text, quote it (or use goTemplate)"
                made.faults.append(Hit(place, text))
            else:
                yield Element(flat, f"element {index}")


def _directories(repo: Repo, generator: Generator) -> Iterator[Element]:
    items = [item for item in as_list(generator.fields["directories"]) if isinstance(item, Mapping)]
    wanted = [globs.path_match(str(item.get("path"))) for item in items if not item.get("exclude")]
    unwanted = [globs.path_match(str(item.get("path"))) for item in items if item.get("exclude")]
    for folder in sorted(repo.folders - {""}, key=lambda path: path.split("/")):
        # Hidden folders are never looked at, unless the repo-server is told to.
        if any(part.startswith(".") for part in folder.split("/")):
            continue
        if any(match(folder) for match in wanted) and not any(match(folder) for match in unwanted):
            yield Element(_path_parameters(generator, folder, ""), folder)


def _files(repo: Repo, generator: Generator, made: Generated) -> Iterator[Element]:
    items = [item for item in as_list(generator.fields["files"]) if isinstance(item, Mapping)]
    wanted = [globs.pathspec(str(item.get("path"))) for item in items if not item.get("exclude")]
    unwanted = [globs.pathspec(str(item.get("path"))) for item in items if item.get("exclude")]
    for path in sorted(repo.files):
        if not any(match(path) for match in wanted) or any(match(path) for match in unwanted):
            continue
        made.reached.add(path)
        found = documents(repo, path)
        data = found[0].data if found else {}
        entries = data if isinstance(data, list) else [data]
        if not all(isinstance(entry, Mapping) for entry in entries):
            text = f"{path} is neither a map nor a list of maps"
            made.faults.append(Hit(generator.owner.place(*generator.keys), f"{generator.owner}: {text}"))
            continue
        for entry in entries:
            own = dict(entry) if generator.go_template else dict(values.flatten(entry))
            yield Element(own | _path_parameters(generator, str(PurePosixPath(path).parent), path), path)


def _path_parameters(generator: Generator, folder: str, file: str) -> dict[str, Any]:
    prefix = generator.fields.get("pathParamPrefix")
    base = PurePosixPath(folder).name or folder
    filename = PurePosixPath(file).name
    segments = folder.split("/")
    if generator.go_template:
        path: dict[str, Any] = {
            "path": folder, "basename": base, "basenameNormalized": normalised(base), "segments": segments,
        }  # fmt: skip
        if file:
            path |= {"filename": filename, "filenameNormalized": normalised(filename)}
        return {str(prefix): {"path": path}} if prefix else {"path": path}
    name = f"{prefix}.path" if prefix else "path"
    flat = {name: folder, f"{name}.basename": base, f"{name}.basenameNormalized": normalised(base)}
    if file:
        flat |= {f"{name}.filename": filename, f"{name}.filenameNormalized": normalised(filename)}
    return flat | {f"{name}[{index}]": segment for index, segment in enumerate(segments) if segment}


def normalised(name: str) -> str:
    """Return a name as Argo CD makes a DNS name of it."""
    return _INVALID.sub("-", name.lower())[:253].strip("-.")
