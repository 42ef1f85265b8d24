"""Who answers a request, as text and as JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from scaffold.model.route import Answer, Request, Share, Step
from scaffold.report.terminal import harmless, paint


def text(request: Request, answers: Iterable[Answer], *, colour: bool = False) -> str:
    """Return the answers by cluster, each entry with the way the request takes and where it ends."""
    lines: list[str] = []
    cluster: tuple[str, str] | None = None
    for answer in answers:
        if (answer.cluster, answer.environment) != cluster:
            cluster = answer.cluster, answer.environment
            lines += [*([""] if lines else []), paint(harmless(_where(answer)), "bold", colour=colour)]
        lines += _entry(answer, colour)
    if not lines:
        return harmless(f"nobody: no Gateway, route or Service of this repository takes the host {request.host}")
    return "\n".join(lines)


def as_json(request: Request, answers: Iterable[Answer]) -> str:
    """Return the answers as JSON."""
    asked = {"host": request.host, "path": request.target, "method": request.method, "headers": {**request.headers},
             "port": request.port}  # fmt: skip
    whole = {"version": 1, "request": asked, "answers": [_answer(answer) for answer in answers]}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _where(answer: Answer) -> str:
    environment = f"environment {answer.environment}" if answer.environment else ""
    cluster = f"cluster {answer.cluster}" if answer.cluster and answer.cluster != answer.environment else ""
    return ", ".join(part for part in (environment, cluster) if part) or "this repository"


def _entry(answer: Answer, colour: bool) -> Iterator[str]:
    yield f"  {_step(answer.entry, colour)}"
    first = 1 if answer.shares or answer.reply else len(answer.steps)
    for step in answer.steps[:first]:
        yield f"    {_step(step, colour)}"
    for step in answer.tried:
        yield f"    {paint('passed by', 'dim', colour=colour)} {_step(step, colour)}"
    for step in answer.steps[first:]:
        yield f"    {_step(step, colour)}"
    for share in answer.shares:
        yield from _share(share, colour)
    if answer.reply:
        yield f"    {paint('answers', 'green', colour=colour)} {harmless(answer.reply)}"
    if answer.why:
        yield f"    {paint('nobody', 'red', colour=colour)}  {harmless(answer.why)}"
    for note in answer.notes:
        yield f"    {paint('note', 'yellow', colour=colour)}    {harmless(note)}"


def _share(share: Share, colour: bool) -> Iterator[str]:
    percent = f"{share.percent:.3g} %"
    for number, step in enumerate(share.steps):
        yield f"    {percent if not number else '':<6} {_step(step, colour)}"
    labels = ",".join(f"{key}={value}" for key, value in share.labels.items())
    for pod in share.pods:
        label = paint("answers", "green", colour=colour)
        yield f"           {label} {_step(pod, colour)}{harmless(f', pods {labels}' if labels else '')}"
    if share.why:
        yield f"           {paint('nobody', 'red', colour=colour)}  {harmless(share.why)}"
    if share.outside and not share.pods:
        yield f"           {paint('leaves what this repository shows', 'yellow', colour=colour)}"


def _step(step: Step, colour: bool) -> str:
    where = paint(f" ({step.place})", "dim", colour=colour) if step.place else ""
    return harmless(step.what) + where


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "cluster": answer.cluster,
        "environment": answer.environment,
        "entry": _data(answer.entry),
        "steps": [_data(step) for step in answer.steps],
        "passed_by": [_data(step) for step in answer.tried],
        "destinations": [
            {
                "percent": round(share.percent, 3),
                "steps": [_data(step) for step in share.steps],
                "workloads": [_data(pod) for pod in share.pods],
                "labels": {key: str(value) for key, value in share.labels.items()},
                "nobody": share.why,
                "outside": share.outside,
            }
            for share in answer.shares
        ],
        "reply": answer.reply,
        "nobody": answer.why,
        "notes": list(answer.notes),
        "answered": answer.answered,
    }


def _data(step: Step) -> dict[str, Any]:
    place = {"path": step.place.path, "line": step.place.line} if step.place else {}
    return {"what": step.what, **place}
