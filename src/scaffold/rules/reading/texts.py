"""Every text of an object, wherever in it."""

from collections.abc import Iterator, Mapping

from scaffold.model.yamltext import Path


def texts_below(value: object, keys: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield keys and text of every text in a value; keys of maps are none."""
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_below(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_below(item, (*keys, index))
