"""Policies behave: Kyverno's command line and the API server itself refuse and admit what the policies are meant to.

The server is asked with the policies as ValidatingAdmissionPolicies (``admission``), bound to namespaces of this test.
What Kyverno derives for controllers is derived there the same way; so pods, Deployments, CronJobs and the other
controllers are all asked of both.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.harness.api import Object
from tests.cluster.harness.clearing import clear, make_namespaces
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.policies import admission, requests
from tests.cluster.policies.cases import EPHEMERAL, controller, place
from tests.cluster.policies.corpus import PREFIX, Corpus, put_before_kyverno

# Policies that cannot be asked of the API server, and why. A new one has to be named here.
NOT_CONVERTED: dict[str, str] = {}
# Kyverno's command line has no requests for subresources, by which ephemeral containers are added.
SERVER_ALONE = "trusted-registries-ephemeral"

proves = pytest.mark.proves("behaves", "kyverno")


@pytest.fixture(scope="module")
def corpus(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return put_before_kyverno(programs / "kyverno", tmp_path_factory.mktemp("policies"))


@pytest.fixture(scope="module")
def server(plane: ControlPlane, corpus: Corpus) -> Iterator[ControlPlane]:
    """The API server, in whose namespaces the policies are active; what is only changed existed before them."""
    applied: list[Object] = []

    def apply(item: Object) -> None:
        applied.append(item)
        plane.api.apply(item)

    try:
        make_namespaces(plane, corpus.namespaces)
        for case in corpus.cases:
            if requests.exists_before(case):
                applied.append(case.item)
                requests.make(plane, case.item)
        for folder, found in corpus.policies.items():
            convertible = [policy for policy in found if policy["metadata"]["name"] not in NOT_CONVERTED]
            for converted in (made for policy in convertible for made in admission.conversions(policy).values()):
                apply(converted)
                apply(admission.binding(converted, corpus.own_namespaces(folder)))
        until_active(plane, corpus)
        yield plane
    finally:
        clear(plane, reversed(applied))


@proves
def test_every_policy_can_be_asked_of_the_server(plane: ControlPlane, corpus: Corpus) -> None:
    found = {}
    for policy in corpus.all():
        if reason := requests.why_not(plane, policy):
            found[policy["metadata"]["name"]] = reason
    assert found == NOT_CONVERTED


@proves
def test_the_server_warns_of_no_expression(server: ControlPlane, corpus: Corpus) -> None:
    """It compares what expressions read with the types of what they are asked about."""
    expected = {name for policy in corpus.all() for name in admission.conversions(policy)} - {*NOT_CONVERTED}

    def checked() -> list[Object]:
        found = server.api.list(admission.ADMISSION, "ValidatingAdmissionPolicy")
        ours = [item for item in found if item["metadata"]["name"] in expected]
        looked = [item for item in ours if item.get("status", {}).get("observedGeneration")]
        return ours if len(looked) == len(expected) else []

    with planted(server) as name:
        expected.add(name)
        found = server.processes.until("the types of all expressions are looked at", checked)
    types = {item["metadata"]["name"]: item["status"].get("typeChecking", {}) for item in found}
    assert [one for one, said in types.items() if said.get("expressionWarnings")] == [name], types


@proves
def test_every_fixture_is_answered_as_expected_by_both(
    server: ControlPlane, corpus: Corpus, record_property: Callable[[str, object], None]
) -> None:
    rows, words = [], 0
    for case in corpus.cases:
        policy, said = requests.on_server(server, case)
        kyverno, why = corpus.by_kyverno(case)
        assert not policy or policy.startswith(case.policy), (case, policy)
        rows.append(
            (case.policy, case.operation, *case.place, case.expected, kyverno, "fail" if policy else "admitted")
        )
        if policy and kyverno == "fail":
            assert " ".join(said.split()) == " ".join(why.split()), case
            words += 1
    right = {("pass", "pass", "admitted"), ("skip", "skip", "admitted"), ("fail", "fail", "fail")}
    assert [row for row in rows if row[-3:] not in right] == []
    counts = Counter(row[-3] for row in rows)
    assert {row[0] for row in rows} == {*corpus.names()} - {SERVER_ALONE}
    assert counts["pass"] > 20
    assert counts["fail"] > 100
    assert words > 100
    told = ", ".join(f"{count} {expected}" for expected, count in sorted(counts.items()))
    record_property("note", f"policies: {len(rows)} fixtures ({told}): Kyverno and the API server agree on all")


@proves
def test_kyverno_has_looked_at_every_fixture_and_workload(corpus: Corpus) -> None:
    expected = {(case.policy, *case.place) for case in corpus.cases if case.expected != "skip"}
    everywhere = [*corpus.golden, *corpus.faulty.values()]
    expected |= {(name, *place(item)) for name in corpus.names() for item in everywhere if name != SERVER_ALONE}
    assert set(corpus.kyverno) == expected


@proves
def test_a_broken_policy_is_no_answer(programs: Path, corpus: Corpus, tmp_path: Path) -> None:
    """Kyverno leaves out a policy that it does not understand, and ends with 0."""
    file = tmp_path / "policy.yaml"
    file.write_text("apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: n}\nspec: {no: 1}\n")
    with pytest.raises(AssertionError, match="looked at nothing|no report"):
        admission.kyverno_results(programs / "kyverno", tmp_path, [file], corpus.golden, corpus.namespaces)


@proves
def test_the_golden_path_is_admitted_by_all(server: ControlPlane, corpus: Corpus) -> None:
    kinds = Counter(item["kind"] for item in corpus.golden)
    assert kinds["Pod"] == kinds["Deployment"] + kinds["CronJob"] > 3
    refused = {place(item): admission.answer(lambda item=item: server.api.apply(item, dry_run=True))
               for item in corpus.golden}  # fmt: skip
    assert set(refused.values()) == {("", "")}, refused
    results = [(key, result) for key, (result, _) in corpus.kyverno.items() if key[1:] in refused]
    assert {result for _, result in results} == {"pass"}, results


@proves
def test_a_single_fault_in_it_is_refused_by_its_policy_alone(server: ControlPlane, corpus: Corpus) -> None:
    assert {*corpus.faulty} == {*corpus.names()} - {SERVER_ALONE}
    for policy, pod in corpus.faulty.items():
        for item in (pod, controller("Deployment", pod), controller("CronJob", pod)):
            by, _ = admission.answer(lambda item=item: server.api.apply(item, dry_run=True))
            assert by.startswith(policy), item
        against = {key[0] for key, (result, _) in corpus.kyverno.items() if key[1:] == place(pod) and result == "fail"}
        assert against == {policy}


@proves
def test_a_change_of_what_is_judged_is_refused(server: ControlPlane, corpus: Corpus) -> None:
    """What ran before a policy may get other annotations, by the fixtures; not another specification or label."""
    asked = [case for case in corpus.cases if case.operation == "UPDATE"]
    assert {case.policy for case in asked} == {*corpus.names()} - {SERVER_ALONE}
    for case in asked:
        assert requests.change(server, case.item, requests.JUDGED)[0] == case.policy


@proves
def test_a_debug_container_is_judged_where_it_is_added(server: ControlPlane, corpus: Corpus) -> None:
    answers = {
        case.item["metadata"]["name"]: requests.debug(server, case.item, case.item["spec"][EPHEMERAL][0]["image"])[0]
        for case in corpus.cases
        if case.policy == "trusted-registries" and EPHEMERAL in case.item["spec"]
    }
    assert answers == {"trusted": "", "foreign-ephemeral": SERVER_ALONE}


@contextmanager
def planted(plane: ControlPlane) -> Iterator[str]:
    """Have a policy, bound to nothing, that reads a field which pods do not have; return its name."""
    name = f"{PREFIX}-planted"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "object.spec.containres == []"}],
    }
    policy = {"apiVersion": admission.ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}}
    plane.api.apply(policy | {"spec": spec})
    try:
        yield name
    finally:
        clear(plane, [policy])


def until_active(plane: ControlPlane, corpus: Corpus) -> None:
    """Wait until every policy refuses something."""
    active = [policy for policy in corpus.all() if policy["metadata"]["name"] not in NOT_CONVERTED]
    waiting = {name for policy in active for name in admission.conversions(policy)}

    def all_refuse() -> bool:
        for case in corpus.cases:
            if waiting and case.expected == "fail":
                waiting.discard(requests.on_server(plane, case)[0])
        foreign = next(case for case in corpus.cases if case.item["metadata"]["name"] == "foreign-ephemeral")
        waiting.discard(requests.debug(plane, foreign.item, "registry.example.org/planted:1.0.0")[0])
        return not waiting

    plane.processes.until(f"every policy is active: {waiting}", all_refuse)
