"""Manifests as a YAML stream that any other tool reads, each with a comment that says where it comes from.

Written by hand, not by PyYAML: its plain scalars are those of YAML 1.1 as PyYAML knows it, and the Go libraries
behind kubectl and the controllers differ. Here only what every one of them reads as that text stands unquoted.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.report.terminal import harmless

_PLAIN = re.compile(r"[A-Za-z_/][-A-Za-z0-9_./@+]*( [-A-Za-z0-9_./@+()]+)*")
_WORDS = frozenset({"false", "inf", "n", "nan", "no", "null", "off", "on", "true", "y", "yes"})
_BLOCK = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")
_BLANK = re.compile(r"^[ \t]+$", re.MULTILINE)
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LONGEST_KEY = 1000
"""A key longer than 1024 characters has to be written with ``? ``."""


def stream(manifests: Iterable[Manifest]) -> str:
    """Return the manifests as YAML documents; each carries the namespace that its owner delivers it to."""
    return "".join(f"---\n# {_origin(manifest)}\n{document(_delivered(manifest))}" for manifest in manifests)


def document(data: Mapping[str, Any]) -> str:
    """Return one YAML document: keys in their order, no aliases, every text read back as it is."""
    return "\n".join(_node(data, 0)) + "\n"


def _origin(manifest: Manifest) -> str:
    to = f", to cluster {manifest.cluster}" if manifest.cluster else ""
    return harmless(f"{manifest.origin}{to}")


def _delivered(manifest: Manifest) -> Mapping[str, Any]:
    metadata = manifest.mapping("metadata")
    if not manifest.namespace or metadata.get("namespace"):
        return manifest.data
    named: dict[str, Any] = {}
    for key, value in metadata.items():
        named[key] = value
        if key == "name":
            named["namespace"] = manifest.namespace
    return {**manifest.data, "metadata": {**named, "namespace": manifest.namespace}}


def _node(value: Any, indent: int) -> Iterator[str]:
    """Yield the lines of a map or list; the first one is not indented, it may follow a dash."""
    pad = " " * indent
    first = True
    if isinstance(value, Mapping):
        entries = [(f"{_key(str(key), pad)}:", item, True) for key, item in value.items()]
    else:
        entries = [("-", item, False) for item in value]
    for lead, item, is_key in entries:
        start = "" if first else pad
        first = False
        if isinstance(item, Mapping | list) and item:
            if is_key:
                yield f"{start}{lead}"
                yield from _below(item, indent + 2)
            else:
                lines = _node(item, indent + 2)
                yield f"{start}- {next(lines)}"
                yield from lines
        else:
            yield from _scalar_lines(f"{start}{lead}", item, indent)


def _below(value: Any, indent: int) -> Iterator[str]:
    lines = _node(value, indent)
    yield " " * indent + next(lines)
    yield from lines


def _key(key: str, pad: str) -> str:
    text = _text(key)
    return text if len(text) <= _LONGEST_KEY else f"? {text}\n{pad}"


def _scalar_lines(lead: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, str) and _reads_well_as_block(value):
        body = value.rstrip("\n")
        ends = len(value) - len(body)
        # The indentation is told where the text itself starts with a space, or it would be taken for it.
        told = "2" if body.lstrip("\n")[0] in " \t" else ""
        yield f"{lead} |{told}{'-' if not ends else '' if ends == 1 else '+'}"
        for line in body.split("\n"):
            yield " " * (indent + 2) + line if line else ""
        yield from [""] * (ends - 1)
    else:
        yield f"{lead} {_scalar(value)}"


def _reads_well_as_block(text: str) -> bool:
    return "\n" in text and bool(text.strip() and _BLOCK.fullmatch(text) and not _BLANK.search(text))


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case Mapping():
            return "{}"
        case list():
            return "[]"
    return _text(str(value))


def _float(value: float) -> str:
    if value != value:  # noqa: PLR0124 - not a number
        return ".nan"
    if value in {float("inf"), float("-inf")}:
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
