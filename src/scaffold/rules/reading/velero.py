"""Velero in one cluster: its server, its schedules and its locations, as objects or as values of its chart."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Place
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import context
from scaffold.rules.reading.images import Reference
from scaffold.rules.reading.installs import Install, installs_of
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.owners import EVERYWHERE, brought_from_elsewhere

VELERO = "velero.io"
_FIRST = "default"
"""What a location is called that the chart makes without a name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One schedule: its fields, and where they are written."""

    what: str
    name: str
    namespace: str
    spec: Mapping[str, Any] = field(repr=False)
    manifest: Manifest | None
    _place: Callable[..., Place] = field(repr=False)

    def get(self, *keys: str) -> Any:
        """Return a field below its spec, None where there is none."""
        value: Any = self.spec
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def names(self, *keys: str) -> list[str]:
        """Return a list of texts below its spec."""
        value = self.get(*keys)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    def hit(self, keys: Path, text: str) -> Hit:
        """Return a hit at a field below its spec."""
        about = context(self.manifest.origin) if self.manifest else ""
        return Hit(self._place(*keys), f"{self.what}: {text}", about)

    @property
    def paused(self) -> bool:
        """Tell whether it makes no backups for now."""
        return self.get("paused") is True

    def covers(self, namespace: str) -> bool:
        """Tell whether it takes a namespace."""
        if any(fnmatchcase(namespace, one) for one in self.names("template", "excludedNamespaces")):
            return False
        included = self.names("template", "includedNamespaces")
        return not included or any(fnmatchcase(namespace, one) for one in included)

    @property
    def snapshots(self) -> bool:
        """Tell whether it takes volumes at all."""
        return self.get("template", "snapshotVolumes") is not False

    @property
    def by_files(self) -> bool:
        """Tell whether it copies the files of volumes instead of taking snapshots."""
        return self.get("template", "defaultVolumesToFsBackup") is True


@dataclass(frozen=True, slots=True)
class Location:
    """Where backups are put: what brings it, its name, its place in the repository and its fields."""

    what: str
    name: str
    namespace: str
    place: Place
    fields: Mapping[str, Any] = field(repr=False)
    about: str = ""

    @property
    def store(self) -> tuple[str, ...] | None:
        """Return what makes two locations one and the same; None where that is filled in later."""
        names = ("provider", "bucket", "prefix")
        values = (*(self.fields.get(name) for name in names), self._config("s3Url"), self._config("storageAccount"))
        texts = tuple(str(value or "").strip("/") for value in values)
        known = bool(texts[1]) and not any(mark in text for text in texts for mark in ("$", "{{"))
        return texts if known else None

    @property
    def reads_only(self) -> bool:
        """Tell whether nothing is written there."""
        return self.fields.get("accessMode") == "ReadOnly"

    def _config(self, name: str) -> Any:
        config = self.fields.get("config")
        return config.get(name) if isinstance(config, Mapping) else None


@dataclass(frozen=True)
class Velero:
    """One cluster with backups: ``homes`` are the namespaces of servers, ``open`` those that get more than is here."""

    cluster: Cluster
    installs: tuple[Install, ...]
    homes: frozenset[str]
    plans: tuple[Plan, ...]
    open: frozenset[str]

    def knows(self, namespace: str) -> bool:
        """Tell whether all objects of Velero in a namespace are known."""
        there = [one for one in self.installs if one.namespace == namespace]
        here = there or any(one.namespace == namespace for one in self.cluster.each(VELERO, "BackupStorageLocation"))
        return bool(here) and all(one.complete for one in there) and not {namespace, EVERYWHERE} & self.open

    def locations(self, kind: str = "BackupStorageLocation") -> Iterator[Location]:
        """Yield every location of a kind."""
        for one in self.cluster.each(VELERO, kind):
            spec = one.mapping("spec")
            fields = {**spec, **one.mapping("spec", "objectStorage")}
            yield Location(str(one), one.name, one.namespace, one.place("spec"), fields, context(one.origin))
        switch = "backupsEnabled" if kind == "BackupStorageLocation" else "snapshotsEnabled"
        name = kind[0].lower() + kind[1:]
        for install in self.installs:
            if install.get(switch) is False:
                continue
            given = install.get("configuration", name)
            listed = given if isinstance(given, list) else [given if isinstance(given, Mapping) else {}]
            for item in listed:
                fields = {**item} if isinstance(item, Mapping) else {}
                called = str(fields.get("name") or _FIRST)
                what = f"{install.owner}: {kind} {called}"
                yield Location(what, called, install.namespace, install.place("configuration", name), fields)


def veleros(repo: Repo) -> Iterator[Velero]:
    """Yield every cluster with anything of Velero."""
    installed = installs_of(repo, frozenset({"velero"}))
    owners = {id(one.owner) for one in installed}
    rest = repo.with_(manifests=tuple(m for m in repo.manifests if id(m) not in owners)) if installed else repo
    brought = set(brought_from_elsewhere(rest))
    for cluster in clusters(repo):
        here = tuple(one for one in installed if one.cluster == cluster.name)
        if not here and not any(group == VELERO for group, _ in cluster.kinds):
            continue
        homes = {one.namespace for one in here} | set(_servers(cluster))
        plans = (*_objects(cluster), *(plan for one in here for plan in _values(one)))
        foreign = frozenset(namespace for name, namespace in brought if name in {cluster.name, EVERYWHERE})
        yield Velero(cluster, here, frozenset(homes), plans, foreign)


def _objects(cluster: Cluster) -> Iterator[Plan]:
    for one in cluster.each(VELERO, "Schedule"):
        yield Plan(str(one), one.name, one.namespace, one.mapping("spec"), one, _of_object(one))


def _of_object(manifest: Manifest) -> Callable[..., Place]:
    return lambda *keys: manifest.place("spec", *keys)


def _values(install: Install) -> Iterator[Plan]:
    given = install.get("schedules")
    for name, fields in given.items() if isinstance(given, Mapping) else ():
        if isinstance(fields, Mapping) and fields.get("disabled") is not True:
            what = f"{install.owner}: schedule {name}"
            called = f"{install.release}-{name}"
            yield Plan(what, called, install.namespace, fields, None, _of_values(install, str(name)))


def _of_values(install: Install, name: str) -> Callable[..., Place]:
    def place(*keys: str | int) -> Place:
        for end in range(len(keys), -1, -1):
            found = install.place("schedules", name, *keys[:end])
            if end == 0 or found != install.place():
                return found
        return install.place()

    return place


def _servers(cluster: Cluster) -> Iterator[str]:
    for namespace, workloads in cluster.workloads.items():
        for workload in workloads:
            for _, container in workload.containers():
                image = container.get("image")
                called = Reference.of(image).name if isinstance(image, str) else ""
                if workload.manifest.kind == "Deployment" and called.endswith("velero/velero"):
                    yield namespace
