"""Storage: what keeps series has room for what it is told to keep."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.facts.server.amounts import amount
from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.monitoring import stacks
from scaffold.rules.reading.promql import GROUP

_SIZE = re.compile(r"(\d+)(B|KB|MB|GB|TB|PB|EB)\Z", re.ASCII)
_POWERS = {"B": 0, "KB": 1, "MB": 2, "GB": 3, "TB": 4, "PB": 5, "EB": 6}
_REQUEST = ("volumeClaimTemplate", "spec", "resources", "requests", "storage")


@rule("OBS-20", Severity.WARNING, fix="Set retention, and a retentionSize well below the size of the volume.")
def stores_have_room_for_their_retention(repo: Repo) -> Iterator[Hit]:
    """A Prometheus with a volume says how long it keeps series, and keeps fewer bytes than the volume holds.

    With a retentionSize as large as the volume the disk is full before anything is deleted, and Prometheus stops.
    Without retention the operator keeps one day, whatever the volume could hold; where series are sent on, that is
    enough. How many bytes series need is not known, and backups are DR-05's.
    """
    for one in repo.each(GROUP, "Prometheus"):
        spec = one.mapping("spec")
        if what := _too_large(spec, "storage"):
            yield at(one, ("spec", "retentionSize"), f"{one}: {what}")
        sent_on = spec.get("thanos") or spec.get("remoteWrite")
        kept = spec.get("retention") or spec.get("retentionSize")
        if one.get("spec", "storage", "volumeClaimTemplate") and not kept and not sent_on:
            yield at(one, ("spec", "storage"), f"{one} has a volume but no retention: it keeps 24h")
    for install in stacks(repo):
        given = install.get("prometheus", "prometheusSpec")
        if what := _too_large(given if isinstance(given, Mapping) else {}, "storageSpec"):
            place = install.place("prometheus", "prometheusSpec", "retentionSize")
            yield Hit(place, f"{install.owner}: Prometheus: {what}")


def _too_large(spec: Mapping[str, Any], field: str) -> str:
    """Return why the bytes to keep do not fit the volume, empty if they do or that is not known."""
    kept = spec.get("retentionSize")
    match = _SIZE.match(kept) if isinstance(kept, str) else None
    size: Any = spec.get(field)
    for key in _REQUEST:
        size = size.get(key) if isinstance(size, Mapping) else None
    room = amount(size) if size is not None else None
    # Prometheus counts in powers of 1024 whatever it writes.
    if match is None or room is None or int(match[1]) == 0 or int(match[1]) * 1024 ** _POWERS[match[2]] < room:
        return ""
    return f"retentionSize {kept} is no less than the {size} of its volume"
