from tests.expand.support import Charts, expanded, lines, named


def test_manifests_without_a_controller_are_taken_as_they_are() -> None:
    repo = expanded({"a/x.yaml": named("x", namespace="shop"), "list.yaml":
                     f"apiVersion: v1\nkind: List\nitems:\n  - {named('second').replace(chr(10), chr(10) + '    ')}\n",
                     "ci.yaml": "on: push\n", "tests/kyverno-test.yaml":
                     "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: t}\n"})  # fmt: skip
    assert lines(repo) == ["- ConfigMap shop/x @ a/x.yaml:1 < hand", "- ConfigMap second @ list.yaml:4 < hand"]
    assert repo.reached == {"a/x.yaml", "list.yaml"}


def test_each_topmost_kustomization_goes_to_a_place_of_its_own() -> None:
    repo = expanded({
        "base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": named("a"), "loose.yaml": named("z"),
        "overlays/dev/kustomization.yaml": "resources: [../../base]\n",
        "overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: patch.yaml}]\n",
        "overlays/prod/patch.yaml": named("a"), "broken/kustomization.yaml": "resources: [gone]\n",
    })  # fmt: skip
    assert lines(repo) == [
        "overlays/dev ConfigMap a @ base/cm.yaml:1 < kustomization overlays/dev",
        "overlays/prod ConfigMap a @ base/cm.yaml:1 < kustomization overlays/prod",
        "- ConfigMap z @ loose.yaml:1 < hand",
    ]
    assert [hit.text for hit in repo.faults] == ["kustomize build broken: no file or folder gone"]
    assert len(repo.not_checked) == 1
    assert repo.reached == set(repo.files)


def test_bare_charts_are_rendered_with_their_defaults() -> None:
    charts = Charts()
    repo = expanded({
        "web/Chart.yaml": "name: web\n", "web/charts/sub/Chart.yaml": "name: sub\n", "web/templates/a.yaml": "{{ x }}",
        "web/ci/values.yaml": named("no"), "lib/Chart.yaml": "name: lib\ntype: library\n", "Chart.yaml": "name: top\n",
    }, charts)  # fmt: skip
    assert [(r.path, r.release, r.values) for r in charts.requests] == [("", "chart", ()), ("web", "web", ())]
    assert "- ConfigMap default/web @ web/templates/cm.yaml:1 < chart web" in lines(repo)


def test_a_repository_of_nothing_is_nothing() -> None:
    assert expanded({"README.md": "x"}).manifests == ()
    assert expanded({}).manifests == ()
