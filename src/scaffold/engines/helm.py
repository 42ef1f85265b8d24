"""Helm: charts rendered and linted, by the embedded engine or by the ``helm`` on PATH, with equal results.

The embedded engine is the default where its wheel exists; the adapter speaks of a chart the same way whichever
answers. Both get the Kubernetes version explicitly: their built-in defaults differ.
"""

import importlib.util
import json
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from scaffold.engines import process
from scaffold.engines.go_texts import OUT, read_out, write_chart
from scaffold.model.errors import BadInput, ToolFailed
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.ports import ChartRequest, ChartResult

_LINE = re.compile(r"([-\w./]+/templates/[-\w./]+):(\d+)")
_SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)


class Backend(StrEnum):
    """Which Helm answers: ``auto`` takes the embedded engine where it is installed."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    BINARY = "binary"


class Helm(Protocol):
    """A Helm that renders charts of one repository."""

    def version(self) -> str:
        """Return what answers and its version."""

    def charts(self, root: Path, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        """Render and lint a batch; same order."""

    def templates(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
        """Render Go templates with sprig and ``missingkey=error``."""

    def close(self) -> None:
        """Free what it holds."""


def embedded_available() -> bool:
    """Tell whether the embedded engine's wheel is installed (there is none for musl)."""
    return importlib.util.find_spec("helm_python") is not None


@contextmanager
def helm(backend: Backend, seconds: float = 120) -> Iterator[Helm]:
    """Open a Helm; the embedded one starts at once in the background, so that its loading costs no waiting."""
    if backend is Backend.EMBEDDED and not embedded_available():
        raise ToolFailed("the embedded Helm engine is not installed here: use --helm binary")
    if backend is Backend.BINARY or (backend is Backend.AUTO and not embedded_available()):
        if process.which("helm") is None:
            raise ToolFailed("helm is not on PATH: install it, or use --helm embedded")
        yield _Binary(seconds)
        return
    engine = _Embedded(seconds)
    try:
        yield engine
    finally:
        engine.close()


class _Embedded:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._worker = _worker()

    def version(self) -> str:
        return f"Helm {self._ask({'op': 'version'})['version']} (embedded)"

    def charts(self, root: Path, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        return [self._chart(root, request) for request in requests]

    def templates(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
        results: list[list[str] | str] = []
        for texts, group in _grouped(jobs):
            answer = self._ask({"op": "templates", "texts": texts, "parameters": group})
            results += answer.get("results") or [str(answer["error"])] * len(group)
        return results

    def close(self) -> None:
        self._worker.close()

    def _chart(self, root: Path, request: ChartRequest) -> ChartResult:
        answer = self._ask(
            {
                "op": "render",
                "chart": str(root / request.path),
                "release": request.release,
                "namespace": request.namespace,
                "values": [str(root / path) for path in request.values],
                "inline": dict(request.inline),
                "kube_version": f"v{request.kube_version}.0",
            }
        )
        lint = tuple(
            Hit(Place(f"{request.path}/{message['path']}".rstrip("/")), _flat(message["error"]), _context(request))
            for message in answer.get("lint", ())
        )
        if "error" in answer:
            return ChartResult(faults=(_fault(str(answer["error"]), root, request),), lint=lint)
        return ChartResult(
            _from_root(answer["documents"], request.path), _from_root(answer["crds"], request.path), (), lint
        )

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        # A chart can loop for ever in Go code: only killing the worker ends that, and releases the read below.
        late = threading.Event()

        def end() -> None:
            late.set()
            self._worker.kill()

        timer = threading.Timer(self._seconds, end)
        timer.start()
        try:
            self._worker.send(json.dumps(question))
            answer: dict[str, Any] = json.loads(self._worker.receive())
        except ToolFailed as error:
            self._worker.close()
            self._worker = _worker()
            if late.is_set():
                return {"error": f"rendering took longer than {self._seconds:g} s and was ended (--timeout)"}
            raise ToolFailed(
                f"the embedded Helm engine crashed on {question.get('chart', question['op'])}: {error}"
            ) from error
        finally:
            timer.cancel()
        return answer


_OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
"""A chart's schema may name another by URL, and Helm would fetch it: no check goes to the network."""
_OFFLINE |= {"NO_PROXY": "", "no_proxy": ""}


def _worker() -> process.Conversation:
    return process.Conversation([sys.executable, "-m", "scaffold.engines.helm_worker"], env=_OFFLINE)


class _Binary:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def version(self) -> str:
        said = process.run(["helm", "version", "--template", "{{ .Version }}"], seconds=self._seconds).out.strip()
        return f"Helm {said} ({process.which('helm')})"

    def charts(self, root: Path, requests: Sequence[ChartRequest]) -> list[ChartResult]:
        return [self._chart(root, request) for request in requests]

    def templates(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[list[str] | str]:
        results: list[list[str] | str] = []
        for texts, group in _grouped(jobs):
            with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
                chart = Path(folder)
                write_chart(chart, texts)
                results += [self._template(chart, parameters) for parameters in group]
        return results

    def close(self) -> None:
        """Nothing is held."""

    def _run(self, *args: str | Path) -> process.Completed:
        return process.run(["helm", *args], env=_OFFLINE, seconds=self._seconds, allowed=(0, 1))

    def _template(self, chart: Path, parameters: Mapping[str, Any]) -> list[str] | str:
        values = chart / "parameters.json"
        values.write_text(json.dumps(parameters), encoding="utf-8")
        # `helm template` has no strict mode; only `helm lint --strict` has. A missing key prints "<no value>".
        done = self._run("template", "t", chart, "--values", values)
        if done.code:
            return _flat(done.err).removeprefix("Error: ")
        strings = read_out(done.out.split(f"# Source: {OUT}", 1)[1])
        if any("<no value>" in string for string in strings):
            return "map has no entry for a key of the template"
        return strings

    def _chart(self, root: Path, request: ChartRequest) -> ChartResult:
        chart = root / request.path
        with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
            options: list[str | Path] = [
                "--namespace",
                request.namespace,
                "--kube-version",
                f"v{request.kube_version}.0",
            ]
            for path in request.values:
                options += ["--values", root / path]
            if request.inline:
                inline = Path(folder) / "inline.json"
                inline.write_text(json.dumps(request.inline), encoding="utf-8")
                options += ["--values", inline]
            linted = self._run("lint", chart, "--strict", *options)
            done = self._run("template", request.release, chart, *options)
        lint = tuple(_binary_lint(linted.out + linted.err, request))
        if done.code:
            return ChartResult(faults=(_fault(done.err, root, request),), lint=lint)
        crds = {
            f"{request.path}/{path.relative_to(chart).as_posix()}": path.read_text(encoding="utf-8")
            for path in sorted((chart / "crds").glob("**/*.yaml"))
        }
        return ChartResult(_split(done.out, request.path), crds, (), lint)


def _grouped(
    jobs: Sequence[tuple[Mapping[str, Any], Sequence[str]]],
) -> Iterator[tuple[list[str], list[Mapping[str, Any]]]]:
    """Yield runs of jobs that share their texts: a generator's elements mostly do."""
    group: list[Mapping[str, Any]] = []
    texts: list[str] = []
    for parameters, wanted in jobs:
        if group and list(wanted) != texts:
            yield texts, group
            group = []
        texts = list(wanted)
        group.append(parameters)
    if group:
        yield texts, group


def _from_root(documents: Mapping[str, str], chart: str) -> dict[str, str]:
    """Turn ``service/templates/a.yaml`` (the chart's name first) into a path from the repository's root."""
    return {
        f"{chart}/{path.partition('/')[2]}": text
        for path, text in sorted(documents.items())
        if path.endswith((".yaml", ".yml", ".json", ".tpl")) and text.strip()
    }


def _split(stream: str, chart: str) -> dict[str, str]:
    """Split what ``helm template`` prints by its ``# Source:`` comments."""
    documents: dict[str, str] = {}
    for part in re.split(r"^---\s*$", stream, flags=re.MULTILINE):
        if found := _SOURCE.search(part):
            path = f"{chart}/{found[1].partition('/')[2]}"
            text = part[found.end() :].strip("\n") + "\n"
            documents[path] = f"{documents[path]}---\n{text}" if path in documents else text
    return dict(sorted(documents.items()))


def _fault(message: str, root: Path, request: ChartRequest) -> Hit:
    """Make a hit of a refusal, at the template's line it names, else at whom asked."""
    text = _flat(message.replace(f"{root}/", "")).removeprefix("Error: ")
    text = text.removesuffix(" Use --debug flag to render out invalid YAML")
    if found := _LINE.search(text):
        path = f"{request.path}/{found[1].partition('/')[2]}"
        if (root / path).is_file():
            return Hit(Place(path, int(found[2])), text, _context(request))
    return Hit(request.place, text, _context(request))


def _binary_lint(printed: str, request: ChartRequest) -> Iterator[Hit]:
    for line in printed.splitlines():
        if found := re.match(r"\[(WARNING|ERROR)\] ([^:]+): (.*)", line):
            yield Hit(Place(f"{request.path}/{found[2]}"), _flat(found[3]), _context(request))


def _context(request: ChartRequest) -> str:
    return ", ".join(
        part for part in (request.owner, f"values {', '.join(request.values)}" if request.values else "") if part
    )


def _flat(message: str) -> str:
    return " ".join(message.split())


def backend(word: str) -> Backend:
    """Read a backend's name."""
    try:
        return Backend(word)
    except ValueError as error:
        raise BadInput(f"--helm {word}: choose auto, embedded or binary") from error
