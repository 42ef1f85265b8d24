"""Whatever stands in the files, expansion ends and says what it did not see."""

from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffold.expand import environment_of
from scaffold.model.ports import ChartResult
from tests.expand.support import URL, application, expanded, named

_WORDS = (
    ".", "..", "../..", "/", "*", "[", "(", "{{", "{{ .a }}", "k", "./k", "$v/x", "a: b", "\\", "https://x", URL,
    "- {op: add, path: /a, value: 1}",
)  # fmt: skip
_KEYS = ("name", "path", "kind", "spec", "patch", "files", "metadata", "target", "ref", "chart", "helm")
_VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 3.5, "", *_WORDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=6,
)

_DOCUMENTS: dict[str, Any] = {
    "app.yaml": {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web", "namespace": "argocd"},
        "spec": {"destination": {"name": "prod"}, "sources": [
            {"repoURL": URL, "path": "k", "kustomize": {"patches": []}, "directory": {"include": "*"}},
            {"repoURL": URL, "path": "c", "helm": {
                "valueFiles": ["$v/v.yaml"], "parameters": [{"name": "a", "value": "b"}], "fileParameters": [],
                "values": "a: 1"}},
            {"repoURL": URL, "ref": "v"}]}},
    "set.yaml": {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": "set", "namespace": "argocd"},
        "spec": {"generators": [
            {"git": {"repoURL": URL, "files": [{"path": "k/*"}], "values": {"a": "{{path}}"}}},
            {"git": {"repoURL": URL, "directories": [{"path": "*"}]}}, {"list": {"elements": [{"a": "b"}]}}],
            "template": {
                "metadata": {"name": "{{path.basename}}-x"}, "spec": {"source": {"repoURL": URL, "path": "k"}}}}},
    "clusters/a/sync.yaml": {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "flux-system", "namespace": "flux-system"},
        "spec": {"path": "k", "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
                 "patches": [], "components": []}},
    "k/release.yaml": {
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "r", "namespace": "n1"},
        "spec": {"chart": {"spec": {"chart": "c", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}}},
                 "valuesFrom": [{"kind": "ConfigMap", "name": "cm"}], "values": {}}},
    "k/kustomization.yaml": {
        "resources": ["release.yaml"], "configMapGenerator": [{"name": "cm", "files": ["v.yaml"], "options": {}}],
        "configurations": ["names.yaml"], "labels": [{"pairs": {"a": "b"}}], "namespace": "n1",
        "patches": [{"target": {"kind": "HelmRelease"}, "patch": "[]"}]},
    "k/names.yaml": {"nameReference": [{"kind": "ConfigMap", "fieldSpecs": [{"path": "spec/valuesFrom/name"}]}]},
    "k/v.yaml": {"values.yaml": 1}, "v.yaml": {"a": 1}, "c/Chart.yaml": {"name": "c"},
}  # fmt: skip


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in entries for path in _paths(item, (*at, key)))]


def _changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = _changed(value[at[0]], at[1:], new)
    return copy


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_value_anywhere_is_taken(data: st.DataObject) -> None:
    documents = dict(_DOCUMENTS)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(documents)))
        at = data.draw(st.sampled_from(_paths(documents[path])))
        documents[path] = _changed(documents[path], at, data.draw(_VALUES))
    texts = {path: yaml.safe_dump(document) for path, document in documents.items()}
    repo = expanded(
        texts,
        lambda requests: [ChartResult({f"{request.path}/templates/a.yaml": named("a")}) for request in requests],
        lambda jobs: ["error" if len(texts) > 1 else [*texts] for _, texts in jobs],
        url=data.draw(st.sampled_from(["", URL])),
    )
    for manifest in repo.manifests:
        assert isinstance(str(manifest), str)
        environment_of(repo, manifest)


def test_deep_and_repeated_documents_end() -> None:
    levels = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    levels += [
        f"{this}: &{this} [{','.join([f'*{last}'] * 9)}]" for last, this in zip("abcdefgh", "bcdefghij", strict=False)
    ]
    bomb = "\n".join(levels)
    kustomization = {"k/kustomization.yaml": "resources: [a.yaml]\nnamespace: n1\n"}
    for text in (bomb, f"data: {'[' * 5000}{']' * 5000}", f"data: {'[' * 400}{']' * 400}", "data: " + "{a: " * 900):
        for more in ({}, kustomization):
            texts = {"app.yaml": application("web", "path: k"), "k/a.yaml": f"{named('a')}{text}\n", **more}
            assert expanded(texts).manifests
