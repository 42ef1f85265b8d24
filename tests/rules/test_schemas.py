"""Schemas: strict schemas of what is applied, kinds that are served, and kinds that nobody knows."""

from dataclasses import replace

from scaffold.model.manifest import Manifest, Origin, Place
from scaffold.model.repo import NotChecked, Repo
from scaffold.rules.schemas import unknown_kinds
from tests.helpers import URL, applied, found, hits

SERVICE = """\
    apiVersion: v1
    kind: Service
    metadata:
      name: web
      namespace: shop
    spec:
      port: 80
      ports:
        - port: http
"""

DEFINITION = """\
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: shops.example.com
    spec:
      group: example.com
      scope: Namespaced
      names: {plural: shops, kind: Shop}
      versions:
        - name: v1
          served: true
          storage: true
          schema:
            openAPIV3Schema:
              type: object
              properties:
                spec: {type: object, properties: {size: {type: integer}}}
"""

SHOP = """\
    apiVersion: example.com/v1
    kind: Shop
    metadata: {name: web}
    spec:
      size: large
"""


def test_each_problem_is_shown_at_its_line() -> None:
    assert hits("SCHEMA-01", {"web.yaml": SERVICE}) == [
        "web.yaml:7 Service shop/web: spec.port: unknown field, did you mean ports?",
        'web.yaml:9 Service shop/web: spec.ports.0.port: "http" is not an integer',
    ]


def test_what_is_missing_is_shown_at_the_map_that_lacks_it() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  template: {}\n"
    assert hits("SCHEMA-01", {"web.yaml": text}) == [
        "web.yaml:4 Deployment web: spec: selector is required",
        "web.yaml:6 Deployment web: spec.template.spec: containers is required",
    ]


def test_a_rendered_object_is_shown_at_its_template_with_its_render() -> None:
    origin = Origin("charts/service/templates/service.yaml", 3, "Application web-dev", "charts/service", ("dev.yaml",))
    data = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{}]}}
    repo = Repo.of(URL, {}).with_(manifests=(Manifest(data, origin),))
    assert found("SCHEMA-01", repo) == [
        "charts/service/templates/service.yaml:3 Service web: spec.ports.0: port is required"
    ]


def test_only_what_is_applied_is_judged() -> None:
    assert found("SCHEMA-01", Repo.of(URL, {"web.yaml": "apiVersion: v1\nkind: Service\nspecs: {}\n"})) == []


def test_the_objects_of_a_list_are_judged_one_by_one() -> None:
    text = """\
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: good}
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: bad}
            date: {}
          - apiVersion: v1beta1
            kind: Shop
          - apiVersion: apps/v2
            kind: Deployment
    """
    assert hits("SCHEMA-01", {"all.yaml": text}) == [
        "all.yaml:10 ConfigMap bad: date: unknown field, did you mean data?"
    ]
    assert hits("SCHEMA-02", {"all.yaml": text}) == [
        "all.yaml:13 Deployment : Kubernetes 1.37 serves Deployment as apps/v1, not as apps/v2"
    ]


def test_a_definition_in_the_repository_is_a_schema() -> None:
    assert hits("SCHEMA-01", {"shop.yaml": SHOP}) == []
    files = {"crd.yaml": DEFINITION, "shop.yaml": SHOP}
    assert hits("SCHEMA-01", files) == ['shop.yaml:5 Shop web: spec.size: "large" is not an integer']
    assert unknown_kinds(applied(files)) == []


def test_a_definition_that_is_given_is_a_schema() -> None:
    repo = applied({"shop.yaml": SHOP})
    given = repo.with_(schema_texts=(DEFINITION.replace("\n    ", "\n").strip(),))
    assert found("SCHEMA-01", given) == ['shop.yaml:5 Shop web: spec.size: "large" is not an integer']
    assert found("SCHEMA-01", repo) == []


def test_the_version_of_kubernetes_decides() -> None:
    text = "apiVersion: storagemigration.k8s.io/v1\nkind: StorageVersionMigration\nmetadata: {name: x}\nspec: {}\n"
    repo = applied({"x.yaml": text})
    assert found("SCHEMA-01", repo) == ["x.yaml:4 StorageVersionMigration x: spec: resource is required"]
    assert found("SCHEMA-01", repo.with_(kube_version="1.36")) == []
    assert found("SCHEMA-02", repo) == []
    (older,) = found("SCHEMA-02", repo.with_(kube_version="1.36"))
    assert older.endswith("Kubernetes 1.36 has no StorageVersionMigration in storagemigration.k8s.io/v1")


def served(api_version: str, kind: str) -> list[str]:
    return hits("SCHEMA-02", {"x.yaml": f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\n"})


def test_a_version_that_is_gone_is_shown_with_the_one_that_is_there() -> None:
    assert served("batch/v1beta1", "CronJob") == [
        "x.yaml:1 CronJob x: Kubernetes 1.37 serves CronJob as batch/v1, not as batch/v1beta1"
    ]
    (older,) = served("autoscaling/v2beta2", "HorizontalPodAutoscaler")
    assert older.endswith(
        "serves HorizontalPodAutoscaler as autoscaling/v1, autoscaling/v2, not as autoscaling/v2beta2"
    )


def test_a_kind_that_was_never_there_is_shown_with_the_nearest() -> None:
    assert served("apps/v1", "Deploymnet") == [
        "x.yaml:2 Deploymnet x: Kubernetes 1.37 has no Deploymnet in apps/v1, did you mean Deployment?"
    ]
    assert served("v1", "Volume") == ["x.yaml:2 Volume x: Kubernetes 1.37 has no Volume in v1"]


def test_what_may_have_been_switched_on_or_comes_from_elsewhere_is_not_judged() -> None:
    assert served("resource.k8s.io/v1alpha3", "DeviceThing") == []
    assert served("velero.io/v9", "Backup") == []
    assert served("example.com/v1", "Deployment") == []


def test_kinds_that_nobody_knows_are_counted_once() -> None:
    repo = applied({"a.yaml": SHOP, "b.yaml": SHOP, "c.yaml": SERVICE, "d.yaml": SHOP.replace("Shop", "Mall")})
    assert unknown_kinds(repo) == [
        NotChecked(Place("a.yaml", 1), "2 x Shop (example.com/v1)", REASON),
        NotChecked(Place("d.yaml", 1), "1 x Mall (example.com/v1)", REASON),
    ]


REASON = "no schema is known of this kind: give its CustomResourceDefinition with --schemas"


def test_files_that_programs_read_are_no_objects() -> None:
    text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a]\n"
    assert unknown_kinds(applied({"kustomization.yaml": text})) == []
    assert hits("SCHEMA-01", {"kustomization.yaml": text}) == []


def test_a_removed_kind_is_said_once_not_also_as_unknown() -> None:
    repo = applied({"x.yaml": "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}\n"})
    assert unknown_kinds(repo) == []
    assert len(found("SCHEMA-02", repo)) == 1


def test_equal_problems_of_two_clusters_are_one() -> None:
    repo = applied({"web.yaml": SERVICE})
    twice = repo.with_(manifests=tuple(replace(m, cluster=name) for m in repo.manifests for name in ("a", "b")))
    assert len(found("SCHEMA-01", twice)) == 2


def test_what_sops_adds_is_taken_away_before_it_is_applied() -> None:
    encrypted = """\
        apiVersion: v1
        kind: Secret
        metadata: {name: keys}
        stringData: {key: "ENC[AES256_GCM,data:x]"}
        sops: {mac: "ENC[AES256_GCM,data:y]", version: 3.9.0}
    """
    assert hits("SCHEMA-01", {"keys.yaml": encrypted}) == []
    plain = encrypted.replace("mac:", "other:")
    assert hits("SCHEMA-01", {"keys.yaml": plain}) == ["keys.yaml:5 Secret keys: sops: unknown field"]
