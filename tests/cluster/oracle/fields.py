"""Whether two say the same of a field: the server names it, the check shows a line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.model.yamltext import Path as Keys
from scaffold.model.yamltext import parse

# ports[0], ports[name="http"], labels[app.kubernetes.io/name], labels.[app], and plain words
_TOKEN = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")

# Where the server names a field of its internal version, or of the Go structure, and not the one that is written.
_NAMES = (
    (re.compile(r"^spec\.validation\."), "spec.versions[0].schema."),
    (re.compile(r"^spec\.(additionalPrinterColumns|subresources)"), r"spec.versions[0].\1"),
    (re.compile(r"\.JSONPath$"), ".jsonPath"),
    (re.compile(r"^spec\.LoadBalancer"), "spec.loadBalancer"),
    (re.compile(r"^overhead\.limits"), "overhead.podFixed"),
    (re.compile(r"\btemplate\.labels"), "template.metadata.labels"),
    (re.compile(r"(DuringExecution\[\d+\])\.namespace$"), r"\1.namespaces"),
    (re.compile(r"\bdownwardAPI(?!\.items|\.defaultMode)"), "downwardAPI.items"),
    (re.compile(r"\bresources\[storage\]"), "resources.requests.storage"),
    (re.compile(r"\.[A-Z]\w*(?=\.)"), ""),
    (re.compile(r"(volumes\[\d+\]\.projected)\.path$"), r"\1.sources.serviceAccountToken.path"),
)


def written(field: str) -> str:
    """Return a field by the name that people write."""
    for pattern, name in _NAMES:
        field = pattern.sub(name, field)
    return field


class Lines:
    """The lines of a text, by the server's names of fields."""

    def __init__(self, text: str) -> None:
        documents, _ = parse(text)
        self._text = text.splitlines()
        self._data: Any = documents[0].data if documents else None
        self._lines: Mapping[Keys, int] = documents[0].lines if documents else {}

    def of(self, field: str) -> set[int]:
        """Return the lines where a field may stand: of what is missing the one of its nearest parent.

        The decoder names fields without the numbers of list items, so there may be several.
        """
        paths = self._resolved(list(_tokens(written(field))), self._data, ())
        return {line for path in paths for line in self.around(path)}

    def around(self, path: Keys) -> set[int]:
        """Return the lines of a value and of what lies directly in it: the server names a map or a list as a whole."""
        inside = {line for keys, line in self._lines.items() if path and keys[:-1] == path}
        return {self.at(path), *inside}

    def of_key(self, line: int, key: str) -> int:
        """Return the line of a key of which the server names the line where its value begins."""
        here, above = (self._text[number - 1] if 1 <= number <= len(self._text) else "" for number in (line, line - 1))
        begins = (f"{key}:", f"'{key}':", f'"{key}":')
        return line if here.strip(" -").startswith(begins) or not above.strip(" -").startswith(begins) else line - 1

    def at(self, path: Keys) -> int:
        """Return the line of a path, or of its nearest parent."""
        for end in range(len(path), -1, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return 1

    def _resolved(self, tokens: list[str], value: Any, path: Keys) -> Iterator[Keys]:
        """Yield the paths of tokens, each as far as it exists."""
        if not tokens:
            yield path
        elif isinstance(value, list):
            items = list(_items(value, tokens[0]))
            rest = tokens[1:] if tokens[0].startswith("[") else tokens
            for index in items:
                yield from self._resolved(rest, value[index], (*path, index))
            if not items:
                yield path
        elif isinstance(value, dict):
            for end in range(len(tokens), 0, -1):  # a key may have dots of its own
                key = ".".join(token.strip("[]") for token in tokens[:end])
                if key in value:
                    yield from self._resolved(tokens[end:], value[key], (*path, key))
                    return
            yield path
        else:
            yield path


def _tokens(field: str) -> Iterator[str]:
    for match in _TOKEN.finditer(field):
        yield f"[{match[1]}]" if match[2] is None else match[2]


def _items(value: list[Any], token: str) -> Iterable[int]:
    """Return the numbers of the items that a token means."""
    inside = token.strip("[]")
    if not token.startswith("["):
        return range(len(value))
    if inside.isdigit():
        return [int(inside)] if int(inside) < len(value) else []
    wanted = dict(pair.split("=", 1) for pair in inside.split(",") if "=" in pair)
    if not wanted:  # an item of a set is named by itself
        return [index for index, item in enumerate(value) if str(item) == inside.strip('"')]
    return [index for index, item in enumerate(value) if isinstance(item, dict) and _is(item, wanted)]


def _is(item: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Tell whether an item has these keys; the server fills in defaults, so a key may be missing."""
    return all(key not in item or str(item[key]) == text.strip('"') for key, text in wanted.items())
