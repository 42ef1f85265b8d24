"""The parameters that ApplicationSet generators find in a repository: git files, git directories, lists, clusters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from scaffold.expand import globs, values
from scaffold.expand.inventory import OWN_CLUSTER, Cluster, known_clusters, parameters
from scaffold.expand.objects import as_list, as_map, documents
from scaffold.expand.source import elsewhere
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import External, NotChecked, Repo
from scaffold.model.selectors import selects
from scaffold.model.yamltext import Key, parse

_NETWORK = {
    "scmProvider": "it asks a hosting service",
    "pullRequest": "it asks a hosting service",
    "clusterDecisionResource": "it asks the cluster",
    "plugin": "it asks a service",
    "oci": "it asks a registry",
}
_INVALID = re.compile("[^-a-z0-9.]")


@dataclass(frozen=True, slots=True)
class Element:
    """The parameters of one Application, ``origin`` names where they come from."""

    parameters: dict[str, Any]
    origin: str


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator that finds elements by itself; ``fields`` may be filled in by another one."""

    owner: Manifest
    keys: tuple[Key, ...]
    fields: Mapping[str, Any]
    go_template: bool


@dataclass(slots=True)
class Generated:
    """What a generator found, and what it read for it."""

    elements: list[Element]
    reached: set[str]
    external: list[External]
    not_checked: list[NotChecked]
    faults: list[Hit]


def generate(repo: Repo, kind: str, generator: Generator) -> Generated:
    """Run a generator on the repository."""
    made = Generated([], set(), [], [], [])
    owner, keys = generator.owner, generator.keys
    clusters, unknown = known_clusters(repo, owner.namespace) if kind == "clusters" else ([], "")
    if reason := _NETWORK.get(kind) or unknown:
        made.not_checked.append(NotChecked(owner.place(*keys), _title(owner), f"{kind} generator: {reason}"))
    elif kind == "list":
        made.elements += _list(generator, made)
    elif kind == "clusters":
        made.elements += _clusters(generator, clusters)
    elif kind == "git" and (where := elsewhere(repo, generator.fields, "revision")):
        made.external.append(External(owner.place(*keys), f"git generator of {where}"))
    elif kind == "git" and generator.fields.get("directories"):
        made.elements += _directories(repo, generator)
    elif kind == "git" and generator.fields.get("files"):
        made.elements += _files(repo, generator, made)
    else:
        made.faults.append(Hit(owner.place(*keys), f"{owner}: {kind} is no generator that finds anything"))
    return made


def _clusters(generator: Generator, clusters: list[Cluster]) -> list[Element]:
    """Return an element a cluster; the one Argo CD runs in is among them where no selector asks for labels."""
    selector = as_map(generator.fields.get("selector"))
    wanted = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
    chosen = [one for one in clusters if not wanted or fits(selector, as_map(one.get("labels")))]
    if not wanted and not any(one.get("server") == OWN_CLUSTER["server"] for one in clusters):
        chosen.append(OWN_CLUSTER)
    found = [
        Element(
            parameters(one, normalised(str(one.get("name"))), go_template=generator.go_template),
            f"cluster {one['name']}",
        )
        for one in chosen
    ]
    if generator.fields.get("flatList"):
        return [Element({"clusters": [element.parameters for element in found]}, "all clusters")]
    return found


def fits(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Tell whether labels or flattened parameters fit a selector; what is no map or list in it asks for nothing."""
    asked = {"matchLabels": as_map(selector.get("matchLabels"))}
    return selects(asked | {"matchExpressions": as_list(selector.get("matchExpressions"))}, labels)


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
