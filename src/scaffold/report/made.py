"""What ``scaffold new`` made, and what comes next: the steps up to the first sync."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffold.report.terminal import harmless, paint

_ENGINES = {"argocd": "Argo CD", "flux": "Flux"}


def render(root: Path, answers: Mapping[str, Any], service: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return the summary of a new repository; a template of somebody else's may have other answers."""
    engine = _ENGINES.get(str(answers.get("engine")), "")
    environments = [item for item in answers.get("environments") or () if isinstance(item, Mapping)]
    names = ", ".join(str(item.get("name")) for item in environments)
    lines = [f"Made {root}" + (f" for {engine}" if engine else "")]
    if environments:
        plural = "environment" if len(environments) == 1 else "environments"
        lines[0] += f": {len(environments)} {plural} ({names})"
    if service:
        lines.append(f"First service: {service.get('service')} ({service.get('image')}:{service.get('image_tag')})")
    lines = [paint(harmless(lines[0]), "bold", "green", colour=colour), *map(harmless, lines[1:])]
    lines += ["", paint("Next steps", "bold", colour=colour)]
    steps = _steps(root, answers, environments)
    return "\n".join([*lines, *(f"  {number}. {harmless(step)}" for number, step in enumerate(steps, start=1))])


def _steps(root: Path, answers: Mapping[str, Any], environments: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"cd {shlex.quote(str(root))}, and read README.md: what has to be there before the first sync"
    if url := answers.get("repo_url"):
        yield f"git remote add origin {url} && git push -u origin {answers.get('repo_branch', 'main')}"
    if answers.get("engine") == "argocd":
        yield "kubectl apply -f bootstrap/root.yaml, once, in the cluster that Argo CD runs in"
    elif answers.get("engine") == "flux":
        for item in environments:
            file = f"clusters/{item.get('cluster')}/flux-system/gotk-sync.yaml"
            yield f"kubectl --context {item.get('cluster')} apply -f {file}, once"
    yield "scaffold add service NAME for the next service, scaffold check before every push"
