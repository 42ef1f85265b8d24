"""Delivery: corners of what Argo CD and Flux are told to apply."""

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.repo import Repo
from tests.helpers import URL, expanded_hits, found, hits, rule

SETTINGS = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings}
"""


def application(
    source: str = f"{{repoURL: {URL}, path: apps/web}}", destination: str = "{name: dev, namespace: shop}"
) -> str:
    return f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {{name: web, namespace: argocd}}
        spec:
          source: {source}
          destination: {destination}
    """


def test_a_missing_folder_is_shown_at_its_line() -> None:
    source = f"\n            repoURL: {URL}\n            path: apps/web"
    assert hits("GITOPS-01", {"web.yaml": application(source)}) == [
        "web.yaml:7 Application argocd/web: no folder apps/web"
    ]


def test_what_is_not_the_working_tree_is_not_judged() -> None:
    for source in (
        "{repoURL: https://other.example/x.git, path: gone}",
        f"{{repoURL: {URL}, path: gone, targetRevision: v1.2.3}}",
        f"{{repoURL: {URL}, path: gone, targetRevision: 0123456789abcdef0123456789abcdef01234567}}",
        "{repoURL: https://charts.example.com, chart: web, targetRevision: 1.0.0, helm: {valueFiles: [gone.yaml]}}",
    ):
        assert hits("GITOPS-01", {"web.yaml": application(source)}) == []


def test_every_spelling_of_the_repository_is_this_repository() -> None:
    for url in (
        "https://git.example.com/platform/fleet",
        "git@git.example.com:platform/fleet.git",
        "ssh://git@git.example.com:22/platform/fleet.git",
    ):
        found_ = hits("GITOPS-01", {"web.yaml": application(f"{{repoURL: '{url}', path: gone}}")})
        assert found_ == ["web.yaml:5 Application argocd/web: no folder gone"]


def test_a_folder_holds_something_to_apply() -> None:
    files = {"web.yaml": application(), "apps/web/README.md": "nothing"}
    text = "web.yaml:5 Application argocd/web: folder apps/web holds no Chart.yaml, kustomization.yaml or manifests"
    assert hits("GITOPS-01", files) == [text]
    hint = " (there are some in folders below: directory.recurse is off)"
    assert hits("GITOPS-01", {**files, "apps/web/deeper/a.yaml": SETTINGS}) == [text + hint]
    recursing = application(f"{{repoURL: {URL}, path: apps/web, directory: {{recurse: true}}}}")
    assert hits("GITOPS-01", {"web.yaml": recursing, "apps/web/deeper/a.yaml": SETTINGS}) == []
    assert hits("GITOPS-01", {"web.yaml": application(), "apps/web/kustomization.yml": "resources: []"}) == []


def test_a_path_is_no_file_and_not_absolute() -> None:
    assert hits("GITOPS-01", {"web.yaml": application(), "apps/web": "x"}) == [
        "web.yaml:5 Application argocd/web: apps/web is no folder"
    ]
    (absolute,) = hits(
        "GITOPS-01", {"web.yaml": application(f"{{repoURL: {URL}, path: /apps}}"), "apps/a.yaml": SETTINGS}
    )
    assert absolute.startswith("web.yaml:5 Application argocd/web: path /apps is absolute")


def test_values_files_are_looked_for_where_argo_cd_looks() -> None:
    def values(entry: str) -> list[str]:
        source = f"{{repoURL: {URL}, path: charts/web, helm: {{valueFiles: ['{entry}']}}}}"
        files = {"web.yaml": application(source), "charts/web/Chart.yaml": "name: web", "environments/dev.yaml": "{}"}
        return [line.partition("Application argocd/web: ")[2] for line in hits("GITOPS-01", files)]

    assert values("../../environments/dev.yaml") == []
    assert values("/environments/dev.yaml") == []
    assert values("../../environments/prod.yaml") == ["no file ../../environments/prod.yaml (environments/prod.yaml)"]
    assert values("/environments/prod.yaml") == ["no file /environments/prod.yaml"]
    assert values("../../../outside.yaml") == ["no file ../../../outside.yaml (../outside.yaml)"]
    assert values("$values/x.yaml") == ["$values/x.yaml: no source has ref values"]
    for judged_by_argo_alone in ("https://example.com/x.yaml", "env-*.yaml", "$ARGOCD_APP_NAME.yaml"):
        assert values(judged_by_argo_alone) == []


def test_a_source_without_anything_to_apply() -> None:
    (text,) = hits("GITOPS-01", {"web.yaml": application(f"{{repoURL: {URL}}}")})
    assert text == f"web.yaml:5 Application argocd/web: source {URL} has no path, chart or ref"


def test_a_destination_without_namespace_is_fine_where_every_object_has_its_own() -> None:
    entry = {"web.yaml": application(destination="{name: dev}")}
    own = SETTINGS.replace("name: settings", "name: settings, namespace: shop")
    assert expanded_hits("GITOPS-04", {**entry, "apps/web/a.yaml": own}) == []
    assert expanded_hits("GITOPS-04", {**entry, "apps/web/a.yaml": SETTINGS}) == [
        "web.yaml:6 Application argocd/web: destination has no namespace"
    ]


def test_the_template_of_an_applicationset_is_judged_once() -> None:
    generated = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {{name: web, namespace: argocd}}
        spec:
          generators:
            - list: {{elements: [{{name: a}}, {{name: b}}]}}
          template:
            metadata: {{name: '{{{{name}}}}'}}
            spec:
              project: shop
              source: {{repoURL: {URL}, path: apps/web}}
              destination: {{name: dev, server: 'https://dev.example.com', namespace: shop}}
    """
    assert expanded_hits("GITOPS-04", {"set.yaml": generated, "apps/web/a.yaml": SETTINGS}) == [
        "set.yaml:12 ApplicationSet argocd/web: destination has both name dev and server https://dev.example.com"
    ]


def test_two_applications_of_one_object_name_each_other() -> None:
    files = {
        "a.yaml": application().replace("name: web,", "name: one,"),
        "b.yaml": application(f"{{repoURL: {URL}, path: apps/more}}").replace("name: web,", "name: two,"),
        "apps/web/a.yaml": SETTINGS,
        "apps/more/a.yaml": SETTINGS,
    }
    assert expanded_hits("GITOPS-05", files) == [
        "apps/more/a.yaml:1 ConfigMap shop/settings is applied by Application argocd/one, too (apps/web/a.yaml:1)"
    ]
    elsewhere = {**files, "b.yaml": files["b.yaml"].replace("name: dev,", "name: prod,")}
    assert expanded_hits("GITOPS-05", elsewhere) == []


def test_one_application_with_an_object_twice() -> None:
    files = {"web.yaml": application(), "apps/web/a.yaml": SETTINGS, "apps/web/b.yaml": SETTINGS}
    (text,) = expanded_hits("GITOPS-05", files)
    assert text.endswith("is applied by Application argocd/web, a second time (apps/web/a.yaml:1)")


def test_hooks_and_generated_names_are_not_one_object() -> None:
    hook = SETTINGS.replace("{name: settings}", "{name: settings, annotations: {argocd.argoproj.io/hook: PreSync}}")
    generated = SETTINGS.replace("{name: settings}", "{generateName: settings-}")
    unfilled = SETTINGS.replace("{name: settings}", "{name: '${APP}'}")
    for text in (hook, generated, unfilled):
        files = {"web.yaml": application(), "apps/web/a.yaml": text, "apps/web/b.yaml": text}
        assert expanded_hits("GITOPS-05", files) == []


def secret(body: str, metadata: str = "{name: database}") -> list[str]:
    return hits("GITOPS-18", {"secret.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {metadata}\n{body}\n"})


def test_a_secret_is_named_by_its_keys_never_by_its_values() -> None:
    assert secret("data: {password: aHVudGVyMg==, empty: ''}") == [
        "secret.yaml:4 Secret database holds password in plain text"
    ]


def test_encrypted_empty_and_filled_in_later_is_no_secret() -> None:
    for body in (
        "type: Opaque",
        "data: {}",
        "stringData: {password: 'ENC[AES256_GCM,data:Zm9v,type:str]'}\nsops: {mac: x}",
        "stringData: {password: '<path:secret/data/shop#password>'}",
        "stringData: {password: '${PASSWORD}'}",
        "stringData: {password: 'op://kubernetes/shop/password'}",
    ):
        assert secret(body) == []
    (half,) = secret("stringData: {user: shop, password: 'ENC[AES256_GCM,data:Zm9v,type:str]'}\nsops: {mac: x}")
    assert half.endswith("holds user in plain text")


def test_a_secret_that_a_chart_renders_is_shown_with_its_render() -> None:
    data = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"token": "abc"}}
    origin = Origin("charts/web/templates/secret.yaml", 2, "Application argocd/web", "charts/web", ("dev.yaml",))
    repo = Repo.of(URL, {}).with_(manifests=(Manifest(data, origin, namespace="shop"),))
    (finding,) = rule("GITOPS-18").findings(repo)
    assert f"{finding.place} {finding.text}" == (
        "charts/web/templates/secret.yaml:2 Secret shop/web holds token in plain text"
    )
    assert finding.context == "Application argocd/web, values dev.yaml"


def test_argo_cds_own_secrets_may_say_where_but_not_with_what() -> None:
    labelled = "{name: fleet, labels: {argocd.argoproj.io/secret-type: cluster}}"
    assert secret("stringData: {name: dev, server: x, config: '{\"awsAuthConfig\": {}}'}", labelled) == []
    (token,) = secret('stringData: {name: dev, config: \'{"bearerToken": "abc"}\'}', labelled)
    assert token.endswith("holds config in plain text")


def test_faults_of_the_expansion_are_findings() -> None:
    repo = Repo.of(URL, {}).with_(faults=(Hit(Place("apps.yaml", 9), "no folder apps/dev"),))
    assert found("EXPAND-01", repo) == ["apps.yaml:9 no folder apps/dev"]
