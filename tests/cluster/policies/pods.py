"""Pods for Pod Security: hardened ones, and each of them with one thing changed, in each of its containers.

A change may be harmless (a volume that every level allows, ``hostPort: 0``): both judges have to see that, too.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any

from tests.cluster.harness.api import Object
from tests.cluster.policies.fields import PROFILES, SELINUX, SYSCTLS, VOLUMES

Fields = dict[str, Any]

HARDENED: Fields = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD_CONTEXT: Fields = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/app"
CONTAINERS = ("app", "prepare", "proxy")
# What takes a field away.
GONE = None


def pods() -> dict[str, Object]:
    """Return all pods by name: the hardened ones, those with one change, those with two (drawn with a fixed seed)."""
    found = {}
    for base, pod in bases().items():
        changes = list(changes_of(base))
        found[base] = pod
        for name, change in changes:
            found[f"{base}-{name}"] = merged(pod, change)
        chance = Random(f"pairs of {base}")  # noqa: S311
        for number in range(40 if base in ("by-pod", "by-container") else 0):
            (_, first), (_, second) = chance.sample(changes, 2)
            found[f"{base}-pair-{number}"] = merged(merged(pod, first), second)
    return {name: merged(pod, {"metadata": {"name": name}}) for name, pod in found.items() if accepted(pod)}


def bases() -> dict[str, Object]:
    """Return the hardened pods: by their own context or their containers', in a user namespace, on Windows."""
    by_container = HARDENED | POD_CONTEXT
    windows: Fields = {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True}}
    return {
        "by-pod": pod(POD_CONTEXT, HARDENED),
        "by-container": pod({}, by_container),
        "userns": merged(pod(POD_CONTEXT, HARDENED), {"spec": {"hostUsers": False}}),
        "windows": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": windows | {"containers": [_app({})]}},
    }


def pod(context: Fields, of_containers: Fields) -> Object:
    """Return a pod with a container, an init container and a native sidecar."""
    others = [
        {"name": "prepare", "image": "registry.example.com/prepare:1.0.0", "securityContext": of_containers},
        {"name": "proxy", "image": "registry.example.com/proxy:1.0.0", "securityContext": of_containers}
        | {"restartPolicy": "Always"},
    ]
    spec = {"securityContext": context, "containers": [_app(of_containers)], "initContainers": others}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": deepcopy(spec)}


def changes_of(base: str) -> Iterator[tuple[str, Fields]]:
    """Yield name and change: of the pod, and of each container as {container name: change}."""
    if base == "windows":
        yield from _WINDOWS.items()
        return
    for name, spec in _of_pods().items():
        yield name, {"spec": spec}
    for value in ("unconfined", "runtime/default", "localhost/web"):
        yield f"apparmor-annotation-{value.replace('/', '-')}", {"metadata": {"annotations": {APPARMOR: value}}}
    # Another kind of /proc is taken in a user namespace only.
    more = {"proc-unmasked": {"securityContext": {"procMount": "Unmasked"}}} if base == "userns" else {}
    for name, change in (_of_containers() | more).items():
        for container in CONTAINERS:
            if not (container == "prepare" and {"lifecycle", "livenessProbe", "readinessProbe"} & change.keys()):
                yield f"{container}-{name}", {container: change}


def merged(pod: Any, change: Mapping[str, Any]) -> Any:
    """Return a pod with a change: mappings are merged, None takes a field away, lists are replaced."""
    made = deepcopy(pod)
    for key, value in change.items():
        if key in CONTAINERS:
            fields = ("containers", "initContainers")
            [(field, number)] = [
                (f, i) for f in fields for i, one in enumerate(made["spec"].get(f, ())) if one["name"] == key
            ]
            made["spec"][field][number] = merged(made["spec"][field][number], value)
        elif value is GONE:
            made.pop(key, None)
        elif isinstance(value, dict):
            made[key] = merged(made.get(key) or {}, value)
        else:
            made[key] = deepcopy(value)
    return made


def accepted(pod: Object) -> bool:
    """Tell whether the API server takes a pair of changes as it is: some fields exclude each other.

    With ``hostNetwork`` it fills in a ``hostPort`` for every port, and has another reason to refuse the pod.
    """
    spec = pod["spec"]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        if spec.get("hostNetwork") and container.get("ports"):
            return False
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is False and (
            context.get("privileged") or "SYS_ADMIN" in context.get("capabilities", {}).get("add", ())
        ):
            return False
    host = any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    return not (host and spec.get("hostUsers") is False) and not (
        spec.get("hostPID") and spec.get("shareProcessNamespace")
    )


def debuggers() -> dict[str, Fields]:
    """Return ephemeral containers by name: hardened, and each change of one that they may have."""
    base = {"name": "debugger", "image": "registry.example.com/debugger:1.0.0"}
    hardened = base | {"securityContext": HARDENED | POD_CONTEXT}
    allowed = {name: change for name, change in _of_containers().items() if set(change) == {"securityContext"}}
    return {"debugger": hardened, "debugger-bare": base} | {
        f"debugger-{name}": merged(hardened, change) for name, change in allowed.items()
    }


def _app(context: Fields) -> Fields:
    app: Fields = {"name": "app", "image": "registry.example.com/app:1.0.0"}
    return app | ({"securityContext": context} if context else {})


def _contexts() -> dict[str, Fields]:
    """Return changes of a security context, of a pod or a container."""
    made: dict[str, Fields] = {f"selinux-{name}": {"seLinuxOptions": value} for name, value in SELINUX.items()}
    made |= {f"seccomp-{name}": {"seccompProfile": value} for name, value in PROFILES.items()}
    made |= {f"apparmor-{name}": {"appArmorProfile": value} for name, value in PROFILES.items()}
    return made | {
        "seccomp-gone": {"seccompProfile": GONE},
        "non-root-gone": {"runAsNonRoot": GONE},
        "non-root-false": {"runAsNonRoot": False},
        "user-zero": {"runAsUser": 0},
        "user": {"runAsUser": 1000},
        "group-zero": {"runAsGroup": 0},
    }


def _of_pods() -> dict[str, Fields]:
    made: dict[str, Fields] = {name: {"securityContext": value} for name, value in _contexts().items()}
    made |= {f"volume-{kind.lower()}": {"volumes": [{"name": "v", kind: value}]} for kind, value in VOLUMES.items()}
    for name in SYSCTLS:
        sysctl = {"name": name, "value": "0"}
        made[f"sysctl-{name.rpartition('.')[2].replace('_', '-')}"] = {"securityContext": {"sysctls": [sysctl]}}
    made |= {f"{name.lower()}": {name: True} for name in ("hostNetwork", "hostPID", "hostIPC")}
    return made | {
        "hostnetwork-false": {"hostNetwork": False},
        "shared-processes": {"shareProcessNamespace": True},
        "groups-zero": {"securityContext": {"supplementalGroups": [0], "fsGroup": 0}},
        "user-namespace": {"hostUsers": False},
        "user-namespace-of-host": {"hostUsers": True},
        "os-linux": {"os": {"name": "linux"}},
    }


def _of_containers() -> dict[str, Fields]:
    security: dict[str, Fields] = _contexts() | {
        "gone": GONE,  # type: ignore[dict-item]
        "privileged": {"privileged": True, "allowPrivilegeEscalation": GONE},
        "privileged-false": {"privileged": False},
        "escalation": {"allowPrivilegeEscalation": True},
        "escalation-gone": {"allowPrivilegeEscalation": GONE},
        "capabilities-gone": {"capabilities": GONE},
        "drop-some": {"capabilities": {"drop": ["NET_RAW"]}},
        "drop-lower-case": {"capabilities": {"drop": ["all"]}},
        "proc-default": {"procMount": "Default"},
        "read-only": {"readOnlyRootFilesystem": True},
    }
    for name in ("NET_BIND_SERVICE", "CHOWN", "SETUID", "NET_RAW", "NET_ADMIN", "SYS_PTRACE", "ALL"):
        security[f"add-{name.replace('_', '-').lower()}"] = {"capabilities": {"add": [name]}}
    made: dict[str, Fields] = {name: {"securityContext": value} for name, value in security.items()}
    for host in ("192.0.2.1", "localhost", ""):
        handler = {"httpGet": {"port": 8080, "host": host}}
        made[f"probe-host-{host.replace('.', '-') or 'empty'}"] = {"livenessProbe": handler}
    return made | {
        "probe": {"readinessProbe": {"httpGet": {"port": 8080}}},
        "probe-tcp-host": {"readinessProbe": {"tcpSocket": {"port": 8080, "host": "192.0.2.1"}}},
        "startup-host": {"livenessProbe": GONE, "startupProbe": {"tcpSocket": {"port": 8080, "host": "192.0.2.1"}}},
        "hook-host": {"lifecycle": {"preStop": {"httpGet": {"port": 8080, "host": "192.0.2.1"}}}},
        "host-port": {"ports": [{"containerPort": 9090, "hostPort": 9090}]},
        "host-port-zero": {"ports": [{"containerPort": 9090, "hostPort": 0}]},
    }


_HOST_PROCESS: Fields = {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}}
_WINDOWS: Mapping[str, Fields] = {
    "host-process": {"spec": {"hostNetwork": True, "securityContext": _HOST_PROCESS}},
    "host-process-false": {"spec": {"securityContext": {"windowsOptions": {"hostProcess": False}}}},
    "host-process-of-container": {"spec": {"hostNetwork": True}, "app": {"securityContext": _HOST_PROCESS}},
    "user-name": {"spec": {"securityContext": {"windowsOptions": {"runAsUserName": "ContainerUser"}}}},
    "non-root-gone": {"spec": {"securityContext": {"runAsNonRoot": GONE}}},
    "host-port": {"app": {"ports": [{"containerPort": 9090, "hostPort": 9090}]}},
}
