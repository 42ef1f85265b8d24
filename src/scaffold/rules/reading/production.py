"""What is production: told by names alone, as nothing else in a repository says it."""

import re

from scaffold.model.manifest import Manifest
from scaffold.rules.reading.owners import destination, sources

_WORD = re.compile(r"[a-z0-9]+")
_NAMES = frozenset({"prd", "prod", "production"})
_NOT = frozenset({"no", "non", "not", "pre"})


def names_production(text: object) -> bool:
    """Tell whether a name or path has production among its words; ``non-prod`` and ``pre-prod`` are others."""
    found = _WORD.findall(text.lower()) if isinstance(text, str) else []
    return any(word in _NAMES and not (index and found[index - 1] in _NOT) for index, word in enumerate(found))


def is_production(manifest: Manifest) -> bool:
    """Tell whether an object is of production: by its name, its namespace, its cluster or the folder it comes from."""
    folder = manifest.origin.path.rpartition("/")[0]
    named = [
        manifest.name,
        manifest.namespace,
        manifest.cluster,
        manifest.origin.owner,
        folder,
        *manifest.origin.values,
    ]
    if (manifest.group, manifest.kind) == ("argoproj.io", "Application"):
        named += [*destination(manifest), *(str(source.get("path") or "") for _, source in sources(manifest))]
    return any(map(names_production, named))
