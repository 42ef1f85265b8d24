"""RFC 6902 patches, as the library behind kustomize 5.8 applies them.

It is looser than the RFC: negative indexes count from the end, and ``replace`` of a key that is missing adds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.expand.objects import copied
from scaffold.model.yamltext import Path

Touched = list[Path]


class PatchError(Exception):
    """A patch that does not apply, and why."""


def apply(data: dict[str, Any], operations: Sequence[Any]) -> Touched:
    """Change the data in place; return the paths whose lines in the source no longer hold."""
    touched: Touched = []
    for operation in operations:
        if not isinstance(operation, Mapping) or not isinstance(operation.get("path"), str):
            raise PatchError("an operation needs `op` and `path`")
        keys = _pointer(operation["path"])
        match operation.get("op"):
            case "add":
                touched.append(_add(data, keys, copied(operation.get("value"))))
            case "remove":
                touched.append(_remove(data, keys)[1])
            case "replace":
                touched.append(_replace(data, keys, copied(operation.get("value"))))
            case "test":
                if _get(data, keys) != operation.get("value"):
                    raise PatchError(f"test of {operation['path']} failed")
            case "move":
                value, path = _remove(data, _pointer(str(operation.get("from", ""))))
                touched += [path, _add(data, keys, value)]
            case "copy":
                value = copied(_get(data, _pointer(str(operation.get("from", "")))))
                touched.append(_add(data, keys, value))
            case other:
                raise PatchError(f"unknown operation {other}")
    return touched


def lines_after(lines: Mapping[Path, int], touched: Touched) -> Mapping[Path, int]:
    """Return the lines that still say where a value stands."""
    if not touched:
        return lines
    return {path: line for path, line in lines.items() if not any(path[: len(gone)] == gone for gone in touched)}


def _pointer(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _parent(data: Any, keys: Sequence[str], what: str) -> Any:
    node = data
    for key in keys[:-1]:
        node = _child(node, key, what)
    if not keys or not isinstance(node, dict | list):
        raise PatchError(f"{what}: no such path")
    return node


def _child(node: Any, key: str, what: str) -> Any:
    if isinstance(node, dict) and key in node:
        return node[key]
    if isinstance(node, list):
        return node[_index(node, key, what)]
    raise PatchError(f"{what}: no such path")


def _index(node: list[Any], key: str, what: str, more: int = 0) -> int:
    size = len(node) + more
    if not key.lstrip("-").isdigit() or not -size <= int(key) < size:
        raise PatchError(f"{what}: no index {key}")
    return int(key) % size


def _get(data: Any, keys: Sequence[str]) -> Any:
    what = "/" + "/".join(keys)
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else _child(data, key, what)
    return data


def _add(data: Any, keys: Sequence[str], value: Any) -> Path:
    what = "add /" + "/".join(keys)
    parent = _parent(data, keys, what)
    if isinstance(parent, dict):
        parent[keys[-1]] = value
        return _path(data, keys)
    parent.insert(len(parent) if keys[-1] == "-" else _index(parent, keys[-1], what, 1), value)
    return _path(data, keys[:-1])


def _remove(data: Any, keys: Sequence[str]) -> tuple[Any, Path]:
    what = "remove /" + "/".join(keys)
    parent = _parent(data, keys, what)
    if isinstance(parent, list):
        return parent.pop(_index(parent, keys[-1], what)), _path(data, keys[:-1])
    if keys[-1] not in parent:
        raise PatchError(f"{what}: no such path")
    path = _path(data, keys)
    return parent.pop(keys[-1]), path


def _replace(data: Any, keys: Sequence[str], value: Any) -> Path:
    what = "replace /" + "/".join(keys)
    parent = _parent(data, keys, what)
    if isinstance(parent, list):
        parent[_index(parent, keys[-1], what)] = value
    else:
        parent[keys[-1]] = value
    return _path(data, keys)


def _path(data: Any, keys: Sequence[str]) -> Path:
    path: list[str | int] = []
    for key in keys:
        path.append(int(key) % max(len(data), 1) if isinstance(data, list) and key.lstrip("-").isdigit() else key)
        data = (
            data[path[-1]]
            if isinstance(data, list) and isinstance(path[-1], int) and data
            else (data.get(key) if isinstance(data, dict) else None)
        )
    return tuple(path)
