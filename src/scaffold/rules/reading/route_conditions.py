"""Whether a request meets the conditions of a route, and which one it does not."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.route import Request
from scaffold.rules.reading.http_matches import PRESENT, Match, string_match

_ORIGIN = ("gateways", "port", "sourceLabels", "sourceNamespace")


def origin_misses(match: Match, entry: str, port: int | None, labels: Mapping[str, Any]) -> str:
    """Return why a match is not for what comes in at an entry (``ns/gateway`` or ``mesh``), empty if it is."""
    named, source = match.get("gateways"), match.get("sourceLabels")
    if isinstance(named, list) and named and entry not in named:
        return f"is for {', '.join(map(str, named))} alone"
    if match.get("port") and port is not None and match["port"] != port:
        return f"is for port {match['port']} alone"
    if isinstance(named, list) and named:
        return ""
    if isinstance(source, Mapping) and any(labels.get(key) != value for key, value in source.items()):
        return "is for callers with other labels: " + ", ".join(f"{key}={value}" for key, value in source.items())
    if match.get("sourceNamespace"):
        return f"is for callers of namespace {match['sourceNamespace']}"
    return ""


def without_origin(match: Match) -> Match:
    """Return a match without the conditions of where requests come from."""
    return {key: value for key, value in match.items() if key not in _ORIGIN}


def misses(match: Match, request: Request, scheme: str) -> str:
    """Return the first condition of a VirtualService's match that a request does not meet, empty if it meets all."""
    return next(_missed(match, request, scheme), "")


def holds(condition: Any, value: str | None, *, ignore_case: bool = False) -> bool:
    """Tell whether a value, None where there is none, meets a condition of kind exact, prefix or regex."""
    wanted = string_match(condition)
    if wanted is None or value is None:
        return False
    if wanted == PRESENT:
        return True
    kind, text = wanted
    if ignore_case:
        text, value = text.lower() if kind != "regex" else f"(?i){text}", value.lower() if kind != "regex" else value
    if kind == "regex":
        return full_match(text, value)
    return value == text if kind == "exact" else value.startswith(text)


def full_match(pattern: str, value: str) -> bool:
    """Tell whether an expression takes the whole of a value; one that is none takes nothing."""
    try:
        return re.fullmatch(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def shown(condition: Any) -> str:
    """Return a condition as a person reads it."""
    kind, text = string_match(condition) or ("", str(condition))
    return "any value" if kind == "present" else f"{kind} {text}"


def _missed(match: Match, request: Request, scheme: str) -> Iterator[str]:
    uri = match.get("uri")
    if uri is not None and not holds(uri, request.path, ignore_case=match.get("ignoreUriCase") is True):
        yield f"path is not {shown(uri)}"
    for key, value in (("method", request.method), ("authority", request.host), ("scheme", scheme)):
        if match.get(key) is not None and not holds(match[key], value):
            yield f"{key} is not {shown(match[key])}"
    for key, values in (("headers", request.headers), ("queryParams", request.query)):
        wanted = match.get(key)
        for name, condition in wanted.items() if isinstance(wanted, Mapping) else ():
            got = _header(request, name) if key == "headers" else values.get(name)
            if not holds(condition, got):
                thing = "header" if key == "headers" else "parameter"
                yield f"{thing} {name} is {'missing' if got is None else got}, not {shown(condition)}"
    without = match.get("withoutHeaders")
    for name, condition in without.items() if isinstance(without, Mapping) else ():
        if holds(condition, _header(request, name)):
            yield f"header {name} is {_header(request, name)}"


def _header(request: Request, name: str) -> str | None:
    pseudo = {":authority": request.host, ":method": request.method, ":path": request.target}
    return pseudo.get(name) or request.headers.get(name.lower())
