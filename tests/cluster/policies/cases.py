"""What is put before the policies: their own fixtures, controllers of these pods, and the golden path's workloads."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.harness.api import Object, objects

# The controllers whose pod templates Kyverno judges, and their API groups.
CONTROLLERS = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "Job": "batch",
    "CronJob": "batch",
}
EPHEMERAL = "ephemeralContainers"


@dataclass(frozen=True)
class Case:
    """An object before a policy of a folder: that it is made (CREATE), or changed (UPDATE) where it exists.

    Expected is pass, fail or skip.
    """

    folder: str
    policy: str
    operation: str
    item: Object
    expected: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Return kind, namespace and name of the object."""
        return place(self.item)


def policies(root: Path) -> dict[str, list[Object]]:
    """Return the policies of a repository by their folder."""
    return {file.parent.name: read(file) for file in sorted(root.glob("policies/*/policy.yaml"))}


def read(file: Path) -> list[Object]:
    """Return the objects of a file."""
    return objects(file.read_text(encoding="utf-8"))


def fixtures(root: Path, prefix: str) -> tuple[list[Case], dict[str, Mapping[str, str]]]:
    """Return the fixtures of all policies as cases, and the labels of the namespaces they are in.

    Each folder has namespaces of its own, or one policy would refuse what is meant for another.
    """
    cases, namespaces = [], {}
    for folder in sorted(path.parent for path in root.glob("policies/*/kyverno-test.yaml")):
        test = yaml.safe_load((folder / "kyverno-test.yaml").read_text(encoding="utf-8"))
        own = {one["name"]: f"{prefix}-{folder.name}-{one['name']}" for one in test["values"]["namespaceSelector"]}
        namespaces |= {own[one["name"]]: one["labels"] for one in test["values"]["namespaceSelector"]}
        items = {place(item): item for item in read(folder / "resources.yaml")}
        for result in test["results"]:
            for resource in result["resources"]:
                namespace, _, name = resource.partition("/")
                item = _moved(items[result["kind"], namespace, name], own)
                operation = result.get("operation", "CREATE")
                if operation == "UPDATE":
                    # It exists already, beside the one of the same fixture that is to be made.
                    item["metadata"]["name"] += "-before"
                cases.append(Case(folder.name, result["policy"], operation, item, result["result"]))
    return cases, namespaces


def place(item: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name of an object."""
    meta = item["metadata"]
    return item["kind"], meta["namespace"], meta["name"]


def derived(cases: Iterable[Case]) -> Iterator[Case]:
    """Yield each pod case again for the controllers that would make the pod; the same is expected.

    A Deployment and a CronJob stand for the two rules that Kyverno derives; the other controllers are asked about the
    first pod of each policy and expectation.
    """
    seen = set()
    for case in cases:
        if case.item["kind"] == "Pod" and case.operation == "CREATE" and EPHEMERAL not in case.item["spec"]:
            first = (case.policy, case.expected) not in seen
            seen.add((case.policy, case.expected))
            for kind in CONTROLLERS if first else ("Deployment", "CronJob"):
                yield replace(case, item=controller(kind, case.item))


def controller(kind: str, pod: Object) -> Object:
    """Return a controller that makes such a pod."""
    meta, spec = pod["metadata"], deepcopy(pod["spec"])
    owner = {"by": meta["name"]}
    template: dict[str, Any] = {"metadata": {"labels": meta.get("labels", {}) | owner}, "spec": spec}
    if annotations := meta.get("annotations"):
        template["metadata"]["annotations"] = annotations
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    else:
        spec.pop("restartPolicy", None)
    made: dict[str, Any] = {"template": template}
    if kind not in ("Job", "CronJob"):
        made["selector"] = {"matchLabels": owner}
    if kind == "StatefulSet":
        made["serviceName"] = meta["name"]
    if kind == "CronJob":
        made = {"schedule": "0 3 * * *", "jobTemplate": {"spec": made}}
    name = {"name": f"{meta['name']}-{kind.lower()}", "namespace": meta["namespace"]}
    return {"apiVersion": f"{CONTROLLERS[kind]}/v1", "kind": kind, "metadata": name, "spec": made}


def workloads(items: Iterable[Object], namespace: str) -> list[Object]:
    """Return the controllers among rendered objects and a pod of each template, numbered, in one namespace."""
    found: list[Object] = []
    different = {yaml.safe_dump(item): item for item in items if item["kind"] in CONTROLLERS}
    for item in different.values():
        template = _template(item)
        name = f"{item['metadata']['name']}-{len(found)}"
        found.append(item | {"metadata": item["metadata"] | {"name": name, "namespace": namespace}})
        meta = {key: template["metadata"][key] for key in ("labels", "annotations") if key in template["metadata"]}
        # A service account of another namespace than the one it is asked in would be missed first.
        spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
        found.append(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta | {"name": name, "namespace": namespace}, "spec": spec}
        )
    return found


def faulty(pods: Iterable[Object]) -> dict[str, Object]:
    """Return, by policy, a pod of the golden path with a single fault, which this policy is there for."""
    pod = next(item for item in pods if item["kind"] == "Pod")
    found = {}
    for policy, change in _FAULTS.items():
        changed = deepcopy(pod)
        changed["metadata"]["name"] = f"without-{policy}"
        change(changed, changed["spec"]["containers"][0])
        found[policy] = changed
    return found


_FAULTS: Mapping[str, Callable[[Any, Any], object]] = {
    "no-latest-tag": lambda _, container: container.update(image=container["image"].rpartition(":")[0] + ":latest"),
    "requests-set": lambda _, container: container["resources"].pop("requests"),
    "required-labels": lambda pod, _: pod["metadata"]["labels"].pop("team"),
    "restricted-pods": lambda _, container: container["securityContext"].pop("capabilities"),
    "trusted-registries": lambda _, container: container.update(image="registry.example.org/app:1.0.0"),
}


def _template(item: Object) -> Any:
    """Return the pod template of a controller."""
    made: Any = item["spec"]["jobTemplate"] if item["kind"] == "CronJob" else item
    return made["spec"]["template"]


def _moved(item: Object, namespaces: Mapping[str, str]) -> Object:
    meta = item["metadata"]
    return deepcopy(item) | {"metadata": meta | {"namespace": namespaces[meta["namespace"]]}}
