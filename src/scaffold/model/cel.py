"""Expressions of CEL as others see them: a compiler, and programs that give a value or say why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failed:
    """Why an expression has no value: it is not understood, or it fails for these data."""

    reason: str


Program = Callable[[Mapping[str, Any]], Any]
"""What an expression becomes: variables in, a plain value or ``Failed`` out."""

Compiler = Callable[[str], Program | Failed]
