"""The real kustomize, where it is installed: for what the expansion's own subset does not evaluate."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.engines import process
from scaffold.model.errors import ToolFailed

_PROGRAMS = (("kustomize", "build"), ("kubectl", "kustomize"))
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}

Build = Callable[[str, Mapping[str, Any], Sequence[str] | None], tuple[str, str]]
"""Folder, fields that a controller adds, resources in place of the folder's own file; YAML, and an error."""


def program() -> tuple[str, ...] | None:
    """Return the command that builds, None where there is none."""
    return next((command for command in _PROGRAMS if process.which(command[0])), None)


def version() -> str:
    """Return what builds and its version. Raises ToolFailed where nothing does."""
    command = program()
    if command is None:
        raise ToolFailed("neither kustomize nor kubectl is on PATH: fields beyond the built-in subset are not checked")
    argv = [command[0], "version", *(["--client"] if command[0] == "kubectl" else [])]
    return f"{' '.join(process.run(argv).out.split())} ({process.which(command[0])})"


def kustomize(root: Path, seconds: float = 120) -> Build | None:
    """Return a builder of the folders below ``root``; paths are from there. None where kustomize is not installed."""
    command = program()
    if command is None:
        return None

    def build(folder: str, fields: Mapping[str, Any], resources: Sequence[str] | None) -> tuple[str, str]:
        with tempfile.TemporaryDirectory(prefix="scaffold-") as scratch:
            # A kustomization around the folder takes the controller's fields, and tells where each object lies.
            named = [folder or "."] if resources is None else list(resources)
            above = Path(os.path.relpath(root.resolve(), Path(scratch).resolve()))
            around = {
                **fields,
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [str(above / path) for path in named],
                "buildMetadata": ["originAnnotations"],
            }
            if "components" in fields:
                around["components"] = [str(above / folder / entry) for entry in fields["components"]]
            (Path(scratch) / "kustomization.yaml").write_text(json.dumps(around), encoding="utf-8")
            argv = [*command, "--load-restrictor", "LoadRestrictionsNone", scratch]
            done = process.run(argv, env=_OFFLINE, seconds=seconds, allowed=(0, 1))
            if done.code:
                return "", " ".join(done.err.replace(scratch, ".").removeprefix("error: ").split())
            return done.out.replace(f"{above}/", ""), ""

    return build
