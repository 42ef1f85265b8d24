"""Locations: backups are put where they belong, by a server that sees them."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import is_plain
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.velero import VELERO, Location, Velero, veleros

_DEFAULT = "default"


@rule("DR-02", Severity.ERROR, fix="Name a location of the same namespace, and give each cluster a prefix of its own.")
def schedules_name_a_location(repo: Repo) -> Iterator[Hit]:
    """Every schedule puts its backups into a location that exists, and no two clusters write to one place.

    Otherwise each backup ends as FailedValidation. Of several default locations the server takes any. Two clusters in
    one bucket with one prefix take each other's backups for their own, and delete them. Locations are missed where
    the chart of Velero and its values, or other locations of the namespace, are in the repository.
    """
    written: dict[tuple[str, ...], tuple[str, Location]] = {}
    for velero in veleros(repo):
        found = list(velero.locations())
        yield from _missing(velero, found)
        yield from _defaults(found)
        for location in found:
            if location.store is None or location.reads_only:
                continue
            cluster, other = written.setdefault(location.store, (velero.cluster.name, location))
            if other is not location and cluster != velero.cluster.name and cluster and velero.cluster.name:
                prefix = location.store[2] or "no prefix"
                what = f"bucket {location.store[1]} with {prefix} is that of cluster {cluster}, too"
                yield Hit(location.place, f"{location.what}: {what}", location.about)


@rule("DR-03", Severity.ERROR, fix="Define the VolumeSnapshotLocation, or leave it out where CSI takes the snapshots.")
def snapshot_locations_exist(repo: Repo) -> Iterator[Hit]:
    """Every VolumeSnapshotLocation that a schedule names exists.

    Otherwise each backup ends as FailedValidation. Locations are missed where the chart of Velero and its values are
    in the repository. That snapshotMoveData needs no such location is not said: it does no harm.
    """
    for velero in veleros(repo):
        known = {(one.namespace, one.name) for one in velero.locations("VolumeSnapshotLocation")}
        for plan in velero.plans:
            judged = velero.knows(plan.namespace) and any(one.namespace == plan.namespace for one in velero.installs)
            for index, name in enumerate(plan.names("template", "volumeSnapshotLocations")):
                if judged and is_plain(name) and (plan.namespace, name) not in known:
                    keys = ("template", "volumeSnapshotLocations", index)
                    yield plan.hit(keys, f"no VolumeSnapshotLocation {plan.namespace}/{name}")


@rule("DR-04", Severity.ERROR, fix="Put it into the namespace that the server of Velero runs in.")
def backups_are_described_where_velero_looks(repo: Repo) -> Iterator[Hit]:
    """All objects of Velero are in the namespace of its server.

    It looks into no other: a schedule elsewhere never makes a backup, and says nothing. Judged where the server, or
    its chart, is in the repository.
    """
    for velero in veleros(repo):
        homes = velero.homes - {""}
        for (group, _), manifests in velero.cluster.kinds.items():
            for manifest in manifests if group == VELERO and homes else ():
                if manifest.namespace and is_plain(manifest.namespace) and manifest.namespace not in homes:
                    what = f"{manifest} is not seen: the server runs in {', '.join(sorted(homes))}"
                    yield at(manifest, ("metadata", "namespace"), what)


def _missing(velero: Velero, found: list[Location]) -> Iterator[Hit]:
    names = {(one.namespace, one.name) for one in found}
    defaults = {one.namespace for one in found if one.fields.get("default") is True or one.name == _DEFAULT}
    for plan in velero.plans:
        if not velero.knows(plan.namespace):
            continue
        named = plan.get("template", "storageLocation")
        if named is None:
            if plan.namespace not in defaults and found:
                yield plan.hit(("template",), "no storageLocation is named, and none is the default")
        elif is_plain(named) and (plan.namespace, named) not in names:
            there = ", ".join(sorted(name for place, name in names if place == plan.namespace)) or "none"
            yield plan.hit(
                ("template", "storageLocation"),
                f"no BackupStorageLocation {plan.namespace}/{named}, there are: {there}",
            )


def _defaults(found: list[Location]) -> Iterator[Hit]:
    first: dict[str, Location] = {}
    for location in found:
        if location.fields.get("default") is True:
            other = first.setdefault(location.namespace, location)
            folders = {one.place.path.rpartition("/")[0] for one in (location, other)}
            # Loose files of several folders may go to several clusters.
            if other.name != location.name and (location.about or len(folders) == 1):
                what = f"is a default location beside {other.name}"
                yield Hit(location.place, f"{location.what} {what}", location.about)
