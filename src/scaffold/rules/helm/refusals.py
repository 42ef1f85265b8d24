"""Helm's refusal of values, taken apart: a hit for each value, at the line of the file that sets it.

Helm names all of them in one message, in an order that changes from run to run, and names no file.
"""

import re
from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Chart, Repo
from scaffold.model.yamltext import Path

_START = "values don't meet the specifications of the schema(s) in the following chart(s): "
_PART = re.compile(
    r"(?P<chart>\S+):(?= - at ')|- at '(?P<pointer>[^']*)': (?P<message>.*?)(?=\s+- at '|\s+\S+: - at '|$)"
)
_UNKNOWN = re.compile(r"additional properties (?P<names>.*) not allowed")
_NO_SCHEMA = re.compile(r'"file:///values\.schema\.json#" is not valid against metaschema: (?P<why>.*)')
_SAYS_NOTHING = frozenset({"validation failed", "'allOf' failed"})


def taken_apart(repo: Repo, chart: Chart, fault: Hit) -> Iterator[Hit]:
    """Yield a hit for each value that a schema refuses; any other fault as it is."""
    rest = fault.text.removeprefix(_START)
    if broken := _NO_SCHEMA.search(rest):
        yield Hit(Place(f"{chart.path}/values.schema.json"), f"no JSON schema: {broken['why']}", fault.context)
    elif rest == fault.text or not _PART.search(rest):
        yield fault
    else:
        messages: dict[Path, set[str]] = {}
        for keys, message in _messages(rest, _name(repo, chart)):
            messages.setdefault(keys, set()).add(message)
        for keys, said in messages.items():
            place = _set_at(repo, chart, keys) or fault.place
            yield Hit(place, f"{'.'.join(map(str, keys)) or 'values'}: {'; '.join(sorted(said))}", fault.context)


def _messages(text: str, own_name: str) -> Iterator[tuple[Path, str]]:
    """Yield the keys of each value and what is wrong with it; a subchart's values stand below its name."""
    prefix: Path = ()
    for part in _PART.finditer(text):
        if chart := part["chart"]:
            prefix = () if chart == own_name else (chart,)
            continue
        pointer = part["pointer"].split("/")[1:]
        keys: Path = (*prefix, *(key.replace("~1", "/").replace("~0", "~") for key in pointer))
        if unknown := _UNKNOWN.fullmatch(part["message"].strip()):
            for name in re.findall(r"'([^']*)'", unknown["names"]):
                yield (*keys, name), "the chart has no such value"
        elif part["message"].strip() not in _SAYS_NOTHING:
            yield keys, part["message"].strip()


def _set_at(repo: Repo, chart: Chart, keys: Path) -> Place | None:
    """Return where a value is set: in the last file that has it, else in the one that has most of its keys."""
    files = [*reversed(chart.values), f"{chart.path}/values.yaml"]
    indexed = [tuple(int(key) if str(key).isdigit() else key for key in keys), keys]
    for length in range(len(keys), 0, -1):
        for path in files:
            for document in repo.documents(path):
                for spelling in indexed:
                    if line := document.lines.get(spelling[:length]):
                        return Place(path, line)
    return None


def _name(repo: Repo, chart: Chart) -> str:
    documents = repo.documents(f"{chart.path}/Chart.yaml")
    return str(documents[0].data.get("name")) if documents and isinstance(documents[0].data, dict) else ""
