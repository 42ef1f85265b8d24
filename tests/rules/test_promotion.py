"""Promotion: corners of the two layouts."""

from tests.helpers import hits

VERSION = "image: {tag: '1.2.3'}\n"


def test_the_flux_layout_is_known_too() -> None:
    files = {
        "apps/base/web/values.yaml": "image: {repository: x}\n",
        "apps/dev/web/version.yaml": VERSION,
        "apps/dev/web/values.yaml": "image: {digest: 'sha256:0'}\n",
        "apps/prod/web/version.yaml": VERSION,
        "apps/prod/jobs/version.yaml": VERSION,
    }
    assert hits("GITOPS-20", files) == [
        "apps/dev/web/values.yaml:1 image.digest is promoted by version.yaml, and stands here, too",
        "apps/prod/jobs/version.yaml:1 service jobs is not in environment dev",
    ]


def test_an_environment_without_its_version_is_shown() -> None:
    files = {
        "services/web/envs/dev/version.yaml": VERSION,
        "services/web/envs/prod/values.yaml": "replicas: 3\n",
    }
    assert hits("GITOPS-20", files) == ["services/web/envs/prod/values.yaml:1 service web has no version.yaml for prod"]


def test_an_environment_that_only_the_repository_knows_counts() -> None:
    files = {"services/web/envs/dev/version.yaml": VERSION, "environments/dev/values.yaml": "a: 1\n"}
    assert hits("GITOPS-20", {**files, "environments/prod/values.yaml": "a: 1\n"}) == [
        "services/web/envs/dev/version.yaml:1 service web is not in environment prod"
    ]
    unrelated = {"services/web/envs/dev/version.yaml": VERSION, "environments/blue/values.yaml": "a: 1\n"}
    assert hits("GITOPS-20", unrelated) == []


def test_the_common_values_of_a_service_hold_no_version_either() -> None:
    files = {
        "services/web/values.yaml": "image:\n  repository: x\n  tag: '1'\npostgres: {image: {tag: '17'}}\n",
        "services/web/envs/dev/version.yaml": VERSION,
    }
    assert hits("GITOPS-20", files) == [
        "services/web/values.yaml:3 image.tag is promoted by version.yaml, and stands here, too"
    ]


def test_what_belongs_to_a_version_may_be_promoted() -> None:
    version = """\
        image: {tag: '1.2.3', digest: 'sha256:0'}
        subsets: {canary: {tag: '1.3.0'}}
        chartVersion: 1.0.0
        features: {checkout: true}
    """
    values = "subsets: {canary: {weight: 10}}\n"
    files = {"services/web/envs/dev/version.yaml": version, "services/web/envs/dev/values.yaml": values}
    assert hits("GITOPS-20", files) == []


def test_other_layouts_are_not_judged() -> None:
    assert (
        hits("GITOPS-20", {"apps/dev/web/kustomization.yaml": "resources: []", "apps/prod/api/values.yaml": "a: 1"})
        == []
    )
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
    assert hits("GITOPS-20", {"services/web/envs/dev/version.yaml": patch}) == []
