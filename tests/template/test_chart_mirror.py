"""The mirror of charts: one answer moves every upstream chart, for both engines."""

from pathlib import Path

import pytest

from scaffold.model.errors import BadInput
from tests.template.rendering import make, tree

MIRROR = "https://charts.example.com/mirror"
PUBLIC = (b"istio-release.storage.googleapis.com", b"kyverno.github.io/kyverno/", b"prometheus-community.github.io")
PUBLIC += (b"vmware-tanzu.github.io/helm-charts", b"charts.external-secrets.io")


@pytest.mark.parametrize("engine", ["argocd", "flux"])
def test_no_chart_comes_from_elsewhere_than_the_mirror(tmp_path: Path, engine: str) -> None:
    public = tree(make(tmp_path / "public", {"engine": engine}, preset="full").root)
    mirrored = tree(make(tmp_path / "mirrored", {"engine": engine, "chart_mirror": MIRROR}, preset="full").root)
    assert all(any(host in text for text in public.values()) for host in PUBLIC)
    assert [path for path, text in mirrored.items() if any(host in text for host in PUBLIC)] == []
    moved = {path for path in public if public[path] != mirrored[path]} - {".copier-answers.yml"}
    assert all(MIRROR.encode() in mirrored[path] for path in moved if not path.endswith("/.copier-answers.yml"))


def test_the_project_of_the_platform_allows_the_mirror_once(tmp_path: Path) -> None:
    root = make(tmp_path / "web", {"engine": "argocd", "chart_mirror": MIRROR}, preset="full").root
    text = (root / "bootstrap" / "projects" / "platform.yaml").read_text(encoding="utf-8")
    assert text.count(MIRROR) == 1


def test_a_mirror_that_is_no_http_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='"oci://charts.example.com" is not an http:// or https:// URL'):
        make(tmp_path / "web", {"chart_mirror": "oci://charts.example.com"})
