"""What extends the API server: webhooks, admission policies, custom resources, API services."""

import re
from typing import Any
from urllib.parse import urlsplit

from scaffold.facts.bounds import shown
from scaffold.facts.server.asks import choice, filled, is_empty, needs, needs_one, no_empty_items, unique, within
from scaffold.facts.server.metadata import SELECTOR
from scaffold.facts.server.shapes import Shape, Test, Wrong, table
from scaffold.facts.server.texts import ABSOLUTE_PATH, DNS_1035, DNS_NAME, LABEL_KEY, is_dns_name, text

_PORT = within(1, 65535, "a port from 1 to 65535")
_OPERATIONS = ("*", "CREATE", "UPDATE", "DELETE", "CONNECT")
_POLICY = choice("Fail", "Ignore", empty=False)
_MATCH = choice("Equivalent", "Exact", empty=False)
_MIXED_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z", re.IGNORECASE | re.ASCII)
_VERSION = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)
_COLUMNS = ("boolean", "date", "integer", "number", "string")
_TYPES = ("array", "boolean", "integer", "number", "object", "string")


def _alone(value: Any) -> Wrong:
    if isinstance(value, list) and len(value) > 1 and "*" in value:
        yield (), "'*' stands for all: nothing may stand beside it"


def _url(value: Any) -> Wrong:
    if not isinstance(value, str):
        return
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        yield (
            (),
            f"{shown(value)} is not a URL such as https://hooks.example.com/check, without user, query and fragment",
        )


def _version_known(value: Any) -> Wrong:
    if isinstance(value, list) and value and not {"v1", "v1beta1"} & set(map(str, value)):
        yield (), "one of v1 and v1beta1 has to be among them"


def _hook_path(value: Any) -> Wrong:
    if not isinstance(value, str) or value in {"", "/"}:
        return
    yield from ABSOLUTE_PATH(value)
    if not all(map(is_dns_name, value[1:].removesuffix("/").split("/"))):
        yield (), f"{shown(value)} is not a path of small letters, digits, '-' and '.'"


_CLIENT = table({
    "": needs_one("url", "service"),
    "url": _url,
    "service": needs("name", "namespace"),
    "service.path": _hook_path,
    "service.port": _PORT,
})  # fmt: skip
_RULE = table({
    "operations": _alone,
    "operations[]": choice(*_OPERATIONS, empty=False),
    "apiGroups": _alone,
    "apiVersions": (_alone, no_empty_items),
    "resources": no_empty_items,
    "scope": choice("*", "Cluster", "Namespaced", empty=False),
})  # fmt: skip
_HOOK_NAME = text(
    lambda value: is_dns_name(value) and value.count(".") > 1, "a name of three parts such as check.example.com"
)
_CONDITIONS = table({"": unique("name", where="name"), "[].name": LABEL_KEY, "[].expression": filled})
_HOOK = table({
    "name": _HOOK_NAME,
    "failurePolicy": _POLICY,
    "matchPolicy": _MATCH,
    "reinvocationPolicy": choice("Never", "IfNeeded", empty=False),
    "sideEffects": choice("None", "NoneOnDryRun", empty=False),
    "timeoutSeconds": within(1, 30),
    "admissionReviewVersions": (_version_known, unique()),
    "admissionReviewVersions[]": text(lambda value: bool(_VERSION.match(value)), "a version such as v1", empty=False),
    "clientConfig": _CLIENT,
    "rules[]": _RULE,
    "namespaceSelector": SELECTOR,
    "objectSelector": SELECTOR,
    "matchConditions": _CONDITIONS,
})  # fmt: skip
WEBHOOKS: Shape = table({"webhooks": unique("name", where="name"), "webhooks[]": _HOOK})

_RESOURCES = table({
    "resourceRules[]": _RULE,
    "excludeResourceRules[]": _RULE,
    "namespaceSelector": SELECTOR,
    "objectSelector": SELECTOR,
    "matchPolicy": _MATCH,
})  # fmt: skip


_IDENTIFIER = text(lambda value: value.isascii() and value.isidentifier(), "a name of letters, digits and '_'")


def _says_something(value: Any) -> Wrong:
    if isinstance(value, dict) and is_empty(value.get("validations")) and is_empty(value.get("auditAnnotations")):
        yield (), "validations or auditAnnotations is required"


ADMISSION_POLICY: Shape = table({
    "spec": _says_something,
    "spec.failurePolicy": _POLICY,
    "spec.matchConstraints": (_RESOURCES, needs("resourceRules")),
    "spec.matchConditions": _CONDITIONS,
    "spec.variables": unique("name", where="name"),
    "spec.variables[]": needs("name", "expression"),
    "spec.variables[].name": _IDENTIFIER,
    "spec.validations[]": needs("expression"),
    "spec.validations[].reason": choice("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge", empty=False),
    "spec.auditAnnotations": unique("key", where="key"),
    "spec.auditAnnotations[]": needs("key", "valueExpression"),
    "spec.auditAnnotations[].key": LABEL_KEY,
})  # fmt: skip


def _actions(value: Any) -> Wrong:
    if isinstance(value, list) and {"Deny", "Warn"} <= set(map(str, value)):
        yield (), "Deny and Warn may not stand together"


ADMISSION_BINDING: Shape = table({
    "spec": needs("policyName", "validationActions"),
    "spec.policyName": DNS_NAME,
    "spec.validationActions": _actions,
    "spec.validationActions[]": choice("Audit", "Deny", "Warn", empty=False),
    "spec.matchResources": _RESOURCES,
})  # fmt: skip


def _mixed(value: Any) -> Wrong:
    if isinstance(value, str) and value and not _MIXED_1035.match(value):
        yield (), f"{shown(value)} is not a name of at most 63 letters, digits and '-' that begins with a letter"


def _named_after(value: Any) -> Wrong:
    meta, spec = (value.get(name) if isinstance(value, dict) else None for name in ("metadata", "spec"))
    if not isinstance(meta, dict) or not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return
    wanted = f"{spec['names'].get('plural')}.{spec.get('group')}"
    if isinstance(meta.get("name"), str) and meta["name"] and meta["name"] != wanted:
        yield ("metadata", "name"), f"{shown(meta['name'])} is not {wanted}, its plural and its group"


def _stored_once(value: Any) -> Wrong:
    if isinstance(value, list) and sum(isinstance(item, dict) and item.get("storage") is True for item in value) != 1:
        yield (), "exactly one version is the one that is stored"


def _json_path(value: Any) -> Wrong:
    if isinstance(value, str) and not value.startswith("."):
        yield (), f"{shown(value)} is not a path such as .spec.replicas"


def _below(prefix: str) -> Test:
    return text(lambda value: value.startswith(prefix), f"a path below {prefix.strip('.')}")


def _schema_types(value: Any) -> Wrong:
    yield from _typed(value, (), top=True)


def _typed(value: Any, path: tuple[Any, ...], *, top: bool = False) -> Wrong:
    """Test that every part of a structural schema says its type."""
    if not isinstance(value, dict):
        return
    free = value.get("x-kubernetes-int-or-string") or value.get("x-kubernetes-preserve-unknown-fields")
    kind = value.get("type")
    if is_empty(kind) and (top or not free):
        yield (*path, *(["type"] if "type" in value else [])), "type is required"
    elif isinstance(kind, str) and kind and kind not in _TYPES:
        yield (*path, "type"), f"{shown(kind)} is not one of {', '.join(_TYPES)}"
    elif top and kind != "object":
        yield (*path, "type"), f"has to be object, not {shown(kind)}"
    properties = value.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield from _typed({} if inner is None else inner, (*path, "properties", name))
    for name in ("items", "additionalProperties"):
        yield from _typed(value.get(name), (*path, name))


CUSTOM_RESOURCE: Shape = table({
    "": _named_after,
    "spec.group": text(lambda value: is_dns_name(value) and "." in value, "a group such as example.com"),
    "spec.scope": choice("Cluster", "Namespaced", empty=False),
    "spec.names.plural": DNS_1035,
    "spec.names.singular": DNS_1035,
    "spec.names.kind": _mixed,
    "spec.names.listKind": _mixed,
    "spec.names.shortNames[]": DNS_1035,
    "spec.names.categories[]": DNS_1035,
    "spec.conversion.strategy": choice("None", "Webhook", empty=False),
    "spec.versions": (_stored_once, unique("name", where="name")),
    "spec.versions[]": needs("schema"),
    "spec.versions[].name": DNS_1035,
    "spec.versions[].additionalPrinterColumns[].type": choice(*_COLUMNS, empty=False),
    "spec.versions[].additionalPrinterColumns[].jsonPath": _json_path,
    "spec.versions[].subresources.scale.specReplicasPath": _below(".spec."),
    "spec.versions[].subresources.scale.statusReplicasPath": _below(".status."),
    "spec.versions[].schema.openAPIV3Schema": _schema_types,
})  # fmt: skip


def _service_name(value: Any) -> Wrong:
    meta, spec = (value.get(name) if isinstance(value, dict) else None for name in ("metadata", "spec"))
    if isinstance(meta, dict) and isinstance(spec, dict) and meta.get("name"):
        wanted = f"{spec.get('version')}.{spec.get('group')}"
        if meta["name"] != wanted:
            yield ("metadata", "name"), f"{shown(meta['name'])} is not {wanted}, its version and its group"


def _verified(value: Any) -> Wrong:
    if isinstance(value, dict) and value.get("insecureSkipTLSVerify") is True:
        if value.get("caBundle"):
            yield ("insecureSkipTLSVerify",), "may not be true where there is a caBundle"
        elif value.get("service") is None:
            yield ("insecureSkipTLSVerify",), "may not be true without a service"


_MOST: Test = within(1, 20000, "more than 0 and at most 20000")
API_SERVICE: Shape = table({
    "": _service_name,
    "spec": _verified,
    "spec.group": DNS_NAME,
    "spec.version": DNS_1035,
    "spec.groupPriorityMinimum": _MOST,
    "spec.versionPriority": within(1, 1000, "more than 0 and at most 1000"),
    "spec.service": needs("name", "namespace"),
    "spec.service.port": _PORT,
})  # fmt: skip
