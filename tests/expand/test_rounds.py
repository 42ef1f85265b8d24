from scaffold.expand.rounds import MAX_DEPTH, MAX_OWNERS
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.ports import ChartRequest, ChartResult
from tests.expand.support import Charts, application, expanded, lines

CHART = {"c/Chart.yaml": "name: c\n", "c/templates/a.yaml": "x\n"}


def test_the_charts_of_a_round_are_one_batch() -> None:
    charts = Charts()
    expanded({f"{name}.yaml": application(name, "path: c") for name in ("a", "b", "x")} | CHART, charts)
    assert [[request.release for request in batch] for batch in charts.batches] == [["a", "b", "x"]]


def test_an_application_may_come_out_of_a_chart() -> None:
    inner = Charts({"c/templates/a.yaml": application("inner", "path: d")})
    repo = expanded(
        {"app.yaml": application("web", "path: c"), **CHART, "d/cm.yaml": application("last", "path: gone")}, inner
    )
    assert lines(repo) == [
        "in-cluster Application argocd/web @ app.yaml:1 < hand",
        "prod Application argocd/inner @ c/templates/a.yaml:1 < Application argocd/web",
        "prod Application argocd/last @ d/cm.yaml:1 < Application argocd/inner",
    ]


def test_what_the_engine_says_is_kept_with_the_render() -> None:
    fault, lint = Hit(Place("c/templates/a.yaml", 3), "nil pointer"), Hit(Place("c/Chart.yaml"), "icon")
    repo = expanded({"app.yaml": application("web", "path: c"), **CHART},
                    lambda requests: [ChartResult(faults=(fault,), lint=(lint,)) for _ in requests])  # fmt: skip
    assert [(chart.faults, chart.lint) for chart in repo.charts] == [((fault,), (lint,))]
    assert repo.faults == ()


def test_owners_below_owners_end() -> None:
    def deeper(requests: list[ChartRequest]) -> list[ChartResult]:
        return [
            ChartResult({"c/templates/a.yaml": application(f"n-{int(r.release.rpartition('-')[2]) + 1}", "path: c")})
            for r in requests
        ]

    repo = expanded({"app.yaml": application("n-0", "path: c"), **CHART}, deeper)
    assert len(repo.charts) == MAX_DEPTH
    assert [note.reason for note in repo.not_checked] == [f"not followed, nor the next: deeper than {MAX_DEPTH} owners"]


def test_owners_that_double_end() -> None:
    def double(requests: list[ChartRequest]) -> list[ChartResult]:
        def two(release: str) -> str:
            number = int(release.rpartition("-")[2])
            return "---\n".join(application(f"n-{number * 2 + add}", "path: c") for add in (1, 2))

        return [
            ChartResult({"c/templates/a.yaml": two(r.release)} if len(requests) < MAX_OWNERS else {}) for r in requests
        ]

    repo = expanded({"app.yaml": application("n-0", "path: c"), **CHART}, double)
    assert len(repo.charts) == MAX_OWNERS
    assert [note.reason for note in repo.not_checked] == [f"not followed, nor the next: more than {MAX_OWNERS} owners"]


def test_with_an_environment_only_its_charts_are_rendered() -> None:
    charts = Charts()
    texts = {
        "environments/dev/values.yaml": "platform: {environment: dev, cluster: one}\n",
        "environments/prod/values.yaml": "platform: {environment: prod, cluster: two}\n", **CHART,
        "a.yaml": application("a", "path: c, helm: {valueFiles: [../environments/dev/values.yaml]}", "{name: one}"),
        "b.yaml": application("b", "path: c, helm: {valueFiles: [../environments/prod/values.yaml]}", "{name: two}"),
    }  # fmt: skip
    repo = expanded(texts, charts, environment="prod")
    assert [request.release for request in charts.requests] == ["b"]
    assert [str(manifest) for manifest in repo.manifests] == ["Application argocd/b", "ConfigMap b"]
