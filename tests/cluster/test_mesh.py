"""Mesh configuration: istioctl has nothing against what we render, and finds the faults of our rules that it knows.

`istioctl analyze` reads the control plane, to which the objects are applied, with what upstream's charts would bring
beside them. Both it and `istioctl validate` end with 0 where they look at nothing: so each time a planted fault shows
that they have looked.
"""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from scaffold.engines.helm import Backend, helm
from tests.cluster.harness.applying import take_away
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.meshed.applying import PLANTED, applied, fault
from tests.cluster.meshed.faults import Case, cases
from tests.cluster.meshed.istioctl import Finding, analyze, is_mesh, validate
from tests.cluster.meshed.product import INGRESS, SYSTEM, Meshed, different, meshed, repositories, surroundings

proves = pytest.mark.proves("behaves", "istio")

# What istioctl finds because something of Istio does not run here, and what that is.
ABSENT = {"IST0103": "the injector, which gives pods their proxy"}
# What istioctl finds in the bad case of our rules, and not in the good one.
KNOWN = {
    "MESH-01": {"IST0101", "IST0174"},
    "MESH-02": {"IST0101"},
    "MESH-03": {"IST0173"},
    "MESH-04": {"IST0101", "IST0132"},
    "MESH-06": {"IST0130", "IST0131"},
    "MESH-07": {"IST0106"},
    "MESH-09": {"IST0101", "IST0112"},
    "MESH-10": {"IST0118"},
    "MESH-13": {"IST0133"},
    "MESH-15": {"IST0109"},
    "MESH-16": {"IST0123"},
    "MESH-22": {"IST0133"},
    "MESH-24": {"IST0138", "IST0145", "IST0162"},
    "MESH-26": {"IST0144"},
    "MESH-28": {"IST0160"},
    "MESH-33": {"IST0149"},
}
# Faults that it does not know: it says the same of the bad case as of the good one.
UNKNOWN = {
    "MESH-05": "a Service's host that is not bound to mesh",
    "MESH-08": "weights that do not sum to 100",
    "MESH-11": "tries that do not fit into the timeout",
    "MESH-12": "retries of POST on answers of the server",
    "MESH-14": "port settings that inherit nothing",
    "MESH-17": "Pod Security of injected pods",
    "MESH-18": "plain text scrapes under STRICT",
    "MESH-19": "portLevelMtls of a Service's port",
    "MESH-20": "principals that nobody runs as",
    "MESH-21": "a gateway that no policy lets in",
    "MESH-23": "a Certificate in another namespace than the gateway",
    "MESH-25": "a DestinationRule that turns mutual TLS off",
    "MESH-27": "a Sidecar without the namespace of a callee",
    "MESH-29": "waves",
    "MESH-30": "old versions of its API",
    "MESH-31": "registries that image policies trust",
    "MESH-32": "the failure policy of its webhook in the values",
    "MESH-34": "policies for a waypoint without targetRefs",
    "MESH-35": "Jobs that a proxy keeps alive",
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Meshed]]:
    """What every example, preset and engine renders for the mesh, by repository."""
    roots = repositories(tmp_path_factory.mktemp("mesh"))
    return {title: list(meshed(title, root)) for title, root in roots.items()}


@pytest.fixture(scope="module")
def mesh(plane: ControlPlane, rendered: dict[str, list[Meshed]]) -> Iterator[ControlPlane]:
    """The control plane; the namespaces that repositories have in common are taken away at the end."""
    yield plane
    take_away(plane, [item for found in rendered.values() for one in found for item in one.items])


@proves
def test_every_mesh_object_is_valid(
    programs: Path, rendered: dict[str, list[Meshed]], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    assert {title for title, found in rendered.items() if not found} == {t for t in rendered if t.startswith("minimal")}
    items = [item for found in rendered.values() for one in found for item in one.items if is_mesh(item)]
    assert {item["kind"] for item in items} == {
        "AuthorizationPolicy",
        "DestinationRule",
        "Gateway",
        "PeerAuthentication",
        "Telemetry",
        "VirtualService",
    }
    assert validate(programs / "istioctl", tmp_path / "mesh.yaml", items) == {}
    # Each of them, once it has a field that there is not, is found: so each was looked at.
    broken = [
        item | {"metadata": item["metadata"] | {"name": f"broken-{number}"}, "spec": item["spec"] | {"planted": 1}}
        for number, item in enumerate(items)
    ]
    wrong = validate(programs / "istioctl", tmp_path / "broken.yaml", broken)
    assert wrong.keys() == {item["metadata"]["name"] for item in broken}
    assert all("planted" in message for message in wrong.values())
    record_property("note", f"istioctl validate: {len(items)} mesh objects of {len(rendered)} repositories are valid")


@proves
def test_nothing_is_found_in_what_we_render(
    mesh: ControlPlane, rendered: dict[str, list[Meshed]], record_property: Callable[[str, object], None]
) -> None:
    """Applied to the control plane, environment by environment; the planted faults are in the same call."""
    every = [one for found in rendered.values() for one in found]
    sets = different(every)
    assert len(every) >= 2 * len(sets) >= 18
    namespaces = sorted({item["metadata"]["name"] for one in sets for item in one.items if item["kind"] == "Namespace"})
    assert namespaces == [INGRESS, SYSTEM, "shop"]
    planted = [fault(namespace) for namespace in namespaces]
    for one in sets:
        with applied(mesh, [*one.items, one.settings, *surroundings(mesh), *planted]):
            found = [f for f in analyze(mesh.bin / "istioctl", mesh.kubeconfig()) if f.home in namespaces]
        ours = [finding for finding in found if finding.name != PLANTED]
        assert {(f.code, f.kind) for f in ours} == {(code, "Pod") for code in ABSENT}, (one.title, ours)
        assert [(f.code, f.namespace) for f in found if f.name == PLANTED] == [("IST0101", n) for n in namespaces]
    record_property(
        "note", f"istioctl analyze: {len(every)} environments, {len(sets)} different ones applied, no finding"
    )


@proves
def test_it_says_of_each_namespace_that_it_has_looked(mesh: ControlPlane, rendered: dict[str, list[Meshed]]) -> None:
    one = rendered["routed argocd"][-1]
    istioctl, kubeconfig = mesh.bin / "istioctl", mesh.kubeconfig()
    with applied(mesh, [*one.items, one.settings, *surroundings(mesh)]):
        for namespace in (SYSTEM, INGRESS, "shop"):
            assert {finding.code for finding in analyze(istioctl, kubeconfig, namespace)} <= {*ABSENT}
            command = [istioctl, "analyze", f"--namespace={namespace}", f"--kubeconfig={kubeconfig}"]
            command += ["--output-threshold=Error", "--color=false"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert f"No validation issues found when analyzing namespace: {namespace}." in done.stderr


@proves
def test_faults_of_our_rules_are_found_by_both(
    plane: ControlPlane, record_property: Callable[[str, object], None]
) -> None:
    with helm(Backend.AUTO) as engine:
        found = cases(engine)
    with applied(plane, [item for case in found for item in case.items]):
        findings = analyze(plane.bin / "istioctl", plane.kubeconfig())
    assert {case.rule for case in found} == {*KNOWN, *UNKNOWN}, "say here what istioctl finds for a new rule"
    assert {(case.rule, case.kind) for case in found if case.found != (case.kind == "bad")} == set()
    told = {(case.rule, case.kind): codes(findings, case) for case in found}
    added = {rule: set(told[rule, "bad"] - told[rule, "good"]) for rule in (*KNOWN, *UNKNOWN)}
    assert added == KNOWN | {rule: set() for rule in UNKNOWN}
    assert {rule for rule in UNKNOWN if told[rule, "good"] - told[rule, "bad"]} == set()
    record_property("note", f"mesh faults: {len(KNOWN)} rules and istioctl find them, {len(UNKNOWN)} rules alone")


def test_who_looks_at_nothing_is_noticed(plane: ControlPlane, tmp_path: Path) -> None:
    istioctl = plane.bin / "istioctl"
    with pytest.raises(AssertionError):
        analyze(istioctl, plane.kubeconfig(), "not-there")
    with pytest.raises(AssertionError):
        validate(istioctl, tmp_path / "nothing.yaml", [])
    command = [istioctl, "analyze", "-R", f"--kubeconfig={plane.kubeconfig()}"]
    recursive = subprocess.run(command, capture_output=True, text=True, check=False)
    assert recursive.returncode == 0
    assert "Analyzed" not in recursive.stdout + recursive.stderr


def codes(findings: Iterable[Finding], case: Case) -> Counter[str]:
    """Return how often what is found in the namespaces of a case."""
    return Counter(finding.code for finding in findings if finding.home in case.namespaces())
