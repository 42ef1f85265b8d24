"""The two Helm engines: a chart made here, with what charts do; the example corpus is compared in tests/examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.engines.helm import Backend, Helm, backend, helm
from scaffold.model.errors import BadInput, ToolFailed
from scaffold.model.manifest import Place
from scaffold.model.ports import ChartRequest

PLACE = Place("apps/web.yaml", 7)


@pytest.fixture(params=[Backend.EMBEDDED, pytest.param(Backend.BINARY, marks=pytest.mark.tool("helm"))])
def engine(request: pytest.FixtureRequest) -> Iterator[Helm]:
    with helm(request.param) as opened:
        yield opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\nicon: https://example.com/i.png\n",
        "charts/web/values.yaml": "replicas: 1\nextra: {a: 1, b: 2}\n",
        "charts/web/values.schema.json": '{"type": "object", "properties": {"replicas": {"type": "integer"}}}',
        "charts/web/crds/things.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
        "charts/web/templates/NOTES.txt": "hello {{ .Release.Name }}\n",
        "charts/web/templates/a.yaml": (
            "apiVersion: v1\nkind: ConfigMap\n"
            "metadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\n"
            "data:\n  kube: {{ .Capabilities.KubeVersion }}\n  replicas: {{ .Values.replicas | quote }}\n"
            "  extra: {{ .Values.extra | toJson | quote }}\n"
        ),
        "charts/web/templates/b.yaml": '{{ if eq .Release.Name "bad" }}\n{{ fail "no such thing" }}\n{{ end }}\n',
        "dev.yaml": "replicas: 2\nextra: {b: null, c: 3}\n",
        "late.yaml": "replicas: 3\n",
        "wrong.yaml": "replicas: many\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def request(release: str = "web", **changes: object) -> ChartRequest:
    return ChartRequest("charts/web", release, "shop", PLACE, "Application argocd/web", **changes)  # type: ignore[arg-type]


def test_a_chart_is_rendered_with_later_values_over_earlier_ones(engine: Helm, root: Path) -> None:
    wanted = request(values=("dev.yaml", "late.yaml"), inline={"extra": {"d": 4}}, kube_version="1.36")
    [result] = engine.charts(root, [wanted])
    assert result.faults == ()
    assert result.lint == ()
    assert list(result.documents) == ["charts/web/templates/a.yaml"]
    text = result.documents["charts/web/templates/a.yaml"]
    assert "namespace: shop" in text
    assert "kube: v1.36.0" in text
    assert 'replicas: "3"' in text
    assert r'extra: "{\"a\":1,\"c\":3,\"d\":4}"' in text
    assert list(result.crds) == ["charts/web/crds/things.yaml"]


def test_a_schema_violation_is_a_fault_where_the_chart_is_asked_for(engine: Helm, root: Path) -> None:
    [result] = engine.charts(root, [request(values=("wrong.yaml",))])
    [fault] = result.faults
    assert fault.place == PLACE
    assert "at '/replicas': got string, want integer" in fault.text
    assert fault.context == "Application argocd/web, values wrong.yaml"


def test_a_template_error_is_a_fault_at_its_line(engine: Helm, root: Path) -> None:
    [result] = engine.charts(root, [request("bad")])
    [fault] = result.faults
    assert fault.place == Place("charts/web/templates/b.yaml", 2)
    assert fault.text.endswith("no such thing")


def test_a_missing_chart_is_a_fault_and_the_batch_goes_on(engine: Helm, root: Path) -> None:
    gone = ChartRequest("charts/gone", "gone", "shop", PLACE, "Application argocd/gone")
    lost, fine = engine.charts(root, [gone, request()])
    assert lost.faults
    assert fine.documents


def test_go_templates_know_sprig_and_refuse_missing_keys(engine: Helm) -> None:
    texts = ["{{ index .path.segments 1 }}-{{ .env | upper }}", "plain"]
    jobs = [
        ({"path": {"segments": ["services", "web"]}, "env": "dev"}, texts),
        ({"path": {"segments": ["services", "web"]}}, texts),
        ({}, ["{{ broken"]),
    ]
    first, second, third = engine.templates(jobs)
    assert first == ["web-DEV", "plain"]
    assert isinstance(second, str)
    assert isinstance(third, str)


def test_a_chart_that_hangs_is_ended_and_the_next_one_renders(root: Path) -> None:
    (root / "charts/web/templates/c.yaml").write_text(
        "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}", encoding="utf-8"
    )
    with helm(Backend.EMBEDDED, seconds=1) as engine:
        [late] = engine.charts(root, [request()])
        (root / "charts/web/templates/c.yaml").unlink()
        [fine] = engine.charts(root, [request()])
    assert [fault.text for fault in late.faults] == ["rendering took longer than 1 s and was ended (--timeout)"]
    assert fine.documents


def test_a_missing_binary_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with (
        pytest.raises(ToolFailed, match="helm is not on PATH: install it, or use --helm embedded"),
        helm(Backend.BINARY),
    ):
        pass


def test_an_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="--helm docker: choose auto, embedded or binary"):
        backend("docker")


def test_a_schema_in_the_network_is_not_fetched(engine: Helm, root: Path) -> None:
    schema = root / "charts/web/values.schema.json"
    schema.write_text('{"$ref": "http://schemas.example.com/values.json"}', encoding="utf-8")
    [result] = engine.charts(root, [request()])
    [fault] = result.faults
    assert "127.0.0.1:9" in fault.text
