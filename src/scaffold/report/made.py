"""What ``scaffold new`` says at its end: what was made, and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOLD, _PLAIN = "\033[1m", "\033[0m"


def render(root: Path, answers: Mapping[str, Any], service: Mapping[str, Any], *, colour: bool) -> str:
    """Return the summary of a new repository with its next steps."""
    bold, plain = (_BOLD, _PLAIN) if colour else ("", "")
    engine = "Flux" if answers.get("engine") == "flux" else "Argo CD"
    environments = [str(item.get("name")) for item in answers.get("environments", ()) if isinstance(item, Mapping)]
    chosen = [str(answers[key]) for key in ("mesh", "policy", "metrics", "backup", "secrets")
              if answers.get(key, "none") != "none"]
    lines = [
        f"{bold}Made {root}{plain} for {engine}: {len(environments)} environments ({', '.join(environments)}), "
        f"{', '.join(chosen) or 'no platform component'}",
    ]
    if service:
        lines.append(f"First service: {service.get('service')} ({service.get('kind')}, {service.get('image')})")
    branch = answers.get("repo_branch", "main")
    first = (
        "kubectl apply -f bootstrap/root.yaml"
        if engine == "Argo CD"
        else "kubectl apply -f clusters/<cluster>/flux-system/gotk-sync.yaml"
    )
    lines += [
        "Next:",
        f"  1. cd {root}, read README.md",
        f"  2. git remote add origin {answers.get('repo_url', '<url>')} && git push -u origin {branch}",
        f"  3. first sync (README.md says what must be there before): {first}",
    ]
    return "\n".join(lines)
