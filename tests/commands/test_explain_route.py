"""Who answers a request, in a repository as a user has it: rendered by the real Helm, printed by the program."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.commands.ahead import Options, begun
from scaffold.commands.explain_route import explain_route, request_of
from scaffold.model.errors import BadInput
from scaffold.model.route import Answer, Request
from scaffold.report import routes as report
from tests.conftest import ROOT

Ask = Callable[..., list[Answer]]


@pytest.fixture(scope="module", params=["argocd-standard", "flux-standard"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    with begun(ROOT / "examples" / request.param, Options(), style=False) as repository:
        yield lambda host, path="/", env="": explain_route(repository, Request(host, path), env)[1]


def test_the_public_host_leads_to_the_deployment_of_its_environment(ask: Ask) -> None:
    answers = ask("shop.dev.example.com", "/items", "dev")
    [public] = [answer for answer in answers if "port 443" in answer.entry.what]
    assert public.environment == "dev"
    [share] = public.shares
    assert [pod.what for pod in share.pods] == ["Deployment shop/shop, port 8080"]
    assert share.labels["app.kubernetes.io/name"] == "shop"
    [plain] = [answer for answer in answers if "port 80 HTTP" in answer.entry.what]
    assert plain.reply == "301 to https://shop.dev.example.com/items"


def test_each_environment_answers_for_itself(ask: Ask) -> None:
    answers = ask("shop.shop.svc.cluster.local")
    assert [(answer.environment, answer.answered) for answer in answers] == [
        ("dev", True), ("prod", True), ("staging", True)
    ]  # fmt: skip


def test_nobody_answers_for_a_host_without_route(ask: Ask) -> None:
    answers = ask("nope.example.com")
    assert {answer.environment for answer in answers} == {"prod"}
    assert not any(answer.answered for answer in answers)
    shown = report.text(Request("nope.example.com"), answers)
    assert "nobody  404: no VirtualService is bound to it for this host" in shown
    assert report.text(Request("a.example.net"), []) == (
        "nobody: no Gateway, route or Service of this repository takes the host a.example.net"
    )


def test_an_unknown_environment_is_one_line(ask: Ask) -> None:
    with pytest.raises(BadInput, match="--env qa: no such environment, choose from dev, prod, staging"):
        ask("shop.dev.example.com", env="qa")


def test_json_holds_every_step_with_its_line(ask: Ask) -> None:
    answers = ask("shop.dev.example.com", env="dev")
    whole = json.loads(report.as_json(Request("shop.dev.example.com"), answers))
    assert whole["request"]["host"] == "shop.dev.example.com"
    [public] = [one for one in whole["answers"] if "port 443" in one["entry"]["what"]]
    assert public["answered"]
    assert public["entry"]["path"] == "platform/istio/dev/gateway.yaml"
    assert public["entry"]["line"] > 1
    assert public["destinations"][0]["workloads"][0]["what"] == "Deployment shop/shop, port 8080"


def test_a_request_is_read_as_a_person_writes_it() -> None:
    asked = request_of("shop.example.com:8443", "/a?b=c", "post", ["x-a=b:c", "X-B: d=e"], None)
    assert asked == Request("shop.example.com", "/a?b=c", "POST", {"x-a": "b:c", "X-B": "d=e"}, 8443)
    assert (asked.path, asked.query) == ("/a", {"b": "c"})


@pytest.mark.parametrize(
    ("host", "path", "header", "why"),
    [
        ("https://shop.example.com", "/", "a=b", "is no host: write shop.example.com"),
        ("shop.example.com:http", "/", "a=b", "the port is no number"),
        ("shop.example.com", "items", "a=b", "items is no path: it begins with /"),
        ("shop.example.com", "/", "premium", "-H premium: write NAME=VALUE"),
    ],
)
def test_what_is_no_request_is_one_line(host: str, path: str, header: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        request_of(host, path, "GET", [header], None)


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scaffold", "explain-route", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_exit_code_says_whether_somebody_answers() -> None:
    example = ROOT / "examples" / "argocd-standard"
    found = run("shop.example.com", "/", "--port", "443", cwd=example)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("environment prod\n  Gateway istio-ingress/public, port 443 HTTPS (platform/")
    nobody = run("nope.example.com", "-C", str(example), cwd=ROOT)
    assert nobody.returncode == 1
    wrong = run("https://x/y", cwd=example)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("scaffold: https://x/y is no host")
