"""Scaffold and check production GitOps repositories for Argo CD and Flux."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scaffold.model.version import __version__

if TYPE_CHECKING:
    from scaffold.api import check

__all__ = ["__version__", "check"]


def __getattr__(name: str) -> Any:
    # The rooms behind it are loaded when it is asked for: whoever wants the version, or --help, need not wait.
    if name == "check":
        return import_module("scaffold.api").check
    raise AttributeError(f"module 'scaffold' has no attribute {name!r}")
