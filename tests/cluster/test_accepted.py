"""Accepted: a real API server takes all that the template renders, in the order of its engine.

Every object is asked about first (dry run) and then applied for real; unknown and duplicate fields are errors, so is a
warning. Namespaces, accounts and their rights come from the repository itself, but for the namespace of the engine and
what the README says to apply by hand; what stands before them in the order is refused. The server knows the kinds of
all components from the start: the test itself refuses an object before the chart that brings its kind. Flux's objects
are applied in the name of the service account that their owner names. What upstream charts hold is no part of this.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaffold.expand import environments
from scaffold.model.repo import Repo
from tests.cluster.harness import order
from tests.cluster.harness.api import Object, Refused, objects
from tests.cluster.harness.applying import Applied, Identity, applying, groups_of, identity, take_away
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.expansion import delivered, expansion
from tests.cluster.harness.order import Step
from tests.cluster.harness.repositories import made
from tests.conftest import ROOT

ENVIRONMENTS = ("dev", "staging", "prod")
COMPONENTS = ("service chart", "namespaces", "istio", "kyverno", "prometheus", "velero")
ENGINES = {"argocd": ("argo-cd", "argocd", "Argo CD"), "flux": ("flux", "flux-system", "Flux")}
# What the repositories and the engines are in.
NAMESPACES = {
    *("argocd", "external-secrets", "flux-system", "istio-ingress", "istio-system", "kyverno", "monitoring", "shop"),
    "velero",
}
# An example is a preset, of which a test shows that it is rendered anew: those that are left are made here.
EXAMPLES = {"argocd-standard": "argocd", "flux-standard": "flux", "minimal": "argocd"}
PRESETS = (("minimal", "flux"), ("full", "argocd"), ("full", "flux"))


def proves(engine: str, *more: str) -> pytest.MarkDecorator:
    return pytest.mark.proves("accepted", ENGINES[engine][2], *more)


REPOSITORIES = [
    *(
        pytest.param((name, engine), id=name, marks=proves(engine, *(COMPONENTS if "standard" in name else ())))
        for name, engine in EXAMPLES.items()
    ),
    *(
        pytest.param(
            (preset, engine),
            id=f"{preset}-{engine}",
            marks=proves(engine, *((*COMPONENTS, "external-secrets") if preset == "full" else ())),
        )
        for preset, engine in PRESETS
    ),
]


@dataclass(frozen=True)
class Repository:
    """A repository, its engine and what is applied from it."""

    name: str
    engine: str
    root: Path
    repo: Repo

    def by_hand(self, environment: str) -> list[Object]:
        """Return what the README says to apply by hand."""
        path = {"argocd": "bootstrap/root.yaml", "flux": f"clusters/{environment}/flux-system/gotk-sync.yaml"}
        return objects((self.root / path[self.engine]).read_text(encoding="utf-8"))

    def steps(self, environment: str) -> list[Step]:
        """Return what the engine does then."""
        chance = random.Random(f"{self.name} {environment}")  # noqa: S311
        follow = {"argocd": order.argo_cd, "flux": order.flux}[self.engine]
        return list(follow(self.repo, environment, chance))

    def wanted(self, environment: str) -> set[Identity]:
        """Return all that is rendered for the environment's cluster and for the one that Argo CD runs in."""
        return {
            identity(delivered(manifest))
            for manifest in self.repo.manifests
            if manifest.cluster in {environment, "in-cluster"} and "helm.sh/hook" not in manifest.annotations
        }


@pytest.fixture(scope="module", params=REPOSITORIES)
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    name, engine = request.param
    return opened(name, engine, tmp_path_factory)


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane) -> Iterator[Applied]:
    """A cluster in which nothing of the repositories is, also nothing that another test has left."""
    take_away(plane, [as_namespace(name) for name in NAMESPACES])
    with applying(plane) as applied:
        yield applied


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_taken_in_the_order_of_its_engine(
    cluster: Applied, repository: Repository, environment: str, record_property: Callable[[str, object], None]
) -> None:
    started = time.monotonic()
    begin(cluster, repository, environment)
    for step in repository.steps(environment):
        cluster.apply(step, repository.engine)
    assert cluster.warnings == []
    assert {item["metadata"]["name"] for item in cluster.objects.values() if item["kind"] == "Namespace"} <= NAMESPACES
    assert set(cluster.objects) == repository.wanted(environment) | {
        identity(as_namespace(ENGINES[repository.engine][1]))
    }
    what = f"{repository.name} with {repository.engine} in {environment}"
    record_property(
        "note", f"{what}: {len(cluster.objects)} objects applied in order, {time.monotonic() - started:.0f} s"
    )


def test_an_object_before_its_namespace_is_refused(cluster: Applied, tmp_path_factory: pytest.TempPathFactory) -> None:
    repository = opened("minimal", "argocd", tmp_path_factory)
    begin(cluster, repository, "dev")
    steps = [step for step in repository.steps("dev") if step.owner != "Application argocd/namespaces-dev"]
    with pytest.raises(Refused, match=r"Application argocd/shop-dev: .*: the namespace shop was not applied yet"):
        apply_all(cluster, steps)


def test_an_object_before_the_chart_of_its_kind_is_refused(
    cluster: Applied, tmp_path_factory: pytest.TempPathFactory
) -> None:
    repository = opened("flux-standard", "flux", tmp_path_factory)
    begin(cluster, repository, "dev")
    steps = [step for step in repository.steps("dev") if step.chart != "velero"]
    with pytest.raises(Refused, match=r"flux-system/configs: .*: no chart has brought velero.io yet"):
        apply_all(cluster, steps)


def test_what_an_account_may_not_is_refused(cluster: Applied) -> None:
    step = Step("planted", (planted("v1", "ConfigMap"),), "default:nobody")
    with pytest.raises(Refused, match="default:nobody.* cannot patch resource"):
        cluster.apply(step, "tests")


def test_an_unknown_field_is_refused(cluster: Applied) -> None:
    item = planted("v1", "ConfigMap") | {"dato": {}}
    with pytest.raises(Refused, match=r"ConfigMap default/planted: .*\.dato"):
        cluster.apply(Step("planted", (item,)), "tests")


def test_a_warning_of_the_server_is_seen(cluster: Applied) -> None:
    item = planted("networking.k8s.io/v1", "Ingress")
    item["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "planted"}
    item["spec"] = {"defaultBackend": {"service": {"name": "planted", "port": {"number": 80}}}}
    cluster.empty(())
    cluster.apply(Step("planted", (item,)), "tests")
    assert any('annotation "kubernetes.io/ingress.class" is deprecated' in warning for warning in cluster.warnings)


def opened(name: str, engine: str, folders: pytest.TempPathFactory) -> Repository:
    """Give an example, or make a repository from a preset."""
    root = ROOT / "examples" / name
    if EXAMPLES.get(name) != engine:
        root = made(folders.mktemp(f"{name}-{engine}") / "shop", name, {"engine": engine})
    repo = expansion(root)
    assert environments(repo) == tuple(sorted(ENVIRONMENTS))
    return Repository(name, engine, root, repo)


def begin(cluster: Applied, repository: Repository, environment: str) -> None:
    """Empty the cluster; then do what the README says to do by hand."""
    folder, namespace, _ = ENGINES[repository.engine]
    cluster.empty(groups_of(folder))
    cluster.apply(Step("by hand", (as_namespace(namespace),)), "kubectl")
    cluster.apply(Step("by hand", tuple(repository.by_hand(environment))), "kubectl")


def as_namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def planted(version: str, kind: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "planted", "namespace": "default"}}


def apply_all(cluster: Applied, steps: list[Step]) -> None:
    for step in steps:
        cluster.apply(step, "tests")
