"""Pod Security: the API server's own admission and our rule WORK-21 find the same faults in the same pods.

Not only whether: which of the standards' checks speak against a pod has to be the same, in every version that a
namespace can pin and we know. The server refuses pods; of a controller's template it only warns.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from scaffold.model.repo import Repo
from tests.cluster.harness.api import Object, Refused, objects
from tests.cluster.harness.applying import Account
from tests.cluster.harness.clearing import clear, make_namespaces
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.repositories import made, rendered
from tests.cluster.policies import pods as corpus
from tests.cluster.policies.cases import controller, workloads
from tests.helpers import CLUSTER, URL, rule

STRATEGIC = "application/strategic-merge-patch+json"
LEVELS = ("baseline", "restricted")
NEWEST = 37
OLDER = (30, 31, 32, 34, 35, 36)
# The checks: how the server says that one is broken, and how our rule does.
CHECKS = {
    "allowPrivilegeEscalation": ("allowPrivilegeEscalation != false", "does not set allowPrivilegeEscalation: false"),
    "AppArmor": ("forbidden AppArmor profiles?", "AppArmor profile"),
    "capabilities": ("non-default capabilities|unrestricted capabilities", "capability|does not drop ALL"),
    "host namespaces": ("host namespaces", "^(hostNetwork|hostPID|hostIPC) is true"),
    "host ports": ("hostPort", "has hostPort"),
    "host processes": ("hostProcess", "is a host process"),
    "hosts of probes": ("probe or lifecycle host", "asks the host"),
    "privileged": ("privileged", "is privileged"),
    "proc mounts": ("procMount", "procMount"),
    "non-root": ("runAsNonRoot != true", "runAsNonRoot"),
    "seccomp": ("seccompProfile", "seccomp profile"),
    "SELinux": ("seLinuxOptions", "SELinux"),
    "sysctls": ("forbidden sysctls", "^sysctl "),
    "user": ("runAsUser=0", "as user 0"),
    "volumes": ("hostPath volumes|restricted volume types", "is of type|is a hostPath"),
}
VIOLATES = re.compile(r'(?:violates|would violate) PodSecurity "(?P<level>[^"]+)"(?P<reasons>: .*)', re.DOTALL)
Checks = frozenset[str]
NOTHING: Checks = frozenset()


@dataclass(frozen=True)
class Row:
    """What both find in an object, in a namespace of a level and version."""

    where: str
    name: str
    server: Checks
    ours: Checks


@pytest.fixture(scope="module")
def namespaces(plane: ControlPlane) -> Iterator[dict[tuple[str, int], str]]:
    """Names of namespaces that enforce a level of a version, each with a hardened pod that runs."""
    names = {(level, minor): f"pod-security-{level}-{minor}" for level in LEVELS for minor in (*OLDER, NEWEST)}
    hardened = corpus.bases()["by-container"]
    make_namespaces(plane, {name: labels("enforce", *which) for which, name in names.items()})
    standing = [hardened | {"metadata": {"name": "standing", "namespace": name}} for name in names.values()]
    try:
        for pod in standing:
            plane.api.apply(pod)
        yield names
    finally:
        clear(plane, standing)


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Object]:
    """The corpus by name: generated pods and those of the golden path."""
    golden: list[Object] = []
    for engine in ("argocd", "flux"):
        root = made(tmp_path_factory.mktemp(engine) / "shop", "full", {"engine": engine})
        golden += [item for item in workloads(objects(rendered(root)), "none") if item["kind"] == "Pod"]
    assert golden
    return corpus.pods() | {f"golden-{index}": pod for index, pod in enumerate(golden)}


@pytest.mark.proves("behaves", "namespaces")
def test_pods_are_refused_for_what_we_find(
    plane: ControlPlane,
    namespaces: Mapping[tuple[str, int], str],
    pods: Mapping[str, Object],
    record_property: Callable[[str, object], None],
) -> None:
    rows = []
    for (level, minor), name in namespaces.items():
        asked = pods if minor == NEWEST else few(pods)
        ours = findings(asked.values(), level, minor)
        for title, pod in asked.items():
            server = refused(lambda pod=pod, name=name: plane.api.apply(placed(pod, name), dry_run=True))
            rows.append(Row(f"{level} v1.{minor}", title, server, ours.get(pod["metadata"]["name"], NOTHING)))
    assert different(rows) == []
    assert len(pods) > 500
    newest = [row for row in rows if row.where.endswith(str(NEWEST))]
    assert {check for row in newest for check in row.server} == {*CHECKS}
    assert [row for row in rows if row.name.startswith("golden") and row.server] == []
    # Else the older versions would prove nothing.
    assert len({frozenset((row.name, row.server) for row in rows if row.where == where and row.name in few(pods))
                for where in {row.where for row in rows}}) > len(LEVELS) * 4  # fmt: skip
    record_property("note", f"Pod Security, {len(pods)} pods, v1.{NEWEST}: {two_by_two(newest)}")
    record_property("note", f"Pod Security, pods in older versions: {two_by_two(set(rows) - set(newest))}")


@pytest.mark.proves("behaves", "namespaces")
def test_debug_containers_are_refused_for_what_we_find(
    plane: ControlPlane, namespaces: Mapping[tuple[str, int], str], record_property: Callable[[str, object], None]
) -> None:
    rows = []
    hardened = corpus.bases()["by-container"]
    debugged = {
        name: hardened | {"metadata": {"name": name}, "spec": hardened["spec"] | {"ephemeralContainers": [container]}}
        for name, container in corpus.debuggers().items()
    }
    for level in LEVELS:
        path = plane.api.path("v1", "Pod", namespaces[level, NEWEST], "standing") + "/ephemeralcontainers?dryRun=All"
        ours = findings(debugged.values(), level, NEWEST)
        for name, pod in debugged.items():
            change = {"spec": {"ephemeralContainers": pod["spec"]["ephemeralContainers"]}}
            server = refused(lambda change=change, path=path: plane.api.ask("PATCH", path, change, STRATEGIC))
            rows.append(Row(level, name, server, ours.get(name, NOTHING)))
    assert different(rows) == []
    assert len({check for row in rows for check in row.server}) > 5
    record_property("note", f"Pod Security, ephemeral containers: {two_by_two(rows)}")


@pytest.mark.proves("behaves", "namespaces")
def test_controllers_are_warned_of_for_what_we_find(
    plane: ControlPlane, pods: Mapping[str, Object], record_property: Callable[[str, object], None]
) -> None:
    rows = []
    with closing(Account(plane)) as api:
        for level in LEVELS:
            name = f"pod-security-warn-{level}"
            make_namespaces(plane, {name: labels("warn", level, NEWEST)})
            chosen = [placed(pod, name) for pod in few(pods).values()]
            asked = [controller(kind, pod) for pod in chosen for kind in ("Deployment", "CronJob")]
            ours = findings(asked, level, NEWEST)
            for item in asked:
                api.warnings.clear()
                api.apply(item, dry_run=True)
                title = item["metadata"]["name"]
                rows.append(Row(level, title, of_server("".join(api.warnings)), ours.get(title, NOTHING)))
    assert different(rows) == []
    assert {check for row in rows for check in row.server} >= {*CHECKS} - {"proc mounts", "host processes"}
    record_property("note", f"Pod Security, warnings of Deployments and CronJobs: {two_by_two(rows)}")


def few(pods: Mapping[str, Object]) -> dict[str, Object]:
    """Return the pods with one change of the pod or its first container: in what versions differ, these do."""
    kept = re.compile(r"(golden|(by-pod|userns)(?!-pair|-prepare|-proxy)|windows)")
    return {name: pod for name, pod in pods.items() if kept.match(name)}


def findings(items: Iterable[Object], level: str, minor: int) -> dict[str, Checks]:
    """Return by name the checks that objects break, by our rule, in a namespace of a level and version."""
    placed_here = [placed(item, "shop") for item in items]
    meta = {"name": "shop", "labels": labels("enforce", level, minor)}
    shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    files = {f"{number}.yaml": json.dumps(item) for number, item in enumerate([*placed_here, shop])}
    repo = Repo.of(URL, files)
    repo = repo.with_(manifests=tuple(replace(manifest, cluster=CLUSTER) for manifest in repo.raw))
    found: dict[str, set[str]] = {}
    for finding in rule("WORK-21").findings(repo):
        item = placed_here[int(finding.place.path.removesuffix(".yaml"))]
        _, _, text = finding.text.partition(": ")
        checks = {check for check, (_, ours) in CHECKS.items() if re.search(ours, text)}
        assert len(checks) == 1, finding.text
        found.setdefault(item["metadata"]["name"], set()).update(checks)
    return {name: frozenset(checks) for name, checks in found.items()}


def refused(request: Callable[[], object]) -> Checks:
    """Return the checks for which the server refuses a request; any other refusal is a fault of the test."""
    try:
        request()
    except Refused as error:
        if checks := of_server(error.message):
            return checks
        raise
    return NOTHING


def of_server(text: str) -> Checks:
    """Return the checks that an answer of the server names."""
    found = VIOLATES.search(text)
    reasons = found["reasons"] if found else ""
    # A reason begins the list or follows the brackets of the one before.
    checks = [check for check, (server, _) in CHECKS.items() if re.search(rf"(^: |\), )({server}) \(", reasons)]
    assert bool(checks) == bool(found), text
    return frozenset(checks)


def placed(item: Object, name: str) -> Object:
    """Return an object in a namespace."""
    return item | {"metadata": item["metadata"] | {"namespace": name}}


def labels(mode: str, level: str, minor: int) -> dict[str, str]:
    """Return the labels by which a namespace enforces a level of a version, or warns."""
    prefix = "pod-security.kubernetes.io"
    return {f"{prefix}/{mode}": level, f"{prefix}/{mode}-version": f"v1.{minor}"}


def different(rows: Iterable[Row]) -> list[Row]:
    """Return the rows on which the two differ."""
    return [row for row in rows if row.server != row.ours]


def two_by_two(rows: Iterable[Row]) -> str:
    """Return how often which of the two objects to something."""
    found = Counter((bool(row.server), bool(row.ours)) for row in rows)
    return (
        f"both refuse {found[True, True]}, both accept {found[False, False]}, "
        f"only the server refuses {found[True, False]}, only scaffold {found[False, True]}; same checks in all"
    )
