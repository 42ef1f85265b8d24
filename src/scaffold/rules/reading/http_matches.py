"""The conditions of HTTP routes of a VirtualService, and which of them leave nothing for another."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.selectors import has_all
from scaffold.model.yamltext import Path

Match = Mapping[str, Any]
StringMatch = tuple[str, str]

PRESENT: StringMatch = ("present", "")
_SINGLE = ("authority", "method", "scheme")
_KEYED = ("headers", "queryParams")
_EMPTY: Mapping[str, Any] = {}


def matches(service: Manifest, keys: Path) -> list[Match]:
    """Return the alternatives of a route; a route without any takes every request."""
    value = service.get(*keys, "match")
    found = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return found or [_EMPTY]


def string_match(value: Any) -> StringMatch | None:
    """Return kind and text of a condition; None if it is none. An empty one asks whether the thing is there."""
    if not isinstance(value, Mapping):
        return PRESENT if value is None else None
    for kind in ("exact", "prefix", "regex"):
        if kind in value:
            text = value[kind]
            always = text == "*" and kind == "regex"  # Istio's own way to say "any"
            return PRESENT if always else (kind, text) if isinstance(text, str) else None
    return PRESENT


def takes_all(match: Match) -> bool:
    """Tell whether a match leaves nothing for the routes after it."""
    rest = {key for key, value in match.items() if value not in (None, {}, [], "")} - {"uri", "name", "ignoreUriCase"}
    return not rest and _covers_uri(match, _EMPTY)


def leaves_nothing(earlier: Match, later: Match, gateways: list[str]) -> bool:
    """Tell whether every request that a match takes has been taken by an earlier one.

    ``gateways`` are those of the VirtualService, which hold for a match that names none.
    """
    return (
        _covers_uri(earlier, later)
        and _covers_origin(earlier, later, gateways)
        and all(_covers(earlier.get(key), later.get(key), absent=key in later) for key in _SINGLE if key in earlier)
        and all(_covers_keyed(earlier, later, key) for key in _KEYED)
        and all(item in _items(later, "withoutHeaders") for item in _items(earlier, "withoutHeaders"))
    )


def dead_routes(service: Manifest, gateways: list[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the keys of each route that no request reaches, and of the one that takes them."""
    before: list[tuple[Path, Match]] = []
    for index, _ in service.items("spec", "http"):
        keys: Path = ("spec", "http", index)
        own = matches(service, keys)
        takers = [
            next((taker for taker, earlier in before if leaves_nothing(earlier, match, gateways)), None)
            for match in own
        ]
        if takers and all(takers):
            yield keys, next(taker for taker in takers if taker)
        before += [(keys, match) for match in own]


def _covers(earlier: Any, later: Any, *, absent: bool) -> bool:
    """Tell whether a condition holds wherever another does; ``absent`` tells whether there is another."""
    one, other = string_match(earlier), string_match(later) if absent else None
    if one is None or other is None:
        return False
    if one in {PRESENT, other, ("regex", ".*")}:
        return True
    return one[0] == "prefix" and other[0] in {"exact", "prefix"} and other[1].startswith(one[1])


def _covers_uri(earlier: Match, later: Match) -> bool:
    one = string_match(earlier.get("uri"))
    if one is None:
        return False
    if one in {PRESENT, ("prefix", "/"), ("prefix", ""), ("regex", ".*"), ("regex", "/.*")}:
        return True
    if later.get("ignoreUriCase") and not earlier.get("ignoreUriCase"):
        return False
    return "uri" in later and _covers(earlier.get("uri"), later.get("uri"), absent=True)


def _covers_origin(earlier: Match, later: Match, gateways: list[str]) -> bool:
    """Tell whether an earlier match takes requests from wherever a later one does."""
    for key in ("port", "sourceNamespace"):
        if earlier.get(key) and earlier.get(key) != later.get(key):
            return False
    named, theirs = earlier.get("gateways"), later.get("gateways")
    if named:
        reach = theirs if isinstance(theirs, list) and theirs else gateways
        return isinstance(named, list) and all(gateway in named for gateway in reach)
    labels, other = earlier.get("sourceLabels"), later.get("sourceLabels")
    if not labels:
        return True
    return isinstance(labels, Mapping) and isinstance(other, Mapping) and has_all(other, labels)


def _covers_keyed(earlier: Match, later: Match, key: str) -> bool:
    theirs = dict(_items(later, key))
    return all(name in theirs and _covers(value, theirs[name], absent=True) for name, value in _items(earlier, key))


def _items(match: Match, key: str) -> list[tuple[str, Any]]:
    value = match.get(key)
    return [(str(name).lower() if key != "queryParams" else str(name), item) for name, item in value.items()] \
        if isinstance(value, Mapping) else []  # fmt: skip
