"""Templates of an ApplicationSet filled with parameters: Go templates by an engine, classic ones here."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scaffold.model.ports import GoTemplates

_TEMPLATED = re.compile(r"\{\{.*\}\}")
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def collected(value: Any) -> list[str]:
    """Return every text of a value that holds a template, keys too, each once."""
    found: dict[str, None] = {}
    _collect(value, found)
    return list(found)


def replaced(value: Any, rendered: Mapping[str, str]) -> Any:
    """Return a value with its templates replaced by what came of them."""
    if isinstance(value, str):
        return rendered.get(value, value)
    if isinstance(value, Mapping):
        return {rendered.get(key, key): replaced(item, rendered) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, rendered) for item in value]
    return value


def fast_template(text: str, parameters: Mapping[str, Any]) -> str:
    """Fill ``{{ name }}`` as templates without ``goTemplate`` do; an unknown name stays as it is."""

    def fill(tag: re.Match[str]) -> str:
        value = parameters.get(tag[1].strip())
        return value if isinstance(value, str) and tag[1].strip() else tag[0]

    return _TAG.sub(fill, text) if _TEMPLATED.search(text) else text


def filled(
    templates: GoTemplates | None, texts: list[str], parameters: Iterable[Mapping[str, Any]]
) -> list[list[str] | str]:
    """Render the texts once for each set of parameters; ``templates`` is None for classic templates.

    An answer is the rendered texts, or one error.
    """
    if templates is None:
        return [[fast_template(text, one) for text in texts] for one in parameters]
    wanted = list(parameters)
    return templates([(one, texts) for one in wanted]) if texts and wanted else [[] for _ in wanted]


def _collect(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, str):
        if "{{" in value:
            found[value] = None
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _collect(key, found)
            _collect(item, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found)
