"""Mesh: how Istio resolves hosts, who sees what, and when a name may lie outside the repository."""

from collections.abc import Iterable

import pytest

from tests.helpers import URL, expanded_hits, hits

SERVICE = """\
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: web}
      ports: [{name: http, port: 80}]
"""
PODS = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      selector: {matchLabels: {app: web, version: v1}}
      template:
        metadata: {labels: {app: web, version: v1}}
        spec: {containers: [{name: web, image: web}]}
"""
FILES = {"service.yaml": SERVICE, "web.yaml": PODS}


def route(host: str, namespace: str = "shop", subset: str = "", protocol: str = "http") -> str:
    chosen = f", subset: {subset}" if subset else ""
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {{name: web, namespace: {namespace}}}
        spec:
          hosts: [web.example.com]
          {protocol}:
            - route:
                - destination: {{host: {host}{chosen}}}
    """


def rule(host: str, labels: str = "{version: v1}", namespace: str = "shop", more: str = "") -> str:
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {{name: web, namespace: {namespace}}}
        spec:
          host: {host}
          subsets:
            - name: stable
              labels: {labels}
          {more}
    """


def entry(host: str, namespace: str = "shop", export_to: str = "['*']") -> str:
    return f"""\
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {{name: out, namespace: {namespace}}}
        spec: {{hosts: ['{host}'], exportTo: {export_to}}}
    """


def texts(found: Iterable[str]) -> list[str]:
    return [line.partition(": ")[2] for line in found]


@pytest.mark.parametrize(
    "host", ["web", "web.shop.svc.cluster.local", "web.shop.svc.corp.internal", "'*.shop.svc.cluster.local'"]
)
def test_a_short_name_and_a_full_name_are_found(host: str) -> None:
    assert hits("MESH-01", {**FILES, "route.yaml": route(host)}) == []


def test_a_missing_service_is_shown_with_what_was_looked_for() -> None:
    assert hits("MESH-01", {**FILES, "route.yaml": route("api")}) == [
        "route.yaml:8 VirtualService shop/web: host api: no Service shop/api"
    ]


def test_a_name_with_one_dot_is_not_completed() -> None:
    (text,) = texts(hits("MESH-01", {**FILES, "route.yaml": route("web.shop")}))
    assert text == "host web.shop: a name with a dot is not completed, write web.shop.svc.cluster.local"


def test_a_short_name_is_looked_for_in_the_namespace_of_the_rule() -> None:
    other = SERVICE.replace("web, namespace: shop", "cart, namespace: other")
    files = {**FILES, "other.yaml": other, "route.yaml": route("web", namespace="other")}
    assert texts(hits("MESH-01", files)) == ["host web: no Service other/web"]
    assert hits("MESH-01", {**files, "route.yaml": route("web.shop.svc.cluster.local", namespace="other")}) == []


def test_a_namespace_outside_the_repository_is_not_judged() -> None:
    for host in ("cart.other.svc.cluster.local", "kubernetes.default.svc.cluster.local"):
        assert hits("MESH-01", {**FILES, "route.yaml": route(host)}) == []
    assert hits("MESH-01", {**FILES, "route.yaml": route("cart", namespace="other")}) == []


def test_pods_and_cluster_sets_are_not_judged() -> None:
    for host in ("web-0.web.shop.svc.cluster.local", "web.shop.svc.clusterset.local"):
        assert hits("MESH-01", {**FILES, "route.yaml": route(host)}) == []


def test_an_operator_may_make_the_service() -> None:
    elasticsearch = """\
        apiVersion: elasticsearch.k8s.elastic.co/v1
        kind: Elasticsearch
        metadata: {name: db, namespace: shop}
    """
    files = {**FILES, "db.yaml": elasticsearch}
    assert hits("MESH-01", {**files, "route.yaml": route("db-es-http")}) == []
    assert len(hits("MESH-01", {**files, "route.yaml": route("api")})) == 1
    assert hits("MESH-03", {**files, "rule.yaml": rule("web", "{version: v2}")}) == []


def test_a_host_elsewhere_needs_a_service_entry_that_is_exported_here() -> None:
    files = {**FILES, "route.yaml": route("api.example.com")}
    assert texts(hits("MESH-01", files)) == ["host api.example.com: no ServiceEntry names it"]
    for good in (
        entry("api.example.com"),
        entry("*.example.com", "istio-system"),
        entry("api.example.com", export_to="['.']"),
    ):
        assert hits("MESH-01", {**files, "entry.yaml": good}) == []
    hidden = entry("api.example.com", "other", "['.']")
    assert texts(hits("MESH-01", {**files, "entry.yaml": hidden})) == [
        "host api.example.com: ServiceEntry other/out is not exported to namespace shop"
    ]


def test_a_service_may_be_kept_from_other_namespaces() -> None:
    annotated = "{name: web, namespace: shop, annotations: {networking.istio.io/exportTo: '.,ops'}}"
    service = SERVICE.replace("{name: web, namespace: shop}", annotated)
    full = "web.shop.svc.cluster.local"
    assert hits("MESH-01", {**FILES, "service.yaml": service, "r.yaml": route(full, namespace="ops")}) == []
    assert texts(hits("MESH-01", {**FILES, "service.yaml": service, "r.yaml": route(full, namespace="other")})) == [
        f"host {full}: Service shop/web is not exported to namespace other"
    ]


def test_mirrors_tcp_routes_and_destination_rules_are_read_too() -> None:
    mirror = (
        route("web").rstrip()
        + "\n              mirror: {host: gone}\n              mirrors: [{destination: {host: lost}}]\n"
    )
    assert texts(hits("MESH-01", {**FILES, "route.yaml": mirror})) == [
        "host gone: no Service shop/gone", "host lost: no Service shop/lost"
    ]  # fmt: skip
    assert len(hits("MESH-01", {**FILES, "route.yaml": route("gone", protocol="tcp")})) == 1
    assert len(hits("MESH-01", {**FILES, "rule.yaml": rule("gone")})) == 1
    assert hits("MESH-01", {**FILES, "rule.yaml": rule("'*.local'")}) == []


def test_an_external_chart_in_the_namespace_leaves_it_undecided() -> None:
    def app(name: str, source: str) -> str:
        return f"""\
            apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {{name: {name}, namespace: argocd}}
            spec: {{source: {source}, destination: {{name: dev, namespace: shop}}}}
        """

    files = {f"apps/{path}": text for path, text in FILES.items()} | {"apps/route.yaml": route("gone")}
    files["app.yaml"] = app("web", f"{{repoURL: {URL}, path: apps}}")
    assert len(expanded_hits("MESH-01", files)) == 1
    files["chart.yaml"] = app("redis", "{repoURL: https://charts.example.com, chart: redis, targetRevision: 1.0.0}")
    assert expanded_hits("MESH-01", files) == []


def test_an_undefined_subset_is_shown_with_those_there_are() -> None:
    files = {**FILES, "rule.yaml": rule("web.shop.svc.cluster.local"), "route.yaml": route("web", subset="canary")}
    assert hits("MESH-02", files) == [
        "route.yaml:8 VirtualService shop/web: web has no subset canary, there are stable"
    ]
    del files["rule.yaml"]
    assert texts(hits("MESH-02", files)) == ["web has no subset canary, there are none"]


def test_a_subset_is_found_by_the_resolved_host() -> None:
    for host in ("web", "web.shop.svc.cluster.local", "'*.shop.svc.cluster.local'"):
        assert hits("MESH-02", {**FILES, "rule.yaml": rule(host), "route.yaml": route("web", subset="stable")}) == []
    other = rule("web", namespace="other")
    assert len(hits("MESH-02", {**FILES, "rule.yaml": other, "route.yaml": route("web", subset="stable")})) == 1


def test_a_subset_that_is_not_exported_to_the_route_is_none() -> None:
    files = {
        **FILES,
        "rule.yaml": rule("web", more="exportTo: ['.']"),
        "route.yaml": route("web.shop.svc.cluster.local", namespace="istio-ingress", subset="stable"),
    }
    assert texts(hits("MESH-02", files)) == [
        "subset stable of web.shop.svc.cluster.local is not exported by DestinationRule shop/web to istio-ingress"
    ]
    files["rule.yaml"] = rule("web", more="exportTo: ['.', istio-ingress]")
    assert hits("MESH-02", files) == []


def test_a_host_that_is_missing_or_outside_has_no_second_finding() -> None:
    assert hits("MESH-02", {**FILES, "route.yaml": route("gone", subset="stable")}) == []
    assert hits("MESH-02", {**FILES, "route.yaml": route("a.other.svc.cluster.local", subset="stable")}) == []


def test_a_subset_without_pods_is_shown_with_all_the_labels_it_wants() -> None:
    assert hits("MESH-03", {**FILES, "rule.yaml": rule("web", "{version: v2}")}) == [
        "rule.yaml:8 DestinationRule shop/web: subset stable has no pods, none are labelled app=web,version=v2"
    ]


def test_the_selector_of_the_service_counts() -> None:
    service = SERVICE.replace("{app: web}", "{app: api}")
    assert len(hits("MESH-03", {**FILES, "service.yaml": service, "rule.yaml": rule("web")})) == 1


def test_the_pods_of_a_cronjob_or_statefulset_are_pods() -> None:
    stateful = PODS.replace("Deployment", "StatefulSet")
    assert hits("MESH-03", {**FILES, "web.yaml": stateful, "rule.yaml": rule("web")}) == []
    cron = """\
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: web, namespace: shop}
        spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: web, version: v1}}, spec: {}}}}}
    """
    assert hits("MESH-03", {**FILES, "web.yaml": cron, "rule.yaml": rule("web")}) == []


def test_labels_that_controllers_add_are_not_judged() -> None:
    labels = "{version: v1, topology.kubernetes.io/zone: a}"
    assert hits("MESH-03", {**FILES, "rule.yaml": rule("web", labels)}) == []


def test_services_without_selector_or_pods_here_are_not_judged() -> None:
    external = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: ExternalName}\n"
    assert hits("MESH-03", {**FILES, "service.yaml": external, "rule.yaml": rule("web", "{version: v2}")}) == []
    assert hits("MESH-03", {"service.yaml": SERVICE, "rule.yaml": rule("web", "{version: v2}")}) == []
    workload_entry = "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: vm, namespace: shop}\n"
    assert hits("MESH-03", {**FILES, "vm.yaml": workload_entry, "rule.yaml": rule("web", "{version: v2}")}) == []
