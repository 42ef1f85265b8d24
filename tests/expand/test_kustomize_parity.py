"""The real kustomize agrees: random folders of every field we evaluate give equal objects, or both refuse.

``SCAFFOLD_PARITY`` sets how many folders are tried.
"""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.expand.kustomization import Built, KustomizeError
from scaffold.expand.kustomize import build
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse

pytestmark = pytest.mark.tool("kubectl")

_NAMES = ("a", "b", "web")
_TEXTS = (
    "a: 1\n",
    'x <y> & "z"\n',
    "tab\there\n",
    "é 中文 🎉\n",
    "",
    "no newline",
    "end  \n \n",
    "a\r\nb\r\n",
    "\u2028s\n",
)
_OPERATIONS: tuple[dict[str, Any], ...] = (
    {"op": "add", "path": "/metadata/labels", "value": {"patched": "1"}},
    {"op": "add", "path": "/metadata/annotations/x~1y", "value": "z"},
    {"op": "replace", "path": "/spec/replicas", "value": 3},
    {"op": "remove", "path": "/spec/selector"},
    {"op": "add", "path": "/subjects/-", "value": {"kind": "User", "name": "u"}},
    {"op": "add", "path": "/subjects/0", "value": {"kind": "User", "name": "u"}},
    {"op": "remove", "path": "/subjects/-1"},
    {"op": "test", "path": "/kind", "value": "Deployment"},
    {"op": "copy", "from": "/metadata/name", "path": "/metadata/labels"},
    {"op": "move", "from": "/spec", "path": "/specification"},
    {"op": "replace", "path": "/data/k", "value": "w"},
)


class Folders:
    """Random folders of kustomizations, as files."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def name(self) -> str:
        return str(self.one(*_NAMES))

    def pod(self) -> dict[str, Any]:
        maps = [self.one(*_NAMES, "cm") for _ in range(3)]
        return {
            "containers": [{
                "name": "c", "image": "i", "envFrom": [{"configMapRef": {"name": maps[0]}}],
                "env": [{"name": "E", "valueFrom": {"configMapKeyRef": {"name": maps[1], "key": "k"}}}],
            }],
            "volumes": [{"name": "v", "configMap": {"name": maps[2]}},
                        {"name": "w", "projected": {"sources": [{"configMap": {"name": "cm"}}]}}],
        }  # fmt: skip

    def thing(self, *, lists: bool = True) -> dict[str, Any]:
        name = self.name()
        metadata: dict[str, Any] = {"name": name}
        if self.maybe(0.5):
            metadata["namespace"] = self.one("one", "two")
        if self.maybe(0.3):
            metadata["labels"] = {"app": name, "x": self.one("p", "q")}
        if self.maybe(0.1):
            metadata["annotations"] = {"config.kubernetes.io/local-config": self.one("true", "false")}
        template = {"metadata": {"labels": {"app": name}} if self.maybe(0.7) else {}, "spec": self.pod()}
        selector = {"matchLabels": {"app": name}}
        subjects = [
            {"kind": "ServiceAccount", "name": self.one(*_NAMES, "default")}
            | ({"namespace": self.one("one", "two", "three")} if self.maybe(0.6) else {})
            for _ in range(self.one(1, 2))
        ]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
        service = {"name": self.name(), "namespace": self.one("one", "default")}
        kinds: dict[str, tuple[str, dict[str, Any]]] = {
            "Deployment": ("apps/v1", {"spec": {"selector": selector, "template": template}}),
            "StatefulSet": ("apps/v1", {"spec": {"template": template,
                                                 "volumeClaimTemplates": [{"metadata": {"name": "d"}}]}}),
            "CronJob": ("batch/v1", {"spec": {"jobTemplate": {"spec": {"template": template}}}}),
            "Pod": ("v1", {"spec": template["spec"]}),
            "ConfigMap": ("v1", {"data": {"k": "v"}}),
            "Service": ("v1", {"spec": {"selector": {"app": name}} if self.maybe(0.5) else {}}),
            "ServiceAccount": ("v1", {}),
            "Namespace": ("v1", {}),
            "Role": ("rbac.authorization.k8s.io/v1", {"rules": [{"resourceNames": ["cm", "a"], "verbs": ["get"]}]}),
            "RoleBinding": ("rbac.authorization.k8s.io/v1", {"roleRef": role, "subjects": subjects}),
            "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", {"roleRef": role, "subjects": subjects}),
            "HelmRelease": ("helm.toolkit.fluxcd.io/v2",
                            {"spec": {"valuesFrom": [{"kind": "ConfigMap", "name": self.one(*_NAMES, "cm")}]}}),
            "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {
                "podSelector": selector if self.maybe(0.5) else {},
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"q": "1"}}}]}]}}),
            "ClusterPolicy": ("kyverno.io/v1", {"spec": {"size": 1}}),
            "ValidatingWebhookConfiguration": ("admissionregistration.k8s.io/v1", {
                "webhooks": [{"name": "w", "clientConfig": {"service": service}}]}),
        }  # fmt: skip
        if lists and self.maybe(0.05):
            return {"apiVersion": "v1", "kind": "List", "items": [self.thing(lists=False), self.thing(lists=False)]}
        kind = self.one(*kinds)
        version, fields = kinds[kind]
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}

    def patch(self) -> dict[str, Any]:
        target: dict[str, str] = {}
        for chance, key, choices in (
            (0.8, "kind", ("Deployment", "ConfigMap", "Service", ".*Binding", "HelmRelease")),
            (0.4, "name", (*_NAMES, ".*", "w")),
            (0.2, "namespace", ("one", "default", "t.*")),
            (0.2, "labelSelector", ("app=a", "app!=a", "x in (p, q)", "!x", "app", "app=a,x=p", "x notin (p)")),
            (0.2, "group", ("apps", "rbac.*")),
        ):
            if self.maybe(chance):
                target[key] = self.one(*choices)
        operations = [self.one(*_OPERATIONS) for _ in range(self.one(1, 2))]
        return {"target": target or {"kind": "Service"}, "patch": yaml.safe_dump(operations)}

    def generator(self, folder: str, files: dict[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.one("cm", "a")}
        if self.maybe(0.7):
            files[f"{folder}/v.yaml"] = self.one(*_TEXTS)
            made["files"] = [self.one("v.yaml", "values.yaml=v.yaml")]
        if self.maybe(0.4):
            made["literals"] = self.random.sample(["k=v", 'q="quoted"', "e=", "u==x"], 2)
        if self.maybe(0.2):
            files[f"{folder}/env"] = "A=1\n# c\n\n B=2=3\nC\n"
            made["envs"] = ["env"]
        if self.maybe(0.3):
            made["options"] = {"disableNameSuffixHash": self.maybe(0.5), "labels": {"l": "1"},
                               "annotations": {"an": "2"}, "immutable": self.maybe(0.3)}  # fmt: skip
        if self.maybe(0.3):
            made["behavior"] = self.one("create", "merge", "replace")
        if self.maybe(0.2):
            made["namespace"] = self.one("one", "two")
        return made

    def folder(self, path: str, depth: int) -> dict[str, str]:
        files: dict[str, str] = {}
        fields: dict[str, Any] = {}
        resources: list[str] = []
        for index in range(self.one(0, 1, 2)):
            documents = [yaml.safe_dump(self.thing()) for _ in range(self.one(1, 2))]
            files[f"{path}/f{index}.yaml"] = "---\n".join(documents)
            resources.append(f"f{index}.yaml")
        for index in range(self.one(0, 1, 2) if depth else 0):
            files |= self.folder(f"{path}/s{index}", depth - 1)
            resources.append(f"s{index}")
        if resources:
            fields["resources"] = resources
        if self.maybe(0.4):
            fields["namespace"] = self.one("one", "three")
        if self.maybe(0.6):
            fields["configMapGenerator"] = [self.generator(path, files)]
        if self.maybe(0.2):
            fields["generatorOptions"] = {"labels": {"go": "1", "l": "2"}, "disableNameSuffixHash": self.maybe(0.3)}
        if self.maybe(0.4):
            field = {"path": "spec/valuesFrom/name", "kind": "HelmRelease"}
            config = {"nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": [field]}]}
            files[f"{path}/cfg.yaml"] = yaml.safe_dump(config)
            fields["configurations"] = ["cfg.yaml"]
        if self.maybe(0.3):
            fields["patches"] = [self.patch() for _ in range(self.one(1, 2))]
        if self.maybe(0.3):
            pairs = {"z": "1", "app": "over"}
            fields["labels"] = [
                {"pairs": pairs, "includeSelectors": self.maybe(0.4), "includeTemplates": self.maybe(0.4)}
            ]
        if self.maybe(0.15):
            fields["commonLabels"] = {"cl": "1"}
        if self.maybe(0.15):
            fields["commonAnnotations"] = {"ca": "1"}
        if depth and self.maybe(0.2):
            files[f"{path}/comp/kustomization.yaml"] = yaml.safe_dump({
                "apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component",
                "labels": [{"pairs": {"comp": "1"}}], "configMapGenerator": [{"name": "comp", "literals": ["a=b"]}],
            })  # fmt: skip
            fields["components"] = ["comp"]
        files[f"{path}/kustomization.yaml"] = yaml.safe_dump(fields)
        return files


def objects(documents: list[Any]) -> list[str]:
    return sorted(json.dumps(document, sort_keys=True) for document in documents)


def attempt(files: dict[str, str]) -> tuple[Built | None, str]:
    try:
        return build(Repo.of("", files), "top"), ""
    except KustomizeError as error:
        return None, f"{error.place} {error.text}"


def test_random_folders_are_built_as_kustomize_builds_them(tmp_path: Path) -> None:
    same = 0
    for seed in range(int(os.environ.get("SCAFFOLD_PARITY", "40"))):
        files = Folders(seed).folder("top", 1)
        root = tmp_path / str(seed)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())
        done = subprocess.run(["kubectl", "kustomize", root / "top"], capture_output=True, text=True, check=False)
        built, refusal = attempt(files)
        assert bool(done.returncode) == bool(refusal), f"seed {seed}: kustomize: {done.stderr} we: {refusal}"
        if built is None:
            continue
        assert built.not_checked == []
        ours = objects([manifest.data for manifest in built.manifests])
        assert ours == objects([document.data for document in parse(done.stdout)[0]]), f"seed {seed}"
        same += 1
    assert same
