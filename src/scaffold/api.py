"""The check as a function, for programs: ``from scaffold import check``.

::

    from scaffold import check

    outcome = check("path/to/repository", ignore=["YAML-02"])
    for finding in outcome.findings:
        print(finding.place.path, finding.place.line, finding.rule, finding.severity, finding.text)
    if outcome.failed(strict=True):
        ...

An ``Outcome`` holds ``findings``, ``not_checked``, ``external`` and ``suppressed``, and the counts of what was looked
at. Its fields, and those of what it holds, are kept within a major version; new ones may come.
"""

from collections.abc import Iterable
from pathlib import Path

from scaffold.commands import check as command
from scaffold.commands.ahead import Options, begun
from scaffold.engines.helm import backend
from scaffold.model.outcome import Outcome


def check(
    path: str | Path = ".",
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    kube_version: str = "",
    schemas: Iterable[str | Path] = (),
    baseline: str | Path | None = None,
    helm: str = "auto",
    timeout: float = 120,
) -> Outcome:
    """Check a GitOps repository offline; ``path`` is its root.

    ``select`` and ``ignore`` are ids of rules or their beginnings, ``kube_version`` is like "1.37", ``schemas`` are
    folders of custom resource definitions, ``helm`` is "auto", "embedded" or "binary", ``timeout`` the limit for one
    call of a tool in seconds. What is not given is taken from ``.scaffold.yaml``. Raises a ``ScaffoldError`` of
    ``scaffold.model.errors``: ``BadInput`` for wrong use, ``ToolFailed`` where a tool crashed.
    """
    options = Options(
        select=tuple(select),
        ignore=tuple(ignore),
        kube_version=kube_version,
        helm=backend(helm),
        schemas=tuple(Path(folder) for folder in schemas),
        seconds=timeout,
        baseline=None if baseline is None else Path(baseline),
    )
    with begun(Path(path), options) as repository:
        return command.check(repository)
