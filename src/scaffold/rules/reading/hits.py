"""Hits on what is applied: at the place a person would edit, with the render that showed them."""

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.yamltext import Path


def at(manifest: Manifest, keys: Path, text: str) -> Hit:
    """Return a hit at the value below these keys of a manifest."""
    return Hit(manifest.place(*keys), text, context(manifest.origin))


def context(origin: Origin) -> str:
    """Return which render an origin is: its owner and the values files; empty for a plain file."""
    values = f"values {', '.join(origin.values)}" if origin.values else ""
    return ", ".join(part for part in (origin.owner, values) if part)
