"""Make the schema catalog: facts of Kubernetes and of CustomResourceDefinitions, in ``src/scaffold/facts/data``.

    python tools/catalog.py --openapi DIR --crds DIR

``--openapi`` holds a folder for each version of Kubernetes, in it ``discovery.json`` and one file of OpenAPI v3
components for each group and version. ``--crds`` holds a folder for each project and an ``INDEX.md`` whose first table
says where each comes from. Only projects under Apache-2.0 or MIT are taken. Same input, same bytes.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scaffold.facts.definitions import read_custom_resource
from scaffold.facts.nodes import Table, line
from scaffold.facts.openapi import OpenApi

DATA = Path(__file__).parent.parent / "src" / "scaffold" / "facts" / "data"
KUBERNETES = "kubernetes/kubernetes"
LICENCES = ("Apache-2.0", "MIT")
# The operator's repository is AGPL-3.0; these four files are the release output of Flux itself.
REDISTRIBUTED = {"controlplaneio-fluxcd/flux-operator": ("fluxcd/flux2", r"config/data/flux/(v[\d.]+)/", "Apache-2.0")}


@dataclass(frozen=True)
class Source:
    """A project and its release, as INDEX.md says."""

    folder: str
    project: str
    version: str
    licence: str
    kinds: frozenset[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openapi", type=Path, required=True)
    parser.add_argument("--crds", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=DATA)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    files = catalog(options.openapi, options.crds)
    for name, text in files.items():
        (options.out / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(files)} files, {sum(map(len, files.values())) // 1024} KB in {options.out}")


def catalog(openapi: Path, crds: Path) -> dict[str, str]:
    """Return the files of the catalog: their names and their texts."""
    table = Table()
    sources: list[list[str]] = []
    kinds = sorted([*kubernetes(openapi, table, sources), *custom_resources(crds, table, sources)])
    metadata = next(number for number, node in enumerate(table.nodes) if "managedFields" in node.get("properties", {}))
    tables = f'"sources":[\n{_lines(sources)}\n],\n"kinds":[\n{_lines(kinds)}\n]'
    return {
        "index.json": f'{{"metadata":{metadata},\n{tables}}}\n',
        "nodes.jsonl": "".join(f"{line(node)}\n" for node in table.nodes),
    }


def kubernetes(openapi: Path, table: Table, sources: list[list[str]]) -> list[list[Any]]:
    """Read every kind that can be created, of each version."""
    seen: dict[str, int] = {}
    found: dict[tuple[str, str], list[Any]] = {}
    for folder in sorted(path for path in openapi.iterdir() if path.is_dir()):
        discovery = _json(folder / "discovery.json")
        sources.append([KUBERNETES, discovery["version"], "Apache-2.0"])
        components: dict[str, Any] = {}
        for path in [*sorted(folder.glob("*_v*.json")), folder / "v1.json"]:
            components.update(_json(path))
        names = {
            (f"{gvk['group']}/{gvk['version']}".strip("/"), gvk["kind"]): name
            for name, schema in components.items()
            for gvk in schema.get("x-kubernetes-group-version-kind", ())
        }
        reader = OpenApi(components, table, seen)
        for resource in discovery["resources"]:
            if "subresource" not in resource and "create" in resource["verbs"]:
                key = resource["apiVersion"], resource["kind"]
                scope = "Namespaced" if resource["namespaced"] else "Cluster"
                row = found.setdefault(key, [*key, scope, KUBERNETES, {}])
                row[-1][folder.name] = reader.root(names[key])
    return list(found.values())


def custom_resources(crds: Path, table: Table, sources: list[list[str]]) -> Iterator[list[Any]]:
    """Read every served version of every definition with a licence that allows it."""
    for source in index(crds / "INDEX.md"):
        if (row := [source.project, source.version, source.licence]) not in sources:
            sources.append(row)
        for path in sorted((crds / source.folder).glob("*.yaml")):
            definition = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["spec"]
            group, kind = definition["group"], definition["names"]["kind"]
            for version in definition["versions"] if (group, kind) in source.kinds else ():
                if version["served"]:
                    schema = version["schema"]["openAPIV3Schema"]
                    root = read_custom_resource(schema, version.get("subresources") or {}, table)
                    yield [f"{group}/{version['name']}", kind, definition["scope"], source.project, root]


def index(path: Path) -> Iterator[Source]:
    """Read the first table of INDEX.md, sorted by project; what may not be published is left out."""
    rows = re.findall(r"^\|(.+)\|$", path.read_text(encoding="utf-8").split("\n## ")[1], re.MULTILINE)[2:]
    for cells in sorted([cell.strip() for cell in row.split("|")] for row in rows):
        folder, project, version, _, _, licence, _, listed, where = cells
        if project in REDISTRIBUTED:
            project, pattern, licence = REDISTRIBUTED[project]
            version = re.search(pattern, where)[1]  # type: ignore[index]
        kinds = [part.split(": ") for part in listed.split("; ")]
        pairs = frozenset((group, kind) for group, names in kinds for kind in names.split(", "))
        if licence.startswith(LICENCES):
            yield Source(folder, project, version, licence.split()[0], pairs)


def _lines(rows: list[list[Any]]) -> str:
    return ",\n".join(line(row) for row in rows)


def _json(path: Path) -> Mapping[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
