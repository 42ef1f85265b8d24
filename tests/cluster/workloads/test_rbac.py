"""Rights: every generated account may do what its rules say, in its namespace, and nothing else.

Flux applies the services of a team in the name of an account that the repository holds. With Argo CD that is said by
AppProjects, and no account of the repository has any right.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.cluster.harness.api import Api, Object, Refused
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.workloads.rights import VERBS, Resource, Right, allowed, granted, known, may, user_of
from tests.cluster.workloads.tenant import ENVIRONMENT, NAME, Tenant, repository

pytestmark = pytest.mark.proves("behaves", "Flux")

NAMESPACE = "workloads-flux"
ONE = {ENVIRONMENT: {"min": 1, "max": 1}}
SERVICES = {"store": {"kind": "worker", "replicas": ONE, "volume_size": "1Gi"}, "tick": {"kind": "cron"}}
NOBODY = "system:serviceaccount:workloads-flux:nobody"
# Rights on more than what is written, which would give all others.
BEYOND = [
    Right("impersonate", Resource("", "serviceaccounts")),
    Right("escalate", Resource("rbac.authorization.k8s.io", "roles")),
    Right("bind", Resource("rbac.authorization.k8s.io", "roles")),
    Right("create", Resource("", "serviceaccounts/token")),
]


@pytest.fixture(scope="module")
def team(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """The repository of a team with Flux: its namespace, account and rights are applied, no service is."""
    answers = {"engine": "flux", "namespace": NAMESPACE, "owner_team": "sales"}
    team = Tenant(plane, repository(tmp_path_factory.mktemp("flux"), answers, SERVICES), NAMESPACE)
    team.render()
    wanted = [item for item in team.rendered if not ours(item)]
    assert {"Namespace", "ResourceQuota", "ServiceAccount", "Role", "RoleBinding"} <= {item["kind"] for item in wanted}
    for item in wanted:
        team.apply(item)
    yield team
    team.remove()


@pytest.fixture(scope="module")
def account(team: Tenant) -> Object:
    """The account of the team."""
    return team.one("ServiceAccount", "sales")


@pytest.fixture(scope="module")
def token(team: Tenant, account: Object) -> str:
    """A token of the account, as the server gives it."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = team.plane.api.path("v1", "ServiceAccount", NAMESPACE, account["metadata"]["name"])
    return str(team.plane.api.ask("POST", f"{path}/token", request)["status"]["token"])


def test_the_account_may_do_what_its_rules_say_and_nothing_else(
    team: Tenant, account: Object, record_property: Callable[[str, object], None]
) -> None:
    """Asked about every resource that the server has, in the namespace of the team."""
    resources = {one for one in known(team.plane.api) if one.namespaced}
    rules = granted(team.rendered, account)
    assert {namespace for namespace, _ in rules} == {NAMESPACE}
    found = allowed(team.plane, user_of(account), NAMESPACE, resources)
    assert found == {right for _, right in rules}
    assert len(found) > 50
    asked = len(resources) * len(VERBS)
    record_property("note", f"account of a team: {len(found)} of {asked} rights in its namespace, as written")


@pytest.mark.parametrize("namespace", ["default", "kube-system", "workloads", "flux-system"])
def test_the_account_may_do_nothing_in_another_namespace(team: Tenant, account: Object, namespace: str) -> None:
    resources = {right.resource for _, right in granted(team.rendered, account)}
    assert allowed(team.plane, user_of(account), namespace, resources) == set()


def test_the_account_may_do_no_more_in_the_cluster_than_an_account_without_rights(
    team: Tenant, account: Object
) -> None:
    resources = {one for one in known(team.plane.api) if not one.namespaced}
    everybody = allowed(team.plane, NOBODY, "", resources)
    assert Right("create", Resource("authorization.k8s.io", "selfsubjectaccessreviews", namespaced=False)) in everybody
    assert allowed(team.plane, user_of(account), "", resources) == everybody


def test_the_account_cannot_give_itself_more(team: Tenant, account: Object) -> None:
    assert [right for right in BEYOND if may(team.plane, user_of(account), NAMESPACE, right)] == []


@pytest.mark.parametrize("engine", ["flux", "argocd"])
def test_no_other_account_has_any_right(tenant: Tenant, team: Tenant, engine: str) -> None:
    """Those that pods run under, and those by which secrets are read."""
    items = (team if engine == "flux" else tenant).everything
    accounts = [item for item in items if item["kind"] == "ServiceAccount" and not granted(items, item)]
    assert len(accounts) >= 5
    resources = [Resource("", "secrets"), Resource("", "pods"), Resource("apps", "deployments")]
    for one in accounts:
        assert one["automountServiceAccountToken"] is False
        assert allowed(team.plane, user_of(one), one["metadata"]["namespace"], resources) == set()


def test_the_account_can_apply_all_that_the_team_renders(team: Tenant, token: str) -> None:
    items = [item for item in team.rendered if ours(item)]
    kinds = {item["kind"] for item in items}
    assert {"HelmRelease", "ConfigMap", "Deployment", "CronJob", "PersistentVolumeClaim", "VirtualService"} <= kinds
    with closing(Api(team.plane.server, token, team.plane.authority)) as api:
        # Names of resources are public.
        api.path = team.plane.api.path  # type: ignore[method-assign]
        for item in items:
            api.apply(item, dry_run=True)
        with pytest.raises(Refused, match="cannot patch resource") as refusal:
            api.apply(team.one("Role", "sales"), dry_run=True)
        assert refusal.value.status == 403


def test_helm_installs_tests_and_removes_a_service_in_the_name_of_the_account(team: Tenant, token: str) -> None:
    """As Flux does it for a HelmRelease, with waiting and with the test of the chart."""
    apps = [team.root / "apps" / part / "shop" for part in ("base", ENVIRONMENT)]
    files = [team.root / "environments" / ENVIRONMENT / "values.yaml", *(folder / "values.yaml" for folder in apps)]
    values = [f"--values={file}" for file in (*files, apps[1] / "version.yaml")]
    test = [
        "--set=tests.enabled=true",
        "--set=tests.image.repository=ghcr.io/example/wget",
        "--set=tests.image.tag=1.0.0",
    ]

    def helm(*arguments: str) -> str:
        command = [str(team.plane.bin / "helm"), *arguments, f"--namespace={NAMESPACE}", f"--kube-token={token}"]
        command += [f"--kube-apiserver={team.plane.server}", f"--kube-ca-file={team.plane.authority}"]
        environment = os.environ | {"KUBECONFIG": os.devnull}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    chart = str(team.root / "charts" / "service")
    assert "STATUS: deployed" in helm("upgrade", "--install", "shop", chart, "--wait", *values, *test)
    team.settled("shop", "shop-canary")
    assert "Phase:          Succeeded" in helm("test", "shop")
    helm("uninstall", "shop", "--wait")
    assert team.deployments() == []


def ours(item: Object) -> bool:
    """Say whether the team's account applies an object: the releases, their values and what the chart makes."""
    labels = item["metadata"].get("labels", {})
    return item["kind"] in {"HelmRelease", "ConfigMap"} or labels.get(NAME) in {"shop", *SERVICES}
