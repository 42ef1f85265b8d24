"""The Pod Security Standards: what a pod breaks of a level, as the API server's own admission judges it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/. The checks changed with Kubernetes' minor
versions, and a namespace may pin one; those from 1.30 on are known here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scaffold.model.yamltext import Path

NEWEST = 37

Fault = tuple[Path, str]
_Pod = Mapping[str, Any]

_DEFAULT_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_SAFE_SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
})  # fmt: skip
_LATER_SYSCTLS = {
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
    "net.ipv4.tcp_slow_start_after_idle": 37,
    "net.ipv4.tcp_notsent_lowat": 37,
}
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_VOLUMES = frozenset({
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
})  # fmt: skip
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def minor(version: Any) -> int | None:
    """Return 37 of ``v1.37``; None of ``latest`` or anything else."""
    found = re.fullmatch(r"v1\.(\d+)", version) if isinstance(version, str) else None
    return int(found[1]) if found else None


def violations(pod: _Pod, level: str, version: int) -> Iterator[Fault]:
    """Yield keys (below the pod or its template) and reason of all that a pod breaks of a level."""
    checks = _RESTRICTED if level == "restricted" else _BASELINE
    spec = pod.get("spec")
    if isinstance(spec, Mapping):
        for check in checks:
            yield from check(pod, spec, version)


def _baseline_pod(_pod: _Pod, spec: _Pod, _version: int) -> Iterator[Fault]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name) is True:
            yield ("spec", name), f"{name} is true"
    for index, volume in _items(spec, "volumes"):
        if "hostPath" in volume:
            yield ("spec", "volumes", index), f"volume {volume.get('name')} is a hostPath"


def _baseline_containers(_pod: _Pod, spec: _Pod, version: int) -> Iterator[Fault]:
    for keys, container, security in _containers(spec):
        name = f"container {container.get('name')}"
        if security.get("privileged") is True:
            yield (*keys, "securityContext", "privileged"), f"{name} is privileged"
        for added in sorted(set(_texts(security, "capabilities", "add")) - _DEFAULT_CAPABILITIES):
            yield (*keys, "securityContext", "capabilities", "add"), f"{name} adds capability {added}"
        for index, port in _items(container, "ports"):
            if port.get("hostPort"):
                yield (*keys, "ports", index, "hostPort"), f"{name} has hostPort {port['hostPort']}"
        for path, host in _hosts(container) if version >= 34 else ():
            yield (*keys, *path), f"{name} asks the host {host} in {path[0]}"


def _baseline_proc_mount(pod: _Pod, spec: _Pod, version: int) -> Iterator[Fault]:
    if version < 35 or spec.get("hostUsers") is not False:
        yield from _restricted_proc_mount(pod, spec, version)


def _baseline_contexts(_pod: _Pod, spec: _Pod, version: int) -> Iterator[Fault]:
    """Yield faults of what both the pod and its containers can set."""
    for keys, who, security in _contexts(spec):
        if _map(security, "windowsOptions").get("hostProcess") is True:
            yield (*keys, "windowsOptions", "hostProcess"), f"{who} is a host process"
        selinux = _map(security, "seLinuxOptions")
        types = _SELINUX_TYPES | ({"container_engine_t"} if version >= 31 else set())
        if str(selinux.get("type") or "") not in types or selinux.get("user") or selinux.get("role"):
            yield (*keys, "seLinuxOptions"), f"{who} sets SELinux options beyond the container types"
        profile = _map(security, "appArmorProfile").get("type")
        if profile not in (None, "RuntimeDefault", "Localhost"):
            yield (*keys, "appArmorProfile"), f"{who} has AppArmor profile {profile}"
        if _map(security, "seccompProfile").get("type") == "Unconfined":
            yield (*keys, "seccompProfile", "type"), f"{who} has seccomp profile Unconfined"


def _baseline_apparmor_annotations(pod: _Pod, _spec: _Pod, _version: int) -> Iterator[Fault]:
    for key, value in _map(_map(pod, "metadata"), "annotations").items():
        if key.startswith(_APPARMOR_ANNOTATION) and not (
            value in ("", "runtime/default") or str(value).startswith("localhost/")
        ):
            yield ("metadata", "annotations", key), f"AppArmor profile {value} by annotation"


def _baseline_sysctls(_pod: _Pod, spec: _Pod, version: int) -> Iterator[Fault]:
    safe = _SAFE_SYSCTLS | {name for name, since in _LATER_SYSCTLS.items() if version >= since}
    for index, sysctl in _items(_map(spec, "securityContext"), "sysctls"):
        if str(sysctl.get("name")) not in safe:
            yield ("spec", "securityContext", "sysctls", index), f"sysctl {sysctl.get('name')}"


def _restricted_volumes(_pod: _Pod, spec: _Pod, _version: int) -> Iterator[Fault]:
    for index, volume in _items(spec, "volumes"):
        # hostPath is baseline's to say.
        for kind in volume.keys() - _VOLUMES - {"name", "hostPath"}:
            yield ("spec", "volumes", index), f"volume {volume.get('name')} is of type {kind}"


def _restricted_proc_mount(_pod: _Pod, spec: _Pod, _version: int) -> Iterator[Fault]:
    for keys, container, security in _containers(spec):
        if security.get("procMount") not in (None, "Default"):
            what = f"container {container.get('name')} has procMount {security['procMount']}"
            yield (*keys, "securityContext", "procMount"), what


def _restricted_user(_pod: _Pod, spec: _Pod, version: int) -> Iterator[Fault]:
    if version >= 35 and spec.get("hostUsers") is False:
        return
    pod_security = _map(spec, "securityContext")
    if pod_security.get("runAsUser") == 0:
        yield ("spec", "securityContext", "runAsUser"), "the pod runs as user 0"
    if pod_security.get("runAsNonRoot") is False:
        yield ("spec", "securityContext", "runAsNonRoot"), "the pod sets runAsNonRoot: false"
    for keys, container, security in _containers(spec):
        name = f"container {container.get('name')}"
        if security.get("runAsNonRoot", pod_security.get("runAsNonRoot") is not None) is not True:
            yield (*keys, "securityContext", "runAsNonRoot"), f"{name} does not set runAsNonRoot: true"
        if security.get("runAsUser") == 0:
            yield (*keys, "securityContext", "runAsUser"), f"{name} runs as user 0"


def _restricted_linux(_pod: _Pod, spec: _Pod, _version: int) -> Iterator[Fault]:
    """Yield faults of what only Linux has; a Windows pod is excused."""
    if _map(spec, "os").get("name") == "windows":
        return
    pod_profile = _map(_map(spec, "securityContext"), "seccompProfile").get("type")
    for keys, container, security in _containers(spec):
        name = f"container {container.get('name')}"
        if security.get("allowPrivilegeEscalation") is not False:
            at = (*keys, "securityContext", "allowPrivilegeEscalation")
            yield at, f"{name} does not set allowPrivilegeEscalation: false"
        if "ALL" not in _texts(security, "capabilities", "drop"):
            yield (*keys, "securityContext", "capabilities"), f"{name} does not drop ALL capabilities"
        # What is beyond the default ones is baseline's to say.
        beyond = set(_texts(security, "capabilities", "add")) - {"NET_BIND_SERVICE"}
        for added in sorted(beyond & _DEFAULT_CAPABILITIES):
            yield (*keys, "securityContext", "capabilities", "add"), f"{name} adds capability {added}"
        if (_map(security, "seccompProfile").get("type") or pod_profile) is None:
            at = (*keys, "securityContext", "seccompProfile")
            yield at, f"{name} has no seccomp profile RuntimeDefault or Localhost"


_Check = Callable[[_Pod, _Pod, int], Iterator[Fault]]
_COMMON: tuple[_Check, ...] = (
    _baseline_pod,
    _baseline_containers,
    _baseline_contexts,
    _baseline_apparmor_annotations,
    _baseline_sysctls,
)
_BASELINE = (*_COMMON, _baseline_proc_mount)
_RESTRICTED = (*_COMMON, _restricted_proc_mount, _restricted_volumes, _restricted_user, _restricted_linux)


def _containers(spec: _Pod) -> Iterator[tuple[Path, _Pod, _Pod]]:
    """Yield keys, container and its security context of every container, init and ephemeral ones too."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in _items(spec, field):
            yield ("spec", field, index), container, _map(container, "securityContext")


def _contexts(spec: _Pod) -> Iterator[tuple[Path, str, _Pod]]:
    yield ("spec", "securityContext"), "the pod", _map(spec, "securityContext")
    for keys, container, security in _containers(spec):
        yield (*keys, "securityContext"), f"container {container.get('name')}", security


def _hosts(container: _Pod) -> Iterator[tuple[Path, str]]:
    """Yield keys and value of every ``host`` of a probe or lifecycle handler."""
    places: list[Path] = [(probe,) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
    places += [("lifecycle", "postStart"), ("lifecycle", "preStop")]
    for place in places:
        handler: _Pod = container
        for key in place:
            handler = _map(handler, str(key))
        for action in ("httpGet", "tcpSocket"):
            if host := _map(handler, action).get("host"):
                yield (*place, action, "host"), str(host)


def _map(parent: _Pod, key: str) -> _Pod:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _items(parent: _Pod, key: str) -> Iterator[tuple[int, _Pod]]:
    value = parent.get(key)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping):
            yield index, item


def _texts(security: _Pod, field: str, key: str) -> list[str]:
    value = _map(security, field).get(key)
    return [str(item) for item in value] if isinstance(value, list) else []
