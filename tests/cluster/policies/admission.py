"""Kyverno's ValidatingPolicies, asked of Kyverno's command line and, converted, of the API server itself.

The server knows the same language by another name: match constraints, match conditions, variables and validations of a
ValidatingPolicy are those of a ValidatingAdmissionPolicy, field for field. What Kyverno derives for the controllers of
pods (autogen) is derived here the same way, by another root of the expressions; so the server judges pods and
controllers alike.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.harness.api import Object, Refused

ADMISSION = "admissionregistration.k8s.io/v1"
_CARRIED = ("failurePolicy", "matchConstraints", "matchConditions", "variables", "validations", "auditAnnotations")
# Who is refused is the binding's to say; what Kyverno does in the background has no counterpart and changes no answer.
_OF_THE_BINDING = ("validationActions",)
# As Kyverno derives them: what a policy on pods reads, and where the controllers of a variant have it.
_DEFAULTS = {"apps": ["daemonsets", "deployments", "replicasets", "statefulsets"], "batch": ["jobs"]}
VARIANTS: Mapping[str, tuple[str, Mapping[str, list[str]]]] = {
    "controllers": ("spec.template.", _DEFAULTS),
    "cronjobs": ("spec.jobTemplate.spec.template.", {"batch": ["cronjobs"]}),
}
_ROOT = re.compile(r"\b(object|oldObject)\.(spec|metadata)\b(?!\.namespace\b)")
_DENIED = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)", re.DOTALL)


def conversions(policy: Object) -> dict[str, Object]:
    """Return a ValidatingPolicy as ValidatingAdmissionPolicies by name: of its own rules, and those derived from it."""
    name, spec = policy["metadata"]["name"], policy["spec"]
    carried = {key: deepcopy(spec[key]) for key in _CARRIED if key in spec}
    made = {name: carried}
    if derives(policy):
        for variant, (root, groups) in VARIANTS.items():
            moved = rerooted(carried, root)
            moved["matchConstraints"]["resourceRules"] = _rules(groups, spec["matchConstraints"])
            made[f"{name}-{variant}"] = moved
    return {
        key: {"apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": key}, "spec": value}
        for key, value in made.items()
    }


def no_counterpart(policy: Object) -> str:
    """Return why a policy cannot be converted, as far as its fields tell; empty if it can."""
    if policy["kind"] != "ValidatingPolicy":
        return f"a {policy['kind']} does more than validate"
    unknown = sorted(set(policy["spec"]) - {*_CARRIED, *_OF_THE_BINDING})
    return f"no counterpart of {', '.join(unknown)}" if unknown else ""


def derives(policy: Object) -> bool:
    """Tell whether Kyverno derives rules for controllers: of one rule, of pods alone and nothing else."""
    constraints = policy["spec"]["matchConstraints"]
    if {"objectSelector", "excludeResourceRules"} & constraints.keys():
        return False
    found = [(rule["apiGroups"], rule["apiVersions"], rule["resources"]) for rule in constraints["resourceRules"]]
    return found == [([""], ["v1"], ["pods"])] and "resourceNames" not in constraints["resourceRules"][0]


def rerooted(value: Any, root: str) -> Any:
    """Return a value with all expressions in it reading the pod template instead of a pod."""
    if isinstance(value, dict):
        return {key: rerooted(item, root) for key, item in value.items()}
    if isinstance(value, list):
        return [rerooted(item, root) for item in value]
    return _ROOT.sub(rf"\1.{root}\2", value) if isinstance(value, str) else value


def binding(policy: Object, namespaces: Iterable[str]) -> Object:
    """Return the binding by which a converted policy refuses, in these namespaces and no other."""
    name = policy["metadata"]["name"]
    ours = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": sorted(namespaces)}
    return {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchExpressions": [ours]}},
        },
    }


def answer(request: Callable[[], Any]) -> tuple[str, str]:
    """Return which policy refuses a request, and its words; both are empty where it is admitted.

    Whatever else speaks against the request is a fault of the test.
    """
    try:
        request()
    except Refused as error:
        found = _DENIED.search(error.message)
        if not found:
            raise
        return found[1], found[2]
    return "", ""


Results = dict[tuple[str, str, str, str], tuple[str, str]]


def kyverno_results(
    kyverno: Path, folder: Path, policies: Iterable[Path], items: Iterable[Object], namespaces: Mapping[str, Any]
) -> Results:
    """Return result and words by (policy, kind, namespace, name); what a policy does not match is not in it.

    ``namespaces`` are their labels. The files are written to ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    resources, values = folder / "resources.yaml", folder / "values.yaml"
    resources.write_text(yaml.safe_dump_all(list(items)), encoding="utf-8")
    selected = [{"name": name, "labels": labels} for name, labels in namespaces.items()]
    values.write_text(
        yaml.safe_dump({"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values", "namespaceSelector": selected}),
        encoding="utf-8",
    )
    command = [kyverno, "apply", *policies, "--resource", resources, "--values-file", values]
    command += ["--policy-report", "--output-format", "json", "--remove-color"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # 1 says that something is refused; a policy that is not understood gives no result and 0.
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.startswith("{"), f"no report: {done.stdout} {done.stderr}"
    results = json.loads(done.stdout)["results"]
    assert results, f"Kyverno looked at nothing: {done.stderr}"
    return dict(_results(results))


def kyverno_updates(kyverno: Path, folder: Path, policies: Path) -> dict[tuple[str, str], str]:
    """Return the result by (policy, resource) of the updates in the fixtures, which only `kyverno test` can ask.

    It says what it found where something else was expected: so nothing that it says is expected here.
    """
    shutil.copytree(policies, folder)
    for file in folder.glob("*/kyverno-test.yaml"):
        test = yaml.safe_load(file.read_text(encoding="utf-8"))
        updates = [one | {"result": "error"} for one in test["results"] if one.get("operation") == "UPDATE"]
        file.write_text(yaml.safe_dump(test | {"results": updates}), encoding="utf-8")
    command = [kyverno, "test", folder, "--require-tests", "--output-format", "json", "--remove-color"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tables = [json.loads(table) for table in re.findall(r"^\[$.*?^\]$", done.stdout, re.MULTILINE | re.DOTALL)]
    assert tables, done.stdout + done.stderr
    return {
        (row["POLICY"], row["RESOURCE"]): row["REASON"].removeprefix("Want error, got ")
        for table in tables
        for row in table
    }


def _results(results: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str, str, str], tuple[str, str]]]:
    for result in results:
        for of in result["resources"]:
            key = (result["policy"], of["kind"], of["namespace"], of["name"])
            yield key, (result["result"], result["message"])


def _rules(groups: Mapping[str, list[str]], constraints: Mapping[str, Any]) -> list[Object]:
    operations = constraints["resourceRules"][0]["operations"]
    return [
        {"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": resources}
        for group, resources in groups.items()
    ]
