"""What `scaffold render` shows is what Argo CD would apply: its own repository server makes the same objects.

Every Application of the examples and of the preset `full` is asked about, object by object, and every ApplicationSet
is left to its controller, which makes the Applications that we say. The examples are served as they are committed, one
of them a second time with values files that overlap, so that their order shows. Only the Applications and sets that
Argo CD is given fetch from loopback what they would fetch from the repository's URL. Applications of upstream charts
are not compared: what these hold is no part of the repository.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from tests.cluster.harness.api import Object
from tests.cluster.harness.argo_cd import NAMESPACE, VERSION, applications
from tests.cluster.harness.argo_server import ArgoServer, argo_server
from tests.cluster.harness.comparing import differences
from tests.cluster.harness.control_plane import control_plane
from tests.cluster.harness.expansion import delivered, expansion, overlap, title
from tests.cluster.harness.repositories import git, made, push
from tests.cluster.harness.servers import files_and_git, serving
from tests.conftest import ROOT

pytestmark = pytest.mark.argo

ENVIRONMENTS = ("dev", "staging", "prod")
# The Applications, without their environment, that bring an upstream chart.
UPSTREAM = {
    "argocd-standard": {
        *("istio-base", "istio-cni", "istio-gateway", "istiod", "kyverno", "monitoring", "prometheus-operator-crds"),
        "velero",
    },
    "minimal": set(),
}
UPSTREAM["overlapping"] = UPSTREAM["argocd-standard"]
UPSTREAM["full"] = UPSTREAM["argocd-standard"] | {"external-secrets"}
TRACKING = "argocd.argoproj.io/tracking-id"


@dataclass(frozen=True)
class Asked:
    """A repository that Argo CD reads, and what we say of it."""

    name: str
    repo: Repo
    server: ArgoServer
    url: str

    def applications(self) -> list[Manifest]:
        """Return all Applications, those of sets too."""
        return [one for one in self.repo.manifests if one.kind == "Application"]

    def upstream(self) -> list[Manifest]:
        """Return the Applications with a source that is an upstream chart."""
        return [
            one for one in self.applications() if any("chart" in source for _, source in one.items("spec", "sources"))
        ]

    def here(self) -> list[Manifest]:
        """Return the other Applications: all that they bring is in the repository."""
        upstream = {one.name for one in self.upstream()}
        return [one for one in self.applications() if one.name not in upstream]

    def ours(self, app: Manifest) -> list[Object]:
        """Return the objects that we say an Application brings, as they stand in its sources."""
        return [dict(one.data) for one in self.repo.manifests if one.origin.owner == title(app)]

    def on_loopback(self, item: Object) -> Object:
        """Return an object that fetches from loopback."""
        found: Object = json.loads(json.dumps(item).replace(self.repo.url, self.url))
        return found


@pytest.fixture(scope="module")
def served(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ArgoServer, Path, str]]:
    """Argo CD without its application controller, a folder that is served, and where."""
    folder = tmp_path_factory.mktemp("manifests")
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(programs, folder / "plane", workloads=False))
        port = stack.enter_context(serving(files_and_git(folder / "served")))
        server = stack.enter_context(argo_server(plane, dict.fromkeys(ENVIRONMENTS, plane)))
        yield server, folder / "served" / "git", f"http://127.0.0.1:{port}/git"


@pytest.fixture(scope="module", params=["argocd-standard", "overlapping", "minimal", "full"])
def asked(
    request: pytest.FixtureRequest,
    served: tuple[ArgoServer, Path, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Asked]:
    """A repository whose projects, Applications and sets are in Argo CD, those that a set makes aside."""
    server, folder, url = served
    root = tmp_path_factory.mktemp(request.param) / "shop"
    if request.param == "full":
        made(root, request.param, {"engine": "argocd"})
    else:
        example = "argocd-standard" if request.param == "overlapping" else request.param
        shutil.copytree(ROOT / "examples" / example, root)
        git(root, "init", "--quiet", "--initial-branch=main")
    if request.param == "overlapping":
        overlap(
            root, ("environments/dev/values.yaml", "services/shop/values.yaml", "services/shop/envs/dev/values.yaml")
        )
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--allow-empty", "--message=As it is")
    push(root, folder / f"{request.param}.git")
    found = Asked(request.param, expansion(root), server, f"{url}/{request.param}.git")
    api = server.plane.api
    for kind in ("AppProject", "Application", "ApplicationSet"):
        for one in found.repo.manifests:
            if one.kind == kind and not one.origin.owner.startswith("ApplicationSet "):
                api.apply(found.on_loopback(delivered(one)))
    names = {one.name for one in found.applications()}
    server.plane.processes.until("Argo CD knows all Applications", lambda: server.applications() == names)
    yield found
    for kind in ("ApplicationSet", "Application"):
        for item in api.list(VERSION, kind, NAMESPACE):
            api.patch(item | {"apiVersion": VERSION, "kind": kind}, {"metadata": {"finalizers": None}})
            api.ask("DELETE", api.path(VERSION, kind, NAMESPACE, item["metadata"]["name"]))


def test_the_repository_server_makes_what_we_expand_each_application_to(
    asked: Asked, record_property: Callable[[str, object], None]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(asked.server.manifests, [app.name for app in asked.here()]))
    found: list[str] = []
    for app, theirs in zip(asked.here(), answers, strict=True):
        assert theirs or not asked.ours(app)
        found += [f"{title(app)}: {line}" for line in differences(map(untracked, theirs), asked.ours(app))]
    assert found == []
    count = sum(map(len, answers))
    assert count == len([one for one in asked.repo.manifests if one.origin.owner.startswith("Application ")])
    record_property("note", f"{asked.name}: {len(answers)} Applications, {count} objects equal those of Argo CD")


def test_applications_of_upstream_charts_are_the_only_ones_that_are_not_compared(asked: Asked) -> None:
    names = {one.name for one in asked.upstream()}
    assert names == {f"{name}-{environment}" for name in UPSTREAM[asked.name] for environment in ENVIRONMENTS}
    assert len(asked.repo.external) == len(names)
    assert all(asked.ours(one) == [] for one in asked.upstream())


def test_each_set_makes_the_applications_that_we_expand_it_to(
    asked: Asked, record_property: Callable[[str, object], None]
) -> None:
    ours = [one for one in asked.applications() if one.origin.owner.startswith("ApplicationSet ")]
    sets = [one for one in asked.repo.manifests if one.kind == "ApplicationSet"]
    assert {one.origin.owner for one in ours} == {title(one) for one in sets}
    live = [item for item in applications(asked.server.plane).values() if owner_of(item)]
    assert {owner_of(item) for item in live} == {one.name for one in sets}
    expected = [as_go_writes(asked.on_loopback(delivered(one))) for one in ours]
    assert differences(map(stated, live), expected) == []
    record_property(
        "note", f"{asked.name}: {len(sets)} ApplicationSets, {len(live)} Applications equal those of Argo CD"
    )


def test_other_values_are_a_difference(asked: Asked) -> None:
    """Else all of this could agree on nothing."""
    app = next(one for one in asked.here() if one.name == "shop-dev")
    planted = asked.on_loopback(delivered(app))
    planted["metadata"] = {"name": "planted", "namespace": NAMESPACE}
    planted["spec"]["source"]["helm"]["parameters"] = [{"name": "replicas.max", "value": "77"}]
    asked.server.plane.api.apply(planted)
    asked.server.plane.processes.until("it is known", lambda: "planted" in asked.server.applications())
    found = differences(map(untracked, asked.server.manifests("planted")), asked.ours(app))
    assert found
    assert all(" HorizontalPodAutoscaler " in line and ".spec.maxReplicas: 77 theirs" in line for line in found)


def untracked(item: Object) -> Object:
    """Leave out the annotation by which Argo CD knows its objects again: it adds it to all but definitions."""
    meta = dict(item["metadata"])
    annotations = dict(meta.get("annotations") or {})
    assert annotations.pop(TRACKING, "") or item["kind"] == "CustomResourceDefinition"
    meta["annotations"] = annotations
    if not annotations:
        del meta["annotations"]
    return item | {"metadata": meta}


def stated(app: Object) -> Object:
    """Leave of an Application what its set states: the API server and the controller add other metadata and status."""
    kept = ("name", "namespace", "labels", "annotations", "finalizers")
    meta = {name: app["metadata"][name] for name in kept if name in app["metadata"]}
    return {"apiVersion": VERSION, "kind": "Application", "metadata": meta, "spec": app["spec"]}


def as_go_writes(app: Object) -> Object:
    """Leave out `ignoreMissingValueFiles: false`: for the controller, a program in Go, it is the same as nothing."""
    source = dict(app["spec"]["source"])
    helm = dict(source["helm"])
    assert helm.pop("ignoreMissingValueFiles") is False
    return app | {"spec": app["spec"] | {"source": source | {"helm": helm}}}


def owner_of(app: Object) -> str:
    """Return the name of the set that made an Application, empty for none."""
    return "".join(one["name"] for one in app["metadata"].get("ownerReferences", ()) if one["kind"] == "ApplicationSet")
