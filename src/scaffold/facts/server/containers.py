"""Containers: ports, environment, probes, mounts, resources, security."""

from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.server.amounts import RESOURCES
from scaffold.facts.server.asks import (
    at_least,
    at_most_one,
    choice,
    is_empty,
    needs,
    needs_one,
    place,
    port,
    unique,
    within,
)
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import (
    CONFIG_KEY,
    DNS_LABEL,
    DNS_NAME,
    ENV_NAME,
    HEADER,
    INNER_PATH,
    PORT_NAME,
    port_number_or_name,
)
from scaffold.facts.server.volumes import ENV_FIELD, MEASURE

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_VALUES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_USER = within(0, 2**31 - 1)


def _grpc_port(value: Any) -> Wrong:
    if isinstance(value, int) and not isinstance(value, bool) and not 1 <= value <= 65535:
        yield (), f"{shown(value)} is not a port from 1 to 65535"


def _no_value_beside(value: Any) -> Wrong:
    if isinstance(value, dict) and value.get("value") and value.get("valueFrom") is not None:
        yield ("valueFrom",), "may not be set together with value"


HANDLER: Shape = table({
    "exec": needs("command"),
    "httpGet.port": port_number_or_name,
    "httpGet.scheme": choice("HTTP", "HTTPS"),
    "httpGet.httpHeaders[].name": HEADER,
    "tcpSocket.port": port_number_or_name,
    "grpc.port": _grpc_port,
})  # fmt: skip
_PROBE = table({
    "": needs_one(*_HANDLERS[:4], words="a handler"),
    "initialDelaySeconds": at_least(0),
    "timeoutSeconds": at_least(0),
    "periodSeconds": at_least(0),
    "successThreshold": at_least(0),
    "failureThreshold": at_least(0),
    "terminationGracePeriodSeconds": at_least(1),
})  # fmt: skip
PROBE: Shape = table({"": (_PROBE, HANDLER)})
_ONCE = table({"successThreshold": within(0, 1, "1: that is the only one taken here")})


def _no_grace(value: Any) -> Wrong:
    if isinstance(value, dict) and value.get("terminationGracePeriodSeconds") is not None:
        yield ("terminationGracePeriodSeconds",), "may not be set for a readinessProbe"


_PORTS = table({
    "": unique("name", where="name"),
    "[].name": PORT_NAME,
    "[].containerPort": _grpc_port,
    "[].hostPort": port,
    "[].protocol": choice("TCP", "UDP", "SCTP"),
})  # fmt: skip
_KEY = table({"name": DNS_NAME, "key": CONFIG_KEY})
_ENV = table({
    "[].name": ENV_NAME,
    "[]": _no_value_beside,
    "[].valueFrom": needs_one(*_VALUES, words="a source"),
    "[].valueFrom.fieldRef": ENV_FIELD,
    "[].valueFrom.resourceFieldRef": MEASURE,
    "[].valueFrom.configMapKeyRef": _KEY,
    "[].valueFrom.secretKeyRef": _KEY,
})  # fmt: skip
_ENV_FROM = table({
    "[].prefix": table({"": lambda value: ENV_NAME(value) if value else ()}),
    "[]": needs_one("configMapRef", "secretRef"),
    "[].configMapRef.name": DNS_NAME,
    "[].secretRef.name": DNS_NAME,
})  # fmt: skip
_MOUNTS = table({
    "": unique("mountPath", where="mountPath"),
    "[]": (needs("name", "mountPath"), at_most_one("subPath", "subPathExpr")),
    "[].subPath": INNER_PATH,
    "[].subPathExpr": INNER_PATH,
    "[].mountPropagation": choice("Bidirectional", "HostToContainer", "None"),
})  # fmt: skip


def _privileges(value: Any) -> Wrong:
    if not isinstance(value, dict) or value.get("allowPrivilegeEscalation") is not False:
        return
    capabilities = value.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    if value.get("privileged") is True:
        yield ("allowPrivilegeEscalation",), "may not be false where privileged is true"
    if isinstance(added, list) and "CAP_SYS_ADMIN" in added:
        yield ("allowPrivilegeEscalation",), "may not be false where the capability CAP_SYS_ADMIN is added"


def _profile(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    kind, path = value.get("type"), value.get("localhostProfile")
    if kind == "Localhost" and is_empty(path):
        yield (
            place(value, "localhostProfile"),
            "localhostProfile is required where type is Localhost",
        )
    elif kind != "Localhost" and path is not None:
        yield ("localhostProfile",), f"may be set only where type is Localhost, not {shown(kind)}"


PROFILES = table({
    "seccompProfile": _profile,
    "seccompProfile.type": choice("Localhost", "RuntimeDefault", "Unconfined"),
    "seccompProfile.localhostProfile": INNER_PATH,
    "appArmorProfile": _profile,
    "appArmorProfile.type": choice("Localhost", "RuntimeDefault", "Unconfined"),
    "runAsUser": _USER,
    "runAsGroup": _USER,
})  # fmt: skip
SECURITY = table({"": (_privileges, PROFILES), "procMount": choice("Default", "Unmasked")})
_LIFECYCLE = table({
    "postStart": (needs_one("exec", "httpGet", "tcpSocket", "sleep", words="a handler"), HANDLER),
    "preStop": (needs_one("exec", "httpGet", "tcpSocket", "sleep", words="a handler"), HANDLER),
})  # fmt: skip

CONTAINER: Shape = table({
    "name": DNS_LABEL,
    "imagePullPolicy": choice("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": choice("File", "FallbackToLogsOnError"),
    "ports": _PORTS,
    "env": _ENV,
    "envFrom": _ENV_FROM,
    "volumeMounts": _MOUNTS,
    "volumeDevices": unique("devicePath", where="devicePath"),
    "resources": RESOURCES,
    "resizePolicy[].resourceName": choice("cpu", "memory", empty=False),
    "resizePolicy[].restartPolicy": choice("NotRequired", "RestartContainer", empty=False),
    "restartPolicy": choice("Always", "OnFailure", "Never"),
    "securityContext": SECURITY,
    "livenessProbe": (PROBE, _ONCE),
    "startupProbe": (PROBE, _ONCE),
    "readinessProbe": (PROBE, _no_grace),
    "lifecycle": _LIFECYCLE,
})  # fmt: skip
