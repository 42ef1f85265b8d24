"""Making repositories: the layers of answers, what is refused, and that nothing is left behind."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.commands.new import Wanted, add_service, new
from scaffold.engines import git
from scaffold.model.errors import BadInput, ToolFailed


def make(tmp_path: Path, **changes: Any) -> Any:
    return new("web", tmp_path / "repo", Wanted(**{"defaults": True, **changes}))


def answers_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_name_is_the_repository_and_its_first_service(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert made.answers["name"] == "web"
    assert made.service["service"] == "web"
    log = git.git("log", "--format=%s", cwd=made.root).splitlines()
    assert log == ["Start from the golden path"]
    assert git.git("status", "--porcelain", cwd=made.root) == ""


def test_data_wins_over_the_file_over_the_preset_over_defaults(tmp_path: Path) -> None:
    file = answers_file(tmp_path, "mesh: istio\nmetrics: prometheus\nowner_team: payments\n")
    made = make(tmp_path, preset="minimal", file=file, pairs=("metrics=none",))
    chosen = {key: made.answers[key] for key in ("policy", "mesh", "metrics", "owner_team", "repo_branch")}
    assert chosen == {
        "policy": "none",
        "mesh": "istio",
        "metrics": "none",
        "owner_team": "payments",
        "repo_branch": "main",
    }


def test_the_service_knows_its_repository(tmp_path: Path) -> None:
    made = make(tmp_path, pairs=("engine=flux", "image_registry=registry.example.com/shop", "owner_team=payments"))
    assert made.service["engine"] == "flux"
    assert made.service["image"] == "registry.example.com/shop/web"
    assert made.service["service_team"] == "payments"


REFUSED = [
    (("engin=flux",), "-d: unknown answer engin, did you mean engine?"),
    (("engine=argo",), "engine: argo is no choice, did you mean argocd?; choose from argocd, flux"),
    (("port=0",), "port: 0 is not a port from 1024 to 65535 (the container runs without root)"),
    (("port=99999",), "port: 99999 is not a port from 1024 to 65535 (the container runs without root)"),
    (("port=http",), 'port: "http" is not a whole number'),
    (("owner_team=My Team",), 'owner_team: "My Team" is not a DNS-1123 label of at most 40 characters'),
    (("namespace=istio-system",), 'namespace: "istio-system" belongs to the platform, choose another name'),
    (("namespace=kube-shop",), 'namespace: "kube-shop" belongs to the platform, choose another name'),
    (("environments=dev",), "environments: is not a list of environments"),
    (("environments=[]",), "environments: is not a list of environments"),
    (("environments=[{name: dev}]",), "environments: entry 1 needs exactly the keys name, cluster, server, region"),
    (("environments=[{",), "environments: no YAML, while parsing a flow node"),
    (
        (
            "environments=[{name: dev, cluster: a, server: 'https://a', region: x}, "
            "{name: dev, cluster: b, server: 'https://b', region: x}]",
        ),
        'environments: name "dev" is used by two environments',
    ),
    (
        (
            "environments=[{name: dev, cluster: a, server: 'https://a', region: x}, "
            "{name: prod, cluster: b, server: 'https://a', region: x}]",
        ),
        'environments: server "https://a" is used by two environments',
    ),
    (
        ("replicas={dev: {min: 3, max: 1}, staging: {min: 1, max: 1}, prod: {min: 1, max: 1}}",),
        "replicas: dev: min 3 is above max 1",
    ),
    (("replicas={dev: {min: 1, max: 1}}",), "replicas: environment staging is missing; environment prod is missing"),
    (
        (
            "environments=[{name: eu-dev, cluster: a, server: 'https://a', region: x}, "
            "{name: dev, cluster: b, server: 'https://b', region: x}]",
        ),
        'environments: name "eu-dev" ends in "-dev", another environment: names built of both would be the same',
    ),
    (("service=velero",), 'service: "velero" is the name of a part of the platform, choose another name'),
    (("image=docker.io/library/nginx",), 'image: "docker.io/library/nginx" is not from the registry "ghcr.io/example"'),
    (("image_tag=latest",), 'image_tag: "latest" moves, name a version'),
    (("mesh=none", "public_host=shop"), "public_host: is routed by the mesh, and this repository has none"),
    (
        ("subsets=[{name: canary, weight: 70}, {name: beta, weight: 40}]",),
        "subsets: the weights add up to more than 100",
    ),
    (("subsets=[{name: canary, header: X-Canary, value: 'on'}]",), "subsets: header of canary is not lower case"),
    (("kind=cron", "schedule=0 25 * * *"), 'schedule: "25" is not a hour from 0 to 23'),
    (("kind=cron", "schedule=@daily"), 'schedule: "@daily" is not five cron fields such as 0 3 * * *'),
    (("memory_limit=64Mi",), 'memory_limit: "64Mi" is below the request "128Mi"'),
    (("volume_size=10Gi",), "volume_size: a persistent volume is mounted by one pod"),
    (("kubernetes_version=1.20",), "kubernetes_version: 1.20 is no choice"),
    (("description=bell\a",), "description: holds a control character, write plain text"),
]


@pytest.mark.parametrize(("pairs", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_a_bad_answer_is_one_line_and_nothing_is_written(pairs: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        make(tmp_path, pairs=pairs)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["My-Service", "-web", "web-", "1web", "a" * 41, "wéb", "a.b", "../web", "web/x", ".."]
)
def test_a_name_that_is_no_label_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^(name|NAME): "):
        new(name, tmp_path / "repo", Wanted(defaults=True))
    assert list(tmp_path.iterdir()) == []


def test_wrong_types_in_a_file_are_named(tmp_path: Path) -> None:
    for text, message in (
        ("owner_team: [a]\n", r'owner_team: \["a"\] is not a text, put it into quotes'),
        ("description: yes\n", r"description: true is not a text, put it into quotes"),
        ("port: 80.5\n", r"port: 80\.5 is not a whole number"),
        ("slo_availability: high\n", r'slo_availability: "high" is not a number'),
    ):
        with pytest.raises(BadInput, match=message):
            make(tmp_path, file=answers_file(tmp_path, text))


def test_an_unknown_preset_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match="--preset ful: unknown, did you mean full.; choose from full, minimal, standard"
    ):
        make(tmp_path, preset="ful")


def test_a_version_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{tmp_path / 'nowhere'}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    with pytest.raises(BadInput, match="version v99 of the template is not embedded and could not be had: ") as refused:
        make(tmp_path, ref="v99")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "repo").exists()


def test_without_a_terminal_the_open_questions_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match="no terminal to ask in, and no answer for description, owner_team, .* volume_size"
    ):
        make(tmp_path, defaults=False)
    assert list(tmp_path.iterdir()) == []


def test_with_every_answer_given_no_terminal_is_needed(tmp_path: Path) -> None:
    first = make(tmp_path)
    answers = {**first.answers, **first.service}
    text = yaml.safe_dump({key: value for key, value in answers.items() if not key.startswith("_") and key != "scope"})
    second = new("web", tmp_path / "again", Wanted(file=answers_file(tmp_path, text)))
    assert second.answers == first.answers
    assert second.service == first.service


def test_the_same_answers_give_the_same_commit_tree(tmp_path: Path) -> None:
    trees = []
    for folder in ("one", "two"):
        made = new("web", tmp_path / folder, Wanted(defaults=True))
        trees.append(git.git("rev-parse", "HEAD^{tree}", cwd=made.root))
    assert trees[0] == trees[1]


def test_a_full_destination_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(BadInput, match="is not empty"):
        make(tmp_path)
    assert (tmp_path / "repo" / "mine").read_text(encoding="utf-8") == "x"


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolFailed, match="git is not installed or not on PATH"):
        make(tmp_path)


def test_a_template_that_writes_into_git_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "evil"
    (template / ".git-ish").mkdir(parents=True)
    (template / "copier.yml").write_text("_subdirectory: template\nname: {type: str, default: x}\n", encoding="utf-8")
    hooks = template / "template" / "#% raw %#"
    del hooks
    (template / "template" / "{{ '.git' }}" / "hooks").mkdir(parents=True)
    (template / "template" / "{{ '.git' }}" / "hooks" / "post-commit").write_text(
        "#!/bin/sh\ntouch /tmp/owned\n", encoding="utf-8"
    )
    with pytest.raises(BadInput, match="the template writes .git: a template must not touch .git"):
        make(tmp_path, template=str(template))
    assert not (tmp_path / "repo").exists()


def test_another_template_without_services_is_rendered_once(tmp_path: Path) -> None:
    template = tmp_path / "tiny"
    (template / "template").mkdir(parents=True)
    (template / "copier.yml").write_text("_subdirectory: template\nname: {type: str, default: x}\n", encoding="utf-8")
    (template / "template" / "README.md.jinja").write_text("# {{ name }}\n", encoding="utf-8")
    made = make(tmp_path, template=str(template))
    assert (made.root / "README.md").read_text(encoding="utf-8") == "# web\n"
    assert made.service == {}


def test_a_second_service_needs_a_repository_of_ours_and_a_free_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\.copier-answers\.yml is missing"):
        add_service("worker", tmp_path, Wanted(defaults=True))
    root = make(tmp_path).root
    with pytest.raises(BadInput, match="exists already: choose another name"):
        add_service("web", root, Wanted(defaults=True))
    assert (
        subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True).stdout
        == ""
    )
