import pytest

from scaffold.model.manifest import Place
from tests.expand.support import URL, Charts, expanded, files, lines, named


def git(name: str = "flux-system", namespace: str = "flux-system", url: str = URL, ref: str = "{branch: main}") -> str:
    return (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
        f'metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{url: "{url}", ref: {ref}}}\n'
    )


def kustomization(
    name: str, path: str, more: str = "", source: str = "flux-system", namespace: str = "flux-system"
) -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec:\n"
        f"  sourceRef: {{kind: GitRepository, name: {source}}}\n  path: {path}\n{more}"
    )


def release(spec: str, name: str = "web") -> str:
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        f"metadata: {{name: {name}, namespace: web}}\nspec:\n{spec}"
    )


SYNC = {"clusters/prod/flux-system/gotk-sync.yaml": f"{git()}---\n{kustomization('flux-system', './clusters/prod')}"}
BY_ROOT = "< Kustomization flux-system/flux-system"
SOURCE = "{kind: GitRepository, name: flux-system, namespace: flux-system}"
HELM_SOURCE = "{kind: HelmRepository, name: h, namespace: flux-system}"
HERE = f"  chart: {{spec: {{chart: ./charts/web, sourceRef: {SOURCE}}}}}\n"
CHART = {"charts/web/Chart.yaml": "name: web\n"}


def test_a_tree_is_named_after_the_folder_of_its_root() -> None:
    repo = expanded({
        **SYNC, "clusters/prod/apps.yaml": kustomization("apps", "./apps", "  targetNamespace: shop\n"),
        "apps/a.yaml": f"{named('a')}---\n{named('b', 'Namespace')}", "apps/deep/c.yaml": named("c", namespace="own"),
    })  # fmt: skip
    assert lines(repo) == [
        f"prod Kustomization flux-system/apps @ clusters/prod/apps.yaml:1 {BY_ROOT}",
        f"prod GitRepository flux-system/flux-system @ clusters/prod/flux-system/gotk-sync.yaml:1 {BY_ROOT}",
        f"prod Kustomization flux-system/flux-system @ clusters/prod/flux-system/gotk-sync.yaml:6 {BY_ROOT}",
        "prod ConfigMap shop/a @ apps/a.yaml:1 < Kustomization flux-system/apps",
        "prod Namespace shop @ apps/a.yaml:5 < Kustomization flux-system/apps",
        "prod ConfigMap shop/c @ apps/deep/c.yaml:1 < Kustomization flux-system/apps",
    ]
    assert repo.reached == set(repo.files)
    assert (repo.faults, repo.not_checked, repo.external) == ((), (), ())


def test_folders_with_a_kustomization_are_resources_of_a_plain_folder() -> None:
    repo = expanded({
        **SYNC, "clusters/prod/apps.yaml": kustomization("apps", "apps/prod"),
        "apps/prod/web/kustomization.yaml": "resources: [../../base/web]\nnamespace: web\n",
        "apps/prod/web/values.yaml": "no: object\n", "apps/prod/web/more/x.yaml": "no: object\n",
        "apps/base/web/kustomization.yaml": "resources: [cm.yaml]\n", "apps/base/web/cm.yaml": named("a"),
    })  # fmt: skip
    assert lines(repo)[3:] == ["prod ConfigMap web/a @ apps/base/web/cm.yaml:1 < Kustomization flux-system/apps"]
    assert "apps/prod/web/values.yaml" not in repo.reached


def test_all_yaml_of_a_plain_folder_must_be_objects() -> None:
    repo = expanded({**SYNC, "clusters/prod/apps.yaml": kustomization("apps", "apps"),
                     "apps/a.yaml": named("a"), "apps/values.yaml": "a: 1\n"})  # fmt: skip
    assert [(str(hit.place), hit.text, hit.context) for hit in repo.faults] == [
        ("apps/values.yaml:1", "kustomize build apps: an object without kind", "Kustomization flux-system/apps")
    ]


def test_a_missing_folder_is_a_fault() -> None:
    repo = expanded({**SYNC, "clusters/prod/apps.yaml": kustomization("apps", "./gone")})
    assert [(str(hit.place), hit.text) for hit in repo.faults] == [
        ("clusters/prod/apps.yaml:6", "Kustomization flux-system/apps: no folder ./gone")
    ]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (git("x", url="https://other.example/x"), "GitRepository https://other.example/x"),
        (git("x", ref="{tag: v1}"), "this repository at tag v1"),
        (git("x", ref="{branch: other}"), "this repository at branch other"),
    ],
)
def test_sources_elsewhere_are_external(source: str, what: str) -> None:
    repo = expanded({**SYNC, "clusters/prod/x.yaml": f"{source}---\n{kustomization('apps', 'apps', source='x')}",
                     "apps/a.yaml": named("a")})  # fmt: skip
    assert [one.what for one in repo.external] == [what]
    assert "apps/a.yaml" not in repo.reached


def test_an_unknown_source_is_this_repository_only_where_the_path_is_here() -> None:
    repo = expanded({"clusters/prod/apps.yaml": kustomization("apps", "apps"),
                     "clusters/prod/more.yaml": kustomization("more", "more"), "apps/a.yaml": named("a")})  # fmt: skip
    assert lines(repo) == [
        "prod Kustomization flux-system/apps @ clusters/prod/apps.yaml:1 < hand",
        "prod ConfigMap a @ apps/a.yaml:1 < Kustomization flux-system/apps",
        "prod Kustomization flux-system/more @ clusters/prod/more.yaml:1 < hand",
    ]
    assert [(note.what, note.reason) for note in repo.not_checked] == [
        ("Kustomization flux-system/more", "GitRepository flux-system/flux-system is not in this repository")
    ]


def test_patches_and_components_of_a_kustomization_apply_and_the_rest_is_said() -> None:
    more = """\
  commonMetadata: {labels: {team: a}}
  components: [../extra]
  patches:
    - target: {kind: ConfigMap}
      patch: |-
        - {op: add, path: /data, value: {k: v}}
    - patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
  images: [{name: x, newTag: y1}]
  postBuild: {substitute: {a: b}}
"""
    repo = expanded({
        **SYNC, "clusters/prod/apps.yaml": kustomization("apps", "apps", more), "apps/a.yaml": named("a"),
        "extra/kustomization.yaml": "kind: Component\nresources: [b.yaml]\n",
        "extra/b.yaml": named("b"),
    })  # fmt: skip
    assert [(m.name, m.get("data"), m.labels) for m in repo.manifests[3:]] == [
        ("a", {"k": "v"}, {"team": "a"}), ("b", {"k": "v"}, {"team": "a"})
    ]  # fmt: skip
    assert [(str(note.place), note.reason) for note in repo.not_checked] == [
        ("clusters/prod/apps.yaml:13", "a strategic merge patch is not evaluated"),
        ("clusters/prod/apps.yaml:14", "images is not evaluated"),
    ]


def test_files_that_flux_leaves_out_are_not_built() -> None:
    repo = expanded({
        **SYNC, ".github/workflows/a.yaml": "on: push\n", ".gitlab-ci.yml": "a: b\n", "x/.sops.yaml": "a: b\n",
        "clusters/prod/all.yaml": kustomization("all", "./"), "catalog.yaml": named("c"),
    })  # fmt: skip
    assert repo.faults == ()
    assert "prod ConfigMap c @ catalog.yaml:1 < Kustomization flux-system/all" in lines(repo)


def test_a_flux_instance_is_a_root() -> None:
    repo = expanded({
        "flux.yaml": "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\n"
                     "metadata: {name: flux, namespace: flux-system}\nspec:\n  sync:\n    kind: GitRepository\n"
                     f"    url: {URL}\n    ref: refs/heads/main\n    path: clusters/eu\n",
        "clusters/eu/a.yaml": named("a", namespace="x"),
    })  # fmt: skip
    assert lines(repo) == [
        "eu FluxInstance flux-system/flux @ flux.yaml:1 < hand",
        "eu GitRepository flux-system/flux-system @ flux.yaml:1 < FluxInstance flux-system/flux",
        "eu Kustomization flux-system/flux-system @ flux.yaml:1 < FluxInstance flux-system/flux",
        "eu ConfigMap x/a @ clusters/eu/a.yaml:1 < Kustomization flux-system/flux-system",
    ]


def test_a_release_reads_generated_config_maps_as_the_files_they_were_made_of() -> None:
    charts = Charts()
    texts = {
        **SYNC, **CHART, "clusters/prod/apps.yaml": kustomization("apps", "apps"),
        "clusters/prod/env.yaml": kustomization("env", "env"),
        "env/kustomization.yaml": "namespace: web\nconfigMapGenerator:\n  - name: environment\n"
                                  "    files: [values.yaml]\n    options: {disableNameSuffixHash: true}\n",
        "env/values.yaml": "a: 1\n",
        "apps/web/kustomization.yaml": "namespace: web\nresources: [release.yaml]\nconfigurations: [names.yaml]\n"
                                       "configMapGenerator:\n  - name: values\n    files: [values.yaml=web.yaml]\n"
                                       "  - name: version\n    files: [version.yaml]\n",
        "apps/web/names.yaml": "nameReference:\n  - kind: ConfigMap\n    version: v1\n    fieldSpecs:\n"
                               "      - {path: spec/valuesFrom/name, kind: HelmRelease}\n",
        "apps/web/web.yaml": "a: 2\n", "apps/web/version.yaml": "a: 3\n",
        "apps/web/release.yaml": release(
            f"{HERE}  releaseName: shop\n  valuesFrom:\n    - {{kind: ConfigMap, name: environment}}\n"
            "    - {kind: ConfigMap, name: values}\n    - {kind: ConfigMap, name: version, valuesKey: version.yaml}\n"
            "  values: {b: 1}\n"
        ),
    }  # fmt: skip
    repo = expanded(texts, charts)
    (request,) = charts.requests
    assert request.values == ("env/values.yaml", "apps/web/web.yaml", "apps/web/version.yaml")
    assert (dict(request.inline), request.release, request.namespace) == ({"b": 1}, "shop", "web")
    assert lines(repo)[-1] == "prod ConfigMap web/shop @ charts/web/templates/cm.yaml:1 < HelmRelease web/web"
    assert repo.manifests[-1].origin.values == request.values
    assert repo.reached == set(texts)
    assert (repo.faults, repo.not_checked, repo.external) == ((), (), ())


def test_plain_config_maps_and_target_paths_are_merged_in_order() -> None:
    charts = Charts()
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}, namespace: web}}\ndata:\n  values.yaml: |\n    {}\n"
    repo = expanded({
        **SYNC, **CHART,
        "clusters/prod/cm.yaml": text.format("one", "{a: {x: 1, z: 1}, n: null}")
        + "---\n" + text.format("two", "{a: {x: 2}}"),
        "clusters/prod/web.yaml": release(
            f"{HERE}  valuesFrom:\n    - {{kind: ConfigMap, name: one}}\n    - {{kind: ConfigMap, name: two}}\n"
            "    - {kind: ConfigMap, name: two, targetPath: text, literal: true}\n"
            "    - {kind: ConfigMap, name: gone, optional: true}\n  values: {a: {w: 9}}\n"
        ),
    }, charts)  # fmt: skip
    assert charts.requests[0].values == ()
    assert charts.requests[0].inline == {"a": {"x": 2, "z": 1, "w": 9}, "n": None, "text": "{a: {x: 2}}\n"}
    assert repo.not_checked == ()


def test_values_that_cannot_be_known_are_said() -> None:
    repo = expanded({
        **SYNC, **CHART, "other/cm.yaml": named("unapplied", namespace="web"),
        "clusters/prod/cm.yaml": named("empty", namespace="web"),
        "clusters/prod/web.yaml": release(
            f"{HERE}  postRenderers: [{{}}]\n  valuesFrom:\n    - {{kind: Secret, name: s}}\n"
            "    - {kind: ConfigMap, name: unapplied}\n    - {kind: ConfigMap, name: empty}\n"
        ),
    }, Charts())  # fmt: skip
    assert [(str(note.place), note.reason) for note in repo.not_checked] == [
        ("clusters/prod/web.yaml:6", "postRenderers is not evaluated"),
        ("clusters/prod/web.yaml:8", "values of Secret s are not read"),
        ("clusters/prod/web.yaml:9", "values of ConfigMap unapplied are unknown: it is applied by nothing here"),
    ]
    assert [(str(hit.place), hit.text) for hit in repo.faults] == [
        ("clusters/prod/web.yaml:10", "HelmRelease web/web: ConfigMap empty has no key values.yaml")
    ]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (f"  chart: {{spec: {{chart: kyverno, version: 3.9.0, sourceRef: {HELM_SOURCE}}}}}\n",
         "chart kyverno 3.9.0 from https://charts.example"),
        (f"  chart: {{spec: {{chart: kyverno, version: '>=3', sourceRef: {HELM_SOURCE}}}}}\n",
         "chart kyverno >=3 from https://charts.example (not an exact version)"),
        ("  chartRef: {kind: OCIRepository, name: o, namespace: flux-system}\n",
         "chart oci://r.example/c 1.2.3 from OCIRepository o"),
    ],
)  # fmt: skip
def test_charts_elsewhere_are_external(spec: str, what: str) -> None:
    sources = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: h, namespace: flux-system}\n"
        "spec: {url: 'https://charts.example'}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n"
        "metadata: {name: o, namespace: flux-system}\nspec: {url: 'oci://r.example/c', ref: {tag: 1.2.3}}\n"
    )
    repo = expanded({**SYNC, "clusters/prod/h.yaml": sources, "clusters/prod/web.yaml": release(spec)})
    assert [one.what for one in repo.external] == [what]
    assert (repo.faults, repo.not_checked) == ((), ())


def test_a_chart_folder_that_is_missing_is_a_fault() -> None:
    repo = expanded({**SYNC, "clusters/prod/web.yaml": release(HERE)})
    assert [(hit.place, hit.text) for hit in repo.faults] == [
        (Place("clusters/prod/web.yaml", 5), "HelmRelease web/web: no chart in ./charts/web")
    ]


def test_target_namespace_and_common_metadata_of_a_release() -> None:
    charts = Charts()
    repo = expanded({
        **SYNC, **CHART, "clusters/prod/web.yaml":
        release(f"{HERE}  targetNamespace: shop\n  commonMetadata: {{annotations: {{a: b}}}}\n"),
    }, charts)  # fmt: skip
    assert (charts.requests[0].release, charts.requests[0].namespace) == ("shop-web", "shop")
    assert repo.manifests[-1].annotations == {"a": "b"}
    assert repo.manifests[-1].namespace == "shop"


def test_two_clusters_are_two_trees() -> None:
    texts = files(SYNC)
    for path, text in list(texts.items()):
        texts[path.replace("prod", "dev")] = text.replace("prod", "dev")
    for cluster in ("dev", "prod"):
        texts[f"clusters/{cluster}/apps.yaml"] = kustomization("apps", f"apps/{cluster}")
        texts[f"apps/{cluster}/a.yaml"] = named(f"only-{cluster}")
    assert [(m.cluster, m.name) for m in expanded(texts).manifests if m.kind == "ConfigMap"] == [
        ("dev", "only-dev"), ("prod", "only-prod")
    ]  # fmt: skip
