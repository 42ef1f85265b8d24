"""The catalog's files: facts and nothing else, complete, and what the tool makes of its sources."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.catalog import DATA, LICENCES, catalog

from scaffold.facts.schemas import Catalog

KEYS = {
    "above", "allOf", "anyOf", "below", "embedded", "empty", "enum", "filled", "format", "items", "keys", "maxItems",
    "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not",
    "nullable", "oneOf", "open", "pattern", "properties", "required", "type", "unique", "values",
}  # fmt: skip


def nodes() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "nodes.jsonl").read_text(encoding="utf-8").splitlines()]


def index() -> dict[str, Any]:
    return json.loads((DATA / "index.json").read_text(encoding="utf-8"))


def test_there_are_facts_only() -> None:
    assert {key for node in nodes() for key in node} <= KEYS


def test_no_node_is_there_twice_and_none_is_unused() -> None:
    lines = (DATA / "nodes.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(set(lines))
    roots = [row[-1] for row in index()["kinds"]]
    reached: set[int] = set()
    todo = [number for root in roots for number in ([root] if isinstance(root, int) else root.values())]
    table = nodes()
    while todo:
        number = todo.pop()
        if number not in reached:
            reached.add(number)
            node = table[number]
            todo += node.get("properties", {}).values()
            todo += [node[key] for key in ("items", "values") if type(node.get(key)) is int]
    assert len(reached) == len(table)


def test_every_source_may_be_published() -> None:
    assert {licence for _, _, licence in index()["sources"]} <= set(LICENCES)
    projects = {project for project, _, _ in index()["sources"]}
    assert {row[3] for row in index()["kinds"]} == projects
    assert not any("k8s.elastic.co" in row[0] or "hashicorp" in row[0] for row in index()["kinds"])


@pytest.mark.parametrize("version", Catalog.builtin().versions)
def test_every_kind_has_a_schema(version: str) -> None:
    kinds = Catalog.builtin().kinds(version)
    assert len(kinds) > 400
    for kind in kinds:
        assert Catalog.builtin().validate({"bogus": 1}, kind.api_version, kind.kind, version), kind


def test_the_files_are_what_the_tool_makes(shared: Path) -> None:
    made = catalog(shared / "openapi", shared / "crds")
    assert {path.name for path in DATA.iterdir()} == made.keys()
    for name, text in made.items():
        assert (DATA / name).read_text(encoding="utf-8") == text, "run tools/catalog.py"


@pytest.mark.parametrize("project", ["argo-cd", "gateway-api", "velero"])
def test_definitions_say_the_same_laid_over_the_catalog(shared: Path, project: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((shared / "crds" / project).glob("*.yaml"))]
    over = Catalog.builtin().with_crds(texts)
    data = {"metadata": {"x": 1}, "spec": {"x": None, "source": [], "rules": {}, "listeners": [{}]}, "status": {"y": 1}}
    for text in texts:
        spec = yaml.load(text, Loader=yaml.CSafeLoader)["spec"]
        for version in spec["versions"]:
            kind = f"{spec['group']}/{version['name']}", spec["names"]["kind"], "1.37"
            assert over.validate(data, *kind) == Catalog.builtin().validate(data, *kind)


ARTICLE = [
    "Deployment web-app-with-sidecar: spec: selector is required",
    "Deployment web-app: spec: selector is required",
    "Service hello-world: spec.template.spec.containers.0.resources[autoscaling.knative.dev/minScale]: unknown field",
    "Service hello-world: spec.template.spec.containers.0.resources[autoscaling.knative.dev/maxScale]: unknown field",
    "Service hello-world: spec.template.spec.containers.0.resources[autoscaling.knative.dev/target]: unknown field",
    "Backup daily-app-backup: spec.schedule: unknown field",
]


def test_the_manifests_of_an_article_have_the_faults_that_a_server_refuses(shared: Path) -> None:
    text = (shared / "domain" / "seed-manifests.yaml").read_text(encoding="utf-8")
    found = []
    for data in yaml.load_all(text, Loader=yaml.CSafeLoader):
        if data:
            problems = Catalog.builtin().validate(data, data["apiVersion"], data["kind"], "1.37")
            found += [f"{data['kind']} {data['metadata']['name']}: {problem}" for problem in problems or ()]
    assert found == ARTICLE
