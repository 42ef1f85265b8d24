"""Pods: what is asked of the whole, and of its parts together."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.amounts import not_negative
from scaffold.facts.server.asks import at_least, at_most, choice, filled, is_number, needs, unique, within
from scaffold.facts.server.containers import CONTAINER, PROFILES
from scaffold.facts.server.metadata import LABELS, TEMPLATE
from scaffold.facts.server.scheduling import AFFINITY, SPREAD, TOLERATIONS
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import ADDRESS, DNS_LABEL, DNS_NAME, LABEL_KEY, SEARCH
from scaffold.facts.server.volumes import VOLUMES
from scaffold.model.yamltext import Path

_LISTS = ("containers", "initContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_GRACE = 30
_CLAIMS = {"persistentVolumeClaim", "ephemeral"}


def _containers(pod: Mapping[str, Any], *lists: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for name in lists or _LISTS:
        items = pod.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                yield (name, index), item


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _names(pod: Any) -> Wrong:
    """Test that no two containers have one name, init containers among them."""
    if not isinstance(pod, dict):
        return
    seen: set[str] = set()
    for path, container in _containers(pod):
        name = container.get("name")
        if isinstance(name, str) and name in seen:
            yield (*path, "name"), f"{shown(name)} is the name of another container, too"
        seen.add(str(name))


def mounts(pod: Any, claims: Mapping[str, Any] | None = None) -> Wrong:
    """Test that what is mounted is a volume of the pod, or one of the claims of a StatefulSet, by their names."""
    if not isinstance(pod, dict):
        return
    volumes = {item.get("name"): item for item in _list(pod, "volumes") if isinstance(item, dict)}
    volumes.update(claims or {})
    for path, container in _containers(pod):
        for part in ("volumeMounts", "volumeDevices"):
            for index, mount in enumerate(_list(container, part)):
                name = mount.get("name") if isinstance(mount, dict) else None
                if not isinstance(name, str) or not name:
                    continue
                if name not in volumes:
                    yield (*path, part, index, "name"), f"{shown(name)} is not a volume of the pod"
                elif part == "volumeDevices" and not volumes[name].keys() & _CLAIMS:
                    yield (*path, part, index, "name"), f"{shown(name)} is not a volume of a claim"
        mounted = {mount.get("name") for mount in _list(container, "volumeMounts") if isinstance(mount, dict)}
        for index, device in enumerate(_list(container, "volumeDevices")):
            if isinstance(device, dict) and device.get("name") in mounted:
                yield (*path, "volumeDevices", index, "name"), f"{shown(device['name'])} is mounted, too"


def _init_containers(pod: Any) -> Wrong:
    """Test that init containers that end have no probes and no hooks."""
    for path, container in _containers(pod, "initContainers") if isinstance(pod, dict) else ():
        if container.get("restartPolicy") != "Always":
            for name in ("lifecycle", *_PROBES):
                if container.get(name) is not None:
                    yield (*path, name), "may be set for an init container only with restartPolicy Always"


def _host_ports(pod: Any) -> Wrong:
    """Test that a port of the node is taken once, and is the container's own on the node's network."""
    if not isinstance(pod, dict):
        return
    seen: set[tuple[Any, ...]] = set()
    for path, container in _containers(pod, "containers"):
        for index, one in enumerate(_list(container, "ports")):
            if not isinstance(one, dict) or not is_number(one.get("hostPort")) or not one["hostPort"]:
                continue
            key = one["hostPort"], one.get("protocol") or "TCP", one.get("hostIP") or ""
            if key in seen:
                yield (*path, "ports", index, "hostPort"), f"{one['hostPort']} is taken by another port of the pod"
            seen.add(key)
            if pod.get("hostNetwork") is True and one["hostPort"] != one.get("containerPort"):
                yield (*path, "ports", index, "hostPort"), "has to be the containerPort where hostNetwork is true"


def _sleeps(pod: Any) -> Wrong:
    """Test that no hook sleeps longer than the pod may take to end."""
    if not isinstance(pod, dict):
        return
    grace = pod.get("terminationGracePeriodSeconds")
    limit = grace if is_number(grace) else _GRACE
    for path, container in _containers(pod):
        for hook in ("postStart", "preStop"):
            value: Any = container
            for key in ("lifecycle", hook, "sleep", "seconds"):
                value = value.get(key) if isinstance(value, dict) else None
            if is_number(value) and not 0 <= value <= limit:
                text = f"{shown(value)} is not from 0 to terminationGracePeriodSeconds, {limit}"
                yield (*path, "lifecycle", hook, "sleep"), text


def _dns(pod: Any) -> Wrong:
    if isinstance(pod, dict) and pod.get("dnsPolicy") == "None":
        config = pod.get("dnsConfig")
        if not isinstance(config, dict) or not config.get("nameservers"):
            yield ("dnsConfig",) if config else (), "nameservers are required where dnsPolicy is None"


def _namespaces(pod: Any) -> Wrong:
    if isinstance(pod, dict) and pod.get("shareProcessNamespace") is True and pod.get("hostPID") is True:
        yield ("shareProcessNamespace",), "may not be set together with hostPID"


def _restarts(pod: Any) -> Wrong:
    if not isinstance(pod, dict):
        return
    for path, container in _containers(pod):
        if container.get("restartPolicyRules") and container.get("restartPolicy") is None:
            yield (*path, "restartPolicy"), "is required where there are restartPolicyRules"
        if pod.get("restartPolicy") == "Never":
            for index, one in enumerate(_list(container, "resizePolicy")):
                if isinstance(one, dict) and one.get("restartPolicy") == "RestartContainer":
                    yield (*path, "resizePolicy", index), "has to be NotRequired where the pod never restarts"


POD_SPEC: Shape = table({
    "": (_names, _init_containers, _host_ports, _sleeps, _dns, _namespaces, _restarts),
    "containers[]": CONTAINER,
    "initContainers[]": CONTAINER,
    "volumes": VOLUMES,
    "restartPolicy": choice("Always", "OnFailure", "Never"),
    "dnsPolicy": choice("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
    "activeDeadlineSeconds": within(1, 2**31 - 1),
    "nodeSelector": LABELS,
    "serviceAccountName": DNS_NAME,
    "nodeName": DNS_NAME,
    "hostname": DNS_LABEL,
    "subdomain": DNS_LABEL,
    "priorityClassName": DNS_NAME,
    "runtimeClassName": DNS_NAME,
    "preemptionPolicy": choice("PreemptLowerPriority", "Never", empty=False),
    "overhead{}": not_negative,
    "hostAliases[].ip": ADDRESS,
    "hostAliases[].hostnames[]": DNS_NAME,
    "dnsConfig.nameservers": at_most(3),
    "dnsConfig.nameservers[]": ADDRESS,
    "dnsConfig.searches": at_most(32),
    "dnsConfig.searches[]": (SEARCH, filled),
    "dnsConfig.options[]": needs("name"),
    "readinessGates[].conditionType": LABEL_KEY,
    "schedulingGates[].name": LABEL_KEY,
    "schedulingGates": unique("name"),
    "tolerations": TOLERATIONS,
    "topologySpreadConstraints": SPREAD,
    "affinity": AFFINITY,
    "securityContext": PROFILES,
    "securityContext.fsGroup": within(0, 2**31 - 1),
    "securityContext.supplementalGroups[]": within(0, 2**31 - 1),
    "securityContext.fsGroupChangePolicy": choice("OnRootMismatch", "Always", empty=False),
    "securityContext.supplementalGroupsPolicy": choice("Merge", "Strict", empty=False),
    "securityContext.sysctls": unique("name", where="name"),
    "os.name": choice("linux", "windows", empty=False),
})  # fmt: skip
POD: Shape = table({"spec": (POD_SPEC, mounts), "spec.terminationGracePeriodSeconds": at_least(0)})
POD_TEMPLATE: Shape = table({"metadata": TEMPLATE, "spec": POD_SPEC})
