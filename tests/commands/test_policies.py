"""Policies are asked as Kyverno asks them: their fixtures say what it answers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.commands.policies import Asked, ask, request
from scaffold.engines.cel import compiler
from scaffold.model.cel import Failed
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo
from scaffold.rules.reading.verdicts import PASSED, SKIPPED, Judge, Verdict, plural, rewritten, template_of
from tests.helpers import CLUSTER, URL, applied

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/policies/*/kyverno-test.yaml"))
PODS = "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}"
WEB = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {team: a}}, spec: {containers: [{name: web, image: web:latest}]}}}
"""


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def fixtures() -> Iterator[tuple[Path, Mapping[str, Any], Mapping[str, Any], str]]:
    """Yield folder, test, expected result and resource of every fixture."""
    for folder in FOLDERS:
        for test in documents(folder / "kyverno-test.yaml"):
            for result in test["results"]:
                for name in result["resources"]:
                    yield folder, test, result, name


def test_every_fixture_is_answered_as_kyverno_answers_it() -> None:
    loaded = compiler()
    assert loaded is not None
    judge = Judge(loaded)
    seen = {"pass": 0, "fail": 0, "skip": 0}
    for folder, test, result, name in fixtures():
        [policy] = [one for one in documents(folder / "policy.yaml") if one["metadata"]["name"] == result["policy"]]
        namespace, _, short = name.rpartition("/")
        [resource] = [
            one
            for one in documents(folder / "resources.yaml")
            if (one["kind"], one["metadata"]["name"]) == (result["kind"], short)
            and one["metadata"].get("namespace", "") == namespace
        ]
        labels = next(one["labels"] for one in test["values"]["namespaceSelector"] if one["name"] == namespace)
        verdict = answered(judge, policy, resource, labels, result.get("operation", "CREATE"))
        assert verdict.result == result["result"], (folder, name, verdict)
        seen[verdict.result] += 1
    assert min(seen.values()) > 5


def answered(judge: Judge, policy: Any, resource: Any, labels: Mapping[str, str], operation: str) -> Verdict:
    asked, about = Manifest(policy, Origin("p.yaml")), Manifest(resource, Origin("r.yaml"))
    selector = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    template = template_of(asked, about, operation)
    if template is None or selector[0]["key"] not in labels:
        return SKIPPED
    data = request(about, resource["metadata"]["namespace"], labels, operation)
    return judge.verdict(asked, template, data, [])


def policy(validation: str, rest: str = "", match: str = f"resourceRules: [{PODS}]", name: str = "p") -> str:
    return (
        f"---\napiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {{name: {name}}}\n"
        f"spec:\n  matchConstraints: {{{match}}}\n  validations: [{{{validation}}}]\n{rest}"
    )


def said(*texts: str) -> Asked:
    return ask(applied({"a.yaml": "".join(texts)}), compiler)


def texts(asked: Asked, kind: str = "policies") -> list[str]:
    return [f"{hit.place} {hit.text}" for hit in asked.hits[kind]]


NO_LATEST = "expression: \"object.spec.containers.all(c, !c.image.endsWith(':latest'))\""


def test_a_deployment_is_refused_at_its_line_with_the_message() -> None:
    asked = said(WEB, policy(f"{NO_LATEST}, message: no tag"))
    assert texts(asked) == ["a.yaml:2 Deployment shop/web is refused by ValidatingPolicy p (a.yaml:7): no tag"]
    assert asked.not_checked == ()
    assert texts(said(WEB, policy(NO_LATEST)))[0].endswith("validation 1 fails")


def test_what_only_audits_is_reported_apart() -> None:
    asked = said(WEB, policy(NO_LATEST, "  validationActions: [Audit, Warn]\n"))
    assert texts(asked) == []
    assert len(texts(asked, "policies-audit")) == 1
    both = said(WEB, policy(NO_LATEST, "  validationActions: [Audit, Deny]\n"))
    assert len(texts(both)) == 1


@pytest.mark.parametrize(
    ("rest", "refused"),
    [
        ("  autogen: {podControllers: {controllers: []}}\n", False),
        ("  autogen: {podControllers: {controllers: [jobs]}}\n", False),
        ("  autogen: {podControllers: {controllers: [deployments]}}\n", True),
        ("  matchConditions: [{name: a, expression: \"object.metadata.labels.team == 'b'\"}]\n", False),
        ("  matchConditions: [{name: a, expression: \"object.metadata.labels.team == 'a'\"}]\n", True),
        ("  matchConditions: [{name: a, expression: \"object.metadata.namespace == 'shop'\"}]\n", True),
        ("  matchConditions: [{name: a, expression: \"request.operation == 'UPDATE'\"}]\n", False),
    ],
)
def test_rules_for_controllers_and_conditions(rest: str, refused: bool) -> None:
    asked = said(WEB, policy(NO_LATEST, rest))
    assert bool(texts(asked)) == refused
    assert asked.not_checked == ()


@pytest.mark.parametrize(
    ("exception", "refused"),
    [
        ("policyRefs: [{name: p, kind: ValidatingPolicy}]", False),
        ("policyRefs: [{name: p, kind: ImageValidatingPolicy}]", True),
        ("policyRefs: [{name: p, kind: ValidatingPolicy}], expiresAt: '2020-01-01T00:00:00Z'", True),
        ("policyRefs: [{name: p, kind: ValidatingPolicy}], matchConditions: [{name: a, expression: 'false'}]", True),
    ],
)
def test_an_exception_takes_an_object_out(exception: str, refused: bool) -> None:
    text = "---\napiVersion: policies.kyverno.io/v1\nkind: PolicyException\nmetadata: {name: e}\n"
    text += f"spec: {{{exception}}}\n"
    assert bool(texts(said(WEB, policy(NO_LATEST), text))) == refused


def space(labels: str) -> str:
    return f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{{labels}}}}}\n"


@pytest.mark.parametrize(
    ("namespace", "refused", "unknown"),
    [(space("tenant: a"), True, 0), (space("team: a"), False, 0), ("", False, 1)],
)
def test_namespaces_are_selected_by_their_labels(namespace: str, refused: bool, unknown: int) -> None:
    match = f"resourceRules: [{PODS}], namespaceSelector: {{matchExpressions: [{{key: tenant, operator: Exists}}]}}"
    asked = said(namespace, WEB, policy(NO_LATEST, match=match))
    assert bool(texts(asked)) == refused
    assert len(asked.not_checked) == unknown


@pytest.mark.parametrize("namespace", ["kube-system", "kyverno"])
def test_namespaces_that_kyverno_leaves_alone(namespace: str) -> None:
    assert texts(said(WEB.replace("namespace: shop", f"namespace: {namespace}"), policy(NO_LATEST))) == []


@pytest.mark.parametrize(
    ("validation", "reason"),
    [
        ("expression: \"resource.Get('v1', 'configmaps', 'a', 'b') == null\"", "undeclared reference to 'resource'"),
        ("expression: \"request.userInfo.username == 'a'\"", "request.userInfo is known only when the request is made"),
        ("expression: object.spec.nothing.here", "nothing"),
        ("expression: object.spec.containers.size()", "validation 1 is 1, no boolean"),
        ("message: a", "there is no expression"),
    ],
)
def test_what_cannot_be_told_is_not_checked(validation: str, reason: str) -> None:
    asked = said(WEB, policy(validation))
    assert texts(asked) == []
    [unknown] = asked.not_checked
    assert reason in unknown.reason
    assert unknown.reason.endswith("(asked about Deployment shop/web)")


def test_the_old_api_and_other_kinds_are_not_checked() -> None:
    old = "---\napiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: o}\nspec: {rules: []}\n"
    mutating = old.replace("kyverno.io/v1\nkind: ClusterPolicy", "policies.kyverno.io/v1\nkind: MutatingPolicy")
    assert [one.what for one in said(old, mutating).not_checked] == ["MutatingPolicy o", "ClusterPolicy o"]


def test_without_the_library_policies_are_not_checked() -> None:
    asked = ask(applied({"a.yaml": WEB + policy(NO_LATEST)}), lambda: None)
    assert [one.reason for one in asked.not_checked] == ["the library for CEL, cel-expr-python, is not installed"]


def test_the_library_is_loaded_where_a_policy_is_alone() -> None:
    def load() -> None:
        raise AssertionError

    assert ask(applied({"a.yaml": WEB}), load).not_checked == ()


def test_expressions_about_pods_become_those_about_templates() -> None:
    text = "object.spec.x + oldObject.metadata.labels + object.metadata.namespace + object.metadata.namespaces"
    assert rewritten(text, "spec.template") == (
        "object.spec.template.spec.x + oldObject.spec.template.metadata.labels + object.metadata.namespace"
        " + object.spec.template.metadata.namespaces"
    )
    assert rewritten(text, "") == text


@pytest.mark.parametrize(
    ("kind", "resource"),
    [("Pod", "pods"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Gateway", "gateways"),
     ("Endpoints", "endpoints"), ("IngressClass", "ingressclasses")],
)  # fmt: skip
def test_resources_are_named_in_the_plural(kind: str, resource: str) -> None:
    assert plural(kind) == resource


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        ("resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}]", True),
        ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]",
         True),
        ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [DELETE], resources: [deployments]}]",
         False),
        (f"resourceRules: [{PODS}], objectSelector: {{matchLabels: {{a: b}}}}", False),
        ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], "
         "resourceNames: [jobs]}]", False),
        ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: ['*'], resources: ['*']}], "
         "excludeResourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: ['*'], resources: [deployments]}]",
         False),
    ],
)  # fmt: skip
def test_a_policy_is_asked_about_what_it_matches(rules: str, asked: bool) -> None:
    assert bool(texts(said(WEB, policy("expression: 'false'", match=rules)))) == asked


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("object.spec.x"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "spec", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = (
    "variables",
    "validations",
    "matchConditions",
    "matchConstraints",
    "autogen",
    "validationActions",
    "evaluation",
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), VALUES)
def test_no_shape_of_a_policy_or_object_fails(spec: dict[str, Any], odd: Any) -> None:
    whole = {"resourceRules": [{key: ["*"] for key in ("apiGroups", "apiVersions", "operations", "resources")}]}
    made = [
        {"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": {"name": "p"},
         "spec": {"matchConstraints": whole, "validations": [{"expression": "object.spec.a == 1"}], **spec}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": odd}, "spec": odd},
    ]  # fmt: skip
    repo = Repo.of(URL, {}).with_(manifests=tuple(Manifest(one, Origin("a.yaml"), cluster=CLUSTER) for one in made))
    ask(repo, compiler)


def test_a_passing_object_is_told_from_one_that_is_not_looked_at() -> None:
    judge = Judge(lambda text: (lambda _: text == "true") if text else Failed("empty"))
    [found] = applied({"a.yaml": policy("expression: 'true'")}).manifests
    assert judge.verdict(found, "", {}, []) == PASSED
