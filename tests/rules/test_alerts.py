"""Alerts and metrics: what a monitor selects, and what PromQL is."""

import pytest

from tests.helpers import hits

SERVICE = """\
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop, labels: {team: shop}}
    spec:
      selector: {app: web}
      ports: [{name: http-metrics, port: 9090, targetPort: %s}]
"""
PODS = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: w%s}]}
"""
PORTS = ", ports: [{name: http-metrics, containerPort: 9090}]"


def monitor(
    selector: str = "{matchLabels: {team: shop}}", port: str = "http-metrics", namespace: str = "shop", more: str = ""
) -> str:
    return f"""\
        apiVersion: monitoring.coreos.com/v1
        kind: ServiceMonitor
        metadata: {{name: web, namespace: {namespace}}}
        spec:
          selector: {selector}
          endpoints:
            - port: {port}
          {more}
    """


def found(one: str, target: str = "http-metrics", ports: str = PORTS) -> list[str]:
    files = {"m.yaml": one, "service.yaml": SERVICE % target, "web.yaml": PODS % ports}
    return hits("OBS-02", files)


def test_a_monitor_finds_its_service_by_the_services_labels() -> None:
    assert found(monitor()) == []
    assert found(monitor("{}")) == []
    assert found(monitor("{matchExpressions: [{key: team, operator: Exists}]}")) == []
    assert found(monitor("{matchLabels: {app: web}}")) == [
        "m.yaml:5 ServiceMonitor shop/web selects no Service of namespace shop"
    ]


def test_a_port_is_named_as_the_service_names_it() -> None:
    assert found(monitor(port="metrics")) == [
        "m.yaml:7 ServiceMonitor shop/web: no port named metrics on Service shop/web"
    ]


def test_a_numbered_port_behind_it_is_a_declared_one() -> None:
    assert found(monitor(), target="9090") == []
    assert found(monitor(), target="9091") == [
        "m.yaml:7 ServiceMonitor shop/web: port http-metrics of Service shop/web: no container has port 9091"
    ]


def test_pods_without_declared_ports_and_the_proxys_ports_are_not_judged() -> None:
    assert found(monitor(), target="9091", ports="") == []
    assert found(monitor(), target="15020") == []


def test_namespaces_are_chosen_by_the_monitor() -> None:
    assert found(monitor(namespace="monitoring", more="namespaceSelector: {matchNames: [shop]}")) == []
    assert found(
        monitor("{matchLabels: {a: b}}", namespace="monitoring", more="namespaceSelector: {matchNames: [shop]}")
    )
    undecided = ("namespaceSelector: {any: true}", "namespaceSelector: {matchNames: [elsewhere]}")
    for more in undecided:
        assert found(monitor("{matchLabels: {a: b}}", more=more)) == []


def alert(expression: str) -> list[str]:
    rule = f"""\
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {{name: web, namespace: shop}}
        spec:
          groups:
            - name: web
              rules:
                - alert: WebDown
                  expr: {expression}
    """
    return [line.partition("expression of ")[2] for line in hits("OBS-07", {"r.yaml": rule})]


def test_what_is_wrong_and_where_is_said() -> None:
    rule = """\
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {name: web, namespace: shop}
        spec:
          groups:
            - name: web
              rules:
                - record: web:up
                  expr: |
                    sum(rate(up[5m])
    """
    assert hits("OBS-07", {"r.yaml": rule}) == [
        "r.yaml:9 PrometheusRule shop/web: expression of web:up: unclosed left parenthesis: sum(rate(up[5m])"
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "absent(up{job='web'})",
        "1",
        "vector(1)",
        "sum by (le) (rate(http_request_duration_seconds_bucket{code!~'5..|4..'}[5m] offset 1h)) > 0.5",
        "histogram_quantile(0.95, sum by (namespace, le) (rate(x_bucket[5m])))",
        "max_over_time(rate(x[5m])[1h:1m])",
        # Behind feature flags, or not PromQL: not for us to say.
        "rate(x[5m * 2])",
        "rate(x[$__interval + 1m])",
        "increase(x[5m] anchored)",
        "x offset step()",
        "sum(rate({app='web'} |= 'error' [5m])) > 1",
    ],
)
def test_what_parses_or_cannot_be_decided_is_silent(expression: str) -> None:
    assert alert(f'"{expression}"') == []


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(up)", "expected type matrix in call to function 'rate', got vector"),
        ("sum(up) by", "invalid promql query"),
        ("hisogram_quantile(0.9, x)", "unknown function with name 'hisogram_quantile'"),
        ("up[5m]", "neither a vector nor a scalar"),
        ("''", "neither a vector nor a scalar"),
        ("up{job='a|b'", "unexpected end of input inside braces"),
    ],
)
def test_what_prometheus_would_refuse(expression: str, why: str) -> None:
    (text,) = alert(f'"{expression}"')
    assert text.startswith(f"WebDown: {why}")


def test_a_long_expression_is_shortened() -> None:
    (text,) = alert("sum(" + " + ".join(f"metric_{number}" for number in range(50)))
    assert len(text) < 150
    assert text.endswith("...")
