import pytest

from scaffold.expand import environment_of, environments
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo

REPO = Repo.of("", {
    "environments/dev/values.yaml": "platform: {environment: dev, cluster: one}\n",
    "environments/prod/values.yaml": "platform: {environment: prod, cluster: two}\n",
    "services/web/envs/eu-prod/version.yaml": "", "overlays/base/x.yaml": "", "clusters/staging/x.yaml": "",
})  # fmt: skip


def manifest(*, cluster: str = "", owner: str = "", path: str = "a.yaml", values: tuple[str, ...] = (), name: str = "",
             kind: str = "Application", to: str = "") -> Manifest:  # fmt: skip
    data = {"kind": kind, "metadata": {"name": name}, "spec": {"destination": {"name": to}}}
    return Manifest(data, Origin(path, owner=owner, values=values), cluster=cluster)


def test_environments_are_the_folders_of_that_name() -> None:
    assert environments(REPO) == ("dev", "eu-prod", "prod")
    assert environments(Repo.of("", {})) == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (manifest(cluster="one", owner="Application argocd/web-prod"), "dev"),
        (manifest(cluster="two"), "prod"),
        (manifest(cluster="k8s-eu-prod"), "eu-prod"),
        (manifest(cluster="in-cluster", owner="Application argocd/web-prod"), "prod"),
        (manifest(owner="Kustomization flux-system/dev-apps"), "dev"),
        (manifest(values=("environments/dev/values.yaml", "services/web/envs/eu-prod/version.yaml")), "eu-prod"),
        (manifest(path="apps/dev/web/cm.yaml", kind="ConfigMap"), "dev"),
        (manifest(name="web-prod"), "prod"),
        (manifest(name="web", to="one"), "dev"),
        (manifest(name="web-prod", kind="ConfigMap"), ""),
        (manifest(name="production"), ""),
        (manifest(name="root"), ""),
    ],
)
def test_the_environment_of_an_object(given: Manifest, expected: str) -> None:
    assert environment_of(REPO, given) == expected


def test_a_cluster_of_several_environments_says_nothing() -> None:
    repo = Repo.of(
        "", {f"environments/{name}/values.yaml": "platform: {cluster: shared}\n" for name in ("dev", "prod")}
    )
    assert environment_of(repo, manifest(cluster="shared", owner="Application argocd/web-dev")) == "dev"
    assert environment_of(repo, manifest(cluster="shared")) == ""
