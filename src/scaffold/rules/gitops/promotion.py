"""Promotion: environments are folders that differ in what is static, and one file a service is promoted.

Two layouts are known: ``services/<service>/envs/<environment>/`` and ``apps/<environment>/<service>/``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Document, Path

_LAYOUTS = (
    re.compile(r"(?P<root>(?:.+/)?)services/(?P<service>[^/]+)/envs/(?P<environment>[^/]+)/(?P<file>.+)"),
    re.compile(r"(?P<root>(?:.+/)?)apps/(?P<environment>[^/]+)/(?P<service>[^/]+)/(?P<file>.+)"),
)
_COMMON_FILES = ("{root}services/{service}/values.yaml", "{root}apps/base/{service}/values.yaml")
_PROMOTED = frozenset({
    "appVersion", "chartVersion", "digest", "featureFlags", "features", "revision", "tag", "targetRevision", "version",
})  # fmt: skip
_IMAGE = frozenset({("image", "tag"), ("image", "digest")})


@dataclass(frozen=True, slots=True)
class _Service:
    """The files of one service: by environment, by name below the environment's folder."""

    name: str
    root: str
    environments: Mapping[str, Mapping[str, str]]

    def documents(self, repo: Repo, name: str) -> Iterator[tuple[str, str, Document]]:
        """Yield environment, path and data of one of its files; Kubernetes objects are not values."""
        for environment, files in self.environments.items():
            for document in repo.documents(files.get(name, "")):
                if isinstance(document.data, dict) and "apiVersion" not in document.data:
                    yield environment, files[name], document


@rule("GITOPS-20", Severity.WARNING, fix="Keep what is promoted in version.yaml alone, in every environment.")
def environments_differ_in_what_is_static(repo: Repo) -> Iterator[Hit]:
    """All environments hold the same services; version.yaml holds the promoted keys, values.yaml none of them.

    A promotion copies version.yaml to the next environment. What else stands in it travels along, and a version
    that stands in values.yaml does not travel.
    """
    for layout in _LAYOUTS:
        services = list(_services(repo, layout))
        everywhere = {(service.root, environment) for service in services for environment in service.environments}
        for service in services:
            named = {environment for root, environment in everywhere if root == service.root}
            declared = _declared(repo, service.root)
            yield from _missing_environments(service, sorted(named | declared if named & declared else named))
            yield from _version_files(repo, service)
            yield from _values_files(repo, service)


def _services(repo: Repo, layout: re.Pattern[str]) -> Iterator[_Service]:
    """Yield the services of a layout; one without any version.yaml is laid out in another way."""
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for path in repo.files:
        if (match := layout.fullmatch(path)) and match["environment"] != "base":
            environments = found.setdefault((match["root"], match["service"]), {})
            environments.setdefault(match["environment"], {})[match["file"]] = path
    for (root, name), environments in found.items():
        if any("version.yaml" in files for files in environments.values()):
            yield _Service(name, root, environments)


def _declared(repo: Repo, root: str) -> set[str]:
    """Return the folders of ``environments/``, where a repository says what it tells all services of each."""
    folder = f"{root}environments/"
    return {
        path.removeprefix(folder).split("/")[0]
        for path in repo.files
        if path.startswith(folder) and path.count("/") > 1
    }


def _missing_environments(service: _Service, everywhere: list[str]) -> Iterator[Hit]:
    somewhere = min(files["version.yaml"] for files in service.environments.values() if "version.yaml" in files)
    for environment in everywhere:
        files = service.environments.get(environment)
        if files is None:
            yield Hit(Place(somewhere), f"service {service.name} is not in environment {environment}")
        elif "version.yaml" not in files:
            yield Hit(Place(min(files.values())), f"service {service.name} has no version.yaml for {environment}")


def _version_files(repo: Repo, service: _Service) -> Iterator[Hit]:
    for _, path, document in service.documents(repo, "version.yaml"):
        for keys in _leaves(document.data):
            if not _PROMOTED & set(keys):
                yield Hit(Place(path, document.lines.get(keys, 1)), f"{_dotted(keys)} is no version, and is promoted")


def _values_files(repo: Repo, service: _Service) -> Iterator[Hit]:
    versions = service.documents(repo, "version.yaml")
    promoted = _IMAGE | {
        keys for _, _, document in versions for keys in _leaves(document.data) if _PROMOTED & set(keys)
    }
    values = [(path, document) for _, path, document in service.documents(repo, "values.yaml")]
    for pattern in _COMMON_FILES:
        path = pattern.format(root=service.root, service=service.name)
        values += [(path, document) for document in repo.documents(path) if isinstance(document.data, dict)]
    for path, document in values:
        for keys in _leaves(document.data):
            if keys in promoted:
                text = f"{_dotted(keys)} is promoted by version.yaml, and stands here, too"
                yield Hit(Place(path, document.lines.get(keys, 1)), text)


def _leaves(data: Any, keys: Path = ()) -> Iterator[Path]:
    """Yield the keys of every value that is no map; lists count as one value."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*keys, key))
    elif keys:
        yield keys


def _dotted(keys: Path) -> str:
    return ".".join(map(str, keys))
