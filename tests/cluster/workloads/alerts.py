"""Alerts: what Prometheus would know of the live objects, put to the rendered rules by promtool."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.cluster.harness.api import Object
from tests.cluster.workloads.shapes import ready
from tests.cluster.workloads.tenant import NAME, Tenant

Series = dict[str, float]


def observed(tenant: Tenant) -> Series:
    """Return the live state as kube-state-metrics exports it, times in seconds before now, and ``up`` of every pod."""
    found: Series = {}

    def add(metric: str, value: float, **labels: str) -> None:
        text = ",".join(f'{key}="{label}"' for key, label in {"namespace": tenant.namespace, **labels}.items())
        found[f"{metric}{{{text}}}"] = value

    api, namespace = tenant.plane.api, tenant.namespace
    for item in tenant.deployments():
        _of_deployment(item, add)
    for item in api.list("autoscaling/v2", "HorizontalPodAutoscaler", namespace):
        name, metric = item["metadata"]["name"], "kube_horizontalpodautoscaler"
        add(f"{metric}_status_current_replicas", item["status"].get("currentReplicas", 0), horizontalpodautoscaler=name)
        add(f"{metric}_spec_max_replicas", item["spec"]["maxReplicas"], horizontalpodautoscaler=name)
    for item in tenant.pods():
        _of_pod(item, add)
    for item in api.list("batch/v1", "CronJob", namespace):
        name, last = item["metadata"]["name"], item["status"].get("lastSuccessfulTime")
        add("kube_cronjob_created", _seconds(item["metadata"]["creationTimestamp"]), cronjob=name)
        if last:
            add("kube_cronjob_status_last_successful_time", _seconds(last), cronjob=name)
    for item in api.list("batch/v1", "Job", namespace):
        name, conditions = item["metadata"]["name"], item["status"].get("conditions", ())
        failed = any(one["type"] == "Failed" and one["status"] == "True" for one in conditions)
        add("kube_job_status_start_time", _seconds(item["status"]["startTime"]), job_name=name)
        add("kube_job_failed", float(failed), job_name=name, condition="true")
    return found


def firing(
    tenant: Tenant, folder: Path, rule: Object, series: Series, expected: Counter[str], minutes: int = 20
) -> str:
    """Have promtool judge whether exactly these alerts fire when all has stayed so for some minutes.

    The rule is a rendered PrometheusRule. Returns what promtool says, empty where it agrees.
    """
    names = {one["alert"] for group in rule["spec"]["groups"] for one in group["rules"] if "alert" in one}
    assert set(expected) <= names
    (folder / "rules.yaml").write_text(json.dumps({"groups": rule["spec"]["groups"]}), encoding="utf-8")
    samples = [{"labels": f'{{alertname="{name}"}}', "value": count} for name, count in sorted(expected.items())]
    asked = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": f"{minutes}m",
        "exp_samples": samples,
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value}x30"} for name, value in series.items()],
        "promql_expr_test": [asked],
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "tests.yaml").write_text(json.dumps(tests), encoding="utf-8")
    command = [str(tenant.plane.bin / "promtool"), "test", "rules", str(folder / "tests.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ("SUCCESS" in done.stdout + done.stderr), done
    return "" if done.returncode == 0 else done.stdout + done.stderr


Add = Callable[..., None]


def _of_deployment(item: Object, add: Add) -> None:
    name, status = item["metadata"]["name"], item["status"]
    add("kube_deployment_spec_replicas", item["spec"]["replicas"], deployment=name)
    add("kube_deployment_status_replicas_available", status.get("availableReplicas", 0), deployment=name)
    for one in status["conditions"]:
        about = {"deployment": name, "condition": one["type"], "reason": one["reason"]}
        for state in ("true", "false", "unknown"):
            value = float(one["status"].lower() == state)
            add("kube_deployment_status_condition", value, status=state, **about)


def _of_pod(item: Object, add: Add) -> None:
    name, labels = item["metadata"]["name"], item["metadata"]["labels"]
    if item["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet":
        add("up", float(ready(item)), job=labels[NAME], pod=name)
    for container in item["status"].get("containerStatuses", ()):
        if reason := container["state"].get("waiting", {}).get("reason"):
            about = {"pod": name, "container": container["name"], "reason": reason}
            add("kube_pod_container_status_waiting_reason", 1, **about)


def _seconds(time: str) -> float:
    """Return a time relative to now: promtool's clock starts at 0."""
    at = datetime.fromisoformat(time)
    return round((at - datetime.now(at.tzinfo)).total_seconds())
