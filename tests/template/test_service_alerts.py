"""The alert tests of a service: promtool agrees with them, and they cover every alert that the chart renders."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pytest
import yaml

from scaffold.engines.helm import embedded_available
from tests.conftest import ROOT
from tests.template.charts import Engine
from tests.template.rendering import make

pytestmark = pytest.mark.skipif(not embedded_available(), reason="the embedded Helm engine has no wheel here")

ONE_POD = {name: {"min": 1, "max": 1} for name in ("dev", "staging", "prod")}
CASES: dict[str, dict[str, Any]] = {
    "web": {"grpc_port": 9999, "subsets": [{"name": "canary", "weight": 10}]},
    "web 99": {"slo_availability": 99, "slo_latency_ms": 5000, "metrics_port": 8080},
    "web 99.95": {"slo_availability": 99.95, "slo_latency_ms": 50, "engine": "flux"},
    "web 90": {"slo_availability": 90, "metrics_port": 0, "replicas": ONE_POD, "volume_size": "1Gi"},
    "web without mesh": {"mesh": "none"},
    "web of a fixed size with a canary": {
        "replicas": {name: {"min": 2, "max": 2} for name in ONE_POD},
        "subsets": [{"name": "canary", "weight": 100}],
    },
    "worker": {"kind": "worker", "engine": "flux", "replicas": ONE_POD, "volume_size": "1Gi"},
    "cron": {"kind": "cron"},
    "cron every five minutes of a working day": {"kind": "cron", "schedule": "*/5 8-18 * * 1-5"},
    "names as long as they may be": {"service": "s" * 40, "namespace": "n" * 40, "owner_team": "t" * 40},
}


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("values"))
    yield engine
    engine.close()


class Case(NamedTuple):
    """A repository: its root, the folder of its alert tests and the groups of rules in its last environment."""

    root: Path
    tests: Path
    groups: list[dict[str, Any]]


def rendered(helm: Engine, root: Path, answers: dict[str, Any]) -> Case:
    made = make(root, answers, name="shop")
    service = made.service["service"]
    last = made.service["environments"][-1]["name"]
    if made.answers["engine"] == "flux":
        base, env = root / "apps/base" / service, root / "apps" / last / service
    else:
        base, env = root / "services" / service, root / "services" / service / "envs" / last
    files = [
        root / "environments" / last / "values.yaml",
        base / "values.yaml",
        env / "values.yaml",
        env / "version.yaml",
    ]
    objects = helm.objects(root / "charts/service", files, service, made.service["namespace"])
    rule = objects.get(("PrometheusRule", service))
    return Case(root, base / "tests", rule["spec"]["groups"] if rule else [])


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest, helm: Engine, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return rendered(helm, tmp_path_factory.mktemp("case") / "repo", request.param)


def test_every_alert_has_a_case_that_fires_and_one_that_stays_silent(case: Case) -> None:
    tests = yaml.safe_load((case.tests / "alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    alerts = {rule["alert"] for group in case.groups for rule in group["rules"] if "alert" in rule}
    asked = [one for test in tests for one in test["alert_rule_test"]]
    assert {one["alertname"] for one in asked if one["exp_alerts"]} == alerts
    assert {one["alertname"] for one in asked if not one["exp_alerts"]} == alerts


def test_a_version_is_promoted_by_a_copy_of_its_file(case: Case) -> None:
    files = sorted(case.root.rglob("version.yaml"))
    assert len(files) == 3
    assert len({file.read_bytes() for file in files}) == 1
    version = yaml.safe_load(files[0].read_text(encoding="utf-8"))
    promoted = [version["image"], *version.get("subsets", {}).values()]
    assert all(keys.keys() == {"tag", "digest"} for keys in promoted)
    assert version.keys() <= {"image", "subsets"}


@pytest.mark.tool("promtool")
def test_promtool_agrees(case: Case, tmp_path: Path) -> None:
    shutil.copy(case.tests / "alerts.test.yaml", tmp_path)
    (tmp_path / "alerts.rules.yaml").write_text(yaml.safe_dump({"groups": case.groups}), encoding="utf-8")
    for argv in (["check", "rules", "alerts.rules.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(["promtool", *argv], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_metrics_there_is_neither_rule_nor_test(helm: Engine, tmp_path: Path) -> None:
    case = rendered(helm, tmp_path / "repo", {"metrics": "none"})
    assert not case.tests.exists()
    assert case.groups == []


@pytest.mark.parametrize(
    ("schedule", "shortest", "longest"),
    [
        ("0 3 * * *", 24 * 60, 24 * 60),
        ("* * * * *", 1, 1),
        ("*/25 * * * *", 10, 25),
        ("0,30 9-17/4 * * *", 30, 15 * 60 + 30),
        ("10/20 * * * *", 20, 20),
        ("5-59/15 1 * * *", 15, 23 * 60 + 15),
        ("0 3 * * 1-5", 24 * 60, 7 * 24 * 60),
        ("0 3 1 * *", 24 * 60, 31 * 24 * 60),
        ("0 3 1 1 *", 24 * 60, 366 * 24 * 60),
    ],
)
def test_the_pauses_of_a_schedule_are_known(schedule: str, shortest: int, longest: int) -> None:
    """In minutes. Days that are left out make the longest pause longer, at most what it is here."""
    settings = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8").split("\n---", 1)[0])["_envops"]
    del settings["undefined"]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT), autoescape=True, **settings)
    module: Any = environment.get_template("template/partials/schedule.jinja").module
    assert [int(number) for number in module.pauses(schedule).split()] == [shortest * 60, longest * 60]
