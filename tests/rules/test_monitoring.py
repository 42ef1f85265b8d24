"""Monitoring: who selects whom, what is admitted, and what is stored; corners of logs and traces."""

import pytest

from scaffold.model.repo import Repo
from tests.helpers import URL, dedented, expanded, found, hits

PROMETHEUS = """\
    apiVersion: monitoring.coreos.com/v1
    kind: Prometheus
    metadata: {name: main, namespace: monitoring}
    spec: %s
"""
MONITOR = """\
    apiVersion: monitoring.coreos.com/v1
    kind: %s
    metadata: {name: web, namespace: shop, labels: {team: shop}}
    spec: %s
"""
NAMESPACE = """\
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {scraped: "yes"}}
"""
SPEC = "{selector: {matchLabels: {app: web}}, endpoints: [{port: http-metrics}]}"
POD_SPEC = "{selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: %s}]}"


def deployment(ports: str = "[{name: http-metrics, containerPort: 9090}]", more: str = "") -> str:
    return f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web, namespace: shop}}
        spec:
          selector: {{matchLabels: {{app: web}}}}
          template:
            metadata: {{labels: {{app: web}}}}
            spec: {{containers: [{{name: web, image: w, ports: {ports}}}]{more}}}
    """


def selected(spec: str, kind: str = "ServiceMonitor", *, namespace: bool = True) -> bool:
    files = {"p.yaml": PROMETHEUS % spec, "m.yaml": MONITOR % (kind, SPEC)}
    return hits("OBS-01", files | ({"n.yaml": NAMESPACE} if namespace else {})) == []


@pytest.mark.parametrize(
    "spec",
    [
        "{serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {}}",
        "{serviceMonitorSelector: {matchLabels: {team: shop}}, serviceMonitorNamespaceSelector: {}}",
        "{serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {matchLabels: {scraped: 'yes'}}}",
        "{serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: "
        "{matchLabels: {kubernetes.io/metadata.name: shop}}}",
        "{serviceMonitorSelector: {matchLabels: {team: '${team}'}}}",
        "{}",  # its configuration is written by hand
    ],
)
def test_a_monitor_that_may_be_selected(spec: str) -> None:
    assert selected(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "{serviceMonitorSelector: {}}",  # its own namespace alone
        "{podMonitorSelector: {}}",
        "{serviceMonitorSelector: {matchLabels: {team: other}}, serviceMonitorNamespaceSelector: {}}",
        "{serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {matchLabels: {scraped: 'no'}}}",
    ],
)
def test_a_monitor_that_nobody_selects(spec: str) -> None:
    assert not selected(spec)


def test_labels_of_a_namespace_that_is_not_here_are_not_known() -> None:
    spec = "{serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {matchLabels: {scraped: 'no'}}}"
    assert selected(spec, namespace=False)


def test_without_a_prometheus_nothing_is_missed() -> None:
    assert hits("OBS-01", {"m.yaml": MONITOR % ("ServiceMonitor", SPEC)}) == []


def test_another_reader_may_take_what_prometheus_does_not() -> None:
    agent = """\
        apiVersion: operator.victoriametrics.com/v1beta1
        kind: VMAgent
        metadata: {name: a, namespace: monitoring}
    """
    files = {"p.yaml": PROMETHEUS % "{serviceMonitorSelector: {}}", "m.yaml": MONITOR % ("ServiceMonitor", SPEC)}
    assert hits("OBS-01", files)
    assert hits("OBS-01", files | {"a.yaml": agent}) == []


def application(values: str, chart: str = "kube-prometheus-stack", namespace: str = "monitoring") -> str:
    return f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: {chart}, namespace: argocd}}
        spec:
          source:
            repoURL: https://charts.example.com
            chart: {chart}
            targetRevision: 1.2.3
            helm: {values}
          destination: {{name: dev, namespace: {namespace}}}
    """


SHOP = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: shop, namespace: argocd}
    spec:
      source: {repoURL: https://git.example.com/platform/fleet.git, targetRevision: main, path: shop}
      destination: {name: dev, namespace: shop}
"""


def with_chart(rule_id: str, values: str, **files: str) -> list[str]:
    texts = {"stack.yaml": application(values), "shop.yaml": SHOP}
    return found(rule_id, expanded(Repo.of(URL, dedented({**texts, **files}))))


def test_the_chart_selects_by_its_release_unless_it_is_told_otherwise() -> None:
    one = {"shop/m.yaml": MONITOR % ("ServiceMonitor", SPEC), "shop/web.yaml": deployment()}
    assert with_chart("OBS-01", "{releaseName: stack}", **one) == [
        "shop/m.yaml:3 ServiceMonitor shop/web (labels team=shop) is not selected: "
        "Application argocd/kube-prometheus-stack (chart kube-prometheus-stack) wants release=stack"
    ]
    for values in (
        "{valuesObject: {prometheus: {prometheusSpec: {serviceMonitorSelectorNilUsesHelmValues: false}}}}",
        "{valuesObject: {prometheus: {prometheusSpec: {serviceMonitorSelector: {matchLabels: {team: shop}}}}}}",
        "{valuesObject: {prometheus: {enabled: false}}}",
        "{valueFiles: [elsewhere.yaml]}",
        "{parameters: [{name: prometheus.enabled, value: 'false'}]}",
    ):
        assert with_chart("OBS-01", values, **one) == []


@pytest.mark.parametrize("port", ["http-metrics", "http-envoy-prom", "${PORT}"])
def test_a_port_of_a_pod_that_is_there_or_may_be(port: str) -> None:
    files = {"m.yaml": MONITOR % ("PodMonitor", POD_SPEC % port), "web.yaml": deployment()}
    assert hits("OBS-03", files) == []


def test_pods_without_ports_and_namespaces_of_others_are_not_judged() -> None:
    monitor = {"m.yaml": MONITOR % ("PodMonitor", POD_SPEC % "other")}
    assert hits("OBS-03", monitor | {"web.yaml": deployment("[]")}) == []
    assert hits("OBS-03", monitor) == []
    assert hits("OBS-03", monitor | {"web.yaml": deployment()}) == [
        "m.yaml:4 PodMonitor shop/web: no port named other on Deployment shop/web"
    ]


@pytest.mark.parametrize(
    ("endpoint", "faults"),
    [
        ("{port: m, interval: 1m, scrapeTimeout: 60s}", 0),
        ("{port: m, interval: 1m, scrapeTimeout: 1m1s}", 1),
        ("{port: m, scrapeTimeout: 5m}", 0),  # nobody knows the interval of the Prometheus
        ("{port: m, interval: '${X}', scrapeTimeout: 5m}", 0),
    ],
)
def test_a_timeout_longer_than_the_interval(endpoint: str, faults: int) -> None:
    spec = f"{{selector: {{}}, endpoints: [{endpoint}]}}"
    assert len(hits("OBS-04", {"m.yaml": MONITOR % ("ServiceMonitor", spec)})) == faults


def test_a_timeout_alone_is_held_against_the_prometheus() -> None:
    spec = "{selector: {}, endpoints: [{port: m, scrapeTimeout: 45s}]}"
    files = {"m.yaml": MONITOR % ("ServiceMonitor", spec), "p.yaml": PROMETHEUS % "{serviceMonitorSelector: {}}"}
    assert hits("OBS-04", files) == [
        "m.yaml:4 ServiceMonitor shop/web: scrapeTimeout 45s is longer than the interval 30s of the Prometheus"
    ]


POLICY = """\
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {}
      policyTypes: [Ingress]
      ingress: %s
"""


def admitted(ingress: str, *, namespace: str = "") -> bool:
    files = {
        "p.yaml": PROMETHEUS % "{serviceMonitorSelector: {}}",
        "m.yaml": MONITOR % ("PodMonitor", POD_SPEC % "http-metrics"),
        "web.yaml": deployment(),
        "policy.yaml": POLICY % ingress,
    }
    return hits("OBS-14", files | ({"ns.yaml": namespace} if namespace else {})) == []


@pytest.mark.parametrize(
    "ingress",
    [
        "[{}]",
        "[{ports: [{port: 9090}]}]",
        "[{ports: [{port: 9000, endPort: 9100}]}]",
        "[{ports: [{port: http-metrics}]}]",
        "[{from: [{namespaceSelector: {}}]}]",
        "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]",
        "[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}]",
        "[{from: [{namespaceSelector: {matchLabels: {unknown: label}}}]}]",
    ],
)
def test_prometheus_is_admitted_or_may_be(ingress: str) -> None:
    assert admitted(ingress)


@pytest.mark.parametrize(
    "ingress",
    [
        "[]",
        "[{ports: [{port: 8080}]}]",
        "[{from: [{podSelector: {}}]}]",
        "[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]}]",
        "[{ports: [{port: 80}], from: [{namespaceSelector: {}}]}]",
    ],
)
def test_prometheus_is_kept_out(ingress: str) -> None:
    assert not admitted(ingress)


def test_the_labels_of_a_known_namespace_decide() -> None:
    monitoring = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring, labels: {role: ops}}\n"
    assert not admitted("[{from: [{namespaceSelector: {matchLabels: {role: other}}}]}]", namespace=monitoring)
    assert admitted("[{from: [{namespaceSelector: {matchLabels: {role: ops}}}]}]", namespace=monitoring)


def labels_known(expression: str, values: str) -> list[str]:
    rules = f"""\
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {{name: r, namespace: shop}}
        spec: {{groups: [{{name: a, rules: [{{record: "a:b:c", expr: '{expression}'}}]}}]}}
    """
    return with_chart("OBS-13", values, **{"shop/r.yaml": rules, "shop/web.yaml": deployment()})


def test_labels_of_objects_are_exported_where_the_list_names_them() -> None:
    allowed = "{valuesObject: {kube-state-metrics: {metricLabelsAllowlist: ['pods=[app.kubernetes.io/name,team]']}}}"
    expression = "x * on (pod) group_left (label_app_kubernetes_io_name) kube_pod_labels"
    assert labels_known(expression, allowed) == []
    assert labels_known('kube_pod_labels{label_team="a"}', allowed) == []
    assert len(labels_known('kube_pod_labels{label_tier="a"}', allowed)) == 1
    assert labels_known('x unless on (pod) kube_pod_labels{label_tier="a"}', allowed) == []
    assert labels_known('kube_pod_labels{label_tier="a"}', "{valueFiles: [elsewhere.yaml]}") == []
    everything = "{valuesObject: {kube-state-metrics: {metricLabelsAllowlist: ['*=[*]']}}}"
    assert labels_known('kube_pod_labels{label_tier="a"}', everything) == []


def test_routes_in_a_secret_and_in_the_values_of_the_chart() -> None:
    written = """\
        apiVersion: v1
        kind: Secret
        metadata: {name: a, namespace: monitoring}
        stringData:
          alertmanager.yaml: |
            route: {receiver: gone, routes: [{receiver: here}]}
            receivers: [{name: here}]
    """
    assert hits("OBS-10", {"s.yaml": written}) == ["s.yaml:4 Secret monitoring/a: no receiver gone, there are here"]
    values = "{valuesObject: {alertmanager: {config: {route: {receiver: %s}, receivers: [{name: here}]}}}}"
    assert with_chart("OBS-10", values % "here") == []
    (text,) = with_chart("OBS-10", values % "gone")
    assert "no receiver gone, there are here" in text
    silent = "{valuesObject: {alertmanager: {config: {route: {receiver: 'null'}}}}}"
    assert with_chart("OBS-10", silent) == []


@pytest.mark.parametrize(
    ("size", "volume", "faults"), [("40GB", "50Gi", 0), ("50GB", "50Gi", 1), ("50GB", "54Gi", 0), ("0", "1Gi", 0)]
)
def test_bytes_to_keep_and_room_for_them(size: str, volume: str, faults: int) -> None:
    spec = (
        f"{{retention: 1d, retentionSize: {size}, storage: {{volumeClaimTemplate: "
        f"{{spec: {{resources: {{requests: {{storage: {volume}}}}}}}}}}}}}"
    )
    assert len(hits("OBS-20", {"p.yaml": PROMETHEUS % spec})) == faults


def test_a_store_that_sends_its_series_on_needs_no_retention() -> None:
    spec = "{storage: {volumeClaimTemplate: {spec: {}}}%s}"
    assert hits("OBS-20", {"p.yaml": PROMETHEUS % (spec % ", remoteWrite: [{url: x}]")}) == []
    assert len(hits("OBS-20", {"p.yaml": PROMETHEUS % (spec % "")})) == 1


def elastic(more: str = "") -> str:
    return f"""\
        apiVersion: elasticsearch.k8s.elastic.co/v1
        kind: Elasticsearch
        metadata: {{name: logs, namespace: logging}}
        spec: {{version: 9.5.1, nodeSets: [{{name: a, count: 1{more}}}]}}
    """


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[OUTPUT]\n Name es\n Host logs-es-http\n Suppress_Type_Name On\n tls On", ""),
        ("[OUTPUT]\n Name es\n Host logs-es-http.logging.svc\n tls On", "suppress_type_name is not on"),
        ("[OUTPUT]\n Name es\n Host elastic.example.com", ""),
        ("[OUTPUT]\n Name stdout\n\n[OUTPUT]\n Name loki\n Host logs-es-http", ""),
        ("[OUTPUT]\n Name es\n Host ${HOST}-es-http", ""),
        ("pipeline: {outputs: [{name: es, host: logs-es-http, suppress_type_name: on}]}", "tls is not on"),
    ],
)
def test_an_output_to_elasticsearch(text: str, words: str) -> None:
    indented = text.replace("\n", "\n            ")
    config = f"""\
        apiVersion: v1
        kind: ConfigMap
        metadata: {{name: f, namespace: logging}}
        data:
          fluent-bit.conf: |
            {indented}
    """
    texts = hits("OBS-15", {"c.yaml": config, "e.yaml": elastic()})
    assert (len(texts), words in "".join(texts)) == (1 if words else 0, True)


def test_a_claim_that_a_pod_template_mounts_itself() -> None:
    claims = ", volumeClaimTemplates: [{metadata: {name: data}}]"
    mounted = "podTemplate: {spec: {containers: [{name: elasticsearch, volumeMounts: [{name: data, mountPath: /d}]}]}}"
    assert len(hits("OBS-16", {"e.yaml": elastic(claims)})) == 1
    assert hits("OBS-16", {"e.yaml": elastic(f"{claims}, {mounted}")}) == []


COLLECTOR = """\
    apiVersion: opentelemetry.io/v1beta1
    kind: OpenTelemetryCollector
    metadata: {name: c, namespace: tracing}
    spec: {config: %s}
"""


def test_connectors_are_on_both_sides_of_pipelines() -> None:
    config = (
        "{receivers: {otlp: {}}, exporters: {debug: {}}, connectors: {count: {}}, service: {pipelines: "
        "{traces: {receivers: [otlp], exporters: [count]}, metrics: {receivers: [count], exporters: [debug]}}}}"
    )
    assert hits("OBS-17", {"c.yaml": COLLECTOR % config}) == []


def test_extensions_are_declared_too() -> None:
    config = "{extensions: {a: {}}, service: {extensions: [a, b, '${env:C}']}}"
    assert hits("OBS-17", {"c.yaml": COLLECTOR % config}) == [
        "c.yaml:4 OpenTelemetryCollector tracing/c: extension b is not declared"
    ]


def test_a_collector_that_is_written_as_text() -> None:
    text = "'{receivers: {}, service: {pipelines: {traces: {receivers: [otlp]}}}}'"
    assert len(hits("OBS-17", {"c.yaml": COLLECTOR % text})) == 1
    assert hits("OBS-17", {"c.yaml": COLLECTOR % "'{'"}) == []


@pytest.mark.parametrize("endpoint", ["localhost:4317", "${env:TO}", "traces.example.com:443", "10.0.0.1:4317"])
def test_endpoints_outside_of_the_cluster_are_not_judged(endpoint: str) -> None:
    config = (
        f"{{exporters: {{otlp: {{endpoint: '{endpoint}'}}}}, receivers: {{otlp: {{}}}}, "
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}}"
    )
    assert hits("OBS-17", {"c.yaml": COLLECTOR % config, "web.yaml": deployment()}) == []


def test_an_annotation_of_a_pod_template_names_what_there_is() -> None:
    asked = deployment().replace("labels: {app: web}}", "labels: {app: web}, annotations: {%s}}")
    key = "instrumentation.opentelemetry.io/inject-java"
    instrumentation = """\
        apiVersion: opentelemetry.io/v1alpha1
        kind: Instrumentation
        metadata: {name: %s, namespace: shop}
    """
    one, two = instrumentation % "one", instrumentation % "two"
    for value, files, faults in (
        ("'true'", {"i.yaml": one}, 0),
        ("'true'", {"i.yaml": one, "j.yaml": two}, 1),
        ("'true'", {}, 1),
        ("'false'", {}, 0),
        ("one", {"i.yaml": one}, 0),
        ("shop/two", {"i.yaml": one}, 1),
    ):
        assert len(hits("OBS-18", {"web.yaml": asked % f"{key}: {value}", **files})) == faults
