"""Mesh: bindings, matches, ports and resilience of routes at their corners."""

import pytest

from scaffold.rules.reading import re2
from scaffold.rules.reading.durations import seconds
from scaffold.rules.reading.hosts import patterns
from scaffold.rules.reading.protocols import protocol
from tests.helpers import hits
from tests.rules.test_mesh import FILES, texts

FULL = "web.shop.svc.cluster.local"
GATEWAY = """\
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: public, namespace: shop}
    spec:
      selector: {istio: gateway}
      servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [HOSTS]}]
"""


def gateway(*hosts: str) -> str:
    return GATEWAY.replace("HOSTS", ", ".join(f'"{host}"' for host in hosts))


def service(hosts: str, gateways: str = "", http: str = "", name: str = "web", more: str = "") -> str:
    bound = f"gateways: {gateways}" if gateways else ""
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {{name: {name}, namespace: shop}}
        spec:
          hosts: {hosts}
          {bound}
          {more}
          http: {http or f"[{{route: [{{destination: {{host: {FULL}, port: {{number: 80}}}}}}], timeout: 3s}}]"}
    """


def entry(host: str) -> str:
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {{name: out, namespace: shop}}
        spec: {{hosts: ['{host}']}}
    """


@pytest.mark.parametrize(
    ("hosts", "served"),
    [
        ("[shop.example.com]", "*.example.com"),
        ("[shop.example.com]", "*"),
        ("[shop.example.com]", "./shop.example.com"),
        ("[shop.example.com]", "*/*.example.com"),
        ("['*.example.com']", "shop.example.com"),
        ("[SHOP.example.com]", "shop.example.com"),
        (f"[{FULL}]", "other.example.com"),
    ],
)
def test_a_host_that_a_gateway_serves_is_bound(hosts: str, served: str) -> None:
    files = {**FILES, "gateway.yaml": gateway(served), "route.yaml": service(hosts, "[public]")}
    assert hits("MESH-04", files) == []


@pytest.mark.parametrize("served", ["*.example.org", "example.com", "other/*.example.com"])
def test_a_host_that_no_server_takes_is_shown(served: str) -> None:
    files = {**FILES, "gateway.yaml": gateway(served), "route.yaml": service("[shop.example.com]", "[public]")}
    [text] = texts(hits("MESH-04", files))
    assert text.startswith("host shop.example.com is served by none of public, they ")


def test_a_gateway_elsewhere_is_not_judged() -> None:
    route = service("[shop.example.com]", "[istio-ingress/public]")
    assert hits("MESH-04", {**FILES, "route.yaml": route}) == []
    missing = service("[shop.example.com]", "[publik]")
    [text] = texts(hits("MESH-04", {**FILES, "gateway.yaml": gateway("*"), "route.yaml": missing}))
    assert text == "no Gateway publik, there are shop/public"


def test_a_public_host_inside_the_mesh_may_be_meant() -> None:
    lonely = service("[shop.example.com]")
    assert texts(hits("MESH-04", {**FILES, "route.yaml": lonely})) == [
        "host shop.example.com is public, but no gateway is listed"
    ]
    outward = service("[shop.example.com]", http="[{route: [{destination: {host: shop.example.com}}]}]")
    for route in (
        service("[shop.example.com]", "[mesh]"), service(f"[shop.example.com, {FULL}]"), outward,
    ):  # fmt: skip
        assert hits("MESH-04", {**FILES, "route.yaml": route}) == []
    assert hits("MESH-04", {**FILES, "route.yaml": lonely, "entry.yaml": entry("*.example.com")}) == []


def test_an_inner_host_may_be_served_by_the_gateway_itself() -> None:
    route = service(f"[{FULL}]", "[public]")
    assert hits("MESH-05", {**FILES, "gateway.yaml": gateway("*"), "route.yaml": route}) == []
    assert len(hits("MESH-05", {**FILES, "gateway.yaml": gateway("*.example.com"), "route.yaml": route})) == 1
    assert hits("MESH-05", {**FILES, "route.yaml": route}) == []


def test_two_virtual_services_meet_where_somebody_sees_both() -> None:
    one, other = service("[web]"), service(f"[{FULL}]", name="other")
    assert len(hits("MESH-15", {**FILES, "a.yaml": one, "b.yaml": other})) == 1
    apart = service("[web]", more="exportTo: ['a']"), service(f"[{FULL}]", name="other", more="exportTo: ['b']")
    assert hits("MESH-15", {**FILES, "a.yaml": apart[0], "b.yaml": apart[1]}) == []
    assert hits("MESH-15", {**FILES, "a.yaml": one, "b.yaml": one}) == []
    assert hits("MESH-15", {**FILES, "one/a.yaml": one, "other/b.yaml": other}) == []


def routes(*rules: str) -> dict[str, str]:
    to = f"route: [{{destination: {{host: {FULL}}}}}], timeout: 3s"
    return {**FILES, "route.yaml": service("[web]", http="[" + ", ".join(f"{{{one}{to}}}" for one in rules) + "]")}


@pytest.mark.parametrize(
    ("earlier", "later", "dead"),
    [
        ("", "{uri: {prefix: /a}}", True),
        ("{uri: {prefix: /}}", "{uri: {exact: /a}}", True),
        ("{uri: {regex: '.*'}}", "{headers: {a: {exact: b}}}", True),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}", True),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a}, method: {exact: GET}}", True),
        ("{uri: {prefix: /a}}", "{uri: {regex: '/a.*'}}", False),
        ("{uri: {prefix: /a/b}}", "{uri: {prefix: /a}}", False),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /A}, ignoreUriCase: true}", False),
        ("{uri: {prefix: /a}, method: {exact: GET}}", "{uri: {prefix: /a}}", False),
        ("{headers: {a: {}}}", "{headers: {a: {exact: b}}}", True),
        ("{headers: {a: {exact: b}}}", "{headers: {a: {}}}", False),
        ("{withoutHeaders: {a: {}}}", "{headers: {b: {}}}", False),
        ("{port: 80}", "{uri: {prefix: /a}}", False),
        ("{gateways: [mesh]}", "{uri: {prefix: /a}}", True),
        ("{gateways: [public]}", "{uri: {prefix: /a}}", False),
        ("{sourceLabels: {a: b}}", "{uri: {prefix: /a}}", False),
        ("{sourceLabels: {a: b}}", "{sourceLabels: {a: b, c: d}}", True),
        ("{queryParams: {A: {exact: b}}}", "{queryParams: {a: {exact: b}}}", False),
    ],
)
def test_a_route_that_nothing_reaches(earlier: str, later: str, dead: bool) -> None:
    first = f"match: [{earlier}], " if earlier else ""
    found = [text for text in texts(hits("MESH-06", routes(first, f"match: [{later}], "))) if "never" in text]
    assert found == (["route 2 is never reached, route 1 takes its requests"] if dead else [])


def test_a_route_lives_while_one_of_its_matches_does() -> None:
    first, second = "match: [{uri: {prefix: /a}}], ", "match: [{uri: {prefix: /a/b}}, {uri: {prefix: /c}}], "
    assert hits("MESH-06", routes(first, second, "")) == []


def test_headers_without_a_last_route() -> None:
    by_header = "match: [{headers: {a: {exact: b}}}], "
    assert texts(hits("MESH-06", routes(by_header))) == [
        "route 1 is the last and asks for a header, what has none gets a 404"
    ]
    assert hits("MESH-06", routes(by_header, "")) == []
    for other in ("{uri: {prefix: /a}}", "{withoutHeaders: {a: {}}}", "{headers: {'@request.auth.claims.a': {}}}"):
        assert hits("MESH-06", routes(by_header, f"match: [{other}], ")) == []
    shared = {**routes(by_header), "other.yaml": service("[web]", "[public]", name="other")}
    assert hits("MESH-06", shared) == []


def test_names_of_claims_and_pseudo_headers_keep_their_case() -> None:
    for name in ("'@request.auth.claims.Group'", "':authority'", "x-user-type"):
        assert hits("MESH-07", routes(f"match: [{{headers: {{{name}: {{exact: b}}}}}}], ")) == []
    assert hits("MESH-07", routes("match: [{headers: {a: {regex: '*'}}}], ")) == []


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", ""),
        ("/items/[0-9]+", ""),
        (r"(?i)^/a(b|c)?(?P<id>\d{2,3})[^/\]]*$", ""),
        (r"(?:a|b)*?\.\Q(?=\E", ""),
        ("[(]", ""),
        (r"\101", ""),
        ("(?=a)", "a lookahead ((?=) is not supported"),
        ("(?<!a)b", "a lookbehind ((?<) is not supported"),
        (r"(a)\1", r"a backreference (\1) is not supported"),
        ("(?>a)", "an atomic group ((?>) is not supported"),
        ("a**", "** repeats a repetition"),
        ("a++", "++ repeats a repetition"),
        ("*a", "nothing to repeat before *"),
        ("(|+)", "nothing to repeat before +"),
        ("(a", "( is not closed"),
        ("a)", ") closes nothing"),
        ("[a", "[ is not closed"),
        ("a{1001}", "{1001} repeats more than 1000 times"),
        ("a\\", "it ends in a backslash"),
        (r"\Z", r"\Z is unknown"),
    ],
)
def test_what_re2_refuses(pattern: str, fault: str) -> None:
    assert re2.fault(pattern) == fault


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ((50, 40), "the weights 50 + 40 sum to 90"), ((90, 20), "the weights 90 + 20 sum to 110"),
        ((0, 0), "the weights 0 + 0 sum to 0"), ((90, 10), ""), ((1, 1), ""), ((9, 1), ""), ((500, 500), ""),
    ],
)  # fmt: skip
def test_weights(weights: tuple[int, int], said: str) -> None:
    shares = ", ".join(f"{{destination: {{host: web}}, weight: {weight}}}" for weight in weights)
    found = hits("MESH-08", {**FILES, "route.yaml": service("[web]", http=f"[{{route: [{shares}]}}]")})
    assert texts(found) == ([said] if said else [])


TWO_PORTS = FILES["service.yaml"].replace("port: 80}", "port: 80}, {name: http-admin, port: 443}")


def test_a_route_of_the_mesh_keeps_the_port_of_the_call() -> None:
    to = f"[{{route: [{{destination: {{host: {FULL}}}}}]}}]"
    files = {**FILES, "service.yaml": TWO_PORTS}
    assert hits("MESH-09", {**files, "route.yaml": service("[web]", http=to)}) == []
    assert len(hits("MESH-09", {**files, "route.yaml": service("[a.example.com]", "[in/public]", to)})) == 1
    served = {**files, "gateway.yaml": gateway("*"), "route.yaml": service("[a.example.com]", "[public]", to)}
    assert hits("MESH-09", served) == []
    inner = f"[{{match: [{{gateways: [mesh]}}], route: [{{destination: {{host: {FULL}}}}}]}}]"
    assert hits("MESH-09", {**files, "route.yaml": service("[web]", "[in/public, mesh]", inner)}) == []


@pytest.mark.parametrize(
    ("port", "spoken"),
    [
        ({"name": "http"}, "http"), ({"name": "HTTP2-api"}, "http2"), ({"name": "grpc-web-x"}, "grpc-web"),
        ({"name": "web"}, ""), ({"name": "web", "appProtocol": "http"}, "http"), ({"name": "httpx"}, ""),
        ({"appProtocol": "kubernetes.io/h2c"}, "http2"), ({"name": "http", "appProtocol": "tcp"}, "tcp"),
        ({"port": 3306}, "tcp"), ({"protocol": "UDP", "name": "http"}, "udp"), ({}, ""),
    ],
)  # fmt: skip
def test_the_protocol_of_a_port(port: dict[str, object], spoken: str) -> None:
    assert protocol(port) == spoken


@pytest.mark.parametrize(
    ("text", "value"),
    [("3s", 3), ("1m30s", 90), ("1.5s", 1.5), (".5s", 0.5), ("300ms", 0.3), ("3", None), ("", None), (3, None),
     ("1s x", None), ("s", None)],
)  # fmt: skip
def test_a_duration(text: object, value: float | None) -> None:
    assert seconds(text) == pytest.approx(value)


def test_all_tries_have_to_fit() -> None:
    def retried(timeout: str, attempts: int, each: str) -> dict[str, str]:
        retries = f"timeout: {timeout}, retries: {{attempts: {attempts}, perTryTimeout: {each}}}"
        to = f"route: [{{destination: {{host: {FULL}}}}}]"
        return {**FILES, "route.yaml": service("[web]", http=f"[{{{to}, {retries}}}]")}

    assert texts(hits("MESH-11", retried("3s", 3, "1s"))) == ["1 + 3 tries of 1s do not fit into the timeout 3s"]
    assert hits("MESH-11", retried("3s", 2, "1s")) == []
    assert hits("MESH-11", retried("3s", 0, "5s")) == []


def test_a_redirect_and_grpc_need_no_timeout() -> None:
    redirect = service("[web]", http="[{redirect: {uri: /a}}]")
    assert hits("MESH-11", {**FILES, "route.yaml": redirect}) == []
    grpc = FILES["service.yaml"].replace("name: http", "name: grpc")
    endless = service("[web]", http=f"[{{name: all, route: [{{destination: {{host: {FULL}}}}}]}}]")
    assert hits("MESH-11", {**FILES, "service.yaml": grpc, "route.yaml": endless}) == []
    assert texts(hits("MESH-11", {**FILES, "route.yaml": endless})) == ["no timeout in route all"]


@pytest.mark.parametrize(
    ("match", "retry_on", "hit"),
    [
        ("", "5xx", True), ("", "503,connect-failure", True), ("", "gateway-error", True),
        ("", "connect-failure,refused-stream,unavailable,cancelled,reset", False), ("", "retriable-4xx,404", False),
        ("match: [{method: {exact: GET}}], ", "5xx", False), ("match: [{method: {exact: POST}}], ", "5xx", True),
        ("match: [{method: {regex: 'GET|HEAD'}}], ", "5xx", False),
        ("match: [{headers: {idempotency-key: {}}}], ", "5xx", False),
    ],
)  # fmt: skip
def test_retries_after_an_answer(match: str, retry_on: str, hit: bool) -> None:
    to = f"route: [{{destination: {{host: {FULL}}}}}], retries: {{attempts: 2, retryOn: '{retry_on}'}}"
    found = hits("MESH-12", {**FILES, "route.yaml": service("[web]", http=f"[{{{match}{to}}}]")})
    assert bool(found) is hit
    off = to.replace("attempts: 2", "attempts: 0")
    assert hits("MESH-12", {**FILES, "route.yaml": service("[web]", http=f"[{{{off}}}]")}) == []


def rule(spec: str) -> dict[str, str]:
    text = f"""\
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {{name: web, namespace: shop}}
        spec: {{host: {FULL}, {spec}}}
    """
    return {**FILES, "route.yaml": service("[web]"), "rule.yaml": text}


WHOLE = "connectionPool: {tcp: {maxConnections: 9}}, outlierDetection: {interval: 10s}"


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (f"trafficPolicy: {{{WHOLE}}}", 0),
        ("subsets: [{name: v1}]", 2),
        (f"subsets: [{{name: v1, trafficPolicy: {{{WHOLE}}}}}]", 0),
        (f"subsets: [{{name: v1, trafficPolicy: {{{WHOLE}}}}}, {{name: v2}}]", 2),
        (f"trafficPolicy: {{portLevelSettings: [{{port: {{number: 80}}, {WHOLE}}}]}}", 0),
        ("trafficPolicy: {outlierDetection: {interval: 10s}, connectionPool: {http: {idleTimeout: 1h}}}", 1),
        (f"trafficPolicy: {{{WHOLE}, loadBalancer: {{simple: LEAST_CONN}}}}", 1),
    ],
)
def test_limits_may_stand_at_host_subsets_or_ports(spec: str, count: int) -> None:
    assert len(hits("MESH-13", rule(spec))) == count


def test_a_host_without_routes_is_not_judged() -> None:
    files = rule("subsets: [{name: v1}]")
    del files["route.yaml"]
    assert hits("MESH-13", files) == []


def test_a_port_without_the_affinity_of_its_host() -> None:
    port = "portLevelSettings: [{port: {number: 80}, connectionPool: {}}]"
    sticky = "loadBalancer: {consistentHash: {useSourceIp: true}}"
    assert texts(hits("MESH-14", rule(f"trafficPolicy: {{{sticky}, {port}}}"))) == [
        "port 80 has not the loadBalancer of the host"
    ]
    assert hits("MESH-14", rule(f"trafficPolicy: {{loadBalancer: {{simple: RANDOM}}, {port}}}")) == []


def test_the_patterns_of_a_host_begin_with_the_most_specific() -> None:
    assert list(patterns("a.b.c")) == ["a.b.c", "*.b.c", "*.c", "*"]
    assert list(patterns("*.b.c")) == ["*.b.c", "*.c", "*"]
    assert (list(patterns("a")), list(patterns("*"))) == (["a", "*"], ["*"])
