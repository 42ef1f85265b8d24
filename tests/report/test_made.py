"""The summary of a new repository."""

from pathlib import Path

from scaffold.report import made

ANSWERS = {
    "name": "shop",
    "engine": "argocd",
    "repo_url": "https://git.example.com/shop.git",
    "repo_branch": "main",
    "environments": [{"name": "dev", "cluster": "dev-1"}, {"name": "prod", "cluster": "prod-1"}],
}
SERVICE = {"service": "web", "image": "registry.example.com/web", "image_tag": "1.0.0"}


def test_argo_cd_starts_at_one_file() -> None:
    assert (
        made.render(Path("shop"), ANSWERS, SERVICE)
        == """\
Made shop for Argo CD: 2 environments (dev, prod)
First service: web (registry.example.com/web:1.0.0)

Next steps
  1. cd shop, and read README.md: what has to be there before the first sync
  2. git remote add origin https://git.example.com/shop.git && git push -u origin main
  3. kubectl apply -f bootstrap/root.yaml, once, in the cluster that Argo CD runs in
  4. scaffold add service NAME for the next service, scaffold check before every push"""
    )


def test_flux_starts_in_each_cluster() -> None:
    shown = made.render(Path("shop"), {**ANSWERS, "engine": "flux"}, SERVICE)
    assert shown.startswith("Made shop for Flux: ")
    for cluster in ("dev-1", "prod-1"):
        assert f"kubectl --context {cluster} apply -f clusters/{cluster}/flux-system/gotk-sync.yaml, once" in shown


def test_a_template_of_somebody_else_has_other_answers() -> None:
    assert (
        made.render(Path("shop"), {}, {})
        == """\
Made shop

Next steps
  1. cd shop, and read README.md: what has to be there before the first sync
  2. scaffold add service NAME for the next service, scaffold check before every push"""
    )


def test_a_path_with_spaces_can_be_pasted() -> None:
    assert "cd 'my shop'," in made.render(Path("my shop"), ANSWERS, SERVICE)
