"""Mesh: objects of which one is enough, what they name, and how they are written."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading import authorization
from scaffold.rules.reading.authorization import HTTP_FIELDS
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.hosts import Host
from scaffold.rules.reading.istio_objects import NETWORKING, SECURITY, destinations, subset_names, together
from scaffold.rules.reading.mesh import Mesh, meshes
from scaffold.rules.reading.mutual_tls import labels

_TELEMETRY = "telemetry.istio.io"
_BUILT_IN = frozenset({"envoy", "prometheus", "stackdriver"})
_WAVE = "argocd.argoproj.io/sync-wave"
_V1 = frozenset({NETWORKING, SECURITY, _TELEMETRY})
_NOT_V1 = frozenset({(NETWORKING, "EnvoyFilter"), (NETWORKING, "ProxyConfig")})


@rule("MESH-27", Severity.WARNING, fix="List the namespace of every callee, and istio-system, in egress.hosts.")
def sidecars_know_their_callees(repo: Repo) -> Iterator[Hit]:
    """A Sidecar lists the root namespace, and every namespace whose policies let its pods in.

    What is not listed is called past the mesh, without routes and limits, or not at all where the registry is the
    limit. Which services a program calls stands nowhere: a namespace whose AuthorizationPolicy names a service account
    of this one is taken for a callee. Destinations of VirtualServices are added by Istio itself.
    """
    for mesh in meshes(repo):
        callees = _callees(mesh)
        for sidecar in mesh.each("Sidecar"):
            if sidecar.get("spec", "workloadSelector") or sidecar.namespace == mesh.root:
                continue
            for index, egress in sidecar.items("spec", "egress"):
                hosts = egress.get("hosts")
                named = {str(host).partition("/")[0] for host in hosts} if isinstance(hosts, list) else set()
                if egress.get("port") or not named or named & {"*", "~"}:
                    continue
                keys: Path = ("spec", "egress", index, "hosts")
                wanted = {mesh.root: "the root namespace", **callees.get(sidecar.namespace, {})}
                named |= {sidecar.namespace} if "." in named else set()
                for namespace, why in wanted.items():
                    if namespace not in named and namespace != sidecar.namespace:
                        yield at(sidecar, keys, f"{sidecar}: {namespace}/* is not listed ({why})")


@rule("MESH-28", Severity.ERROR, fix="Merge them into one object; name providers of meshConfig.extensionProviders.")
def defaults_are_one_object(repo: Repo) -> Iterator[Hit]:
    """A namespace has one Telemetry and one Sidecar without selector, and the providers that are named exist.

    Of two, which one counts is undefined (IST0160). A provider that the mesh does not know gives no logs and no traces,
    and a CUSTOM policy with one refuses all. Providers are judged where istiod's values are here.
    """
    for mesh in meshes(repo):
        first: dict[tuple[str, str], Manifest] = {}
        for group, kind in ((_TELEMETRY, "Telemetry"), (NETWORKING, "Sidecar")):
            for found in mesh.each(kind, group):
                spec = found.mapping("spec")
                if any(spec.get(field) for field in ("selector", "workloadSelector", "targetRefs", "targetRef")):
                    continue
                other = first.setdefault((kind, found.namespace), found)
                if other is not found and together(other, found):
                    what = f"{other} is for the whole namespace, too ({other.place()})"
                    yield at(found, (), f"{found}: {what}")
        yield from _unknown_providers(mesh)


@rule("MESH-29", Severity.WARNING, fix="Give the DestinationRule an earlier sync wave than the VirtualService.")
def subsets_come_before_their_routes(repo: Repo) -> Iterator[Hit]:
    """A DestinationRule is applied before the VirtualService that routes to its subsets.

    A proxy that hears of the route first answers 503 until it hears of the subset. Judged for one Argo CD Application,
    and for loose files with both objects.
    """
    for mesh in meshes(repo):
        for service in mesh.each("VirtualService"):
            done: set[int] = set()
            for keys, destination in destinations(service):
                subset = destination.get("subset")
                host = Host.of(str(destination.get("host")), service.namespace)
                for policy in mesh.rules(host) if subset else ():
                    if subset in subset_names(policy) and id(policy) not in done and _at_once(policy, service):
                        done.add(id(policy))
                        what = f"applied with or before {policy}, which has the subset {subset}"
                        yield at(service, (*keys, "subset"), f"{service}: {what} ({policy.place()})")


@rule("MESH-30", Severity.WARNING, fix="Write apiVersion v1 of the group.")
def mesh_objects_are_v1(repo: Repo) -> Iterator[Hit]:
    """Objects of Istio are written in v1.

    v1alpha3 and v1beta1 are served without a word, so nothing else says that they are old. EnvoyFilter and ProxyConfig
    have no v1.
    """
    for manifest in repo.manifests:
        old = manifest.api_version.partition("/")[2] in {"v1alpha1", "v1alpha3", "v1beta1"}
        if old and manifest.group in _V1 and (manifest.group, manifest.kind) not in _NOT_V1:
            yield at(manifest, ("apiVersion",), f"{manifest}: apiVersion {manifest.api_version}")


@rule("MESH-34", Severity.ERROR, fix="Aim the policy at the waypoint with targetRefs.")
def waypoint_policies_have_targets(repo: Repo) -> Iterator[Hit]:
    """In an ambient namespace, policies that look at HTTP name a waypoint or Service in targetRefs.

    Selectors are read by ztunnel, which knows addresses and identities alone: it refuses what it cannot judge, and
    waypoints ignore the policy. Judged for policies that select pods of such a namespace which are here.
    """
    for mesh in meshes(repo):
        ambient = {name for name, found in mesh.cluster.namespaces.items()
                   if found.get("istio.io/dataplane-mode") == "ambient"}  # fmt: skip
        for kind in ("AuthorizationPolicy", "RequestAuthentication"):
            for policy in mesh.each(kind, SECURITY):
                spec = policy.mapping("spec")
                if policy.namespace not in ambient or spec.get("targetRefs") or spec.get("targetRef"):
                    continue
                pods = mesh.pods_in(policy.namespace, labels(policy))
                if not pods or any(mesh.injected(pod) or _stays_out(pod.labels) for pod in pods):
                    continue
                what = "a RequestAuthentication" if kind == "RequestAuthentication" else _looks_at_http(policy)
                if what:
                    keys: Path = ("spec", "selector") if labels(policy) else ("spec",)
                    yield at(policy, keys, f"{policy}: {what} without targetRefs is read by no waypoint")


def _callees(mesh: Mesh) -> dict[str, dict[str, str]]:
    """Return, by namespace of a caller, the namespaces whose policies let it in, and why that is known."""
    found: dict[str, dict[str, str]] = {}
    for policy in mesh.each("AuthorizationPolicy", SECURITY):
        for _, rule_ in authorization.rules(policy) if authorization.action(policy) == "ALLOW" else ():
            for _, source in authorization.sources(rule_):
                named = source.get("principals")
                for text in named if isinstance(named, list) else ():
                    caller = authorization.principal(str(text))
                    if caller and caller[1] != policy.namespace and policy.namespace != mesh.root:
                        found.setdefault(caller[1], {}).setdefault(policy.namespace, f"{policy} lets it in")
    return found


def _unknown_providers(mesh: Mesh) -> Iterator[Hit]:
    istiod = mesh.install("istiod")
    if not istiod or not istiod.complete:
        return
    given = istiod.get("meshConfig", "extensionProviders")
    known = _BUILT_IN | {str(one.get("name")) for one in (given if isinstance(given, list) else ())
                         if isinstance(one, Mapping)}  # fmt: skip
    for found, keys, name in _providers(mesh):
        if isinstance(name, str) and name not in known:
            yield at(found, keys, f"{found}: no extension provider {name}, there are {', '.join(sorted(known))}")


def _providers(mesh: Mesh) -> Iterator[tuple[Manifest, Path, Any]]:
    for found in mesh.each("Telemetry", _TELEMETRY):
        for field in ("accessLogging", "metrics", "tracing"):
            for index, _ in found.items("spec", field):
                for number, provider in found.items("spec", field, index, "providers"):
                    yield found, ("spec", field, index, "providers", number), provider.get("name")
    for policy in mesh.each("AuthorizationPolicy", SECURITY):
        if authorization.action(policy) == "CUSTOM":
            yield policy, ("spec", "provider", "name"), policy.get("spec", "provider", "name")


def _at_once(policy: Manifest, service: Manifest) -> bool:
    owner = service.origin.owner
    if owner != policy.origin.owner:
        return False
    if not owner:
        return policy.origin.path == service.origin.path
    return owner.startswith("Application ") and _wave(policy) >= _wave(service)


def _wave(manifest: Manifest) -> int:
    text = str(manifest.annotations.get(_WAVE) or "0")
    return int(text) if text.removeprefix("-").isdigit() else 0


def _stays_out(pod: Mapping[str, str]) -> bool:
    return pod.get("istio.io/dataplane-mode") == "none"


def _looks_at_http(policy: Manifest) -> str:
    for _, found in authorization.rules(policy):
        for one in authorization.operations(found):
            if asked := [field for field in HTTP_FIELDS if one.get(field)]:
                return f"a rule by {', '.join(asked)}"
        if any(source.get("requestPrincipals") for _, source in authorization.sources(found)):
            return "a rule by requestPrincipals"
    return ""
