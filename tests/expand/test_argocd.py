import pytest

from scaffold.model.manifest import Place
from tests.expand.support import URL, Charts, application, expanded, files, lines, named

CHART = {"charts/web/Chart.yaml": "name: web\n", "charts/web/templates/cm.yaml": "x: y\nkind: ConfigMap\n"}
ROOT = "in-cluster Application argocd/web @ app.yaml:1 < hand"


def test_a_folder_brings_the_objects_of_its_own_files_only() -> None:
    repo = expanded({"app.yaml": application("web", "path: k"), "k/a.yaml": named("a"), "k/deep/b.yaml": named("b")})
    assert lines(repo) == [ROOT, "prod ConfigMap web/a @ k/a.yaml:1 < Application argocd/web"]
    assert repo.reached == {"app.yaml", "k/a.yaml"}


def test_recurse_include_and_exclude_choose_files_by_their_path_below_the_folder() -> None:
    repo = expanded({
        "app.yaml": application(
            "web", "path: k, directory: {recurse: true, include: 'x/*', exclude: '{x/no.yaml,y*}'}"
        ),
        "k/a.yaml": named("a"), "k/x/b.yaml": named("b"), "k/x/y/c.yaml": named("c"), "k/x/no.yaml": named("no"),
    })  # fmt: skip
    assert [manifest.name for manifest in repo.manifests] == ["web", "b", "c"]


def test_lists_are_taken_apart_with_the_line_of_each_item() -> None:
    repo = expanded({"app.yaml": application("web", "path: k"), "k/a.yaml": """\
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: ConfigMap
            metadata:
              name: a
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: own}}
        """})  # fmt: skip
    assert lines(repo)[1:] == [
        "prod ConfigMap web/a @ k/a.yaml:4 < Application argocd/web",
        "prod ConfigMap own/b @ k/a.yaml:8 < Application argocd/web",
    ]
    assert repo.manifests[1].place("metadata", "name") == Place("k/a.yaml", 7)


def test_yaml_without_objects_is_passed_over_but_not_among_objects() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: k"),
        "k/values.yaml": "a: 1\n", "k/list.yaml": "- a\n",
        "k/skip.yaml": f"# +argocd:skip-file-rendering\n{named('s')}",
        "k/mixed.yaml": f"{named('a')}---\nb: 1\n---\n{named('c')}", "k/json.json": '{"apiVersion": "v1", "kind": "J"}',
    })  # fmt: skip
    assert [manifest.name for manifest in repo.manifests] == ["web", "", "a"]
    assert [(hit.place, hit.text, hit.context) for hit in repo.faults] == [
        (Place("k/mixed.yaml", 5), "a document that is no Kubernetes object", "Application argocd/web")
    ]
    assert repo.reached == {"app.yaml", "k/json.json", "k/mixed.yaml"}


def test_a_kustomization_further_down_is_no_object() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: k, directory: {recurse: true}"),
        "k/sub/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
    })  # fmt: skip
    assert [hit.place for hit in repo.faults] == [Place("k/sub/kustomization.yaml", 1)]


def test_a_folder_with_a_kustomization_is_built() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: ./k/prod/"),
        "k/prod/kustomization.yaml": "resources: [../base]\nnamespace: shop\n",
        "k/base/kustomization.yaml": "resources: [cm.yaml]\n", "k/base/cm.yaml": f"\n{named('a')}",
    })  # fmt: skip
    assert lines(repo) == [ROOT, "prod ConfigMap shop/a @ k/base/cm.yaml:2 < Application argocd/web"]
    assert repo.reached == {"app.yaml", "k/prod/kustomization.yaml", "k/base/kustomization.yaml", "k/base/cm.yaml"}


def test_kustomize_options_are_overrides_and_what_is_not_known_is_said() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: k, kustomize: {namespace: over, commonLabels: {a: b}, namePrefix: p-}"),
        "k/kustomization.yaml": "resources: [cm.yaml]\nnamespace: own\n", "k/cm.yaml": named("a"),
    })  # fmt: skip
    assert repo.manifests[1].namespace == "over"
    assert repo.manifests[1].labels == {"a": "b"}
    assert [(note.place, note.what, note.reason) for note in repo.not_checked] == [
        (Place("app.yaml", 6), "app.yaml", "namePrefix is not evaluated")
    ]


def test_a_kustomization_that_does_not_build_is_a_fault_at_its_line() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: k"), "k/kustomization.yaml": "resources:\n  - cm.yaml\n  - gone.yaml\n",
        "k/cm.yaml": named("a"),
    })  # fmt: skip
    assert [(str(hit.place), hit.text) for hit in repo.faults] == [
        ("k/kustomization.yaml:3", "kustomize build k: no file or folder gone.yaml")
    ]
    assert lines(repo) == [ROOT]
    assert "k/cm.yaml" in repo.reached


def test_a_chart_is_rendered_with_its_values_files_in_order() -> None:
    charts = Charts()
    repo = expanded({
        "app.yaml": application("web", "path: charts/web, helm: {releaseName: shop, valueFiles: "
                                "[values.yaml, ../../env/prod.yaml, /top.yaml, gone.yaml]}"),
        **CHART, "charts/web/values.yaml": "{}", "env/prod.yaml": "{}", "top.yaml": "{}",
    }, charts)  # fmt: skip
    values = ("charts/web/values.yaml", "env/prod.yaml", "top.yaml")
    (request,) = charts.requests
    assert (request.path, request.release, request.namespace, request.values) == ("charts/web", "shop", "web", values)
    assert (request.owner, request.kube_version, str(request.place)) == ("Application argocd/web", "1.37", "app.yaml:6")
    manifest = repo.manifests[1]
    assert str(manifest.origin) == (
        "charts/web/templates/cm.yaml, values charts/web/values.yaml, env/prod.yaml, top.yaml, "
        "by Application argocd/web"
    )
    assert (manifest.origin.chart, manifest.origin.line, manifest.lines) == ("charts/web", 2, {})
    assert (manifest.cluster, manifest.namespace, manifest.name) == ("prod", "web", "shop")
    assert repo.reached == {"app.yaml", *CHART, *values}
    assert [(chart.path, chart.release, chart.values, chart.owner) for chart in repo.charts] == [
        ("charts/web", "shop", values, "Application argocd/web")
    ]


def test_a_glob_among_values_files_leaves_out_what_is_named_by_itself() -> None:
    charts = Charts()
    expanded({
        "app.yaml": application(
            "web", "path: charts/web, helm: {valueFiles: [/env/*.yaml, /env/**/z.yaml, /env/a.yaml]}"
        ),
        **CHART, "env/a.yaml": "{}", "env/b.yaml": "{}", "env/x/y/z.yaml": "{}", "env/x/w.yaml": "{}",
    }, charts)  # fmt: skip
    assert charts.requests[0].values == ("env/b.yaml", "env/x/y/z.yaml", "env/a.yaml")


@pytest.mark.parametrize(
    ("helm", "inline"),
    [
        ("values: 'a: {b: 1}'", {"a": {"b": 1}}),
        ("values: 'a: 1', valuesObject: {c: null}", {"c": None}),
        ("valuesObject: {a: {b: 1}}, parameters: [{name: a.c, value: 'true'}]", {"a": {"b": 1, "c": True}}),
        ("parameters: [{name: num, value: '5', forceString: true}]", {"num": "5"}),
        ("parameters: [{name: num, value: 'x,y'}]", {"num": "x,y"}),
        ("fileParameters: [{name: text, path: /note.txt}]", {"text": "a\\b, c\n"}),
    ],
)
def test_values_in_the_application_win_over_the_files(helm: str, inline: dict[str, object]) -> None:
    charts = Charts()
    repo = expanded(
        {"app.yaml": application("web", f"path: charts/web, helm: {{{helm}}}"), **CHART, "note.txt": "a\\b, c\n"},
        charts,
    )
    assert charts.requests[0].inline == inline
    assert repo.not_checked == ()


def test_what_of_helm_is_not_evaluated_is_said() -> None:
    repo = expanded({
        "app.yaml": application("web", "path: charts/web, helm: {apiVersions: [a/v1],"
                                " parameters: [{name: 'a[0]', value: x}],"
                                " valueFiles: ['https://h/v.yaml', '$ARGOCD_APP_NAME.yaml']}"), **CHART,
    }, Charts())  # fmt: skip
    assert [note.reason for note in repo.not_checked] == [
        "helm.apiVersions is not evaluated",
        "values file https://h/v.yaml is not read: it is fetched from the network",
        "values file $ARGOCD_APP_NAME.yaml is not read: it depends on the build environment",
        "parameter a[0] is not evaluated: it changes an item of a list",
    ]


def test_crds_and_tests_of_a_chart_come_unless_they_are_skipped() -> None:
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.y}\n"
    test = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"
    documents = {"charts/web/templates/a.yaml": f"{named('a')}---\n{test}"}
    for options, names in (("{}", ["a", "t", "x.y"]), ("{skipCrds: true, skipTests: true}", ["a"])):
        repo = expanded(
            {"app.yaml": application("web", f"path: charts/web, helm: {options}"), **CHART},
            Charts(documents, {"charts/web/crds/x.yaml": crd}),
        )
        assert [manifest.name for manifest in repo.manifests[1:]] == names
    assert repo.manifests[-1].namespace == "web"


def test_a_chart_from_elsewhere_is_external_and_its_values_here_are_reached() -> None:
    repo = expanded({
        "app.yaml": f"""\
            apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {{name: web}}
            spec:
              destination: {{server: "https://kubernetes.default.svc"}}
              sources:
                - {{repoURL: "https://c.example", chart: kyverno, targetRevision: 3.9.0,helm: {{valueFiles: [$v/p/v]}}}}
                - {{repoURL: "{URL}", ref: v}}
                - {{repoURL: "https://charts.example", chart: loose, targetRevision: 1.*}}
                - {{repoURL: "https://other.example/x.git", path: p}}
                - {{repoURL: "{URL}", path: p, targetRevision: v1.2.3}}
            """,
        "p/v": named("a"),
    })  # fmt: skip
    assert [(str(one.place), one.what) for one in repo.external] == [
        ("app.yaml:7", "chart kyverno 3.9.0 from https://c.example"),
        ("app.yaml:9", "chart loose 1.* from https://charts.example (not an exact version)"),
        ("app.yaml:10", "repository https://other.example/x.git"),
        ("app.yaml:11", "this repository at v1.2.3"),
    ]
    assert repo.reached == {"app.yaml", "p/v"}
    assert lines(repo) == ["in-cluster Application argocd/web @ app.yaml:1 < hand"]


def test_values_by_ref_from_this_repository_are_read_for_a_chart_here() -> None:
    charts = Charts()
    repo = expanded({
        "app.yaml": f"""\
            apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {{name: web, namespace: argocd}}
            spec:
              destination: {{name: prod, namespace: web}}
              sources:
                - {{repoURL: "{URL}", path: charts/web, helm: {{valueFiles: [$here/v.yaml, $there/v.yaml]}}}}
                - {{repoURL: "git@git.example:team/config", ref: here}}
                - {{repoURL: "https://other.example/x.git", ref: there}}
            """,
        **CHART, "v.yaml": "{}",
    }, charts)  # fmt: skip
    assert charts.requests[0].values == ("v.yaml",)
    assert [note.reason for note in repo.not_checked] == [
        "values file $there/v.yaml is not read: repository https://other.example/x.git"
    ]


def test_an_explicit_kind_of_source_wins_and_two_are_refused() -> None:
    both = {"k/Chart.yaml": "name: k\n", "k/kustomization.yaml": "resources: [a.yaml]\n", "k/a.yaml": named("a")}
    assert expanded({"app.yaml": application("web", "path: k"), **both}).manifests[1].name == "a"
    charts = Charts()
    expanded({"app.yaml": application("web", "path: k, helm: {}"), **both}, charts)
    assert [request.path for request in charts.requests] == ["k"]
    repo = expanded({"app.yaml": application("web", "path: k, helm: {}, kustomize: {}"), **both})
    assert [hit.text for hit in repo.faults] == [
        "Application argocd/web: a source is one of helm, kustomize, not several"
    ]


@pytest.mark.parametrize(
    ("source", "extra", "reason"),
    [
        ("path: k, plugin: {name: x}", "k/a.yaml", "config management plugins are not run"),
        ("path: k", "k/a.jsonnet", "jsonnet is not evaluated"),
        ("path: k", "k/.argocd-source-web.yaml", "overrides in a file are not evaluated"),
    ],
)
def test_what_cannot_be_evaluated_here_is_said(source: str, extra: str, reason: str) -> None:
    repo = expanded({"app.yaml": application("web", source), extra: "a: 1\n", "k/b.yaml": named("b")})
    assert [note.reason for note in repo.not_checked] == [reason]


def test_a_missing_folder_is_left_to_its_rule() -> None:
    repo = expanded(
        {"app.yaml": application("web", "path: gone"), "b.yaml": application("b", "path: k"), "k/a.yaml": "a"}
    )
    assert (repo.faults, repo.not_checked, repo.external) == ((), (), ())


def test_cluster_scoped_objects_get_no_namespace() -> None:
    texts = {
        "app.yaml": application("web", "path: k"),
        "k/a.yaml": f"{named('a', 'Namespace')}---\n{named('b', 'Thing')}",
    }
    assert [m.namespace for m in expanded(texts).manifests[1:]] == ["", "web"]
    everything = expanded(texts, namespaced=lambda _, kind: kind != "Thing")
    assert [m.namespace for m in everything.manifests[1:]] == ["web", ""]


def test_applications_bring_applications_to_any_depth() -> None:
    repo = expanded({
        "root.yaml": application("root", "path: apps", '{server: "https://kubernetes.default.svc", namespace: argocd}'),
        "apps/a.yaml": application("a", "path: more", "{name: in-cluster, namespace: argocd}"),
        "more/b.yaml": application("b", "path: k"), "k/cm.yaml": named("x"),
    })  # fmt: skip
    assert lines(repo) == [
        "in-cluster Application argocd/root @ root.yaml:1 < hand",
        "in-cluster Application argocd/a @ apps/a.yaml:1 < Application argocd/root",
        "in-cluster Application argocd/b @ more/b.yaml:1 < Application argocd/a",
        "prod ConfigMap web/x @ k/cm.yaml:1 < Application argocd/b",
    ]


def test_a_root_that_covers_its_own_file_brings_itself_once() -> None:
    project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: root, namespace: argocd}\n"
    root = application("root", "path: boot", '{server: "https://kubernetes.default.svc", namespace: argocd}')
    repo = expanded({"boot/root.yaml": f"{project}---\n{root}"})
    assert lines(repo) == [
        "in-cluster AppProject argocd/root @ boot/root.yaml:1 < Application argocd/root",
        "in-cluster Application argocd/root @ boot/root.yaml:5 < Application argocd/root",
    ]


def test_files_are_dedented_by_the_helper() -> None:
    assert files({"a": "  x\n"}) == {"a": "x\n"}
