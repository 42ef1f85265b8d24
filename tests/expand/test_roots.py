import pytest

from tests.expand.support import URL, application, expanded, lines, named

FOLDER = {"k/a.yaml": named("a")}


@pytest.mark.parametrize(
    "checkout",
    [
        "",
        URL,
        "git@git.example:team/config.git",
        "ssh://git@git.example:22/team/config",
        "https://git.example/me/fork.git",
    ],
)
def test_the_url_of_this_repository_is_that_of_the_files(checkout: str) -> None:
    repo = expanded({"app.yaml": application("web", "path: k"), **FOLDER}, url=checkout)
    assert [manifest.name for manifest in repo.manifests] == ["web", "a"]
    assert repo.url == (URL if checkout in {"", "https://git.example/me/fork.git"} else checkout)


def test_most_sources_whose_path_is_here_decide() -> None:
    other = "https://other.example/x"
    repo = expanded({
        "a.yaml": application("a", "path: k"), "b.yaml": application("b", "path: gone", url=other),
        "c.yaml": application("c", "path: missing", url=other), **FOLDER,
    }, url="")  # fmt: skip
    assert repo.url == URL
    assert {one.what for one in repo.external} == {"repository https://other.example/x"}


def test_nothing_of_a_repository_that_nobody_names_is_taken_for_it() -> None:
    repo = expanded({"a.yaml": application("a", "path: gone", url="https://other.example/x"), **FOLDER}, url=URL)
    assert repo.url == URL
    assert lines(repo) == ["in-cluster Application argocd/a @ a.yaml:1 < hand"]


def test_what_stands_beside_a_root_is_applied_with_it() -> None:
    text = f"{named('beside', namespace='x')}---\n{application('web', 'path: k')}"
    repo = expanded({"boot.yaml": text, **FOLDER})
    assert lines(repo)[:2] == [
        "in-cluster ConfigMap x/beside @ boot.yaml:1 < hand", "in-cluster Application argocd/web @ boot.yaml:5 < hand"
    ]  # fmt: skip


def test_a_kustomization_that_is_applied_by_hand_is_a_root_each_overlay_one() -> None:
    repo = expanded({
        "boot/base/kustomization.yaml": "resources: [app.yaml]\n", "boot/base/app.yaml": application("web", "path: k"),
        "boot/a/kustomization.yaml": "resources: [../base]\nnamespace: argo-a\n",
        "boot/b/kustomization.yaml": "resources: [../base]\nnamespace: argo-b\n", **FOLDER,
    })  # fmt: skip
    assert lines(repo) == [
        "in-cluster Application argo-a/web @ boot/base/app.yaml:1 < hand",
        "prod ConfigMap web/a @ k/a.yaml:1 < Application argo-a/web",
        "in-cluster Application argo-b/web @ boot/base/app.yaml:1 < hand",
        "prod ConfigMap web/a @ k/a.yaml:1 < Application argo-b/web",
    ]


def test_a_patch_of_an_application_is_no_root() -> None:
    repo = expanded({
        "boot/kustomization.yaml": "resources: [app.yaml]\npatches: [{path: patch.yaml}]\n",
        "boot/app.yaml": application("web", "path: k"),
        "boot/patch.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec: {}\n",
        **FOLDER,
    })  # fmt: skip
    assert [str(manifest) for manifest in repo.manifests] == ["Application argocd/web", "ConfigMap web/a"]


def test_of_a_ring_one_is_the_root() -> None:
    hub = '{server: "https://kubernetes.default.svc", namespace: argocd}'
    repo = expanded(
        {"one/a.yaml": application("a", "path: two", hub), "two/b.yaml": application("b", "path: one", hub)}
    )
    assert lines(repo) == [
        "in-cluster Application argocd/b @ two/b.yaml:1 < Application argocd/a",
        "in-cluster Application argocd/a @ one/a.yaml:1 < Application argocd/b",
    ]


def test_a_root_that_turns_out_to_be_brought_is_none() -> None:
    """Only the expansion of the set shows that it brings the Application in apps/web."""
    appset = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: set, namespace: argocd}}
spec:
  generators: [git: {{repoURL: "{URL}", directories: [path: "apps/*"]}}]
  template:
    metadata: {{name: "{{{{path.basename}}}}"}}
    spec:
      destination: {{name: in-cluster, namespace: argocd}}
      source: {{repoURL: "{URL}", path: "{{{{path}}}}"}}
"""
    repo = expanded({"set.yaml": appset, "apps/web/app.yaml": application("inner", "path: k"), **FOLDER})
    assert lines(repo) == [
        "in-cluster ApplicationSet argocd/set @ set.yaml:1 < hand",
        "in-cluster Application argocd/web @ set.yaml:1 < ApplicationSet argocd/set",
        "in-cluster Application argocd/inner @ apps/web/app.yaml:1 < Application argocd/web",
        "prod ConfigMap web/a @ k/a.yaml:1 < Application argocd/inner",
    ]


def test_examples_are_roots_only_where_there_is_nothing_else() -> None:
    example = {"docs/app.yaml": application("doc", "path: gone")}
    assert len(expanded(example).manifests) == 1
    assert [m.name for m in expanded({**example, "app.yaml": application("web", "path: k"), **FOLDER}).manifests] == [
        "web",
        "a",
    ]
