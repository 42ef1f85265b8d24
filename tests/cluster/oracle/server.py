"""What the API server says of a text: asked as ``kubectl create`` and as ``kubectl apply --server-side`` would, dry."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.cluster.harness.api import APPLY, Api, Refused
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.oracle.mutants import Mutant

_ASKED = urlencode({"dryRun": "All", "fieldManager": "oracle", "fieldValidation": "Strict", "force": "true"})
_CREATED = urlencode({"dryRun": "All", "fieldManager": "oracle", "fieldValidation": "Strict"})
_THREADS = 4
# Not about the text: admission and what is there (403, 404, 409), the server's state (429, 503, 504).
_BESIDE = frozenset({403, 404, 409, 429, 503, 504})
_TYPED = re.compile(r"(?:^|: |\n  )(\.[^\s].*?): (?:expected |field not declared|duplicate entries|.*)", re.MULTILINE)
_UNKNOWN = re.compile(r'(?:unknown|duplicate) field "([^"]+)"')
_DECODED = re.compile(r"Go struct field (\w+)\.([\w.]+) of type")
_LINE = re.compile(r'line (\d+): key "(.*?)" already')


@dataclass(frozen=True)
class Answer:
    """What the server said: of which fields, in its words; ``lines`` where it names lines of the text instead.

    ``beside`` is an answer that is not about the text, ``only_applied`` a refusal of what could be created.
    """

    refused: bool
    beside: bool = False
    only_applied: bool = False
    fields: tuple[str, ...] = ()
    lines: tuple[tuple[int, str], ...] = ()
    messages: tuple[str, ...] = ()


Judge = Callable[[Sequence[Mutant]], Iterator[Answer]]


@contextmanager
def server(plane: ControlPlane) -> Iterator[Judge]:
    """Ask a server about many texts, over some connections at once: it begins at the call, the answers follow."""
    local = threading.local()
    opened: list[Api] = []

    def mine() -> Api:
        if not hasattr(local, "api"):
            local.api = Api(plane.server, plane.api.token, plane.authority)
            opened.append(local.api)
        found: Api = local.api
        return found

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            yield lambda mutants: pool.map(lambda mutant: _answer(mine(), mutant), mutants)
        finally:
            for one in opened:
                one.close()


def _answer(api: Api, mutant: Mutant) -> Answer:
    where = mutant.api_version, mutant.kind, mutant.namespace
    asked = [("POST", f"{api.path(*where)}?{_CREATED}", "application/yaml")]
    if mutant.name:
        asked.append(("PATCH", f"{api.path(*where)}/{quote(mutant.name, safe='')}?{_ASKED}", APPLY))
    refusals: dict[str, Refused] = {}
    for method, path, kind in asked:
        try:
            api.ask(method, path, mutant.text, kind)
        except Refused as error:
            refusals[method] = error
        except http.client.RemoteDisconnected:
            # The server panics: 1.37 does at an Indexed Job with a successPolicy and without completions.
            refusals[method] = Refused(503, "the server ended the connection")
    about = [error for error in refusals.values() if error.status not in _BESIDE]
    if not about:
        return Answer(refused=False, beside=bool(refusals), messages=tuple(map(str, refusals.values())))
    fields = [field for error in about for field in _fields(error)]
    lines = [(int(line), key) for error in about for line, key in _LINE.findall(error.message)]
    return Answer(
        refused=True,
        only_applied="POST" not in refusals,
        fields=tuple(dict.fromkeys(fields)),
        lines=tuple(dict.fromkeys(lines)),
        messages=tuple(text for error in about for text in _messages(error)),
    )


def _fields(error: Refused) -> list[str]:
    """Return the fields that a refusal names, as the server writes them."""
    if error.causes:
        return [cause["field"] for cause in error.causes if cause.get("field")]
    decoded = [
        f"metadata.{field}" if kind == "ObjectMeta" and not field.startswith("metadata") else field
        for kind, field in _DECODED.findall(error.message)
    ]
    return [*_UNKNOWN.findall(error.message), *decoded, *_TYPED.findall(error.message)]


def _messages(error: Refused) -> list[str]:
    return [str(cause.get("message", "")) for cause in error.causes] or [error.message]
