"""Who answers a request: Istio's Gateways and mesh, and the Gateway API, as their control planes build it."""

from collections.abc import Mapping

import pytest

from scaffold.model.route import Answer, Request
from scaffold.rules.reading.route_table import answers
from tests.helpers import applied

FULL = "web.shop.svc.cluster.local"


def deployment(version: str) -> str:
    return f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web-{version}, namespace: shop}}
        spec:
          selector: {{matchLabels: {{app: web, version: {version}}}}}
          template:
            metadata: {{labels: {{app: web, version: {version}}}}}
            spec: {{containers: [{{name: web, image: web, ports: [{{name: http, containerPort: 8080}}]}}]}}
    """


SERVICE = """\
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: web}
      ports: [{name: http, port: 80, targetPort: http}]
"""
SUBSETS = f"""\
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {{name: web, namespace: shop}}
    spec:
      host: {FULL}
      subsets:
        - {{name: standard, labels: {{version: v1}}}}
        - {{name: premium, labels: {{version: v2}}}}
"""
GATEWAY = """\
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: public, namespace: shop}
    spec:
      selector: {istio: gateway}
      servers:
        - port: {number: 443, name: https, protocol: HTTPS}
          tls: {mode: SIMPLE, credentialName: public-tls}
          hosts: ["*.example.com"]
"""
ROUTES = f"""\
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: web, namespace: shop}}
    spec:
      hosts: [shop.example.com, {FULL}]
      gateways: [public, mesh]
      http:
        - name: premium
          match: [{{headers: {{x-user-type: {{exact: premium}}}}}}]
          route: [{{destination: {{host: {FULL}, subset: premium}}}}]
        - name: standard
          route: [{{destination: {{host: {FULL}, subset: standard}}}}]
"""
SEED = """\
    apiVersion: networking.istio.io/v1alpha3
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec:
      hosts: [my-app.example.com]
      http:
        - match: [{headers: {x-user-type: {exact: premium}}}]
          route: [{destination: {host: web, subset: premium}}]
        - route: [{destination: {host: web, subset: standard}}]
"""
FILES = {
    "v1.yaml": deployment("v1"), "v2.yaml": deployment("v2"), "service.yaml": SERVICE, "subsets.yaml": SUBSETS,
    "gateway.yaml": GATEWAY, "routes.yaml": ROUTES,
}  # fmt: skip


def ask(files: Mapping[str, str], host: str, target: str = "/", **headers: str) -> list[Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items() if name not in {"method", "port"}}
    port = int(headers["port"]) if "port" in headers else None
    return list(answers(applied(files), Request(host, target, headers.get("method", "GET"), named, port)))


def who(files: Mapping[str, str], host: str, target: str = "/", **headers: str) -> list[str]:
    """Return, by entry, who answers, in words."""
    return [said(answer) for answer in ask(files, host, target, **headers)]


def said(answer: Answer) -> str:
    shares = []
    for share in answer.shares:
        pods = ", ".join(pod.what.partition("/")[2].partition(",")[0] for pod in share.pods)
        shares.append(f"{share.percent:g} % " + (pods or share.why or "outside"))
    return " + ".join(shares) or answer.reply or answer.why


def premium(files: Mapping[str, str], host: str, **headers: str) -> list[str]:
    """Return who answers at a Gateway; the mesh alone where the name is a Service's."""
    found = ask(files, host, **headers)
    at_gateway = [answer for answer in found if answer.entry.what.startswith("Gateway")]
    return [said(answer) for answer in at_gateway or found]


def test_the_vectors_of_a_route_by_header() -> None:
    assert premium(FILES, "shop.example.com", x_user_type="premium") == ["100 % web-v2"]
    assert premium(FILES, "shop.example.com", **{"X-User-Type": "premium"}) == ["100 % web-v2"]
    assert premium(FILES, "shop.example.com", x_user_type="Premium") == ["100 % web-v1"]
    assert premium(FILES, "shop.example.com") == ["100 % web-v1"]
    assert premium(FILES, FULL, x_user_type="premium") == ["100 % web-v2"]
    assert premium(FILES, "other.example.com") == ["404: no VirtualService is bound to it for this host"]
    assert premium(FILES, "shop.example.org") == []


def test_without_gateways_and_inner_host_the_routes_are_for_nobody() -> None:
    files = {**FILES, "routes.yaml": SEED}
    assert premium(files, "web.shop", x_user_type="premium") == ["100 % web-v1, web-v2"]
    assert premium(files, "my-app.example.com") == ["404: no VirtualService is bound to it for this host"]


@pytest.mark.parametrize("name", ["web", "web.shop", "web.shop.svc", FULL, FULL.upper()])
def test_a_service_is_found_by_each_of_its_names(name: str) -> None:
    assert who(FILES, name) == ["100 % web-v1"]


def test_every_step_has_its_line() -> None:
    [answer] = [one for one in ask(FILES, "shop.example.com") if one.entry.what.startswith("Gateway")]
    assert f"{answer.entry.what} ({answer.entry.place})" == "Gateway shop/public, port 443 HTTPS (gateway.yaml:7)"
    assert [f"{step.what} ({step.place})" for step in answer.tried] == [
        "route premium: header x-user-type is missing, not exact premium (routes.yaml:8)"
    ]
    assert [f"{step.what} ({step.place})" for step in answer.steps] == [
        "VirtualService shop/web, host shop.example.com (routes.yaml:5)",
        "route standard (routes.yaml:11)",
    ]
    [share] = answer.shares
    assert [f"{step.what} ({step.place})" for step in share.steps] == [
        f"host {FULL} (routes.yaml:12)",
        "subset standard of DestinationRule shop/web (subsets.yaml:7)",
        "Service shop/web, port 80 to http (service.yaml:6)",
    ]
    assert [f"{step.what} ({step.place})" for step in share.pods] == ["Deployment shop/web-v1, port 8080 (v1.yaml:1)"]
    assert share.labels == {"app": "web", "version": "v1"}


def routes(http: str, host: str = "shop.example.com", name: str = "web", more: str = "") -> str:
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {{name: {name}, namespace: shop}}
        spec:
          hosts: ["{host}"]
          gateways: [public]
          {more}
          http: {http}
    """


TO = {version: f"[{{destination: {{host: web, subset: {version}}}}}]" for version in ("standard", "premium")}


def by(match: str) -> str:
    return routes(f"[{{match: [{match}], route: {TO['premium']}}}, {{route: {TO['standard']}}}]")


@pytest.mark.parametrize(
    ("match", "target", "method", "headers", "taken"),
    [
        ("{uri: {exact: /a}}", "/a", "GET", {}, True),
        ("{uri: {exact: /a}}", "/a?b=c", "GET", {}, True),
        ("{uri: {exact: /a}}", "/a/", "GET", {}, False),
        ("{uri: {prefix: /a}}", "/abc", "GET", {}, True),
        ("{uri: {prefix: /A}, ignoreUriCase: true}", "/abc", "GET", {}, True),
        ("{uri: {regex: '/[0-9]+'}}", "/12", "GET", {}, True),
        ("{uri: {regex: '/[0-9]+'}}", "/12a", "GET", {}, False),
        ("{uri: {regex: '/('}}", "/(", "GET", {}, False),
        ("{method: {exact: POST}}", "/", "POST", {}, True),
        ("{method: {exact: POST}}", "/", "GET", {}, False),
        ("{authority: {prefix: shop.}}", "/", "GET", {}, True),
        ("{scheme: {exact: http}}", "/", "GET", {}, False),
        ("{port: 443}", "/", "GET", {}, True),
        ("{port: 80}", "/", "GET", {}, False),
        ("{gateways: [public]}", "/", "GET", {}, True),
        ("{gateways: [shop/public]}", "/", "GET", {}, True),
        ("{gateways: [mesh]}", "/", "GET", {}, False),
        ("{sourceLabels: {app: cart}}", "/", "GET", {}, False),
        ("{headers: {x-a: {}}}", "/", "GET", {"x-a": "b"}, True),
        ("{headers: {x-a: {regex: 'b|c'}}}", "/", "GET", {"x-a": "c"}, True),
        ("{withoutHeaders: {x-a: {exact: b}}}", "/", "GET", {"x-a": "b"}, False),
        ("{withoutHeaders: {x-a: {exact: b}}}", "/", "GET", {}, True),
        ("{queryParams: {q: {exact: '1'}}}", "/?q=1", "GET", {}, True),
        ("{queryParams: {q: {exact: '1'}}}", "/?q=2", "GET", {}, False),
    ],
)
def test_a_match(match: str, target: str, method: str, headers: dict[str, str], taken: bool) -> None:
    repo = applied({**FILES, "routes.yaml": by(match)})
    [answer] = answers(repo, Request("shop.example.com", target, method, headers))
    assert said(answer) == ("100 % web-v2" if taken else "100 % web-v1")


def test_a_public_host_is_known_inside_the_mesh_too() -> None:
    hidden = ROUTES.replace("gateways:", "exportTo: ['.']\n      gateways:")
    rule = SUBSETS.replace("      subsets:", "      exportTo: ['.']\n      subsets:")
    answer = ask({**FILES, "routes.yaml": hidden, "subsets.yaml": rule}, "shop.example.com")[-1]
    assert (answer.entry.what, said(answer)) == ("the mesh, from a pod with a proxy", "100 % web-v1")
    assert answer.notes == ("VirtualService shop/web is seen by callers of shop alone",)


def test_weights_are_shares_and_none_is_nothing() -> None:
    shares = [("web, subset: standard", 3), ("web, subset: premium", 1), ("gone", 0)]
    split = ", ".join(f"{{destination: {{host: {host}}}, weight: {weight}}}" for host, weight in shares)
    split = f"[{{route: [{split}]}}]"
    assert who({**FILES, "routes.yaml": routes(split)}, "shop.example.com") == ["75 % web-v1 + 25 % web-v2"]


def test_the_most_specific_name_wins_alone() -> None:
    wide = routes(f"[{{route: {TO['premium']}}}]", host="*.example.com", name="wide")
    narrow = routes(f"[{{match: [{{uri: {{prefix: /a}}}}], route: {TO['standard']}}}]")
    files = {**FILES, "routes.yaml": narrow, "wide.yaml": wide}
    assert who(files, "shop.example.com", "/a") == ["100 % web-v1"]
    assert who(files, "shop.example.com", "/b") == ["404: no route matches"]
    assert who(files, "other.example.com", "/b") == ["100 % web-v2"]


def test_virtual_services_of_one_host_are_merged_at_a_gateway_and_what_takes_all_comes_last() -> None:
    all_of_it = routes(f"[{{route: {TO['standard']}}}]", name="a-all")
    some = routes(f"[{{match: [{{uri: {{prefix: /b}}}}], route: {TO['premium']}}}]", name="b-some")
    files = {**FILES, "routes.yaml": all_of_it, "some.yaml": some}
    assert who(files, "shop.example.com", "/b") == ["100 % web-v2"]
    assert who(files, "shop.example.com", "/c") == ["100 % web-v1"]
    [answer] = ask(files, "shop.example.com", "/b")
    assert answer.notes[0].startswith("VirtualService shop/a-all, VirtualService shop/b-some share the host")


def test_a_redirect_to_https_is_no_answer_yet() -> None:
    plain = GATEWAY.replace("443, name: https, protocol: HTTPS", "80, name: http, protocol: HTTP")
    plain = plain.replace("{mode: SIMPLE, credentialName: public-tls}", "{httpsRedirect: true}")
    [answer] = ask({**FILES, "gateway.yaml": plain}, "shop.example.com", "/a", port="80")[:1]
    assert said(answer) == "301 to https://shop.example.com/a"
    assert not answer.answered


def test_what_a_route_says_itself() -> None:
    redirect = routes("[{redirect: {uri: /new, redirectCode: 308}}]")
    assert who({**FILES, "routes.yaml": redirect}, "shop.example.com") == ["308 to https://shop.example.com/new"]
    direct = routes("[{directResponse: {status: 503}}]")
    assert who({**FILES, "routes.yaml": direct}, "shop.example.com") == ["503 by the proxy itself"]


def test_a_delegate_narrows_its_parent() -> None:
    parent = routes("[{match: [{uri: {prefix: /a}}], delegate: {name: child, namespace: shop}}]")
    child = f"""\
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {{name: child, namespace: shop}}
        spec:
          http:
            - match: [{{uri: {{prefix: /a/b}}}}]
              route: {TO["premium"]}
            - route: {TO["standard"]}
    """
    files = {**FILES, "routes.yaml": parent, "child.yaml": child}
    assert who(files, "shop.example.com", "/a/b") == ["100 % web-v2"]
    assert who(files, "shop.example.com", "/a") == ["100 % web-v1"]
    assert who(files, "shop.example.com", "/c") == ["404: no route matches"]
    itself = routes("[{delegate: {name: web, namespace: shop}}]")
    assert who({**FILES, "routes.yaml": itself}, "shop.example.com") == ["404: no route matches"]


def test_where_it_ends() -> None:
    def to(destination: str, more: str = "") -> str:
        return routes(f"[{{route: [{{destination: {destination}}}]}}]", more=more)

    cases = {
        "{host: gone}": "503: no Service shop/gone",
        "{host: web.shop}": f"503: web.shop is not completed, write {FULL}",
        "{host: web, port: {number: 81}}": "503: Service shop/web has no port 81, it has 80",
        "{host: web, subset: v9}": "503: no DestinationRule defines the subset v9 of web",
        "{host: cart.other.svc.cluster.local}": "outside",
        "{host: pay.example.net}": "outside",
    }
    for destination, end in cases.items():
        assert who({**FILES, "routes.yaml": to(destination)}, "shop.example.com") == [f"100 % {end}"], destination
    nobody = SUBSETS.replace("version: v2", "version: v3")
    assert who({**FILES, "subsets.yaml": nobody}, "shop.example.com", x_user_type="premium")[0] == (
        "100 % 503: no pods of namespace shop are labelled app=web,version=v3"
    )


def test_a_gateway_that_is_not_here_is_taken_to_serve_the_host() -> None:
    files = {path: text for path, text in FILES.items() if path != "gateway.yaml"}
    files["routes.yaml"] = ROUTES.replace("[public, mesh]", "[ingress/public]")
    [answer] = ask(files, "shop.example.com")
    assert answer.entry.what == "Gateway ingress/public, which is not in this repository: taken to serve the host"
    assert said(answer) == "100 % web-v1"


def test_a_gateway_takes_namespaces_and_sees_exports() -> None:
    other = GATEWAY.replace('"*.example.com"', '"other/*.example.com"')
    nobody = "404: no VirtualService is bound to it for this host"
    assert premium({**FILES, "gateway.yaml": other}, "shop.example.com") == [nobody]
    pods = deployment("v1").replace("web-v1, namespace: shop", "gateway, namespace: ingress")
    pods = pods.replace("app: web, version: v1", "istio: gateway")
    hidden = ROUTES.replace("gateways:", "exportTo: ['.']\n      gateways:")
    answer = ask({**FILES, "routes.yaml": hidden, "pods.yaml": pods}, "shop.example.com")[0]
    assert said(answer) == nobody
    assert answer.notes == ("VirtualService shop/web is not exported to ingress (routes.yaml:6)",)


def test_a_port_that_does_not_open_tls_sees_the_name_alone() -> None:
    passing = GATEWAY.replace("HTTPS", "TLS").replace(
        "{mode: SIMPLE, credentialName: public-tls}", "{mode: PASSTHROUGH}"
    )
    to = "[{destination: {host: web, subset: standard}}]"
    tls = f"      tls: [{{match: [{{sniHosts: [shop.example.com]}}], route: {to}}}]\n"
    route = ROUTES.partition("      http:")[0] + tls
    assert premium({**FILES, "gateway.yaml": passing, "routes.yaml": route}, "shop.example.com") == ["100 % web-v1"]


LISTENERS = """\
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: edge, namespace: shop}
    spec:
      gatewayClassName: istio
      listeners:
        - {name: all, port: 80, protocol: HTTP, hostname: "*.example.com"}
        - {name: shop, port: 80, protocol: HTTP, hostname: shop.example.com}
"""


def http_route(rules: str, name: str = "web", hosts: str = "[shop.example.com]", namespace: str = "shop") -> str:
    return f"""\
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {{name: {name}, namespace: {namespace}}}
        spec:
          parentRefs: [{{name: edge, namespace: shop}}]
          hostnames: {hosts}
          rules: {rules}
    """


BACKEND = "backendRefs: [{name: web, port: 80}]"
BLUE = SERVICE.replace("name: web,", "name: blue,").replace("{app: web}", "{app: web, version: v1}")
GREEN = SERVICE.replace("name: web,", "name: green,").replace("{app: web}", "{app: web, version: v2}")
API = {"v1.yaml": deployment("v1"), "v2.yaml": deployment("v2"), "service.yaml": SERVICE, "edge.yaml": LISTENERS,
       "blue.yaml": BLUE, "green.yaml": GREEN}  # fmt: skip


def rule(match: str, backend: str) -> str:
    return f"{{matches: [{match}], backendRefs: [{{name: {backend}, port: 80}}]}}"


@pytest.mark.parametrize(
    ("rules", "target", "headers", "answer"),
    [
        (rule("{path: {value: /a}}", "blue") + ", " + rule("{path: {value: /a/b}}", "green"), "/a/b/c", {}, "web-v2"),
        (rule("{path: {value: /a}}", "blue") + ", " + rule("{path: {value: /}}", "green"), "/ab", {}, "web-v2"),
        (rule("{path: {value: /a/b}}", "blue") + ", " + rule("{path: {type: Exact, value: /a}}", "green"), "/a", {},
         "web-v2"),
        (rule("{path: {value: /a}}", "blue") + ", " + rule("{path: {value: /a}, method: GET}", "green"), "/a", {},
         "web-v2"),
        (rule("{headers: [{name: X-A, value: b}]}", "green") + ", " + rule("{}", "blue"), "/", {"x-a": "b"}, "web-v2"),
        (rule("{headers: [{name: X-A, value: b}]}", "green") + ", " + rule("{}", "blue"), "/", {"x-a": "B"}, "web-v1"),
        (rule("{queryParams: [{name: q, value: '1'}]}", "green") + ", " + rule("{}", "blue"), "/?q=1", {}, "web-v2"),
        (rule("{}", "blue") + ", " + rule("{}", "green"), "/", {}, "web-v1"),
    ],
)  # fmt: skip
def test_the_order_of_the_gateway_api(rules: str, target: str, headers: dict[str, str], answer: str) -> None:
    repo = applied({**API, "route.yaml": http_route(f"[{rules}]")})
    [found] = answers(repo, Request("shop.example.com", target, headers=headers))
    assert said(found) == f"100 % {answer}"
    assert "listener shop, port 80" in found.entry.what


def test_of_two_routes_the_narrower_name_wins_and_of_equal_ones_the_older() -> None:
    wide = http_route(f"[{rule('{}', 'green')}]", "wide", "['*.example.com']")
    narrow = http_route(f"[{rule('{}', 'blue')}]", "narrow")
    assert who({**API, "wide.yaml": wide, "narrow.yaml": narrow}, "shop.example.com") == ["100 % web-v1"]
    again = http_route(f"[{rule('{}', 'green')}]", "other")
    [answer] = ask({**API, "narrow.yaml": narrow, "other.yaml": again}, "shop.example.com")
    assert answer.notes == ("HTTPRoute shop/other matches as well: the older one wins, which no repository shows",)


def test_backends_of_other_namespaces_need_a_grant() -> None:
    route = http_route("[{backendRefs: [{name: web, namespace: shop, port: 80}]}]", namespace="other")
    listeners = LISTENERS.replace("hostname: shop.example.com}", "hostname: shop.example.com, "
                                  "allowedRoutes: {namespaces: {from: All}}}")  # fmt: skip
    files = {**API, "edge.yaml": listeners, "route.yaml": route}
    [end] = who(files, "shop.example.com")
    assert end == "100 % 500: no ReferenceGrant of shop lets HTTPRoute other/web refer to web"
    grant = """\
        apiVersion: gateway.networking.k8s.io/v1
        kind: ReferenceGrant
        metadata: {name: other, namespace: shop}
        spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}], to: [{kind: Service}]}
    """
    assert who({**files, "grant.yaml": grant}, "shop.example.com") == ["100 % web-v1, web-v2"]


def test_listeners_take_routes_of_their_own_namespace() -> None:
    route = http_route(f"[{{{BACKEND}}}]", namespace="other")
    assert who({**API, "route.yaml": route}, "shop.example.com") == ["404: no route is attached to it for this host"]


def test_a_redirecting_rule_answers_itself_and_an_empty_one_does_not() -> None:
    to = "[{filters: [{type: RequestRedirect, requestRedirect: {hostname: new.example.com, statusCode: 301}}]}]"
    assert who({**API, "route.yaml": http_route(to)}, "shop.example.com") == [
        "301 to the same scheme, host new.example.com"
    ]
    assert who({**API, "route.yaml": http_route("[{}]")}, "shop.example.com") == ["500: the rule has no backend"]


def test_a_parent_that_is_not_here_is_taken_to_serve_the_host() -> None:
    files = {path: text for path, text in API.items() if path != "edge.yaml"}
    [answer] = ask({**files, "route.yaml": http_route(f"[{{{BACKEND}}}]")}, "shop.example.com")
    assert answer.entry.what.startswith("Gateway shop/edge, which is not in this repository")
    assert said(answer) == "100 % web-v1, web-v2"


def test_a_grpc_route_is_a_path() -> None:
    route = http_route("[{matches: [{method: {service: shop.Cart, method: Add}}], "
                       "backendRefs: [{name: blue, port: 80}]}]").replace("HTTPRoute", "GRPCRoute")  # fmt: skip
    assert who({**API, "route.yaml": route}, "shop.example.com", "/shop.Cart/Add") == ["100 % web-v1"]
    assert who({**API, "route.yaml": route}, "shop.example.com", "/shop.Cart/Get") == ["404: no rule matches"]
