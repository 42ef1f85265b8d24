"""Corners of charts: versions, locks, templates, hooks, names."""

from dataclasses import replace

import pytest

from scaffold.model.manifest import Place
from scaffold.model.repo import Chart, Repo
from scaffold.rules.reading.ranges import admits, is_exact
from tests.helpers import URL, applied, dedented, found, hits


def application(source: str, name: str = "web") -> str:
    return f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: {name}, namespace: argocd}}
        spec:
          source: {source}
    """


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build"])
def test_an_exact_version_is_one(version: str) -> None:
    assert is_exact(version)
    text = application(f"{{repoURL: https://charts.example.com, chart: web, targetRevision: {version}}}")
    assert hits("HELM-01", {"a.yaml": text}) == []


@pytest.mark.parametrize("version", ["1.2", "1.x", "'*'", "'>=1.0.0'", "'^1.2.3'", "''"])
def test_anything_else_moves(version: str) -> None:
    text = application(f"{{repoURL: https://charts.example.com, chart: web, targetRevision: {version}}}")
    assert len(hits("HELM-01", {"a.yaml": text})) == 1


def test_a_kustomization_that_inflates_whatever_is_newest_is_found() -> None:
    text = "helmCharts:\n  - name: web\n    repo: https://charts.example.com\n  - name: local\n"
    assert hits("HELM-01", {"a/kustomization.yaml": text}) == [
        "a/kustomization.yaml:2 chart web in version whatever is newest"
    ]


def test_a_dependency_without_a_lock_moves() -> None:
    chart = "name: web\nversion: 1.0.0\ndependencies:\n  - name: db\n    version: ~1.2\n    repository: https://c.example.com\n"
    assert hits("HELM-01", {"chart/Chart.yaml": chart}) == ["chart/Chart.yaml:5 chart db in version ~1.2"]
    assert hits("HELM-01", {"chart/Chart.yaml": chart, "chart/Chart.lock": ""}) == []
    assert hits("HELM-01", {"chart/Chart.yaml": chart, "chart/charts/db/Chart.yaml": "name: db\n"}) == []


def test_an_artifact_of_flux_that_no_release_uses_is_not_a_chart() -> None:
    text = """\
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: OCIRepository
        metadata: {name: web, namespace: shop}
        spec: {url: 'oci://registry.example.com/web', ref: {semver: 1.x}}
    """
    release = """\
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: web, namespace: shop}
        spec: {chartRef: {kind: OCIRepository, name: web}}
    """
    assert hits("HELM-01", {"source.yaml": text}) == []
    assert hits("HELM-01", {"source.yaml": text, "release.yaml": release}) == [
        "source.yaml:4 OCIRepository shop/web: chart oci://registry.example.com/web in version 1.x"
    ]


@pytest.mark.parametrize(
    ("constraint", "version", "expected"),
    [
        (">=1.33.0-0", (1, 36, 0), True),
        (">= 1.19.0 < 1.22.0", (1, 36, 0), False),
        (">=1.19.0, <2", (1, 36, 0), True),
        ("<1.2 || >=1.30", (1, 36, 0), True),
        ("1.2 - 1.4.5", (1, 4, 6), False),
        ("1.2 - 1.4", (1, 4, 9), True),
        ("~1.19.0", (1, 36, 0), False),
        ("^0.2.3", (0, 3, 0), False),
        ("^0.0.3", (0, 0, 4), False),
        (">1.2", (1, 2, 5), False),
        ("!=1.2.3", (1, 2, 3), False),
        ("1.30.x", (1, 30, 9), True),
        ("*", (9, 0, 0), True),
        ("whatever", (1, 0, 0), None),
        ("", (1, 0, 0), None),
    ],
)
def test_ranges_are_read_as_helm_reads_them(
    constraint: str, version: tuple[int, int, int], expected: bool | None
) -> None:
    assert admits(constraint, version) is expected


def test_a_lock_of_other_dependencies_is_found() -> None:
    chart = "name: web\ndependencies:\n  - {name: db, version: 1.2.3, repository: 'https://c.example.com'}\n"
    lock = "dependencies:\n  - {name: cache, version: 1.2.3, repository: 'https://c.example.com'}\ndigest: sha256:0\n"
    assert hits("HELM-10", {"chart/Chart.yaml": chart, "chart/Chart.lock": lock}) == [
        "chart/Chart.lock:1 it does not lock what chart/Chart.yaml depends on: db"
    ]


def test_a_chart_that_is_not_there_cannot_be_depended_on() -> None:
    chart = "name: web\ndependencies:\n  - name: lib\n    version: 1.0.0\n    repository: file://../lib\n"
    assert hits("HELM-10", {"charts/web/Chart.yaml": chart}) == ["charts/web/Chart.yaml:5 no chart in charts/lib"]
    outside = chart.replace("file://../lib", "file://../../../lib")
    assert hits("HELM-10", {"charts/web/Chart.yaml": outside}) == []


def rendered(owner: str, template: str) -> Repo:
    files = {"chart/Chart.yaml": "name: web\nversion: 1.0.0\n", "chart/templates/a.yaml": template}
    repo = Repo.of(URL, dedented(files))
    return repo.with_(charts=(Chart("chart", "web", "shop", (), owner, Place("chart/Chart.yaml")),))


@pytest.mark.parametrize(
    "template",
    [
        "a: {{ .Values.now }}",
        "a: {{ $now }}",
        "a: {{/* now */}}b",
        'a: {{ "randAlphaNum" }}',
        "a: {{ include `now` . }}",
        "now: randAlphaNum 5",
        "a: {{ .Values.lookup.name }}",
        "a: {{ .Capabilities.KubeVersion.Version }}",
    ],
)
def test_what_only_looks_like_a_call_is_none(template: str) -> None:
    assert found("HELM-03", rendered("Application argocd/web", template)) == []


@pytest.mark.parametrize(
    "call", ["now", "randAlphaNum 5", "(genCA `a` 1).Cert", "uuidv4 | quote", "if lookup `v1` `a` `b`"]
)
def test_a_call_that_varies_is_found_at_its_line(call: str) -> None:
    template = "a: b\nc: {{\n  %s }}\n" % call  # noqa: UP031 - braces of a template
    word = call.strip("(").removeprefix("if ").split(" ")[0]
    assert [text.rpartition(": ")[0] for text in found("HELM-03", rendered("Application argocd/web", template))] == [
        "chart/templates/a.yaml:3 chart chart"
    ]
    assert word in found("HELM-03", rendered("Application argocd/web", template))[0]


def test_helm_itself_may_ask_the_cluster() -> None:
    kept = "a: {{ lookup `v1` `Secret` `a` `b` | default (randAlphaNum 5) }}"
    assert found("HELM-03", rendered("HelmRelease shop/web", kept)) == []
    assert len(found("HELM-03", rendered("Application argocd/web", kept))) == 2
    assert len(found("HELM-03", rendered("HelmRelease shop/web", "a: {{ randAlphaNum 5 }}"))) == 1
    assert found("HELM-03", rendered("chart chart", "a: {{ randAlphaNum 5 }}")) == []


def from_chart(files: dict[str, str]) -> Repo:
    repo = applied(files)
    manifests = (
        replace(one, origin=replace(one.origin, chart="chart", owner="HelmRelease shop/web"), namespace="shop")
        for one in repo.manifests
    )
    return repo.with_(manifests=tuple(manifests))


@pytest.mark.parametrize(
    ("annotations", "count"),
    [
        ("helm.sh/hook: 'pre-install,post-upgrade'", 0),
        ("helm.sh/hook: post-instal", 1),
        ("helm.sh/hook: test, helm.sh/hook-delete-policy: 'hook-succeeded, before-hook-creation'", 0),
        ("helm.sh/hook: test, helm.sh/hook-delete-policy: on-success", 1),
        ("helm.sh/hook: test, helm.sh/hook-weight: '-5'", 0),
        ("helm.sh/hook: test, helm.sh/hook-weight: '1.5'", 1),
    ],
)
def test_hooks_are_words_of_helm(annotations: str, count: int) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a, annotations: {{{annotations}}}}}\n"
    assert len(found("HELM-07", from_chart({"a.yaml": text}))) == count


LONG = "web-of-the-shop-in-the-first-region-of-the-test-cluster"


def test_only_a_release_has_a_short_name() -> None:
    chart = "{repoURL: https://charts.example.com, chart: web, targetRevision: 1.0.0%s}"
    assert len(hits("HELM-09", {"a.yaml": application(chart % "", LONG)})) == 1
    assert hits("HELM-09", {"a.yaml": application(chart % ", helm: {releaseName: web}", LONG)}) == []
    assert hits("HELM-09", {"a.yaml": application(f"{{repoURL: {URL}, path: web}}", LONG)}) == []


def test_a_definition_in_crds_is_early_enough() -> None:
    crd = "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: widgets.example.com}\n"
    crd += "spec: {group: example.com, names: {kind: Widget}}\n"
    widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: wheel}\n"
    assert found("HELM-06", from_chart({"chart/crds/a.yaml": crd, "chart/b.yaml": widget})) == []
    assert len(found("HELM-06", from_chart({"chart/a.yaml": crd, "chart/b.yaml": widget}))) == 1
    hook = widget.replace("name: wheel", "name: wheel, annotations: {helm.sh/hook: post-install}")
    assert found("HELM-06", from_chart({"chart/a.yaml": crd, "chart/b.yaml": hook})) == []


def test_a_budget_counts_no_test() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: test, labels: {app: web}, annotations: {helm.sh/hook: test}}\n"
    budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
    budget += "spec: {selector: {matchLabels: {app: web}}}\n"
    assert found("HELM-15", from_chart({"pod.yaml": pod, "budget.yaml": budget})) == [
        "pod.yaml:3 Pod shop/test: PodDisruptionBudget shop/web selects it by app=web"
    ]


def test_kubernetes_own_namespaces_may_be_written_out() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: %s\n"
    for namespace, count in (("kube-system", 0), ("elsewhere", 1)):
        assert len(found("HELM-12", from_chart({"a.yaml": text % namespace}))) == count


def test_a_kubernetes_version_at_the_edge_is_admitted() -> None:
    for wanted, count in (("<=1.37", 0), ("<1.37.0", 1), (">1.37.5", 0), (">=1.30", 0), ("odd", 0)):
        repo = Repo.of(URL, {"chart/Chart.yaml": f"name: web\nkubeVersion: '{wanted}'\n"})
        repo = repo.with_(charts=(Chart("chart", "web", "shop", (), "chart", Place("chart/Chart.yaml")),))
        assert len(found("HELM-14", repo)) == count, wanted
