"""Rules of Prometheus: what their expressions, labels and texts say together."""

import pytest

from tests.helpers import CLUSTER, applied, found, hits, rule


def rules(*items: str) -> dict[str, str]:
    listed = "\n".join("                " + line for item in items for line in item.strip("\n").splitlines())
    return {
        "r.yaml": f"""\
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {{name: shop, namespace: shop}}
        spec:
          groups:
            - name: shop
              rules:
{listed}
    """
    }


def alert(expression: str, text: str = "down", name: str = "WebDown") -> str:
    return f"""
- alert: {name}
  expr: {expression!r}
  labels: {{severity: warning}}
  annotations:
    summary: {text!r}
"""


def texts(rule_id: str, *items: str, **files: str) -> list[str]:
    return [line.partition(": ")[2] for line in hits(rule_id, {**rules(*items), **files})]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ $labels.pod }", "an action is not closed: }} is missing"),
        ("{{ $value | humanise }}", "unknown function humanise"),
        ("{{ $lables.pod }}", "unknown variable $lables"),
        ("{{ if $value }}x", "an if, range or with is not ended"),
        ("x{{ end }}", "an end without a beginning"),
        ('{{ printf "%s }}', 'a text is not closed in {{ printf "%s }}'),
    ],
)
def test_a_template_that_prometheus_refuses(text: str, why: str) -> None:
    assert texts("OBS-24", alert("up == 0", text)) == [f"annotation summary of WebDown: {why}"]


@pytest.mark.parametrize(
    "text",
    [
        "plain }} text",
        '{{ $value | humanizePercentage }} of {{ index $labels "pod" }}',
        '{{ range $i, $one := query "up" }}{{ $i }}{{ $one.Labels.pod }}{{ end }}',
        '{{ with $x := printf "%s }}" $labels.a }}{{ $x }}{{ else }}none{{ end }}',
        '{{- /* it\'s a comment */ -}}{{ $externalLabels.cluster }}{{ reReplaceAll `(.*)` "$1" $labels.a }}',
        '{{ printf "%.1f" $value }}{{ externalURL }}',
    ],
)
def test_a_template_that_prometheus_takes(text: str) -> None:
    assert texts("OBS-24", alert("up == 0", text)) == []


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("sum(rate(x[5m])) > 0", "none"),
        ("sum by (ns) (x) > 0", "ns"),
        ("absent(up{ns='a'} == 1)", "none"),
        ("sum by (ns) (x) / sum by (ns) (y)", "ns"),
        ("sum by (ns) (x) * on (ns) group_left (team) y", "ns, team"),
        ("topk(3, sum by (ns) (x))", "ns"),
        ("label_replace(sum by (ns) (x), 'a', '$1', 'ns', '(.*)')", "a, ns"),
        ("time() - max by (ns) (x) > 26 * 3600", "ns"),
        ("sum without (pod) (sum by (ns, pod) (x))", "ns"),
    ],
)
def test_a_label_that_an_aggregation_has_dropped_leaves_a_hole(expression: str, left: str) -> None:
    (text,) = texts("OBS-28", alert(expression, "pod {{ $labels.pod }}"))
    assert text == f"annotation summary of WebDown: the result has no label pod, but {left}"


@pytest.mark.parametrize(
    "expression",
    [
        "up == 0",
        "sum by (pod) (x) > 0",
        "absent(up{pod='a'})",
        "sum without (ns) (x) > 0",
        "x and on (ns) sum by (ns) (y)",
        "x or vector(0)",
        "count_values('pod', x)",
        "max_over_time(sum by (pod) (x)[5m:])",
        "x * on (ns) group_left (pod) y",
        "info(sum by (ns) (x))",
        "x +",
    ],
)
def test_a_label_that_may_be_there_is_not_missed(expression: str) -> None:
    assert texts("OBS-28", alert(expression, "pod {{ $labels.pod }}")) == []


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("sum by (ns) (sum by (pod) (x))", "grouped by ns, which sum by (pod)"),
        ("sum by (ns) (x) / on (pod) y", "joined on pod, which sum by (ns)"),
        ("x * on (ns) group_left (team) sum by (ns) (y)", "takes team from sum by (ns)"),
        ("gotk_reconcile_condition == 0", "gotk_reconcile_condition is no longer exported, gotk_resource_info"),
    ],
)
def test_a_series_or_label_that_is_not_there(expression: str, why: str) -> None:
    (text,) = texts("OBS-05", alert(expression))
    assert text.startswith(f"expression of WebDown: {why}")


@pytest.mark.parametrize(
    "expression",
    [
        "sum by (ns) (x)",
        "sum by (ns) (vector(1))",
        "x and on () sum(y)",
        "sum by (ns) (sum by (ns, pod) (x))",
        "argocd_app_sync_status == 1 or argocd_app_info == 1",
    ],
)
def test_what_is_there_or_cannot_be_told(expression: str) -> None:
    assert texts("OBS-05", alert(expression)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
        "histogram_quantile(0.9, sum(rate(x[5m])))",  # a native histogram
        "histogram_quantile(0.9, rate(x_bucket{job='etcd'}[5m]))",
        "rate(x_total[5m])",
        "changes(x_info[5m])",
        "max_over_time(sum(x)[5m:])",
        'sum(rate({app="web"}[1m]))',  # of Loki
    ],
)
def test_functions_of_what_they_are_made_for(expression: str) -> None:
    assert texts("OBS-06", alert(expression)) == []


def test_the_rate_of_a_gauge_means_nothing() -> None:
    assert texts("OBS-06", alert("rate(kube_pod_info[5m])")) == [
        "expression of WebDown: rate of kube_pod_info, which is no counter"
    ]


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        ("increase(kube_pod_container_status_restarts_total[10m]) > 5", 1),
        ("increase(kube_pod_container_status_restarts_total[10m]) > 4", 0),
        ("increase(kube_pod_container_status_restarts_total[10m]) >= 5", 0),
        ("increase(kube_pod_container_status_restarts_total[1h]) > 10", 0),
        ("sum by (namespace) (increase(kube_pod_container_status_restarts_total[10m])) > 5", 0),
    ],
)
def test_more_restarts_than_the_kubelet_makes_are_never_counted(expression: str, faults: int) -> None:
    assert len(texts("OBS-06", alert(expression))) == faults


def test_a_quantile_of_single_series_in_a_record_may_be_aggregated_later() -> None:
    record = "- record: a:b:c\n  expr: histogram_quantile(0.9, rate(x_bucket[5m]))"
    assert texts("OBS-06", record) == []


def test_recorded_names_of_elsewhere_are_not_missed() -> None:
    assert texts("OBS-11", alert("node_namespace_pod:kube_pod_info: > 1"), "- record: a:b:c\n  expr: sum(x)") == []
    assert texts("OBS-11", alert("a:b:d > 1"), "- record: a:b:c\n  expr: sum(x)") == [
        "expression of WebDown: nobody records a:b:d, but a:b:c"
    ]


def test_a_rule_of_neither_kind_and_a_label_that_no_rule_may_set() -> None:
    assert texts("OBS-27", "- expr: up") == ["a rule is neither alert nor record"]
    record = "- record: a:b:c\n  expr: up\n  labels: {__name__: x}"
    assert texts("OBS-27", record) == ["a:b:c sets the label __name__"]


def test_runbooks_are_asked_for_where_most_alerts_have_one() -> None:
    with_one = """
- alert: A
  expr: up
  labels: {severity: info}
  annotations: {summary: a, runbook_url: "https://wiki.example.com/a"}
"""
    without = alert("up", name="B")
    assert texts("OBS-23", with_one, with_one, without) == ["B has no annotation runbook_url"]
    assert texts("OBS-23", with_one, without, without) == []


def test_a_team_is_asked_for_where_routes_go_by_it() -> None:
    config = """\
        apiVersion: monitoring.coreos.com/v1alpha1
        kind: AlertmanagerConfig
        metadata: {name: a, namespace: shop}
        spec:
          route: {receiver: a, routes: [{receiver: a, matchers: [{name: team, matchType: "=", value: b}]}]}
          receivers: [{name: a}]
    """
    assert texts("OBS-23", alert("up"), **{"a.yaml": config}) == ["WebDown has no label team"]
    assert texts("OBS-23", alert("up")) == []


def test_a_runbook_elsewhere_or_of_a_tag_is_not_looked_for() -> None:
    urls = [
        "https://wiki.example.com/x",
        "https://github.com/other/repo/blob/main/gone.md",
        "https://git.example.com/platform/fleet/blob/v1.0.0/gone.md",
        "https://git.example.com/platform/fleet/blob/main/{{ $labels.x }}.md",
        "https://git.example.com/platform/fleet/-/blob/main/r.yaml",
    ]
    for url in urls:
        item = alert("up").rstrip("\n") + f"\n    runbook_url: {url!r}"
        assert texts("OBS-23", item) == []


def test_tests_of_rules_from_elsewhere_are_not_judged() -> None:
    test = """\
        rule_files: [elsewhere.yaml]
        tests: [{alert_rule_test: [{alertname: Unknown, exp_alerts: [{}]}]}]
    """
    assert texts("OBS-08", alert("up"), **{"t.yaml": test}) == []


def test_alerts_of_the_named_files_are_known() -> None:
    test = """\
        rule_files: [own.yaml]
        tests: [{alert_rule_test: [{alertname: Own, exp_alerts: [{}]}, {alertname: WebDown, exp_alerts: [{}]}]}]
    """
    own = "groups: [{name: a, rules: [{alert: Own, expr: up}]}]\n"
    assert hits("OBS-08", {**rules(alert("up")), "t/t.yaml": test, "t/own.yaml": own}) == [
        "t/t.yaml:2 a test of alert WebDown, which no rule here defines"
    ]


def test_a_file_is_read_once_for_all_clusters() -> None:
    repo = applied(rules(alert("sum(x)", "{{ $labels.pod }}")))
    assert repo.clusters == (CLUSTER,)
    assert len(found("OBS-28", repo)) == 1
    assert rule("OBS-28").title


def dashboard(json: str, label: str = 'grafana_dashboard: "1"') -> dict[str, str]:
    return {
        "d.yaml": f"""\
        apiVersion: v1
        kind: ConfigMap
        metadata: {{name: d, labels: {{{label}}}}}
        data:
          d.json: '{json}'
    """
    }


@pytest.mark.parametrize(
    "expression",
    [
        "sum by ($by) (rate(x[$__rate_interval]))",
        "topk($k, x)",
        "$metric > 1",
        "x[${range}:$step]",
        "rate(x{job=~`$job`}[[[interval]]])",
    ],
)
def test_variables_of_a_panel_are_no_fault(expression: str) -> None:
    panel = f'{{"panels": [{{"datasource": {{"type": "prometheus"}}, "targets": [{{"expr": "{expression}"}}]}}]}}'
    assert hits("OBS-25", dashboard(panel)) == []


def test_panels_of_other_sources_and_other_config_maps_are_passed_over() -> None:
    panel = '{"panels": [{"datasource": {"type": "loki"}, "targets": [{"expr": "sum(("}]}]}'
    assert hits("OBS-25", dashboard(panel)) == []
    assert hits("OBS-25", dashboard("{broken", "a: b")) == []
    assert len(hits("OBS-25", dashboard("{broken"))) == 1


def test_an_input_that_a_grafana_dashboard_answers_is_no_fault() -> None:
    files = {
        "d.yaml": """\
        apiVersion: grafana.integreatly.org/v1beta1
        kind: GrafanaDashboard
        metadata: {name: d, namespace: shop}
        spec:
          instanceSelector: {}
          datasources: [{inputName: DS_PROMETHEUS, datasourceName: prometheus}]
          json: '{"panels": [{"datasource": "${DS_PROMETHEUS}"}, {"datasource": "$other"}]}'
    """
    }
    assert hits("OBS-12", files) == [
        "d.yaml:7 GrafanaDashboard shop/d: panel without a title of d takes data of ${other}, "
        "which is no variable of it"
    ]
