"""``.scaffold.yaml`` at the root of a repository: how it is checked, for everybody who checks it.

::

    select: [MESH, GITOPS-05]       # only these rules; ids or their beginnings
    ignore: [YAML-02]               # not these
    strict: true                    # fail on what could not be checked, too
    kube-version: "1.36"
    schemas: [crds]                 # folders with custom resource definitions, from the root
    baseline: .scaffold-baseline.json
    clusters:                       # that Argo CD knows, for the clusters generator
      - {name: prod, server: "https://prod.example.com", labels: {env: prod}}

An option of the command line comes before the file.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.model.errors import BadInput
from scaffold.model.yamltext import Document, parse

FILE = ".scaffold.yaml"


def read_settings(root: Path) -> dict[str, Any]:
    """Return what the file of a repository says, by the names of the options; nothing without the file.

    Raises BadInput with the line of a fault.
    """
    path = root / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    documents, faults = parse(text)
    if faults:
        raise BadInput(f"{path}:{faults[0].line}: {faults[0].message}")
    if not documents:
        return {}
    if len(documents) > 1 or not isinstance(documents[0].data, dict):
        raise BadInput(f"{path}: settings are one map")
    return dict(_values(root, path, documents[0]))


def _values(root: Path, path: Path, document: Document) -> Iterator[tuple[str, Any]]:
    for key, value in document.data.items():
        where = f"{path}:{document.lines.get((key,), document.line)}: {key}"
        match key:
            case "select" | "ignore":
                yield key, _texts(where, value)
            case "strict":
                if not isinstance(value, bool):
                    raise BadInput(f"{where}: write true or false")
                yield key, value
            case "kube-version":
                # Written without quotes 1.30 is the number 1.3.
                if not isinstance(value, str):
                    raise BadInput(f'{where}: write the version in quotes, "1.37"')
                yield "kube_version", value
            case "schemas":
                yield key, tuple(root / name for name in _texts(where, value))
            case "baseline":
                if not isinstance(value, str):
                    raise BadInput(f"{where}: name a file")
                yield key, root / value
            case "clusters":
                yield "inventory", _clusters(where, value)
            case _:
                raise BadInput(f"{where} is no setting{_meant(str(key))}")


_KEYS = ("select", "ignore", "strict", "kube-version", "schemas", "baseline", "clusters")


def _meant(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, 1)
    return f", did you mean {near[0]}?" if near else f": choose from {', '.join(_KEYS)}"


def _texts(where: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise BadInput(f"{where}: write a list of texts")


def _clusters(where: str, value: Any) -> tuple[dict[str, Any], ...]:
    for one in value if isinstance(value, list) else [None]:
        cluster: dict[str, Any] = one if isinstance(one, dict) else {}
        texts = all(isinstance(cluster.get(key, ""), str) for key in _TEXTS)
        if not texts or not cluster.get("name") or not cluster.get("server") or cluster.keys() - {*_TEXTS, *_MAPS}:
            raise BadInput(f"{where}: write a list of maps with name and server, and labels, annotations or project")
        if not all(_is_labels(cluster.get(key, {})) for key in _MAPS):
            raise BadInput(f"{where}: labels and annotations are maps of texts")
    return tuple(value)


_TEXTS = ("name", "server", "project")
_MAPS = ("labels", "annotations")


def _is_labels(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
