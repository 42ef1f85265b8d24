"""What AuthorizationPolicies let through: as much of their decision as a repository shows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.yamltext import Path
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.mesh import Mesh

HTTP_FIELDS = ("hosts", "methods", "notHosts", "notMethods", "notPaths", "paths")
_IDENTITY = ("namespaces", "principals", "serviceAccounts")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: a namespace and a service account, each empty where it may be any."""

    namespace: str = ""
    account: str = ""


def allowing(mesh: Mesh, workload: Workload) -> list[Manifest]:
    """Return the ALLOW policies that hold for a workload. With any of them, what none allows is refused."""
    places = dict.fromkeys((workload.manifest.namespace, mesh.root))
    return [
        policy
        for place in places
        for policy in mesh.policies("AuthorizationPolicy", place).taking(workload.labels)
        if action(policy) == "ALLOW" and not _elsewhere(policy)
    ]


def action(policy: Manifest) -> str:
    """Return what a policy does."""
    return str(policy.get("spec", "action") or "ALLOW")


def rules(policy: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys and fields of every rule of a policy."""
    for index, rule in policy.items("spec", "rules"):
        yield ("spec", "rules", index), rule


def may_admit(policies: Iterable[Manifest], callers: Iterable[Identity], port: int | None) -> bool:
    """Tell whether some request of a caller to a port may be allowed; ``port`` is None where it is not known."""
    known = list(callers)
    return any(_takes_port(rule, port) and _from(rule, known) for policy in policies for _, rule in rules(policy))


def may_admit_plain_text(policies: Iterable[Manifest], port: int | None) -> bool:
    """Tell whether a caller without identity may be allowed."""
    return any(_takes_port(rule, port) and _from(rule, []) for policy in policies for _, rule in rules(policy))


def sources(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield keys below a rule and fields of every source."""
    for index, entry in enumerate(_list(rule, "from")):
        source = entry.get("source") if isinstance(entry, Mapping) else None
        if isinstance(source, Mapping):
            yield ("from", index, "source"), source


def operations(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a rule says of the request."""
    found = [entry.get("operation") for entry in _list(rule, "to") if isinstance(entry, Mapping)]
    return [operation for operation in found if isinstance(operation, Mapping)]


def principal(text: str) -> tuple[str, str, str] | None:
    """Return trust domain, namespace and account of a principal without wildcard; None for any other text."""
    parts = text.split("/")
    whole = len(parts) == 5 and parts[1] == "ns" and parts[3] == "sa" and "*" not in text
    return (parts[0], parts[2], parts[4]) if whole else None


def _elsewhere(policy: Manifest) -> bool:
    """Tell whether a policy holds for a gateway or waypoint, or only says what it would do."""
    dry = policy.annotations.get("istio.io/dry-run") == "true"
    return dry or bool(policy.get("spec", "targetRefs") or policy.get("spec", "targetRef"))


def _takes_port(rule: Mapping[str, Any], port: int | None) -> bool:
    asked = operations(rule)
    if port is None or not asked:
        return True
    return any(
        (not _list(one, "ports") or str(port) in map(str, _list(one, "ports")))
        and str(port) not in map(str, _list(one, "notPorts"))
        for one in asked
    )


def _from(rule: Mapping[str, Any], callers: list[Identity]) -> bool:
    """Tell whether a rule takes one of the callers; none of them means a caller without identity."""
    named = [source for _, source in sources(rule)]
    if not named:
        return True
    for source in named:
        asked = [field for field in _IDENTITY if _list(source, field)]
        if not asked or any(all(_is(source, field, caller) for field in asked) for caller in callers):
            return True
    return False


def _is(source: Mapping[str, Any], field: str, caller: Identity) -> bool:
    return any(_fits(str(text), field, caller) for text in _list(source, field))


def _fits(text: str, field: str, caller: Identity) -> bool:
    """Tell whether a pattern may mean the caller; what cannot be told is taken for yes."""
    if not caller.namespace:
        return True
    if field == "namespaces":
        return _pattern(text, caller.namespace)
    if field == "serviceAccounts":
        namespace, _, account = text.rpartition("/")
        return namespace in {"", caller.namespace} and account in {"*", caller.account or account}
    if exact := principal(text):
        return exact[1] == caller.namespace and caller.account in {"", exact[2]}
    if text.startswith("*") or "/ns/" not in text:
        return True
    namespace, _, account = text.partition("/ns/")[2].removesuffix("*").partition("/sa/")
    whole = "/sa/" in text.partition("/ns/")[2]
    if whole and namespace != caller.namespace:
        return False
    return caller.namespace.startswith(namespace) and (caller.account.startswith(account) or not caller.account)


def _pattern(pattern: str, text: str) -> bool:
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _list(parent: Mapping[str, Any], key: str) -> list[Any]:
    value = parent.get(key)
    return value if isinstance(value, list) else []
