"""Generators that combine others, clusters, selectors, and templates of a generator: as Argo CD 3.6 evaluates them."""

from typing import Any

import pytest

from scaffold.expand.combining import Combining
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo
from tests.expand.support import URL, expanded, go

GO = {"goTemplate": True, "goTemplateOptions": ["missingkey=error"]}
ENVS = {"list": {"elements": [{"env": "dev", "tier": "1"}, {"env": "prod", "tier": "2"}]}}
APPS = {"list": {"elements": [{"app": "web"}, {"app": "api"}]}}
FILES = {"cfg/dev/a.yaml": "name: a\n", "cfg/prod/a.yaml": "name: a\n", "cfg/prod/b.yaml": "name: b\n"}
CLUSTERS = (
    {"name": "dev", "server": "https://dev", "labels": {"env": "dev"}},
    {"name": "Prod EU", "server": "https://prod", "labels": {"env": "prod"}, "annotations": {"zone": "eu"}},
)


def combined(*generators: Any, mode: Any = GO, files: Any = None, inventory: Any = ()) -> tuple[list[Any], list[str]]:
    """Return the parameters that the generators of a set find, and the faults."""
    spec = {**mode, "generators": list(generators), "template": {"metadata": {}, "spec": {}}}
    data = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "set"}, "spec": spec}
    repo = Repo.of(URL, files or {}).with_(inventory=tuple(inventory))
    combining = Combining(repo, Manifest(data, Origin("set.yaml", 1), namespace="argocd"), go)
    found = [element.parameters for _, elements in combining.entries() for element in elements]
    made = combining.made
    return found, [hit.text.removeprefix("ApplicationSet argocd/set: ") for hit in made.faults] + [
        note.reason for note in made.not_checked
    ]


def matrix(*generators: Any) -> Any:
    return {"matrix": {"generators": list(generators)}}


def test_a_matrix_pairs_every_element_of_one_with_every_one_of_the_other() -> None:
    found, faults = combined(matrix(ENVS, APPS))
    assert [(one["env"], one["app"]) for one in found] == [
        ("dev", "web"), ("dev", "api"), ("prod", "web"), ("prod", "api"),
    ]  # fmt: skip
    assert faults == []


def test_the_second_generator_is_filled_in_by_the_first() -> None:
    files = {"git": {"repoURL": URL, "files": [{"path": "cfg/{{ .env }}/*.yaml"}]}}
    found, _ = combined(matrix(ENVS, files), files=FILES)
    assert [(one["env"], one["name"]) for one in found] == [("dev", "a"), ("prod", "a"), ("prod", "b")]
    classic = {"git": {"repoURL": URL, "files": [{"path": "cfg/{{env}}/*.yaml"}]}}
    found, _ = combined(matrix(ENVS, classic), mode={}, files=FILES)
    assert [(one["env"], one["name"]) for one in found] == [("dev", "a"), ("prod", "a"), ("prod", "b")]


def test_values_of_the_second_generator_see_the_parameters_of_both() -> None:
    values = {"of": "{{ .env }}", "own": "{{ .name }}-x"}
    files = {"git": {"repoURL": URL, "files": [{"path": "cfg/prod/a.yaml"}], "values": values}}
    found, faults = combined(matrix(ENVS, files), files=FILES)
    assert [one["values"] for one in found] == [{"of": "dev", "own": "a-x"}, {"of": "prod", "own": "a-x"}]
    assert faults == []


def test_of_two_values_for_one_name_the_first_generator_wins_and_classic_templates_refuse_them() -> None:
    other = {"list": {"elements": [{"env": "x", "more": {"a": "1"}}]}}
    found, _ = combined(matrix({"list": {"elements": [{"env": "dev", "more": {"b": "2"}}]}}, other))
    assert found == [{"env": "dev", "more": {"a": "1", "b": "2"}}]
    found, faults = combined(matrix(ENVS, {"list": {"elements": [{"env": "dev"}]}}), mode={})
    assert found == [{"env": "dev", "tier": "1"}]
    assert faults == ["both generators set env, to prod and dev"]


def test_a_matrix_may_hold_a_matrix_and_no_more() -> None:
    third = {"list": {"elements": [{"x": "1"}, {"x": "2"}]}}
    found, faults = combined(matrix(matrix(ENVS, APPS), third))
    assert (len(found), faults) == (8, [])
    found, faults = combined(matrix(matrix(matrix(ENVS, APPS), third), third))
    assert (found, faults) == ([], ["matrix is nested too deep"])


@pytest.mark.parametrize("generators", [[], [ENVS], [ENVS, APPS, APPS]])
def test_a_matrix_of_other_than_two_is_a_fault(generators: list[Any]) -> None:
    _, faults = combined(matrix(*generators))
    assert faults == [f"a matrix combines two generators, not {len(generators)}"]


def merging(keys: list[str], *generators: Any) -> Any:
    return {"merge": {"mergeKeys": keys, "generators": list(generators)}}


def test_a_merge_changes_the_elements_of_the_first_generator_only() -> None:
    over = {"list": {"elements": [{"env": "prod", "tier": "9", "size": "l"}, {"env": "gone", "tier": "0"}]}}
    for mode in (GO, {}):
        found, faults = combined(merging(["env"], ENVS, over), mode=mode)
        assert found == [{"env": "dev", "tier": "1"}, {"env": "prod", "tier": "9", "size": "l"}]
        assert faults == []


def test_keys_of_a_merge_tell_elements_apart() -> None:
    twice = {"list": {"elements": [{"env": "dev"}, {"env": "dev"}]}}
    assert combined(merging(["env"], ENVS, twice))[1] == [
        "two elements of a generator have the same mergeKeys, env dev"
    ]
    assert combined(merging([], ENVS, APPS))[1] == ["a merge needs two generators or more, and mergeKeys"]


@pytest.mark.parametrize(
    ("selector", "envs"),
    [
        ({"matchLabels": {"env": "dev"}}, ["dev"]),
        ({"matchLabels": {"more.a": "1"}}, ["dev"]),
        ({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["dev"]}]}, ["prod"]),
        ({"matchExpressions": [{"key": "more.a", "operator": "Exists"}]}, ["dev"]),
        ({"matchExpressions": [{"key": "more.a", "operator": "DoesNotExist"}]}, ["prod"]),
    ],
)
def test_a_selector_chooses_by_flattened_parameters(selector: Any, envs: list[str]) -> None:
    elements = [{"env": "dev", "more": {"a": 1}}, {"env": "prod"}]
    found, _ = combined({"list": {"elements": elements}, "selector": selector})
    assert [one["env"] for one in found] == envs


def test_clusters_are_those_that_are_declared_and_the_own_one() -> None:
    found, faults = combined({"clusters": {}}, inventory=CLUSTERS)
    assert [(one["name"], one["nameNormalized"], one["server"]) for one in found] == [
        ("Prod EU", "prod-eu", "https://prod"), ("dev", "dev", "https://dev"),
        ("in-cluster", "in-cluster", "https://kubernetes.default.svc"),
    ]  # fmt: skip
    assert faults == []
    selector = {"matchLabels": {"env": "prod"}}
    found, _ = combined({"clusters": {"selector": selector, "values": {"z": "{{ .name }}"}}}, inventory=CLUSTERS)
    assert found == [{
        "name": "Prod EU", "nameNormalized": "prod-eu", "server": "https://prod", "project": "",
        "metadata": {"labels": {"env": "prod"}, "annotations": {"zone": "eu"}}, "values": {"z": "Prod EU"},
    }]  # fmt: skip
    found, _ = combined({"clusters": {"selector": selector}}, inventory=CLUSTERS, mode={})
    assert found[0]["metadata.labels.env"] == "prod"
    found, _ = combined({"clusters": {"flatList": True}}, inventory=CLUSTERS)
    assert [len(one["clusters"]) for one in found] == [3]


REGISTERED = """\
apiVersion: v1
kind: {kind}
metadata:
  name: c
  namespace: argocd
  labels: {{argocd.argoproj.io/secret-type: cluster, env: dev}}
{data}
"""


def test_clusters_are_read_from_secrets_that_register_them() -> None:
    files = {
        "c.yaml": REGISTERED.format(kind="Secret", data="stringData: {name: dev, server: https://dev}"),
        "e.yaml": REGISTERED.format(kind="Secret", data="data: {name: cHJvZA==, server: aHR0cHM6Ly9w}"),
    }
    found, _ = combined({"clusters": {"selector": {"matchLabels": {"env": "dev"}}}}, files=files)
    assert [(one["name"], one["server"]) for one in found] == [("dev", "https://dev"), ("prod", "https://p")]


def test_data_that_is_no_text_is_left_out() -> None:
    data = "data: {name: cHJvZA==, server: aHR0cHM6Ly9w, a: größe, b: /w==, c: x}"
    found, faults = combined({"clusters": {}}, files={"c.yaml": REGISTERED.format(kind="Secret", data=data)})
    assert [one["name"] for one in found] == ["prod", "in-cluster"]
    assert faults == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [("SealedSecret", "spec: {}"), ("Secret", "sops: {}\nstringData: {name: 'ENC[x]'}")],
)
def test_a_cluster_whose_name_is_not_readable_makes_the_list_unknown(kind: str, data: str) -> None:
    found, faults = combined({"clusters": {}}, files={"c.yaml": REGISTERED.format(kind=kind, data=data)})
    assert found == []
    assert "registers a cluster whose name is not readable here" in faults[0]


def test_a_generator_may_have_a_template_of_its_own() -> None:
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: set, namespace: argocd}}
spec:
  goTemplate: true
  generators:
    - list:
        elements: [{{env: dev}}]
        template:
          metadata: {{}}
          spec: {{destination: {{name: other}}, project: ""}}
    - list: {{elements: [{{env: prod}}]}}
  template:
    metadata: {{name: "app-{{{{ .env }}}}"}}
    spec: {{project: shop, destination: {{name: dev, namespace: x}}, source: {{repoURL: "{URL}", path: x}}}}
"""
    repo = expanded({"set.yaml": text}, templates=go)
    made = {m.name: m.mapping("spec") for m in repo.manifests if m.kind == "Application"}
    assert made["app-dev"]["destination"] == {"name": "other", "namespace": "x"}
    assert made["app-prod"]["destination"] == {"name": "dev", "namespace": "x"}
    assert made["app-dev"]["project"] == "shop"
