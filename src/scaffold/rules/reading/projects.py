"""What an AppProject permits, as Argo CD 3.6 decides it."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from scaffold.model.giturl import plain
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.rules.reading.applications import ARGO
from scaffold.rules.reading.owners import IN_CLUSTER


def projects(repo: Repo) -> dict[str, Manifest]:
    """Return the AppProjects by name, also those that only lie here; one of two versions is left out."""
    found: dict[str, Manifest] = {}
    differing: set[str] = set()
    for manifest in (
        *repo.each(ARGO, "AppProject"),
        *(m for m in repo.raw if (m.group, m.kind) == (ARGO, "AppProject")),
    ):
        other = found.setdefault(manifest.name, manifest)
        if other.get("spec") != manifest.get("spec"):
            differing.add(manifest.name)
    return {name: project for name, project in found.items() if name not in differing}


def admits_source(project: Manifest, url: str) -> bool:
    """Tell whether a project permits a repository."""
    wanted = project.get("spec", "sourceRepos")
    permitted = False
    for pattern in wanted if isinstance(wanted, list) else ():
        text = str(pattern)
        if text.startswith("!"):
            if _matches(plain(text[1:]), plain(url), separated=True):
                return False
            permitted = True
        else:
            permitted = permitted or text == "*" or _matches(plain(text), plain(url), separated=True)
    return permitted


def admits_destination(project: Manifest, cluster: str, server: str, namespace: str) -> bool:
    """Tell whether a project permits a destination; of a cluster whose name or URL is unknown it is taken to."""
    permitted = False
    for _, item in project.items("spec", "destinations"):
        there = str(item.get("namespace") or "")
        if any(str(item.get(key) or "").startswith("!") for key in ("name", "server", "namespace")):
            return True  # exceptions: what they mean together is Argo CD's to say
        names = [(str(item.get("name") or ""), cluster), (str(item.get("server") or ""), server)]
        fits = any(pattern and (not value or _matches(pattern, value)) for pattern, value in names)
        permitted = permitted or (fits and _matches(there, namespace))
    return permitted


def admits_kind(project: Manifest, group: str, kind: str, name: str, *, namespaced: bool) -> bool:
    """Tell whether a project permits a kind of objects."""
    if namespaced:
        allowed = project.get("spec", "namespaceResourceWhitelist")
        denied = project.get("spec", "namespaceResourceBlacklist")
        listed = not isinstance(allowed, list) or _in(allowed, group, kind, "")
        return listed and not _in(denied, group, kind, "")
    allowed, denied = (project.get("spec", f"clusterResource{which}list") for which in ("White", "Black"))
    return _in(allowed, group, kind, name) and not _in(denied, group, kind, name)


def both_names(app: Manifest) -> tuple[str, str]:
    """Return name and URL of an Application's cluster as far as they are known: a URL may go by any name."""
    to = app.mapping("spec", "destination")
    name, server = str(to.get("name") or ""), str(to.get("server") or "").rstrip("/")
    return name, "https://kubernetes.default.svc" if name == IN_CLUSTER else server


def _in(entries: Any, group: str, kind: str, name: str) -> bool:
    return isinstance(entries, list) and any(
        isinstance(entry, Mapping)
        and _matches(str(entry.get("group") or ""), group)
        and _matches(str(entry.get("kind") or ""), kind)
        and (not entry.get("name") or not name or _matches(str(entry["name"]), name))
        for entry in entries
    )


def _matches(pattern: str, value: str, *, separated: bool = False) -> bool:
    return pattern == "*" or _glob(pattern, separated)(value)


@lru_cache(maxsize=512)
def _glob(pattern: str, separated: bool) -> Callable[[str], bool]:
    """Return a matcher for a glob; where ``/`` separates, only ``**`` matches it. What is no glob stands for itself."""
    one = "[^/]" if separated else "."
    translated = ""
    for part in re.findall(r"\*\*|\*|\?|\{[^{}]*\}|\[[^\]]*\]|.", pattern, re.DOTALL):
        if part == "**":
            translated += ".*"
        elif part == "*":
            translated += f"{one}*"
        elif part == "?":
            translated += one
        elif part.startswith("{") and part != "{":
            translated += f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})"
        elif part.startswith("[") and part != "[":
            translated += part
        else:
            translated += re.escape(part)
    try:
        matcher = re.compile(translated, re.DOTALL)
    except re.error:
        return lambda value: value == pattern
    return lambda value: matcher.fullmatch(value) is not None
