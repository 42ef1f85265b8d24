"""One source of an Argo CD Application, with the others that its ``$ref`` paths may name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.expand.found import Owner
from scaffold.model.giturl import is_fixed, same_repository
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import NotChecked, Repo, normalise
from scaffold.model.yamltext import Key

IN_CLUSTER = "in-cluster"
_SELF = frozenset({"https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"})


@dataclass(frozen=True, slots=True)
class Source:
    """The fields of a source and where they stand in the Application."""

    app: Manifest
    owner: Owner
    keys: tuple[Key, ...]
    fields: Mapping[str, Any]
    references: Mapping[str, Mapping[str, Any]]

    @property
    def folder(self) -> str:
        """Return the path, from the root."""
        return normalise(self.text("path"))

    def text(self, name: str) -> str:
        """Return a text field, empty if it is missing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def options(self, kind: str) -> Mapping[str, Any]:
        """Return the options of a kind of source (``helm``), empty if there are none."""
        value = self.fields.get(kind)
        return value if isinstance(value, Mapping) else {}

    def place(self, *keys: Key) -> Place:
        """Return the place of a field."""
        return self.app.place(*self.keys, *keys)

    def not_checked(self, reason: str, *keys: Key) -> NotChecked:
        """Say what of the source could not be judged."""
        return NotChecked(self.place(*keys), self.owner.name, reason)


def sources(app: Manifest) -> Iterator[Source]:
    """Yield every source; ``sources`` wins over ``source``."""
    owner = owner_of(app)
    found: list[tuple[tuple[Key, ...], Mapping[str, Any]]] = []
    if dry := app.mapping("spec", "sourceHydrator", "drySource"):
        found.append((("spec", "sourceHydrator", "drySource"), dry))
    elif app.get("spec", "sources"):
        found += [(("spec", "sources", index), fields) for index, fields in app.items("spec", "sources")]
    elif single := app.mapping("spec", "source"):
        found.append((("spec", "source"), single))
    references = {f"${fields['ref']}": fields for _, fields in found if isinstance(fields.get("ref"), str)}
    for keys, fields in found:
        yield Source(app, owner, keys, fields, references)


def owner_of(app: Manifest) -> Owner:
    """Return an Application as owner: its destination is where its objects go."""
    destination = app.mapping("spec", "destination")
    cluster = str(destination.get("name") or destination.get("server") or "")
    return Owner(
        f"Application {app.namespace}/{app.name}",
        IN_CLUSTER if cluster.rstrip("/") in _SELF else cluster,
        str(destination.get("namespace") or ""),
        app.place(),
    )


def elsewhere(repo: Repo, fields: Mapping[str, Any], revision_key: str = "targetRevision") -> str:
    """Return where a source reads, if that is not the working tree; empty if it is."""
    url, revision = fields.get("repoURL"), fields.get(revision_key)
    if not same_repository(repo.url, url):
        return f"repository {url}"
    return f"this repository at {revision}" if is_fixed(revision) else ""
