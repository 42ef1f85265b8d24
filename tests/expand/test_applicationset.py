import pytest

from scaffold.expand.filling import fast_template
from scaffold.expand.generation import normalised
from scaffold.model.manifest import Place
from tests.expand.support import URL, Charts, expanded, go, lines, named

GIT = f'git: {{repoURL: "{URL}", revision: main, files: [{{path: "services/*/envs/dev/version.yaml"}}]}}'
MODE = "  goTemplate: true\n  goTemplateOptions: [missingkey=error]"


def appset(generator: str, template: str, mode: str = MODE, more: str = "") -> str:
    """Return an ApplicationSet; ``template`` are the fields of the template below metadata and spec, flow style."""
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: set, namespace: argocd}}
spec:
{mode}
  generators:
    - {generator}
{more}
  template:
{template}
"""


TEMPLATE = f"""\
    metadata:
      name: "{{{{ index .path.segments 1 }}}}-dev"
      labels: {{"app/{{{{ .path.basename }}}}": "{{{{ .image.tag }}}}"}}
    spec:
      destination: {{name: dev, namespace: web}}
      source:
        repoURL: "{URL}"
        path: charts/web
        helm:
          releaseName: "{{{{ index .path.segments 1 }}}}"
          valueFiles: ["/{{{{ .path.path }}}}/{{{{ .path.filename }}}}"]"""
SERVICES = {
    "services/a/envs/dev/version.yaml": "image: {tag: v1}\n",
    "services/b/envs/dev/version.yaml": "image: {tag: v2}\n",
    "services/b/envs/prod/version.yaml": "image: {tag: v0}\n",
}
CHART = {"charts/web/Chart.yaml": "name: web\n"}


def test_every_file_that_matches_becomes_an_application() -> None:
    charts = Charts()
    repo = expanded({"set.yaml": appset(GIT, TEMPLATE, MODE), **SERVICES, **CHART}, charts, go)
    assert lines(repo) == [
        "in-cluster ApplicationSet argocd/set @ set.yaml:1 < hand",
        "in-cluster Application argocd/a-dev @ set.yaml:1 < ApplicationSet argocd/set",
        "in-cluster Application argocd/b-dev @ set.yaml:1 < ApplicationSet argocd/set",
        "dev ConfigMap web/a @ charts/web/templates/cm.yaml:1 < Application argocd/a-dev",
        "dev ConfigMap web/b @ charts/web/templates/cm.yaml:1 < Application argocd/b-dev",
    ]
    assert [len(batch) for batch in charts.batches] == [2]
    assert [request.values for request in charts.requests] == [
        ("services/a/envs/dev/version.yaml",), ("services/b/envs/dev/version.yaml",)
    ]  # fmt: skip
    made = repo.manifests[1]
    assert made.data == {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {
            "name": "a-dev", "labels": {"app/dev": "v1"}, "finalizers": ["resources-finalizer.argocd.argoproj.io"],
            "namespace": "argocd",
        },
        "spec": {
            "destination": {"name": "dev", "namespace": "web"},
            "source": {
                "repoURL": URL, "path": "charts/web",
                "helm": {"releaseName": "a", "valueFiles": ["/services/a/envs/dev/version.yaml"]},
            },
        },
    }  # fmt: skip
    assert made.place("spec", "source", "path") == Place("set.yaml", 18)
    assert {*SERVICES} - repo.reached == {"services/b/envs/prod/version.yaml"}


def test_a_missing_key_is_a_fault_that_names_the_file() -> None:
    files = {**SERVICES, "services/a/envs/dev/version.yaml": "image: {}\n", **CHART}
    repo = expanded({"set.yaml": appset(GIT, TEMPLATE, MODE), **files}, Charts(), go)
    assert [(str(hit.place), hit.text, hit.context) for hit in repo.faults] == [
        ("set.yaml:10", "ApplicationSet argocd/set: map has no entry for key 'tag'",
         "parameters of services/a/envs/dev/version.yaml")
    ]  # fmt: skip
    assert [manifest.name for manifest in repo.manifests] == ["set", "b-dev", "b"]


def test_a_file_may_hold_a_list_and_nothing_else_but_maps() -> None:
    files = {"services/a/envs/dev/version.yaml": "- {image: {tag: 1}}\n- {image: {tag: 2}}\n",
             "services/b/envs/dev/version.yaml": "text\n"}  # fmt: skip
    repo = expanded({"set.yaml": appset(GIT, TEMPLATE, MODE), **files, **CHART}, Charts(), go)
    assert [hit.text for hit in repo.faults] == [
        "ApplicationSet argocd/set: services/b/envs/dev/version.yaml is neither a map nor a list of maps",
        "ApplicationSet argocd/set: Application a-dev is made twice, first of services/a/envs/dev/version.yaml",
    ]


CLASSIC = f"""\
    metadata: {{name: "{{{{path.basename}}}}-{{{{ path[1] }}}}", namespace: other}}
    spec:
      destination: {{name: dev, namespace: "{{{{unknown}}}}"}}
      source: {{repoURL: "{URL}", path: "{{{{path}}}}"}}"""


def test_directories_are_matched_segment_by_segment_and_classic_templates_filled() -> None:
    generator = f'git: {{repoURL: "{URL}", directories: [{{path: "apps/*"}}, {{path: apps/no, exclude: true}}]}}'
    repo = expanded({
        "set.yaml": appset(generator, CLASSIC, "  syncPolicy: {preserveResourcesOnDeletion: true}"),
        "apps/a/cm.yaml": named("x"), "apps/no/cm.yaml": named("y"), "apps/b/deep/cm.yaml": named("z"),
        "apps/.hidden/cm.yaml": named("h"), "apps/c.yaml": named("c"),
    })  # fmt: skip
    assert lines(repo)[1:] == [
        "in-cluster Application argocd/a-a @ set.yaml:1 < ApplicationSet argocd/set",
        "in-cluster Application argocd/b-b @ set.yaml:1 < ApplicationSet argocd/set",
        "dev ConfigMap {{unknown}}/x @ apps/a/cm.yaml:1 < Application argocd/a-a",
    ]
    assert "finalizers" not in repo.manifests[1].mapping("metadata")


def test_a_classic_template_sees_files_flattened() -> None:
    template = f"""\
    metadata: {{name: "{{{{a.b}}}}-{{{{list.0}}}}-{{{{number}}}}-{{{{p.path.filenameNormalized}}}}"}}
    spec: {{destination: {{name: dev}}, source: {{repoURL: "{URL}", path: x}}}}"""
    generator = f'git: {{repoURL: "{URL}", pathParamPrefix: p, files: [{{path: cfg/**}}]}}'
    repo = expanded({"set.yaml": appset(generator, template, ""), "cfg/My_App.json":
                     '{"a": {"b": "x"}, "list": [true], "number": 1000000}'})  # fmt: skip
    assert repo.manifests[1].name == "x-true-1e+06-my-app.json"


def test_lists_and_values_of_a_generator() -> None:
    template = f"""\
    metadata: {{name: "{{{{ .name }}}}-{{{{ .values.where }}}}"}}
    spec: {{destination: {{name: "{{{{ .name }}}}"}}, source: {{repoURL: "{URL}", path: x}}}}"""
    generator = "list: {elements: [{name: a, zone: eu}], elementsYaml: '[{name: b, zone: us}]'}"
    repo = expanded({"set.yaml": appset(generator, template.replace(".values.where", ".zone"), MODE)}, Charts(), go)
    assert [manifest.name for manifest in repo.manifests[1:]] == ["a-eu", "b-us"]
    git = f'git: {{repoURL: "{URL}", files: [{{path: cfg/a.yaml}}], values: {{where: "{{{{ .zone }}}}-1"}}}}'
    repo = expanded({"set.yaml": appset(git, template, MODE), "cfg/a.yaml": "{name: a, zone: eu}"}, Charts(), go)
    assert [manifest.name for manifest in repo.manifests[1:]] == ["a-eu-1"]


def test_a_classic_list_takes_texts_only() -> None:
    generator = "list: {elements: [{name: a, port: 80}, {name: b, values: {x: zz}}]}"
    template = f"""\
    metadata: {{name: "{{{{name}}}}-{{{{values.x}}}}"}}
    spec: {{destination: {{name: dev}}, source: {{repoURL: "{URL}", path: x}}}}"""
    repo = expanded({"set.yaml": appset(generator, template, "")})
    assert [hit.text for hit in repo.faults] == [
        "ApplicationSet argocd/set: port is no text, quote it (or use goTemplate)"
    ]
    assert [manifest.name for manifest in repo.manifests[1:]] == ["b-zz"]


def test_a_template_patch_is_merged_and_cannot_move_the_project() -> None:
    patch = """\
  templatePatch: |
    metadata: {finalizers: [mine], labels: {tag: "{{ .tag }}"}}
    spec: {project: other, destination: {namespace: null}, syncPolicy: {automated: {}}}"""
    template = f"""\
    metadata: {{name: x}}
    spec: {{project: p, destination: {{name: dev, namespace: web}}, source: {{repoURL: "{URL}", path: x}}}}"""
    repo = expanded({"set.yaml": appset("list: {elements: [{tag: v1}]}", template, MODE, patch)}, Charts(), go)
    made = repo.manifests[1]
    assert made.get("metadata", "finalizers") == ["resources-finalizer.argocd.argoproj.io", "mine"]
    assert made.labels == {"tag": "v1"}
    assert made.mapping("spec") == {
        "project": "p", "destination": {"name": "dev"}, "source": {"repoURL": URL, "path": "x"},
        "syncPolicy": {"automated": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        ("clusters: {}",
         "clusters generator: no cluster is declared here (`clusters` in .scaffold.yaml declares them)"),
        ("scmProvider: {}", "scmProvider generator: it asks a hosting service"),
        ("matrix: {generators: [{list: {elements: [{a: b}]}}, {plugin: {}}]}", "plugin generator: it asks a service"),
    ],
)  # fmt: skip
def test_generators_that_cannot_be_evaluated_are_said(generator: str, reason: str) -> None:
    repo = expanded({"set.yaml": appset(generator, CLASSIC, "")})
    assert [(note.what, note.reason) for note in repo.not_checked] == [("ApplicationSet argocd/set", reason)]


def test_a_generator_of_another_repository_is_external() -> None:
    generator = "git: {repoURL: 'https://other.example/x', files: [{path: a}]}"
    repo = expanded({"set.yaml": appset(generator, CLASSIC, "")})
    assert [one.what for one in repo.external] == ["git generator of repository https://other.example/x"]


def test_a_set_that_generates_its_own_folder_does_not_run_for_ever() -> None:
    generator = f'git: {{repoURL: "{URL}", directories: [{{path: "boot"}}]}}'
    template = CLASSIC.replace('name: dev, namespace: "{{unknown}}"', "name: in-cluster, namespace: argocd")
    repo = expanded({"boot/set.yaml": appset(generator, template.replace("-{{ path[1] }}", ""), "")})
    assert lines(repo) == [
        "in-cluster Application argocd/boot @ boot/set.yaml:1 < ApplicationSet argocd/set",
        "in-cluster ApplicationSet argocd/set @ boot/set.yaml:1 < Application argocd/boot",
    ]


def test_the_small_template_language() -> None:
    parameters = {"a": "x", "n": 1}
    assert fast_template("{{a}} {{ a }} {{b}} {{n}} {{}} {x}", parameters) == "x x {{b}} {{n}} {{}} {x}"
    assert normalised("My_App!.Name-") == "my-app-.name"
