"""Mesh: injection, mutual TLS, access, gateways and Istio's own installation at their corners."""

from collections.abc import Mapping
from textwrap import dedent, indent

import pytest

from scaffold.rules.reading.authorization import Identity, may_admit, may_admit_plain_text
from scaffold.rules.reading.installs import installs
from tests.helpers import URL, applied, expanded_hits, hits
from tests.rules.test_mesh import FILES, texts


def namespace(labels: str, name: str = "shop") -> str:
    return f"""\
        apiVersion: v1
        kind: Namespace
        metadata: {{name: {name}, labels: {{{labels}}}}}
    """


def pods(metadata: str = "labels: {app: web}", spec: str = "", kind: str = "Deployment") -> str:
    return f"""\
        apiVersion: apps/v1
        kind: {kind}
        metadata: {{name: web, namespace: shop}}
        spec:
          selector: {{matchLabels: {{app: web}}}}
          template:
            metadata: {{{metadata}}}
            spec: {{{spec} containers: [{{name: web, image: web, ports: [{{name: http, containerPort: 8080}}]}}]}}
    """


def security(kind: str, spec: str, name: str = "default", home: str = "shop") -> str:
    return f"""\
        apiVersion: security.istio.io/v1
        kind: {kind}
        metadata: {{name: {name}, namespace: {home}}}
        spec: {spec}
    """


INJECTED = {**FILES, "namespace.yaml": namespace("istio-injection: enabled"), "web.yaml": pods()}
STRICT = security("PeerAuthentication", "{mtls: {mode: STRICT}}")
PROXY_USER = "securityContext: {runAsUser: 1337},"


@pytest.mark.parametrize(
    ("labels", "metadata", "spec", "injected"),
    [
        ("istio-injection: enabled", "labels: {app: web}", "", True),
        ("istio.io/rev: prod", "labels: {app: web}", "", True),
        ("", "labels: {app: web}", "", False),
        ("istio-injection: disabled", "labels: {app: web, sidecar.istio.io/inject: 'true'}", "", False),
        ("", "labels: {app: web, sidecar.istio.io/inject: 'true'}", "", True),
        ("istio-injection: enabled", "labels: {app: web, sidecar.istio.io/inject: 'false'}", "", False),
        ("istio-injection: enabled", "labels: {app: web}, annotations: {sidecar.istio.io/inject: 'false'}", "", False),
        ("istio-injection: enabled", "annotations: {inject.istio.io/templates: gateway}", "", False),
        ("istio-injection: enabled", "labels: {app: web}", "hostNetwork: true,", False),
    ],
)
def test_which_pods_get_a_proxy(labels: str, metadata: str, spec: str, injected: bool) -> None:
    files = {"namespace.yaml": namespace(labels), "web.yaml": pods(metadata, f"{PROXY_USER} {spec}")}
    assert bool(hits("MESH-26", files)) is injected


def test_init_containers_may_be_the_proxy_and_the_container_wins_over_the_pod() -> None:
    init = "initContainers: [{name: init, image: a, securityContext: {runAsUser: 1337}}],"
    assert hits("MESH-26", {**INJECTED, "web.yaml": pods(spec=init)}) == []
    own = pods(spec=PROXY_USER).replace("name: web, image: web,", "name: web, image: web, securityContext: "
                                        "{runAsUser: 1000},")  # fmt: skip
    assert hits("MESH-26", {**INJECTED, "web.yaml": own}) == []
    group = pods(spec="securityContext: {fsGroup: 1337, runAsGroup: 1337},")
    assert texts(hits("MESH-26", {**INJECTED, "web.yaml": group})) == ["container web has runAsGroup 1337"]


@pytest.mark.parametrize(
    ("labels", "hit"),
    [
        ("istio-injection: enabled", False), ("istio-injection: enabled, istio.io/rev: a", True),
        ("istio.io/rev: a, istio.io/dataplane-mode: ambient", True),
        ("istio-injection: disabled, istio.io/dataplane-mode: ambient", False),
        ("istio-injection: enabled, istio.io/dataplane-mode: none", False),
    ],
)  # fmt: skip
def test_one_label_joins_the_mesh(labels: str, hit: bool) -> None:
    assert bool(hits("MESH-16", {"namespace.yaml": namespace(labels)})) is hit


MONITOR = """\
    apiVersion: monitoring.coreos.com/v1
    kind: PodMonitor
    metadata: {name: web, namespace: shop}
    spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: http}]}
"""


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({}, True),
        ({"web.yaml": pods("labels: {app: web}, annotations: {"
                           "traffic.sidecar.istio.io/excludeInboundPorts: '9090, 8080'}")}, False),
        ({"web.yaml": pods("labels: {app: web}, annotations: {"
                           "traffic.sidecar.istio.io/includeInboundPorts: '9090'}")}, False),
        ({"namespace.yaml": namespace("")}, False),
        ({"strict.yaml": security("PeerAuthentication", "{mtls: {mode: PERMISSIVE}}")}, False),
        ({"strict.yaml": security("PeerAuthentication", "{mtls: {mode: STRICT}}", home="istio-system")}, True),
        ({"own.yaml": security("PeerAuthentication", "{selector: {matchLabels: {app: web}}, mtls: {mode: UNSET}, "
                               "portLevelMtls: {'8080': {mode: DISABLE}}}", "own")}, False),
        ({"own.yaml": security("PeerAuthentication", "{selector: {matchLabels: {app: web}}, mtls: {mode: UNSET}}",
                               "own")}, True),
        ({"own.yaml": security("PeerAuthentication", "{mtls: {mode: PERMISSIVE}}", "own")}, False),
        ({"monitor.yaml": MONITOR.replace("port: http", "port: http, scheme: https")}, False),
        ({"monitor.yaml": MONITOR.replace("port: http", "portNumber: 15020")}, False),
        ({"monitor.yaml": MONITOR.replace("app: web", "app: other")}, False),
    ],
)  # fmt: skip
def test_prometheus_and_strict_mutual_tls(changed: Mapping[str, str], refused: bool) -> None:
    files = {**INJECTED, "strict.yaml": STRICT, "monitor.yaml": MONITOR, **changed}
    assert bool(hits("MESH-18", files)) is refused


@pytest.mark.parametrize(
    ("source", "caller", "let_in"),
    [
        ("{principals: [cluster.local/ns/ingress/sa/gateway]}", Identity("ingress", "gateway"), True),
        ("{principals: [cluster.local/ns/ingress/sa/gateway]}", Identity("ingress", "other"), False),
        ("{principals: [cluster.local/ns/ingress/sa/gateway]}", Identity("ingress"), True),
        ("{principals: [cluster.local/ns/other/sa/gateway]}", Identity("ingress", "gateway"), False),
        ("{principals: ['*']}", Identity("ingress", "gateway"), True),
        ("{principals: ['*/sa/gateway']}", Identity("ingress", "gateway"), True),
        ("{principals: ['cluster.local/ns/ing*']}", Identity("ingress", "gateway"), True),
        ("{principals: ['cluster.local/ns/ingress/sa/g*']}", Identity("ingress", "web"), False),
        ("{namespaces: [ingress]}", Identity("ingress", "gateway"), True),
        ("{namespaces: ['in*', '*x']}", Identity("ingress", "gateway"), True),
        ("{namespaces: [shop]}", Identity("ingress", "gateway"), False),
        ("{serviceAccounts: [ingress/gateway]}", Identity("ingress", "gateway"), True),
        ("{serviceAccounts: [other/gateway]}", Identity("ingress", "gateway"), False),
        ("{ipBlocks: [10.0.0.0/8]}", Identity("ingress", "gateway"), True),
        ("{namespaces: [ingress], principals: [cluster.local/ns/shop/sa/web]}", Identity("ingress"), False),
        ("{principals: [cluster.local/ns/other/sa/gateway]}", Identity(), True),
    ],
)
def test_who_may_be_let_in(source: str, caller: Identity, let_in: bool) -> None:
    text = security("AuthorizationPolicy", f"{{rules: [{{from: [{{source: {source}}}]}}]}}")
    policies = applied({"policy.yaml": text}).manifests
    assert may_admit(policies, [caller], 8080) is let_in


@pytest.mark.parametrize(
    ("operation", "port", "let_in"),
    [("{ports: ['8080']}", 8080, True), ("{ports: ['80']}", 8080, False), ("{ports: ['80']}", None, True),
     ("{notPorts: ['8080']}", 8080, False), ("{paths: [/a]}", 8080, True)],
)  # fmt: skip
def test_which_ports_are_let_in(operation: str, port: int | None, let_in: bool) -> None:
    text = security("AuthorizationPolicy", f"{{rules: [{{to: [{{operation: {operation}}}]}}]}}")
    policies = applied({"policy.yaml": text}).manifests
    assert may_admit(policies, [Identity("ingress")], port) is let_in
    assert may_admit_plain_text(policies, port) is let_in


ROUTE = """\
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec:
      hosts: [shop.example.com]
      gateways: [ingress/public]
      http: [{route: [{destination: {host: web, port: {number: 80}}}], timeout: 3s}]
"""
NOTHING = security("AuthorizationPolicy", "{}", "allow-nothing")


def test_a_namespace_that_allows_nothing_closes_the_door_of_its_routes() -> None:
    files = {**INJECTED, "route.yaml": ROUTE, "nothing.yaml": NOTHING}
    assert hits("MESH-21", files) == [
        "route.yaml:7 VirtualService shop/web: no ALLOW policy admits the gateway to port 80 of Deployment shop/web"
    ]
    anybody = security("AuthorizationPolicy", "{rules: [{}]}")
    assert hits("MESH-21", {**files, "anybody.yaml": anybody}) == []
    for spec in ("{action: DENY, rules: [{}]}", "{targetRefs: [{kind: Gateway, name: a}]}"):
        assert hits("MESH-21", {**INJECTED, "route.yaml": ROUTE, "p.yaml": security("AuthorizationPolicy", spec)}) == []
    inner = ROUTE.replace("[ingress/public]", "[mesh]")
    assert hits("MESH-21", {**files, "route.yaml": inner}) == []
    other_port = ROUTE.replace("http: [{", "http: [{match: [{gateways: [mesh]}], ")
    assert hits("MESH-21", {**files, "route.yaml": other_port}) == []


def test_prometheus_has_no_identity() -> None:
    files = {**INJECTED, "monitor.yaml": MONITOR, "nothing.yaml": NOTHING}
    assert texts(hits("MESH-21", files)) == [
        "no ALLOW policy admits Prometheus, which has no identity, to port 8080 of Deployment shop/web"
    ]
    plain = "{rules: [{from: [{source: {notPrincipals: ['*']}}], to: [{operation: {ports: ['8080']}}]}]}"
    assert hits("MESH-21", {**files, "plain.yaml": security("AuthorizationPolicy", plain)}) == []
    # Where mutual TLS refuses it already, MESH-18 says so.
    assert hits("MESH-21", {**files, "strict.yaml": STRICT}) == []


def test_a_principal_of_an_open_namespace_is_not_judged() -> None:
    def policy(principal: str) -> dict[str, str]:
        spec = f"{{rules: [{{from: [{{source: {{principals: [{principal}]}}}}]}}]}}"
        return {**INJECTED, "policy.yaml": security("AuthorizationPolicy", spec)}

    assert hits("MESH-20", policy("cluster.local/ns/elsewhere/sa/web")) == []
    assert hits("MESH-20", policy("cluster.local/ns/shop/sa/default")) == []
    assert hits("MESH-20", policy("'cluster.local/ns/shop/sa/*'")) == []
    assert texts(hits("MESH-20", policy("cluster.local/ns/shop/sa/cart"))) == ["no workload of shop runs as cart"]


def test_a_deny_rule_harms_ports_that_are_no_http() -> None:
    deny = security("AuthorizationPolicy", "{action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}")
    assert hits("MESH-22", {**INJECTED, "deny.yaml": deny}) == []
    tcp = FILES["service.yaml"].replace("port: 80}", "port: 80}, {name: tcp-raw, port: 9000}")
    assert texts(hits("MESH-22", {**INJECTED, "service.yaml": tcp, "deny.yaml": deny})) == [
        "DENY by methods without ports"
    ]
    everywhere = security("AuthorizationPolicy", "{action: DENY, rules: [{when: [{key: 'request.headers[a]', "
                          "values: [b]}]}]}", home="istio-system")  # fmt: skip
    assert texts(hits("MESH-22", {**INJECTED, "deny.yaml": everywhere})) == ["DENY by request.headers[a] without ports"]


def test_mutual_tls_may_be_off_where_the_port_is_out_of_the_mesh() -> None:
    rule = """\
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: web, namespace: shop}
        spec: {host: web, trafficPolicy: {tls: {mode: SIMPLE}}}
    """
    files = {**INJECTED, "strict.yaml": STRICT, "rule.yaml": rule}
    files["service.yaml"] = files["service.yaml"].replace("port: 80}", "port: 80, targetPort: http}")
    assert len(hits("MESH-25", files)) == 1
    excluded = "labels: {app: web}, annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '8080'}"
    assert hits("MESH-25", {**files, "web.yaml": pods(excluded)}) == []
    assert hits("MESH-25", {**files, "rule.yaml": rule.replace("SIMPLE", "ISTIO_MUTUAL")}) == []


def application(chart: str, values: str, home: str = "istio-system", more: str = "", version: str = "1.30.3") -> str:
    text = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: {chart}, namespace: argocd}}
        spec:
          destination: {{name: dev, namespace: {home}}}
          {more or "project: platform"}
          source:
            repoURL: https://charts.example.com/istio
            chart: {chart}
            targetRevision: {version}
            helm: {values}
    """
    return dedent(text)


APP = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop, namespace: argocd}}
spec: {{source: {{repoURL: {URL}, path: shop}}, destination: {{name: dev, namespace: shop}}}}
"""


def delivered(**files: str) -> dict[str, str]:
    """Return a repository that delivers these objects of the shop, and others beside, by their names."""
    found = {"app.yaml": APP}
    for name, text in {**{name.partition(".")[0]: text for name, text in INJECTED.items()}, **files}.items():
        kind = "" if "kind: Application" in text else "shop/"
        found[f"{kind}{name}.yaml"] = text
    return found


def test_values_are_read_where_argo_cd_reads_them() -> None:
    app = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: istiod, namespace: argocd}}
        spec:
          destination: {{name: dev, namespace: istio-system}}
          sources:
            - repoURL: oci://mirror.example.com/charts
              chart: istiod
              targetRevision: 1.30.3
              helm:
                valueFiles: [$here/values/all.yaml, $here/values/dev.yaml]
                values: |
                  global: {{tag: inline}}
            - {{repoURL: {URL}, ref: here, targetRevision: main}}
            - {{repoURL: oci://mirror.example.com/charts, chart: gateway, targetRevision: 1.30.3}}
    """
    files = {
        "app.yaml": app,
        "values/all.yaml": "global: {hub: a, tag: all}\n",
        "values/dev.yaml": "global:\n  hub: b\n",
    }
    istiod, gateway = installs(applied(files))
    assert (istiod.complete, istiod.get("global", "hub"), istiod.get("global", "tag")) == (True, "b", "inline")
    assert (str(istiod.place("global", "hub")), str(istiod.place("global", "tag"))) == (
        "values/dev.yaml:2",
        "app.yaml:12",
    )
    assert (gateway.release, gateway.complete, str(gateway.place())) == ("istiod", True, "app.yaml:15")
    del files["values/dev.yaml"]
    assert not installs(applied(files))[0].complete


def test_values_are_read_where_flux_reads_them() -> None:
    files = {
        "repository.yaml": """\
            apiVersion: source.toolkit.fluxcd.io/v1
            kind: HelmRepository
            metadata: {name: mesh, namespace: flux-system}
            spec: {url: https://charts.example.com/istio}
        """,
        "release.yaml": """\
            apiVersion: helm.toolkit.fluxcd.io/v2
            kind: HelmRelease
            metadata: {name: cni, namespace: flux-system}
            spec:
              targetNamespace: istio-system
              chart: {spec: {chart: cni, version: 1.30.3, sourceRef: {kind: HelmRepository, name: mesh}}}
              valuesFrom: [{kind: ConfigMap, name: settings}]
              values: {global: {hub: own}}
        """,
        "settings.yaml": """\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings, namespace: flux-system}
            data: {values.yaml: "global: {hub: shared, tag: shared}"}
        """,
    }
    [cni] = installs(applied(files))
    assert (cni.release, cni.namespace, cni.complete) == ("istio-system-cni", "istio-system", True)
    assert (cni.get("global", "hub"), cni.get("global", "tag")) == ("own", "shared")
    del files["settings.yaml"]
    assert not installs(applied(files))[0].complete
    files["repository.yaml"] = files["repository.yaml"].replace("istio", "other")
    assert installs(applied(files)) == []


RESTRICTED = namespace("istio-injection: enabled, pod-security.kubernetes.io/enforce: restricted")
PROFILED = pods(spec="securityContext: {seccompProfile: {type: RuntimeDefault}},")


@pytest.mark.parametrize(
    ("values", "web", "count"),
    [
        ("{valuesObject: {}}", pods(), 2),
        ("{valuesObject: {pilot: {cni: {enabled: true}}}}", pods(), 1),
        ("{valuesObject: {pilot: {cni: {enabled: true}}}}", PROFILED, 0),
        ("{valuesObject: {pilot: {cni: {enabled: true}}, global: {proxy: {seccompProfile: {type: RuntimeDefault}}}}}",
         pods(), 0),
        ("{valuesObject: {profile: ambient}}", pods(), 0),
        ("{valuesObject: {}, parameters: [{name: pilot.cni.enabled, value: 'true'}]}", pods(), 0),
        ("{valuesObject: {}}", pods("labels: {app: web, sidecar.istio.io/inject: 'false'}"), 0),
    ],
)  # fmt: skip
def test_injected_pods_and_pod_security(values: str, web: str, count: int) -> None:
    files = delivered(namespace=RESTRICTED, web=web, istiod=application("istiod", values))
    assert len(expanded_hits("MESH-17", files)) == count


def test_a_revision_that_nobody_installed() -> None:
    istiod = application("istiod", "{valuesObject: {}}")
    revised = namespace("istio.io/rev: prod")
    assert texts(expanded_hits("MESH-16", delivered(namespace=revised, istiod=istiod))) == [
        "no istiod of revision prod, there is default"
    ]
    assert expanded_hits("MESH-16", delivered(namespace=revised)) == []
    tagged = application("istiod", "{valuesObject: {revisionTags: [prod]}}")
    assert expanded_hits("MESH-16", delivered(namespace=revised, istiod=tagged)) == []
    other = application("istiod", "{valuesObject: {revision: '1-30'}}")
    assert expanded_hits("MESH-16", delivered(namespace=revised, istiod=other)) == []
    assert texts(expanded_hits("MESH-16", delivered(istiod=other))) == [
        "istio-injection means revision default, there is 1-30"
    ]


@pytest.mark.parametrize(
    ("version", "values", "hit"),
    [
        ("1.30.3", "{}", False), ("1.26.1", "{}", True), ("1.x", "{}", False),
        ("1.26.1", "{pilot: {env: {ENABLE_NATIVE_SIDECARS: true}}}", False),
        ("1.30.3", "{pilot: {env: {ENABLE_NATIVE_SIDECARS: 'false'}}}", True),
    ],
)  # fmt: skip
def test_a_job_and_its_proxy(version: str, values: str, hit: bool) -> None:
    job = """\
        apiVersion: batch/v1
        kind: Job
        metadata: {name: tidy, namespace: shop}
        spec: {template: {metadata: {labels: {app: tidy}}, spec: {containers: [{name: a, image: a}]}}}
    """
    istiod = application("istiod", f"{{valuesObject: {values}}}", version=version)
    assert bool(expanded_hits("MESH-35", delivered(job=job, istiod=istiod))) is hit


@pytest.mark.parametrize(
    ("ignored", "hit"),
    [
        ("", True),
        ("ignoreDifferences: [{group: admissionregistration.k8s.io, kind: ValidatingWebhookConfiguration, "
         "jqPathExpressions: ['.webhooks[]?.failurePolicy']}]", False),
        ("ignoreDifferences: [{group: admissionregistration.k8s.io, kind: ValidatingWebhookConfiguration, "
         "jqPathExpressions: ['.webhooks[]?.clientConfig.caBundle']}]", True),
    ],
)  # fmt: skip
def test_the_webhook_that_istiod_changes(ignored: str, hit: bool) -> None:
    base = application("base", "{valuesObject: {}}", more=ignored)
    assert bool(expanded_hits("MESH-32", delivered(base=base))) is hit


def test_an_unknown_provider_and_those_every_mesh_has() -> None:
    def telemetry(provider: str) -> str:
        return f"""\
            apiVersion: telemetry.istio.io/v1
            kind: Telemetry
            metadata: {{name: default, namespace: shop}}
            spec: {{tracing: [{{providers: [{{name: {provider}}}]}}]}}
        """

    istiod = application("istiod", "{valuesObject: {meshConfig: {extensionProviders: [{name: otel}]}}}")
    assert expanded_hits("MESH-28", delivered(istiod=istiod, telemetry=telemetry("otel"))) == []
    assert expanded_hits("MESH-28", delivered(istiod=istiod, telemetry=telemetry("envoy"))) == []
    assert len(expanded_hits("MESH-28", delivered(istiod=istiod, telemetry=telemetry("zipkin")))) == 1
    assert expanded_hits("MESH-28", delivered(telemetry=telemetry("zipkin"))) == []


GATEWAY = """\
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: public, namespace: ingress}
    spec:
      selector: {istio: door}
      servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {credentialName: public}}]
"""


def test_the_labels_of_the_gateway_chart_are_known() -> None:
    for name, values, hit in (
        ("istio-door", "{}", False), ("door", "{}", False), ("istio-gateway", "{}", True),
        ("other", "{labels: {istio: door}}", False),
    ):  # fmt: skip
        chart = application("gateway", f"{{releaseName: {name}, valuesObject: {values}}}", home="ingress")
        assert bool(expanded_hits("MESH-24", delivered(gateway=GATEWAY, chart=chart))) is hit, name


def test_a_certificate_of_another_namespace() -> None:
    certificate = """\
        apiVersion: cert-manager.io/v1
        kind: Certificate
        metadata: {name: public, namespace: shop}
        spec: {secretName: public}
    """
    files = {**FILES, "gateway.yaml": GATEWAY, "certificate.yaml": certificate}
    assert texts(hits("MESH-23", files)) == ["public is made in namespace shop, not in ingress"]
    assert hits("MESH-23", {**FILES, "gateway.yaml": GATEWAY}) == []
    external = """\
        apiVersion: external-secrets.io/v1
        kind: ExternalSecret
        metadata: {name: tls, namespace: ingress}
        spec: {target: {name: public}}
    """
    assert hits("MESH-23", {**files, "external.yaml": external}) == []


def test_plain_http_may_be_shared_by_gateways() -> None:
    plain = GATEWAY.replace("443, name: https, protocol: HTTPS", "80, name: http, protocol: HTTP")
    again = plain.replace("name: public, namespace", "name: again, namespace")
    assert hits("MESH-24", {"a.yaml": plain, "b.yaml": again}) == []
    twice = GATEWAY.replace("name: public, namespace", "name: again, namespace")
    assert len(hits("MESH-24", {"a.yaml": GATEWAY, "b.yaml": twice})) == 2
    apart = twice.replace("istio: door", "istio: other")
    assert hits("MESH-24", {"a.yaml": GATEWAY, "b.yaml": apart}) == []


def test_a_token_that_is_checked_somewhere() -> None:
    asks = security("AuthorizationPolicy", "{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}")
    files = {**INJECTED, "policy.yaml": asks}
    assert len(hits("MESH-33", files)) == 1
    for home, selector in (("shop", ""), ("istio-system", ""), ("shop", "selector: {matchLabels: {app: web}}")):
        checks = security("RequestAuthentication", f"{{{selector}}}", "tokens", home)
        assert hits("MESH-33", {**files, "tokens.yaml": checks}) == []
    assert len(hits("MESH-33", {**files, "tokens.yaml": security("RequestAuthentication", "{}", "t", "other")})) == 1


SIDECAR = """\
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {name: default, namespace: shop}
    spec: {egress: [{hosts: HOSTS}]}
"""


@pytest.mark.parametrize(
    ("hosts", "hit"),
    [("['./*']", True), ("['./*', istio-system/*]", False), ("['*/*']", False), ("['~/*']", False),
     ("[./web.shop.svc.cluster.local, istio-system/*]", False)],
)  # fmt: skip
def test_a_sidecar_lists_the_root_namespace(hosts: str, hit: bool) -> None:
    assert bool(hits("MESH-27", {"sidecar.yaml": SIDECAR.replace("HOSTS", hosts)})) is hit


def test_ambient_pods_and_policies_that_look_at_http() -> None:
    ambient = {**FILES, "web.yaml": pods(), "namespace.yaml": namespace("istio.io/dataplane-mode: ambient")}
    http = security("AuthorizationPolicy", "{rules: [{to: [{operation: {paths: [/a]}}]}]}")
    tcp = security("AuthorizationPolicy", "{rules: [{to: [{operation: {ports: ['80']}}]}]}")
    assert texts(hits("MESH-34", {**ambient, "policy.yaml": http})) == [
        "a rule by paths without targetRefs is read by no waypoint"
    ]
    assert hits("MESH-34", {**ambient, "policy.yaml": tcp}) == []
    assert hits("MESH-34", {**INJECTED, "policy.yaml": http}) == []
    out = pods("labels: {app: web, istio.io/dataplane-mode: none}")
    assert hits("MESH-34", {**ambient, "web.yaml": out, "policy.yaml": http}) == []


@pytest.mark.parametrize(
    ("version", "kind", "old"),
    [
        ("networking.istio.io/v1alpha3", "Gateway", True), ("networking.istio.io/v1beta1", "ServiceEntry", True),
        ("networking.istio.io/v1alpha3", "EnvoyFilter", False), ("networking.istio.io/v1beta1", "ProxyConfig", False),
        ("security.istio.io/v1beta1", "PeerAuthentication", True), ("telemetry.istio.io/v1alpha1", "Telemetry", True),
        ("extensions.istio.io/v1alpha1", "WasmPlugin", False), ("security.istio.io/v1", "PeerAuthentication", False),
    ],
)  # fmt: skip
def test_old_versions(version: str, kind: str, old: bool) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a, namespace: shop}}\n"
    assert bool(hits("MESH-30", {"a.yaml": indent(text, "")})) is old
