"""Workflows: what strangers send is not run with the repository's rights."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Document, Path

_WORKFLOW = re.compile(r"(?:.+/)?\.github/workflows/[^/]+\.ya?ml")
_PRIVILEGED = frozenset({"pull_request_target", "workflow_run"})
_HEAD = re.compile(r"github\.event\.(pull_request|workflow_run)\.head|github\.head_ref|refs/pull/")
_FROM_OUTSIDE = re.compile(
    r"\$\{\{[^}]*\bgithub\.(head_ref|event\.(issue|pull_request|discussion|comment|review|review_comment|head_commit"
    r"|commits\[\d+\]|workflow_run)\.(title|body|message|head_branch|head\.(ref|label)|head\.repo\.(default_branch"
    r"|description|homepage)|author\.(name|email)|head_commit\.(message|author\.(name|email))))\b"
)


@rule("REPO-09", Severity.WARNING, fix="Use pull_request for their code, and pass their texts in `env`.")
def workflows_run_no_strangers_code(repo: Repo) -> Iterator[Hit]:
    """A workflow with rights or secrets does not check out the head of a pull request, nor put its texts into a shell.

    Anybody who may open a pull request can then push to the repository, or read its secrets: with
    ``pull_request_target`` the code of the head runs with the rights of the base, and a title such as
    ``"; curl …`` becomes part of the script. Only workflows of GitHub are looked at.
    """
    for path in repo.files:
        if not _WORKFLOW.fullmatch(path):
            continue
        for document in repo.documents(path):
            if isinstance(document.data, dict):
                privileged = _PRIVILEGED & _events(document.data.get("on"))
                for keys, job, step in _steps(document.data):
                    yield from _step(path, document, (keys, job, step), privileged)


def _step(
    path: str, document: Document, found: tuple[Path, Mapping[str, Any], Mapping[str, Any]], privileged: frozenset[str]
) -> Iterator[Hit]:
    keys, job, step = found
    with_ = step.get("with")
    reference = with_.get("ref") if isinstance(with_, Mapping) else None
    checks_out = str(step.get("uses") or "").startswith("actions/checkout")
    theirs = isinstance(reference, str) and checks_out and _HEAD.search(reference)
    if privileged and theirs and _has_rights(document.data, job):
        what = f"{', '.join(sorted(privileged))} checks out {str(reference).strip()} and has rights or secrets"
        yield Hit(_place(path, document, (*keys, "with", "ref")), what)
    script = step.get("run")
    if isinstance(script, str) and (text := _FROM_OUTSIDE.search(script)):
        what = f"{text.group(0).removeprefix('${{').strip()} is put into the script as it is"
        yield Hit(_place(path, document, (*keys, "run")), what)


def _events(on: Any) -> frozenset[str]:
    names = [on] if isinstance(on, str) else on if isinstance(on, list | Mapping) else []
    return frozenset(name for name in names if isinstance(name, str))


def _steps(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Mapping[str, Any]]]:
    jobs = data.get("jobs")
    for name, job in jobs.items() if isinstance(jobs, Mapping) else ():
        steps = job.get("steps") if isinstance(job, Mapping) else None
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, Mapping):
                yield ("jobs", name, "steps", index), job, step


def _has_rights(data: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Tell whether a job may write or reads a secret; without permissions it has those of the repository."""
    permissions = job.get("permissions", data.get("permissions"))
    if permissions is None or "secrets." in str(job):
        return True
    return "write" in str(permissions)


def _place(path: str, document: Document, keys: Path) -> Place:
    ends = (keys[:end] for end in range(len(keys), -1, -1))
    return Place(path, next((document.lines[end] for end in ends if end in document.lines), 1))
