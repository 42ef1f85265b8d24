"""Sidecars: what serves the app starts before it and stops after it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Workload, clusters, ports_of
from scaffold.rules.reading.sidecars import a, command, kind_of

_JOBS = frozenset({"CronJob", "Job"})
_LOCAL = re.compile(r"(?:127\.0\.0\.1|\blocalhost|\[::1\]):(\d{2,5})\b")
_CLIENTS = re.compile(
    r"(?:jdbc:)?(?:amqps?|mariadb|memcached|mongodb|mysql|nats|postgres|postgresql|rediss?|sqlserver)(?:\+\w+)?://",
    re.IGNORECASE,
)
_ENDED = {
    "log shipper": "the last lines of the app are lost",
    "proxy": "the app loses its connections before it ends, and init containers cannot use it",
    "exporter": "it comes and goes beside the app in no order",
}


@rule("WORK-05", Severity.WARNING, fix="Move it to initContainers, with restartPolicy: Always.")
def sidecars_are_native(repo: Repo) -> Iterator[Hit]:
    """A container that serves the app is a native sidecar: an init container with restartPolicy: Always.

    Under `containers` that field is accepted and means nothing of the kind: such a container starts with the app in no
    order, and is stopped with it instead of after it. Log shippers, outbound proxies and exporters beside a first
    container are known by their images; those in Jobs are JOB-06's.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                yield from _not_native(workload)


@rule(
    "WORK-08", Severity.WARNING, fix="Run the proxy as a native sidecar before whoever needs it, and declare its port."
)
def local_addresses_are_answered(repo: Repo) -> Iterator[Hit]:
    """What a container is told to reach on localhost runs in its pod, and runs before an init container needs it.

    Otherwise the connection is refused: init containers come one after the other, and ordinary containers only after
    all of them. Judged are addresses in the environment that name what another program serves (postgres://, redis://
    and the like), where every other container declares its ports; for init containers any port that only a later
    container declares.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                for keys, container in workload.containers():
                    for index, name, value, port in _local_addresses(workload, keys):
                        if why := _unanswered(workload, keys, container, value, port):
                            what = f"{workload.manifest}: container {container.get('name')} is told {name}={value}"
                            yield at(workload.manifest, (*keys, "env", index, "value"), f"{what}, {why}")


def _not_native(workload: Workload) -> Iterator[Hit]:
    manifest = workload.manifest
    named = [(index, container) for index, container in manifest.items(*workload.spec, "containers")]
    for index, container in named:
        keys: Path = (*workload.spec, "containers", index)
        name = container.get("name")
        if container.get("restartPolicy") == "Always":
            what = f"{manifest}: container {name} has restartPolicy: Always, which makes no sidecar of it here"
            yield at(manifest, (*keys, "restartPolicy"), what)
        elif index and manifest.kind not in _JOBS and (kind := kind_of(container)):
            what = f"{manifest}: container {name}, {a(kind)}, is an ordinary container: {_ENDED[kind]}"
            yield at(manifest, keys, what)


def _local_addresses(workload: Workload, keys: Path) -> Iterator[tuple[int, str, str, int]]:
    """Yield index, name, value and port of every variable with an address on localhost."""
    for index, variable in workload.manifest.items(*keys, "env"):
        value = variable.get("value")
        if isinstance(value, str) and (found := _LOCAL.search(value)):
            yield index, str(variable.get("name")), value, int(found[1])


def _unanswered(workload: Workload, keys: Path, container: Mapping[str, Any], value: str, port: int) -> str:
    """Say why nobody answers on a port, empty where somebody may."""
    others = [(other, one) for other, one in workload.containers() if other != keys]
    holders = [other for other, one in others if _declares(one, port)]
    if keys[-2] == "initContainers" and container.get("restartPolicy") != "Always":
        sooner = [other for other, one in others if _runs_before(other, one, keys)]
        if holders and not set(holders) & set(sooner) and not _declares(container, port):
            return f"and port {port} is opened only later, by container {workload.manifest.get(*holders[0], 'name')}"
    beside = [one for other, one in others if other[-2] == "containers" or one.get("restartPolicy") == "Always"]
    said = any(str(port) in command(one) or not any(ports_of(one)) for one in beside)
    injected = "inject" in str(workload.manifest.mapping(*workload.template, "metadata", "annotations"))
    if _CLIENTS.search(value) and not holders and not said and not injected and not _mentions(container, port):
        return f"and no container of the pod has port {port}"
    return ""


def _runs_before(other: Path, container: Mapping[str, Any], keys: Path) -> bool:
    before = other[-2] == "initContainers" and isinstance(other[-1], int) and other[-1] < int(keys[-1])
    return before and container.get("restartPolicy") == "Always"


def _declares(container: Mapping[str, Any], port: int) -> bool:
    return any(one.get("containerPort") == port for one in ports_of(container))


def _mentions(container: Mapping[str, Any], port: int) -> bool:
    """Tell whether a container may serve a port itself."""
    return _declares(container, port) or str(port) in command(container)
