"""postBuild: where variables come from, what they do to a value, and what is told when they are not known."""

from typing import Any

import pytest

from scaffold.model.repo import Repo
from tests.expand.support import URL, expanded

SOURCE = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{interval: 1m, url: "{URL}", ref: {{branch: main}}}}
---
"""
ROOT = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 10m, prune: true, path: ./clusters/prod, sourceRef: {kind: GitRepository, name: flux-system}}
"""


def kustomization(post_build: str) -> str:
    return f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: apps, namespace: flux-system}}
spec:
  interval: 10m
  prune: true
  path: ./apps
  sourceRef: {{kind: GitRepository, name: flux-system}}
  postBuild: {post_build}
"""


def config(data: str, meta: str = "name: app, namespace: web") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{{meta}}}\ndata: {data}\n"


def built(post_build: str, app: str, more: dict[str, str] | None = None) -> Repo:
    files = {
        "clusters/prod/flux-system/sync.yaml": SOURCE + ROOT,
        "clusters/prod/apps.yaml": kustomization(post_build),
        "apps/app.yaml": app,
    }
    return expanded(files | (more or {}))


def data(repo: Repo) -> Any:
    [found] = [m for m in repo.manifests if m.kind == "ConfigMap" and m.origin.path == "apps/app.yaml"]
    return found.get("data")


def reasons(repo: Repo) -> list[str]:
    return [note.reason for note in repo.not_checked]


VARS = config('{region: eu, replicas: "3"}', "name: vars, namespace: flux-system")


def test_inline_variables_win_over_those_of_a_config_map() -> None:
    post = "{substituteFrom: [{kind: ConfigMap, name: vars}], substitute: {region: us}}"
    repo = built(post, config('{a: "${region}-${replicas:=9}-${more:=x}"}'), {"clusters/prod/vars.yaml": VARS})
    assert (data(repo), reasons(repo)) == ({"a": "us-3-x"}, [])


def test_a_config_map_that_another_kustomization_brings_is_known() -> None:
    other = kustomization("{substitute: {z: y}}").replace("name: apps", "name: vars").replace("./apps", "./vars")
    more = {"clusters/prod/z-vars.yaml": other, "vars/vars.yaml": VARS}
    repo = built("{substituteFrom: [{kind: ConfigMap, name: vars}]}", config('{a: "${region}"}'), more)
    assert (data(repo), reasons(repo)) == ({"a": "eu"}, [])


def test_without_quotes_a_value_is_read_again() -> None:
    post = '{substitute: {yes: "true", three: "3", text: "a b", q: "\\""}}'
    app = config("{a: '${yes}', b: '${three}', c: '${text}', d: '${q}${three}${q}', e: 'x: ${three}', f: '*${three}'}")
    assert data(built(post, app)) == {"a": True, "b": 3, "c": "a b", "d": "3", "e": "x: 3", "f": "*3"}


def test_a_block_stays_text_and_escapes_are_taken_off() -> None:
    app = config("\n  run: |\n    echo $HOME $${USER} ${region}\n")
    assert data(built("{substitute: {region: eu}}", app)) == {"run": "echo $HOME ${USER} eu\n"}


def test_names_and_namespaces_are_substituted_too() -> None:
    repo = built("{substitute: {ns: other}}", config("{a: b}", 'name: "app-${ns}", namespace: "${ns}"'))
    [found] = [m for m in repo.manifests if m.origin.path == "apps/app.yaml"]
    assert str(found) == "ConfigMap other/app-other"


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_an_object_may_switch_it_off(where: str) -> None:
    meta = f"name: app, namespace: web, {where}: {{kustomize.toolkit.fluxcd.io/substitute: disabled}}"
    assert data(built("{substitute: {a: b}}", config('{x: "${a}"}', meta))) == {"x": "${a}"}


def test_without_a_variable_nothing_is_touched_unless_always() -> None:
    app = config('{x: "${a:=b}$$"}')
    assert data(built("{substitute: {}}", app)) == {"x": "${a:=b}$$"}
    assert data(built("{substituteStrategy: Always}", app)) == {"x": "b$"}


@pytest.mark.parametrize(
    ("post_build", "more", "why"),
    [
        ("{substitute: {a: b}}", {}, "ConfigMap app: ${region} is not defined"),
        ("{substituteFrom: [{kind: Secret, name: s}]}", {}, "Secret s is not in this repository"),
        ("{substituteFrom: [{kind: ConfigMap, name: vars}]}",
         {"a/vars.yaml": VARS, "b/vars.yaml": VARS}, "ConfigMap vars lies here more than once"),
        ('{substitute: {"a-b": c}}', {}, "a-b is no name of a variable"),
        ('{substitute: {region: "a: b"}}', {}, "ConfigMap app: a: b is no value in YAML"),
    ],
)  # fmt: skip
def test_what_is_not_known_leaves_all_as_it_was_built_and_is_told(
    post_build: str, more: dict[str, str], why: str
) -> None:
    repo = built(post_build, config('{x: "${region}"}'), more)
    assert (data(repo), reasons(repo)) == ({"x": "${region}"}, [f"postBuild substitution is not evaluated: {why}"])


def test_an_optional_source_may_be_missing() -> None:
    repo = built("{substituteFrom: [{kind: Secret, name: s, optional: true}], substitute: {region: eu}}",
                 config('{x: "${region}"}'))  # fmt: skip
    assert (data(repo), reasons(repo)) == ({"x": "eu"}, [])
