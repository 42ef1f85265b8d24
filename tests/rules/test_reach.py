"""Reach: which files count as used, and which are a tool's."""

import pytest

from scaffold.model.repo import Repo
from tests.helpers import URL, dedented, expanded, found

APPLICATION = f"""\
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {{name: web, namespace: argocd}}
    spec:
      source: {{repoURL: {URL}, path: apps}}
      destination: {{name: dev, namespace: shop}}
"""
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
REACHED = {"app.yaml", "apps/a.yaml"}


def unreached_after_expansion(files: dict[str, str]) -> list[str]:
    return found("REACH-01", expanded(Repo.of(URL, dedented(files))))


def unreached(files: dict[str, str], reached: set[str] = REACHED) -> list[str]:
    repo = expanded(Repo.of(URL, dedented({"app.yaml": APPLICATION, "apps/a.yaml": SETTINGS, **files})))
    return found("REACH-01", repo.with_(reached=frozenset(reached)))


def test_a_file_beside_reached_ones_and_an_object_anywhere_are_shown() -> None:
    assert unreached({"apps/old/values.yaml": "a: 1", "k8s/b.yaml": SETTINGS}) == [
        "apps/old/values.yaml:1 reached from no entry point",
        "k8s/b.yaml:1 reached from no entry point",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "mkdocs.yml", "catalog-info.yaml", "copier.yml", "compose.yaml", "renovate.yaml", "Taskfile.yml",
        ".github/workflows/check.yaml", ".gitlab-ci.yml", ".copier-answers.yml", "apps/.sops.yaml",
        "apps/tests/alerts.yaml", "apps/alerts.test.yaml", "docs/example.yaml", "ansible/playbook.yaml",
    ],
)  # fmt: skip
def test_files_of_tools_are_passed_over(path: str) -> None:
    assert unreached({path: "a: 1"}) == []


def test_what_a_policy_test_names_is_its_fixture_and_the_policy_is_not() -> None:
    test = """\
        apiVersion: cli.kyverno.io/v1alpha1
        kind: Test
        metadata: {name: labels}
        policies: [policy.yaml]
        resources: [resources.yaml]
        exceptions: [exception.yaml]
        variables: values.yaml
    """
    files = {
        "apps/labels/kyverno-test.yaml": test,
        **{f"apps/labels/{name}.yaml": SETTINGS for name in ("policy", "resources", "exception", "values")},
    }
    assert unreached(files) == ["apps/labels/policy.yaml:1 reached from no entry point"]


def test_a_promtool_test_is_known_by_what_it_holds() -> None:
    assert unreached({"apps/alerts.yaml": "rule_files: [rules.yaml]\ntests: []\n"}) == []


CHART = {
    "apps/chart/Chart.yaml": "name: chart",
    "apps/chart/values.yaml": "a: 1",
    "apps/chart/ci/a-values.yaml": "a: 1",
}


def test_an_unused_chart_is_one_finding() -> None:
    assert unreached(CHART) == ["apps/chart/Chart.yaml:1 chart apps/chart is rendered by nothing"]
    assert unreached(CHART, {*REACHED, "apps/chart/values.yaml"}) == []


def test_a_chart_that_a_used_chart_depends_on_is_used() -> None:
    using = {
        "charts/web/Chart.yaml": "name: web\ndependencies: [{name: chart, repository: 'file://../../apps/chart'}]\n",
        **CHART,
    }
    assert unreached(using, {*REACHED, "charts/web/Chart.yaml"}) == []


def test_a_repository_without_an_entry_point_is_not_judged() -> None:
    repo = Repo.of(URL, {"a.yaml": SETTINGS, "b.yaml": "a: 1"}).with_(reached=frozenset({"a.yaml"}))
    assert found("REACH-01", repo) == []


def test_nothing_is_said_while_something_could_not_be_opened() -> None:
    files = {"app.yaml": APPLICATION, "apps/a.yaml": SETTINGS, "old.yaml": SETTINGS}
    assert unreached_after_expansion(files) == ["old.yaml:1 reached from no entry point"]
    plugin = APPLICATION.replace("web,", "more,").replace("path: apps", "path: more, plugin: {name: x}")
    assert unreached_after_expansion({**files, "more.yaml": plugin, "more/a.yaml": SETTINGS}) == []
    elsewhere = APPLICATION.replace("web,", "more,").replace(URL, "https://other.example/x.git")
    assert len(unreached_after_expansion({**files, "more.yaml": elsewhere})) == 1
