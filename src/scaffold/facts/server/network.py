"""Services, Ingresses, NetworkPolicies and EndpointSlices."""

from typing import Any

from scaffold.facts.bounds import shown
from scaffold.facts.formats import is_ip
from scaffold.facts.server.asks import (
    choice,
    filled,
    is_empty,
    is_number,
    needs,
    needs_one,
    place,
    port,
    unique,
    within,
)
from scaffold.facts.server.metadata import LABELS, SELECTOR
from scaffold.facts.server.shapes import Shape, Wrong, table
from scaffold.facts.server.texts import (
    ABSOLUTE_PATH,
    ADDRESS,
    DNS_LABEL,
    DNS_NAME,
    DOMAIN_PATH,
    HOST,
    LABEL_KEY,
    LABEL_VALUE,
    NETWORK,
    PATH_SEGMENT,
    PORT_NAME,
    QUALIFIED,
    is_dns_name,
    is_inside,
    port_number_or_name,
    text,
)

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_BAD_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_AT_ENDS = ("/..", "/.")


def _service(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    kind, headless = value.get("type") or "ClusterIP", value.get("clusterIP") == "None"
    ports = value.get("ports")
    if is_empty(ports) and not headless and kind != "ExternalName":
        yield place(value, "ports"), "ports are required"
    if headless and kind in {"LoadBalancer", "NodePort"}:
        yield ("clusterIP",), f"may not be None for a Service of type {kind}"
    if kind == "ExternalName":
        yield from _external_name(value)
    yield from _ports(value, kind)
    yield from _traffic(value, kind)


def _external_name(value: dict[str, Any]) -> Wrong:
    name = value.get("externalName")
    if is_empty(name):
        yield (
            place(value, "externalName"),
            "externalName is required where type is ExternalName",
        )
    elif isinstance(name, str) and not is_dns_name(name.removesuffix(".")):
        yield ("externalName",), f"{shown(name)} is not a DNS name"
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if not is_empty(value.get(name)):
            yield (name,), "may not be set where type is ExternalName"


def _ports(value: dict[str, Any], kind: str) -> Wrong:
    ports = value.get("ports")
    items = [
        (index, item) for index, item in enumerate(ports if isinstance(ports, list) else ()) if isinstance(item, dict)
    ]
    seen: set[tuple[Any, Any]] = set()
    for index, item in items:
        if len(items) > 1 and is_empty(item.get("name")):
            yield (
                ("ports", index, *(["name"] if "name" in item else [])),
                "name is required where there are several ports",
            )
        if kind == "ClusterIP" and not is_empty(item.get("nodePort")):
            yield ("ports", index, "nodePort"), "may not be set where type is ClusterIP"
        key = item.get("port"), item.get("protocol") or "TCP"
        if key in seen:
            yield ("ports", index), f"port {shown(key[0])} ({key[1]}) is there already"
        seen.add(key)


def _traffic(value: dict[str, Any], kind: str) -> Wrong:
    if (
        kind not in {"LoadBalancer", "NodePort"}
        and not value.get("externalIPs")
        and not is_empty(value.get("externalTrafficPolicy"))
    ):
        yield ("externalTrafficPolicy",), f"may not be set where type is {kind}"
    if not is_empty(value.get("healthCheckNodePort")) and (
        kind != "LoadBalancer" or value.get("externalTrafficPolicy") != "Local"
    ):
        yield ("healthCheckNodePort",), "may be set only where type is LoadBalancer and externalTrafficPolicy is Local"
    for name in ("loadBalancerSourceRanges", "loadBalancerClass", "allocateLoadBalancerNodePorts"):
        given = value.get(name)
        if kind != "LoadBalancer" and given is not None and given != []:
            yield (name,), f"may be set only where type is LoadBalancer, not {kind}"


def _cluster_ip(value: Any) -> Wrong:
    if isinstance(value, str) and value and value != "None":
        yield from ADDRESS(value)


SERVICE: Shape = table({
    "spec": _service,
    "spec.type": choice("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    "spec.selector": LABELS,
    "spec.ports": unique("name", where="name"),
    "spec.ports[].name": DNS_LABEL,
    "spec.ports[].port": within(1, 65535, "a port from 1 to 65535"),
    "spec.ports[].targetPort": lambda value: () if value in {"", 0} else port_number_or_name(value),
    "spec.ports[].protocol": choice(*_PROTOCOLS),
    "spec.ports[].appProtocol": LABEL_KEY,
    "spec.sessionAffinity": choice("ClientIP", "None"),
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds": within(1, 86400),
    "spec.clusterIP": _cluster_ip,
    "spec.clusterIPs[]": _cluster_ip,
    "spec.externalIPs[]": ADDRESS,
    "spec.externalTrafficPolicy": choice("Cluster", "Local"),
    "spec.internalTrafficPolicy": choice("Cluster", "Local", empty=False),
    "spec.ipFamilyPolicy": choice("SingleStack", "PreferDualStack", "RequireDualStack", empty=False),
    "spec.ipFamilies[]": choice("IPv4", "IPv6", empty=False),
    "spec.ipFamilies": unique(),
    "spec.loadBalancerSourceRanges[]": lambda value: NETWORK(value.strip()) if isinstance(value, str) else (),
    "spec.loadBalancerClass": QUALIFIED,
    "spec.trafficDistribution": choice("PreferClose", "PreferSameZone", "PreferSameNode", empty=False),
})  # fmt: skip


def _backend(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    service = value.get("service")
    if isinstance(service, dict) and value.get("resource") is None:
        given = service.get("port")
        there = [name for name in ("name", "number") if isinstance(given, dict) and not is_empty(given.get(name))]
        if len(there) != 1:
            yield (), "a port is named by its number or its name, and one of them is required"


_BACKEND = table({
    "": (needs_one("service", "resource"), _backend),
    "service": needs("name"),
    "service.name": DNS_LABEL,
    "service.port.name": PORT_NAME,
    "service.port.number": port,
    "resource": needs("kind", "name"),
    "resource.kind": PATH_SEGMENT,
    "resource.name": PATH_SEGMENT,
    "resource.apiGroup": DNS_NAME,
})  # fmt: skip


def _path(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    path, kind = value.get("path"), value.get("pathType")
    exact = kind in {"Exact", "Prefix"}
    if exact and is_empty(path):
        yield place(value, "path"), f"path is required where pathType is {kind}"
    if not isinstance(path, str) or not path:
        return
    yield from ((("path",), why) for _, why in ABSOLUTE_PATH(path))
    for bad in _BAD_IN_PATHS if exact else ():
        if bad in path:
            yield ("path",), f"{shown(path)} must not contain {bad}"
    if exact and path.endswith(_BAD_AT_ENDS):
        yield ("path",), f"{shown(path)} must not end with . or .."


def _rule_host(value: Any) -> Wrong:
    if isinstance(value, str) and is_ip(value):
        yield (), f"{shown(value)} is an IP address, not a host name"


def _some_rule(value: Any) -> Wrong:
    if isinstance(value, dict) and not value.get("rules") and value.get("defaultBackend") is None:
        yield (), "rules or defaultBackend is required"


INGRESS: Shape = table({
    "spec": _some_rule,
    "spec.ingressClassName": DNS_NAME,
    "spec.defaultBackend": _BACKEND,
    "spec.tls[].hosts[]": (HOST, filled),
    "spec.tls[].secretName": DNS_NAME,
    "spec.rules[].host": (HOST, _rule_host),
    "spec.rules[].http.paths[]": _path,
    "spec.rules[].http.paths[].pathType": choice("Exact", "Prefix", "ImplementationSpecific", empty=False),
    "spec.rules[].http.paths[].backend": _BACKEND,
})  # fmt: skip


def _scope(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    namespaced = value.get("scope") == "Namespace"
    if namespaced and is_empty(value.get("namespace")):
        yield (), "namespace is required where scope is Namespace"
    elif not namespaced and value.get("namespace") is not None:
        yield ("namespace",), "may be set only where scope is Namespace"


INGRESS_CLASS: Shape = table({
    "spec.controller": DOMAIN_PATH,
    "spec.parameters": (needs("kind", "name"), _scope),
    "spec.parameters.apiGroup": text(is_dns_name, "an API group such as example.com", empty=False),
    "spec.parameters.kind": PATH_SEGMENT,
    "spec.parameters.name": PATH_SEGMENT,
    "spec.parameters.scope": choice("Cluster", "Namespace", empty=False),
})  # fmt: skip


def _policy_port(value: Any) -> Wrong:
    if not isinstance(value, dict) or value.get("endPort") is None:
        return
    first, last = value.get("port"), value["endPort"]
    if not is_number(first):
        yield ("endPort",), "may be set only where port is a number"
    elif is_number(last) and last < first:
        yield ("endPort",), f"{shown(last)} is less than port, {shown(first)}"


def _peer(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return
    there = [name for name in ("podSelector", "namespaceSelector", "ipBlock") if value.get(name) is not None]
    if not there:
        yield (), "one of podSelector, namespaceSelector and ipBlock is required"
    elif "ipBlock" in there and len(there) > 1:
        yield (), f"ipBlock may not be set together with {there[0]}"


def _block(value: Any) -> Wrong:
    if not isinstance(value, dict) or not isinstance(value.get("except"), list):
        return
    for index, network in enumerate(value["except"]):
        outer = value.get("cidr")
        if isinstance(network, str) and isinstance(outer, str) and not is_inside(network, outer):
            yield ("except", index), f"{shown(network)} is no part of {shown(outer)}"


_PEER = table({
    "": _peer,
    "podSelector": SELECTOR,
    "namespaceSelector": SELECTOR,
    "ipBlock": _block,
    "ipBlock.cidr": NETWORK,
    "ipBlock.except[]": NETWORK,
})  # fmt: skip
_POLICY_PORT = table({
    "": _policy_port,
    "port": port_number_or_name,
    "endPort": within(1, 65535, "a port from 1 to 65535"),
    "protocol": choice(*_PROTOCOLS, empty=False),
})  # fmt: skip
NETWORK_POLICY: Shape = table({
    "spec.podSelector": SELECTOR,
    "spec.policyTypes[]": choice("Ingress", "Egress", empty=False),
    "spec.ingress[].from[]": _PEER,
    "spec.ingress[].ports[]": _POLICY_PORT,
    "spec.egress[].to[]": _PEER,
    "spec.egress[].ports[]": _POLICY_PORT,
})  # fmt: skip


def _addresses(value: Any) -> Wrong:
    if not isinstance(value, dict) or value.get("addressType") not in {"IPv4", "IPv6"}:
        return
    endpoints = value.get("endpoints")
    for index, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        addresses = endpoint.get("addresses") if isinstance(endpoint, dict) else None
        for number, address in enumerate(addresses if isinstance(addresses, list) else ()):
            address = address or ""  # noqa: PLW2901 - null is an empty text
            colon = isinstance(address, str) and ":" in address
            if isinstance(address, str) and (not is_ip(address) or colon != (value["addressType"] == "IPv6")):
                text = f"{shown(address)} is not an {value['addressType']} address"
                yield ("endpoints", index, "addresses", number), text


ENDPOINT_SLICE: Shape = table({
    "": _addresses,
    "addressType": choice("IPv4", "IPv6", "FQDN"),
    "endpoints[].hostname": (DNS_LABEL, filled),
    "endpoints[].nodeName": (DNS_NAME, filled),
    "endpoints[].hints.forZones": unique("name", where="name"),
    "endpoints[].hints.forZones[].name": LABEL_VALUE,
    "ports": unique("name", where="name"),
    "ports[].name": DNS_LABEL,
    "ports[].protocol": choice(*_PROTOCOLS, empty=False),
    "ports[].appProtocol": QUALIFIED,
})  # fmt: skip
