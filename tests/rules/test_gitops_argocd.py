"""Corners of what Argo CD is told: projects, revisions, options, waves, sets, deletion."""

import pytest

from scaffold.model.repo import Repo
from tests.helpers import URL, dedented, expanded, expanded_hits, found, hits

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"


def application(name: str = "web", *, to: str = "name: dev", extra: str = "", revision: str = "main") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\n"
        "kind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        "spec:\n"
        "  project: shop\n"
        f"  source: {{repoURL: {URL}, path: web, targetRevision: {revision}}}\n"
        f"  destination: {{{to}, namespace: shop}}\n"
        f"{extra}"
    )


def project(spec: str, name: str = "shop") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\n"
        "kind: AppProject\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        f"spec: {{{spec}}}\n"
    )


def refused(spec: str, to: str = "name: dev", objects: str = SETTINGS) -> list[str]:
    files = {"web.yaml": application(to=to), "project.yaml": project(spec), "web/settings.yaml": objects}
    return expanded_hits("GITOPS-03", files)


DEV = "destinations: [{name: dev, namespace: shop}]"


@pytest.mark.parametrize(
    "repositories",
    [
        f"[{URL}]",
        "['*']",
        "['https://git.example.com/**']",
        "['git@git.example.com:platform/fleet']",
        "['!https://x/y', '*']",
    ],
)
def test_a_project_permits_a_repository_in_any_spelling(repositories: str) -> None:
    assert refused(f"sourceRepos: {repositories}, {DEV}") == []


@pytest.mark.parametrize("repositories", ["[]", "['https://git.example.com/*']", f"['*', '!{URL}']"])
def test_a_project_refuses_a_repository(repositories: str) -> None:
    said = f"web.yaml:6 Application argocd/web: AppProject shop does not permit repository {URL}"
    assert refused(f"sourceRepos: {repositories}, {DEV}") == [said]


def test_a_cluster_by_name_and_by_url_may_be_the_same() -> None:
    spec = "sourceRepos: ['*'], destinations: [{server: 'https://10.0.0.1', namespace: shop}]"
    assert refused(spec) == []
    assert refused(spec, to="server: https://10.0.0.2") == [
        "web.yaml:7 Application argocd/web: AppProject shop does not permit destination https://10.0.0.2/shop"
    ]


def test_an_object_in_another_namespace_needs_a_destination_of_its_own() -> None:
    elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: kube-system}\n"
    assert refused(f"sourceRepos: ['*'], {DEV}", objects=elsewhere) == [
        "web/settings.yaml:1 ConfigMap kube-system/settings: AppProject shop of Application argocd/web "
        "does not permit namespace kube-system"
    ]


def test_cluster_scoped_kinds_are_refused_unless_they_are_listed() -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader}\nrules: []\n"
    spec = f"sourceRepos: ['*'], {DEV}"
    assert refused(spec, objects=role) == [
        "web/settings.yaml:2 ClusterRole reader: AppProject shop of Application argocd/web "
        "does not permit ClusterRole (rbac.authorization.k8s.io)"
    ]
    listed = "clusterResourceWhitelist: [{group: 'rbac.*', kind: '*'}]"
    assert refused(f"{spec}, {listed}", objects=role) == []


def test_a_kind_that_is_denied_is_refused() -> None:
    denied = "namespaceResourceBlacklist: [{group: '', kind: ConfigMap}]"
    assert len(refused(f"sourceRepos: ['*'], {DEV}, {denied}")) == 1


def test_a_project_that_is_missing_is_found_only_where_projects_are_applied() -> None:
    files = {"web.yaml": application(), "web/settings.yaml": SETTINGS}
    assert expanded_hits("GITOPS-03", files) == []
    root = application("root", to="name: in-cluster").replace("path: web", "path: projects").replace("shop}", "argocd}")
    more = {"root.yaml": root.replace("project: shop", "project: root"), "projects/root.yaml": project(
        "sourceRepos: ['*'], destinations: [{name: '*', namespace: '*'}]", "root")}  # fmt: skip
    said = "web.yaml:5 Application argocd/web: no AppProject shop"
    assert expanded_hits("GITOPS-03", {**files, **more}) == [said]


@pytest.mark.parametrize("name", ["shop-prod", "production-shop", "shop.prd.eu"])
@pytest.mark.parametrize("revision", ["HEAD", "1.x", "'*'", "'>=1.0'", "''"])
def test_production_follows_nothing_that_moves(name: str, revision: str) -> None:
    found_here = hits("GITOPS-02", {"web.yaml": application(name, revision=revision)})
    assert len(found_here) == 1
    assert found_here[0].startswith(f"web.yaml:6 Application argocd/{name}")


@pytest.mark.parametrize("name", ["shop-dev", "shop-non-prod", "pre-prod", "productivity"])
def test_what_is_no_production_may_follow_head(name: str) -> None:
    assert hits("GITOPS-02", {"web.yaml": application(name, revision="HEAD")}) == []


@pytest.mark.parametrize("revision", ["main", "v1.2.0", "release/1.2", "4f1c2d3", "fix", "max"])
def test_production_may_follow_what_is_named(revision: str) -> None:
    assert hits("GITOPS-02", {"web.yaml": application("shop-prod", revision=revision)}) == []


def test_a_namespace_that_is_production_makes_an_application_one() -> None:
    text = application(revision="HEAD").replace("namespace: shop", "namespace: production")
    assert hits("GITOPS-02", {"web.yaml": text}) == ["web.yaml:6 Application argocd/web follows HEAD"]


@pytest.mark.parametrize("revision", ["environments/prod", "main", "stage-2"])
def test_a_branch_that_only_holds_the_word_is_none_of_an_environment(revision: str) -> None:
    assert hits("GITOPS-22", {"web.yaml": application(revision=revision)}) == []


def test_a_git_repository_of_flux_follows_no_environment_either() -> None:
    text = """\
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: GitRepository
        metadata: {name: fleet, namespace: flux-system}
        spec:
          ref: {branch: prod}
    """
    assert hits("GITOPS-22", {"source.yaml": text}) == [
        "source.yaml:5 GitRepository flux-system/fleet follows branch prod"
    ]


def test_labels_of_a_namespace_that_the_application_renders_are_dropped() -> None:
    extra = "  syncPolicy:\n    managedNamespaceMetadata: {labels: {a: b}}\n    syncOptions: [CreateNamespace=true]\n"
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    files = {"web.yaml": application(extra=extra), "web/namespace.yaml": namespace}
    assert expanded_hits("GITOPS-06", files) == [
        "web.yaml:9 Application argocd/web: managedNamespaceMetadata is dropped, "
        "the Application renders Namespace shop (web/namespace.yaml:1)"
    ]


def ignoring(entry: str) -> list[str]:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    files = {"web.yaml": application(extra=f"  ignoreDifferences:\n    - {entry}\n"), "web/web.yaml": deployment}
    return expanded_hits("GITOPS-08", files)


@pytest.mark.parametrize(
    "entry",
    ["{group: apps, kind: Deployment}", "{group: '*', kind: '*'}", "{group: apps, kind: Deployment, name: web}"],
)  # fmt: skip
def test_an_entry_that_matches_something_is_fine(entry: str) -> None:
    assert ignoring(entry) == []


def test_an_entry_of_the_wrong_group_names_the_right_one() -> None:
    assert ignoring("{kind: Deployment}") == [
        "web.yaml:9 Application argocd/web: the core group (no group is named) has no Deployment, group apps has"
    ]


def test_an_entry_for_another_name_matches_nothing() -> None:
    assert ignoring("{group: apps, kind: Deployment, name: jobs}") == [
        "web.yaml:9 Application argocd/web brings no Deployment jobs whose differences could be ignored"
    ]


def test_a_definition_in_the_wave_of_its_objects_is_early_enough() -> None:
    definition = """\
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.example.com}
        spec: {group: example.com, names: {kind: Widget}}
        ---
        apiVersion: example.com/v1
        kind: Widget
        metadata: {name: wheel}
    """
    assert expanded_hits("GITOPS-09", {"web.yaml": application(), "web/all.yaml": dedented({"": definition})[""]}) == []


def waves(*objects: str) -> list[str]:
    return expanded_hits("GITOPS-10", {"web.yaml": application(), "web/all.yaml": "---\n".join(objects)})


def of_wave(kind: str, name: str, wave: int, rest: str = "", api: str = "v1") -> str:
    annotations = f"annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}"
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, {annotations}}}\n{rest}"


POD = "spec: {template: {spec: {%s, containers: [{name: web, image: 'web:1'%s}]}}}\n"


def test_a_pod_waits_for_ever_for_what_comes_after_it() -> None:
    web = of_wave("Deployment", "web", 0, POD % ("serviceAccountName: web", ""), "apps/v1")
    assert waves(web, of_wave("ServiceAccount", "web", 1)) == [
        "web/all.yaml:4 Deployment shop/web is applied in Sync wave 0 and needs ServiceAccount web, "
        "which comes in Sync wave 1"
    ]
    assert waves(web, of_wave("ServiceAccount", "web", -1)) == []


def test_what_is_optional_may_come_later() -> None:
    source = ", envFrom: [{configMapRef: {name: web, optional: true}}]"
    web = of_wave("Deployment", "web", 0, POD % ("hostNetwork: false", source), "apps/v1")
    assert waves(web, of_wave("ConfigMap", "web", 1)) == []


def test_subsets_come_before_the_routes_that_name_them() -> None:
    route = "spec: {hosts: [web], http: [{route: [{destination: {host: web, subset: stable}}]}]}\n"
    service = of_wave("VirtualService", "web", 1, route, "networking.istio.io/v1")
    policy = of_wave(
        "DestinationRule", "web", 2, "spec: {host: web.shop.svc.cluster.local}\n", "networking.istio.io/v1"
    )
    assert waves(service, policy) == [
        "web/all.yaml:4 VirtualService shop/web is applied in Sync wave 1, "
        "DestinationRule shop/web with its subset stable in Sync wave 2"
    ]


@pytest.mark.parametrize("wave", ["'-1'", "'+5'", "'007'"])
def test_integers_of_any_spelling_are_waves(wave: str) -> None:
    text = SETTINGS.replace(
        "{name: settings}", f"{{name: settings, annotations: {{argocd.argoproj.io/sync-wave: {wave}}}}}"
    )
    assert hits("GITOPS-10", {"a.yaml": text}) == []


def test_an_unquoted_wave_is_the_schemas_to_say_where_there_is_one() -> None:
    text = SETTINGS.replace("{name: settings}", "{name: settings, annotations: {argocd.argoproj.io/sync-wave: 1}}")
    assert hits("GITOPS-10", {"a.yaml": text}) == []
    odd = text.replace("apiVersion: v1", "apiVersion: odd.example.com/v1").replace("ConfigMap", "Odd")
    assert hits("GITOPS-10", {"a.yaml": odd}) == ["a.yaml:3 Odd settings: sync wave 1 needs quotes"]


def test_a_hook_after_the_sync_may_need_everything() -> None:
    job = """\
        apiVersion: batch/v1
        kind: Job
        metadata: {name: check, annotations: {argocd.argoproj.io/hook: PHASE}}
        spec: {template: {spec: {containers: [{name: a, image: 'a:1', envFrom: [{configMapRef: {name: settings}}]}]}}}
    """
    for phase, count in (("PreSync", 1), ("PostSync", 0), ("Sync", 0)):
        files = {"web.yaml": application(), "web/job.yaml": job.replace("PHASE", phase), "web/settings.yaml": SETTINGS}
        assert len(expanded_hits("GITOPS-14", files)) == count


@pytest.mark.parametrize("option", ["Prune=confirm", "PrunePropagationPolicy=orphan", "Validate=false", "Replace=true"])
def test_known_options_are_fine(option: str) -> None:
    assert hits("GITOPS-17", {"web.yaml": application(extra=f"  syncPolicy: {{syncOptions: ['{option}']}}\n")}) == []


def test_an_option_in_the_wrong_case_is_shown_in_the_right_one() -> None:
    extra = "  syncPolicy:\n    syncOptions:\n      - createNamespace=true\n"
    assert hits("GITOPS-17", {"web.yaml": application(extra=extra)}) == [
        "web.yaml:10 Application argocd/web: Argo CD knows no sync option createNamespace=true, "
        "did you mean CreateNamespace=true?"
    ]


def test_several_words_of_an_annotation_are_looked_at_one_by_one() -> None:
    text = SETTINGS.replace("{name: settings}", "\n  name: settings\n  annotations:\n"
                            "    argocd.argoproj.io/sync-options: Prune=false, Delete=no\n")  # fmt: skip
    assert hits("GITOPS-17", {"a.yaml": text}) == [
        "a.yaml:6 ConfigMap settings: Argo CD knows no sync-options Delete=no"
    ]


def test_a_root_with_a_finalizer_deletes_production() -> None:
    held = "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io], "
    root = application("root").replace("metadata: {", held)
    child = application("shop-prod").replace("path: web", "path: shop")
    files = {"root.yaml": root, "web/shop.yaml": child, "shop/settings.yaml": SETTINGS}
    assert expanded_hits("GITOPS-16", files) == [
        "root.yaml:3 Application argocd/root has a finalizer: its deletion deletes production with it "
        "(Application argocd/shop-prod)"
    ]
    other = child.replace("shop-prod", "shop-dev").replace("metadata: {", held)
    assert expanded_hits("GITOPS-16", {**files, "web/shop.yaml": other}) == []


@pytest.mark.parametrize(
    ("image", "count"),
    [
        ("web", 1),
        ("registry:5000/web", 1),
        ("web:latest", 1),
        ("web:1", 0),
        ("web@sha256:1", 0),
        ("registry:5000/web:1", 0),
        ("web:${tag}", 0),
        ("auto", 0),
        ("web:latest@sha256:1", 0),
    ],
)
def test_an_image_has_a_version(image: str, count: int) -> None:
    pod = (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web, image: '{image}'}}]}}\n"
    )
    assert len(hits("GITOPS-23", {"pod.yaml": pod})) == count


def test_images_of_kinds_that_run_pods_of_their_own_are_seen() -> None:
    text = """\
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata: {name: web}
        spec:
          template:
            spec:
              containers:
                - image: web
    """
    assert hits("GITOPS-23", {"web.yaml": text}) == ["web.yaml:8 Service web: image web has no tag, so it is latest"]


def test_what_skaffold_builds_has_no_tag_yet() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n"
    skaffold = "apiVersion: skaffold/v4beta1\nkind: Config\nbuild: {artifacts: [{image: web}]}\n"
    assert hits("GITOPS-23", {"pod.yaml": pod, "skaffold.yaml": skaffold}) == []


def test_a_restricted_project_default_may_be_used() -> None:
    files = {"web.yaml": application().replace("project: shop", "project: default")}
    assert hits("GITOPS-24", files) == ["web.yaml:5 Application argocd/web is of the project default"]
    assert hits("GITOPS-24", {**files, "project.yaml": project("sourceRepos: []", "default")}) == []


def test_a_parameter_that_nothing_fills_is_shown() -> None:
    made = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {{name: services, namespace: argocd}}
        spec:
          generators:
            - list: {{elements: [{{name: web}}]}}
          template:
            metadata:
              name: '{{{{name}}}}'
            spec:
              project: shop
              source: {{repoURL: {URL}, path: web}}
              destination:
                name: '{{{{cluster}}}}'
                namespace: shop
    """
    assert expanded_hits("GITOPS-12", {"set.yaml": made, "web/settings.yaml": SETTINGS}) == [
        "set.yaml:14 ApplicationSet argocd/services: {{cluster}} is filled by nothing"
    ]


def test_an_application_that_matches_two_steps_is_shown() -> None:
    step = "{matchExpressions: [{key: %s, operator: %s, values: [web]}]}"
    steps = f"[{step % ('app', 'In')}, {step % ('stage', 'NotIn')}]"
    made = f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {{name: services, namespace: argocd}}
        spec:
          strategy: {{type: RollingSync, rollingSync: {{steps: {steps}}}}}
          generators:
            - list: {{elements: [{{name: web}}]}}
          template:
            metadata: {{name: '{{{{name}}}}', labels: {{app: '{{{{name}}}}'}}}}
            spec:
              source: {{repoURL: {URL}, path: web}}
              destination: {{name: dev, namespace: shop}}
    """
    assert expanded_hits("GITOPS-13", {"set.yaml": made, "web/settings.yaml": SETTINGS}) == [
        "set.yaml:5 ApplicationSet argocd/services: web matches steps 1, 2"
    ]


def test_what_velero_makes_is_not_applied() -> None:
    restore = "apiVersion: velero.io/v1\nkind: Restore\nmetadata: {name: again}\nspec: {backupName: nightly}\n"
    assert expanded_hits("GITOPS-19", {"web.yaml": application(), "web/restore.yaml": restore}) == [
        "web/restore.yaml:2 Restore shop/again is applied again and again: "
        "it restores once more wherever the cluster is built again"
    ]


def test_a_health_in_a_values_file_is_one() -> None:
    spec = f"spec: {{source: {{repoURL: {URL}, path: web}}}}\n"
    repo = Repo.of(URL, dedented({
        "root.yaml": application("root").replace("path: web", "path: apps"),
        "apps/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {a: b}\n",
        "apps/one.yaml": of_wave("Application", "one", 1, spec, "argoproj.io/v1alpha1"),
        "apps/two.yaml": of_wave("Application", "two", 2, spec, "argoproj.io/v1alpha1"),
        "web/settings.yaml": SETTINGS,
    }))  # fmt: skip
    assert len(found("GITOPS-11", expanded(repo))) == 1
    more = {**repo.files, "values.yaml": "configs: {cm: {resource.customizations.health.argoproj.io_Application: x}}\n"}
    assert found("GITOPS-11", expanded(Repo.of(URL, more))) == []
