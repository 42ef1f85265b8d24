"""What the subset does not evaluate is built by the real kustomize, where it is installed; else it is told."""

from pathlib import Path

import pytest

from scaffold.engines.kustomize import kustomize
from scaffold.expand import expand
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from tests.expand.support import URL, no_charts, no_templates

DEPLOYMENT = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: other
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {kept: "yes"}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: registry.example.com/web:1}
        - {name: side, image: registry.example.com/side:1}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: side, image: registry.example.com/side:2}]}}}
"""
APPLICATION = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  destination: {{name: prod, namespace: shop}}
  source: {{repoURL: "{URL}", path: overlays/prod, kustomize: {{commonLabels: {{team: a}}}}}}
"""
FILES = {
    "base/deployment.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: patch.yaml}]\nnamePrefix: p-\n",
    "overlays/prod/patch.yaml": PATCH,
}


def built(root: Path, files: dict[str, str], *, real: bool = True) -> Repo:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    kustomizer = kustomize(root) if real else None
    return expand(Repo.of(URL, files), no_charts, no_templates, kustomizer=kustomizer)


@pytest.mark.tool("kubectl")
@pytest.mark.parametrize("controller", [{}, {"app.yaml": APPLICATION}])
def test_a_strategic_merge_patch_and_a_prefix_are_built(tmp_path: Path, controller: dict[str, str]) -> None:
    repo = built(tmp_path, FILES | controller)
    assert repo.not_checked == ()
    [found] = [manifest for manifest in repo.manifests if manifest.kind == "Deployment"]
    containers = found.get("spec", "template", "spec", "containers")
    assert sorted(one["image"].partition("/")[2] for one in containers) == ["side:2", "web:1"]
    assert (found.name, found.place()) == ("p-web", Place("base/deployment.yaml", 6))
    assert found.place("spec", "selector") == Place("base/deployment.yaml", 12)
    assert found.annotations == {"kept": "yes"}
    assert found.labels == ({"team": "a"} if controller else {})
    assert found.cluster == ("prod" if controller else "overlays/prod")


@pytest.mark.tool("kubectl")
def test_what_an_application_adds_is_built(tmp_path: Path) -> None:
    own = "images: ['registry.example.com/web=mirror.example.com/web:9'], replicas: [{name: web, count: 4}]"
    app = APPLICATION.replace("commonLabels: {team: a}", f"namePrefix: x-, {own}").replace("overlays/prod", "base")
    files = {key: text for key, text in FILES.items() if "overlays" not in key} | {"app.yaml": app}
    repo = built(tmp_path, files)
    [found] = [manifest for manifest in repo.manifests if manifest.kind == "Deployment"]
    assert (found.name, found.get("spec", "replicas")) == ("x-web", 4)
    images = {one["image"] for one in found.get("spec", "template", "spec", "containers")}
    assert images == {"mirror.example.com/web:9", "registry.example.com/side:1"}
    assert repo.not_checked == ()
    told = {note.reason for note in built(tmp_path, files, real=False).not_checked}
    assert told == {"images is not evaluated", "namePrefix is not evaluated", "replicas is not evaluated"}


@pytest.mark.tool("kubectl")
def test_what_it_refuses_is_a_fault_at_the_kustomization(tmp_path: Path) -> None:
    files = FILES | {"overlays/prod/patch.yaml": PATCH.replace("name: web", "name: gone")}
    [fault] = built(tmp_path, files).faults
    assert fault.place.path == "overlays/prod/kustomization.yaml"
    assert "no matches for Id Deployment" in fault.text


def test_without_it_the_rest_is_told(tmp_path: Path) -> None:
    reasons = {note.reason for note in built(tmp_path, FILES, real=False).not_checked}
    assert reasons == {"a strategic merge patch is not evaluated", "kustomize field `namePrefix` is not evaluated"}


@pytest.mark.tool("kubectl")
@pytest.mark.parametrize(
    "field", ["helmCharts: [{name: a, repo: https://charts.example.com}]", "transformers: [t.yaml]"]
)
def test_nothing_is_fetched_or_run(tmp_path: Path, field: str) -> None:
    files = FILES | {"overlays/prod/kustomization.yaml": f"resources: [../../base]\n{field}\n"}
    assert any(field.partition(":")[0] in note.reason for note in built(tmp_path, files).not_checked)
