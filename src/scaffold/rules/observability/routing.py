"""Routing: every alert that is sent finds its receiver."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path, parse
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.monitoring import stacks
from scaffold.rules.reading.promql import GROUP

_MATCH_TYPES = frozenset({"!=", "!~", "=", "=~"})
_DEEPEST = 30
_CHART_DEFAULT = "null"
"""The receiver that the values of the chart define, and that stays while nothing sets others."""

_Fault = tuple[Path, str]


@rule("OBS-10", Severity.ERROR, fix="Define the receiver or time interval beside the route, or correct its name.")
def routes_have_their_receivers(repo: Repo) -> Iterator[Hit]:
    """Every route of Alertmanager names a receiver, and time intervals, that its configuration defines.

    No schema sees it: the operator leaves the whole AlertmanagerConfig out, and Alertmanager refuses its whole
    file. Judged are AlertmanagerConfigs, plain Secrets with an alertmanager.yaml, and the values of
    kube-prometheus-stack. Whether the Secrets of receivers exist is SEC-10's.
    """
    for config in repo.each(GROUP, "AlertmanagerConfig"):
        for keys, what in _config_faults(config):
            yield at(config, keys, f"{config}: {what}")
    for secret in repo.each("", "Secret"):
        text = secret.get("stringData", "alertmanager.yaml") or secret.get("stringData", "alertmanager.yml")
        for _, what in _file_faults(_data(text)):
            yield at(secret, ("stringData",), f"{secret}: {what}")
    for install in stacks(repo):
        config = install.get("alertmanager", "config")
        if isinstance(config, Mapping):
            for _, what in _file_faults({"receivers": [{"name": _CHART_DEFAULT}], **config}):
                place = install.place("alertmanager", "config")
                yield Hit(place, f"{install.owner}: Alertmanager's configuration: {what}")


def _config_faults(config: Manifest) -> Iterator[_Fault]:
    receivers = [str(one.get("name")) for _, one in config.items("spec", "receivers")]
    for index, one in config.items("spec", "receivers"):
        if str(one.get("name")) in receivers[:index]:
            yield ("spec", "receivers", index), f"receiver {one.get('name')} is defined twice"
    intervals = {str(one.get("name")) for _, one in config.items("spec", "muteTimeIntervals")}
    intervals |= {str(one.get("name")) for _, one in config.items("spec", "timeIntervals")}
    route = config.get("spec", "route")
    if isinstance(route, Mapping):
        if not route.get("receiver"):
            yield ("spec", "route"), "the first route has no receiver"
        yield from _route_faults(route, ("spec", "route"), set(receivers), intervals, 0)


def _route_faults(
    route: Mapping[str, Any], keys: Path, receivers: set[str], intervals: set[str], depth: int
) -> Iterator[_Fault]:
    receiver = route.get("receiver")
    if isinstance(receiver, str) and receiver and receiver not in receivers and "${" not in receiver:
        yield (*keys, "receiver"), f"no receiver {receiver}, there are {', '.join(sorted(receivers)) or 'none'}"
    for field in ("muteTimeIntervals", "activeTimeIntervals", "mute_time_intervals", "active_time_intervals"):
        for index, name in _listed(route, field):
            if isinstance(name, str) and name not in intervals and "${" not in name:
                yield (*keys, field, index), f"no time interval {name}"
    for index, matcher in _listed(route, "matchers"):
        kind = matcher.get("matchType") if isinstance(matcher, Mapping) else None
        if isinstance(kind, str) and kind and kind not in _MATCH_TYPES:
            yield (
                (*keys, "matchers", index, "matchType"),
                f"matchType {kind} is none of {', '.join(sorted(_MATCH_TYPES))}",
            )
    for field in ("groupBy", "group_by"):
        grouped = [name for _, name in _listed(route, field) if isinstance(name, str)]
        if len(grouped) != len(set(grouped)):
            yield (*keys, field), f"{field} names a label twice"
    for index, child in _listed(route, "routes"):
        if isinstance(child, Mapping) and depth < _DEEPEST:
            yield from _route_faults(child, (*keys, "routes", index), receivers, intervals, depth + 1)


def _file_faults(data: Mapping[str, Any]) -> Iterator[_Fault]:
    """Yield what is wrong with the routes of Alertmanager's own file."""
    route = data.get("route")
    if not isinstance(route, Mapping):
        return
    receivers = {str(one.get("name")) for _, one in _listed(data, "receivers") if isinstance(one, Mapping)}
    intervals = {
        str(one.get("name"))
        for field in ("time_intervals", "mute_time_intervals")
        for _, one in _listed(data, field)
        if isinstance(one, Mapping)
    }
    yield from _route_faults(route, ("route",), receivers, intervals, 0)


def _data(text: Any) -> Mapping[str, Any]:
    documents, faults = parse(text) if isinstance(text, str) and "{{" not in text else ([], [])
    data = documents[0].data if documents and not faults else {}
    return data if isinstance(data, Mapping) else {}


def _listed(parent: Mapping[str, Any], field: str) -> Iterator[tuple[int, Any]]:
    value = parent.get(field)
    return enumerate(value if isinstance(value, list) else ())
