"""Environments: which there are in a repository, and to which one an object belongs."""

import re
from collections.abc import Mapping

from scaffold.expand.source import IN_CLUSTER
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo

_FOLDERS = re.compile(r"(?:^|/)(?:envs|environments|overlays)/([^/]+)/")
_NOT = frozenset({"base", "bases", "common", "shared", "default"})


def environments(repo: Repo) -> tuple[str, ...]:
    """Return the names of the environments, sorted: those of folders in ``environments``, ``envs``, ``overlays``."""
    return tuple(sorted(_Known.of(repo).names))


def environment_of(repo: Repo, manifest: Manifest) -> str:
    """Return the environment an object belongs to, empty if nothing says one (such as Argo CD's own projects).

    In this order: the environment of its cluster (``platform.cluster`` in ``environments/<env>/values.yaml``, or a
    cluster named after an environment), the name of its owner (``web-dev``), an environment's folder among the
    values files or in the path it comes from, and for an Application its own name.
    """
    known = _Known.of(repo)
    origin = manifest.origin
    found = known.clusters.get(manifest.cluster, "") or known.in_name(manifest.cluster)
    found = found or known.in_name(origin.owner.rpartition("/")[2])
    for path in (*reversed(origin.values), origin.path):
        found = found or known.in_path(path)
    if not found and manifest.kind in {"Application", "ApplicationSet", "Kustomization", "HelmRelease"}:
        to = manifest.mapping("spec", "destination")
        found = known.clusters.get(str(to.get("name") or to.get("server") or ""), "") or known.in_name(manifest.name)
    return found


class _Known:
    """The environments of a repository, found once."""

    _last: "tuple[Repo, _Known] | None" = None

    def __init__(self, repo: Repo) -> None:
        self.clusters: dict[str, str] = {}
        self.names: set[str] = set()
        for path in repo.files:
            for name in _FOLDERS.findall(path):
                if name not in _NOT and not name.startswith("."):
                    self.names.add(name)
        for name in self.names:
            for document in repo.documents(f"environments/{name}/values.yaml"):
                platform = document.data.get("platform") if isinstance(document.data, Mapping) else None
                if isinstance(platform, Mapping) and isinstance(platform.get("cluster"), str):
                    environment = str(platform.get("environment") or name)
                    other = self.clusters.setdefault(platform["cluster"], environment)
                    if other != environment:  # a cluster of several says nothing
                        self.clusters[platform["cluster"]] = ""
        self._by_length = sorted(self.names, key=len, reverse=True)

    @classmethod
    def of(cls, repo: Repo) -> "_Known":
        if cls._last is None or cls._last[0].files is not repo.files:
            cls._last = (repo, cls(repo))
        return cls._last[1]

    def in_name(self, name: str) -> str:
        """Return the environment that a name is, ends with or starts with."""
        if name == IN_CLUSTER:
            return ""
        framed = f"-{name}-"
        return next(
            (one for one in self._by_length if framed.endswith(f"-{one}-") or framed.startswith(f"-{one}-")), ""
        )

    def in_path(self, path: str) -> str:
        """Return the environment whose folder a path leads through."""
        parts = path.split("/")[:-1]
        return next((part for part in reversed(parts) if part in self.names), "")
