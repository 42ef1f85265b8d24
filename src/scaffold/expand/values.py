"""Helm values as the controllers put them together before Helm sees them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scaffold.model.merged import merge

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")


def set_path(values: Mapping[str, Any], name: str, text: str, *, as_text: bool = False) -> dict[str, Any] | None:
    """Return the values with ``--set name=text`` applied; None where the name has a list index.

    An index changes an item of a list that may come from a file or from the chart, which is not known here.
    """
    keys = _keys(name)
    if keys is None:
        return None
    value: Any = _typed(_plain(text), as_text=as_text)
    if text.startswith("{") and text.endswith("}") and not as_text:
        value = [_typed(_plain(item), as_text=False) for item in _split(text[1:-1], ",")] if text != "{}" else []
    for key in reversed(keys):
        value = {key: value}
    return merge(values, value)


def _keys(name: str) -> list[str] | None:
    if not name or "[" in name or "=" in name:
        return None
    return [_plain(key) for key in _split(name, ".")]


def _split(text: str, separator: str) -> list[str]:
    parts = [""]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            parts[-1] += character + next(characters, "")
        elif character == separator:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _typed(text: str, *, as_text: bool) -> Any:
    if as_text:
        return text
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "0": 0}
    if text.lower() in words:
        return words[text.lower()]
    return int(text) if not text.startswith("0") and _INTEGER.match(text) else text


def go_print(value: Any) -> str:
    """Return what Go's ``%v`` prints of a value out of JSON, where every number is a float64."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _float(float(value))
    return value if isinstance(value, str) else str(value)


def _float(value: float) -> str:
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    shortest = repr(value)
    digits = re.sub(r"e.*|\.|-", "", shortest).strip("0") or "0"
    power = int(exponent)
    if -4 <= power < 6:  # %g of the shortest digits
        return shortest.removesuffix(".0")
    sign = "-" if mantissa.startswith("-") else ""
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if power < 0 else '+'}{abs(power):02d}"


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten to dotted names (``a.b``, ``a.0``), as parameters of a classic ApplicationSet template."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, list):
            flat |= flatten(dict(_numbered(value)), f"{name}.")
        elif isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = go_print(value)
    return flat


def _numbered(items: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return ((str(index), item) for index, item in enumerate(items))
