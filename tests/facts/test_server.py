"""What the API server's code asks beyond its schema: of which field, in which words.

The expectations were taken from kube-apiserver 1.37.2; the oracle of the cluster tests compares thousands more.
"""

from fractions import Fraction
from textwrap import indent
from typing import Any

import pytest

from scaffold.facts.schemas import dotted
from scaffold.facts.server import KINDS, refused
from scaffold.facts.server.amounts import amount
from scaffold.facts.server.cron import cron_fault
from scaffold.facts.server.texts import is_dns_name, is_label_value, is_port_name, is_qualified
from scaffold.model.yamltext import Path, parse
from tests.conftest import ROOT

CORPUS = ROOT / "tests" / "cluster" / "oracle" / "corpus.yaml"
POD = """\
containers:
  - name: web
    image: registry.example.com/web:1
    ports: [{name: http, containerPort: 8080}]
    resources: {requests: {memory: 128Mi}, limits: {memory: 256Mi}}
    env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
    volumeMounts: [{name: cache, mountPath: /cache}]
    lifecycle: {preStop: {sleep: {seconds: 10}}}
volumes: [{name: cache, emptyDir: {}}]
tolerations: [{key: dedicated, operator: Exists}]
"""
SERVICE = "{type: ClusterIP, ports: [{name: http, port: 80}]}"


def problems(text: str) -> list[str]:
    (document,), faults = parse(text)
    assert not faults
    data: dict[str, Any] = document.data
    return [f"{dotted(path)}: {text}" for path, text in refused(data, data["apiVersion"], data["kind"])]


def of(api_version: str, kind: str, spec: str) -> list[str]:
    return problems(f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n{indent(spec, '  ')}")


def pod(old: str, new: str) -> list[str]:
    assert old in POD
    found = of("v1", "Pod", POD.replace(old, new))
    return [text.removeprefix("spec.containers.0.") for text in found]


def service(old: str, new: str) -> list[str]:
    assert old in SERVICE
    return of("v1", "Service", SERVICE.replace(old, new))


def test_good_objects_have_no_problems() -> None:
    assert pod("web", "web") == []
    assert service("http", "http") == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: web", "name: Web", "name: \"Web\" is not a name of at most 63 small letters, digits and '-'"),
        ("containerPort: 8080", "containerPort: 70000", "ports.0.containerPort: 70000 is not a port from 1 to 65535"),
        ("memory: 128Mi", "memory: 1Gi", 'resources.requests.memory: "1Gi" is more than the limit of memory, "256Mi"'),
        (
            "spec.nodeName",
            "spec.node",
            'env.0.valueFrom.fieldRef.fieldPath: "spec.node" is not a field that can be had here',
        ),
        ("name: cache, mountPath", "name: cash, mountPath", 'volumeMounts.0.name: "cash" is not a volume of the pod'),
        (
            "seconds: 10",
            "seconds: 31",
            "lifecycle.preStop.sleep: 31 is not from 0 to terminationGracePeriodSeconds, 30",
        ),
        (
            "emptyDir: {}",
            "emptyDir: {}, secret: {secretName: x}",
            "spec.volumes.0.secret: may not be set together with emptyDir: a volume is of one type",
        ),
        (
            "operator: Exists",
            "operator: Exists, value: x",
            'spec.tolerations.0.operator: with Exists there may be no value, and there is "x"',
        ),
        (
            "key: dedicated, operator: Exists",
            "value: x",
            "spec.tolerations.0: without a key the operator has to be Exists",
        ),
    ],
)
def test_a_fault_of_a_pod_is_shown_at_its_field(old: str, new: str, expected: str) -> None:
    assert pod(old, new) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("port: 80", "port: 0", "spec.ports.0.port: 0 is not a port from 1 to 65535"),
        ("port: 80", "port: 80, nodePort: 30000", "spec.ports.0.nodePort: may not be set where type is ClusterIP"),
        ("port: 80}", "port: 80}, {port: 81}", "spec.ports.1: name is required where there are several ports"),
        ("type: ClusterIP, ports: [{name: http, port: 80}]", "type: ClusterIP", "spec: ports are required"),
        (
            "ClusterIP, ports: [{name: http, port: 80}]",
            "ExternalName",
            "spec: externalName is required where type is ExternalName",
        ),
        (
            "type: ClusterIP",
            "loadBalancerClass: a.b/c",
            "spec.loadBalancerClass: may be set only where type is LoadBalancer, not ClusterIP",
        ),
    ],
)
def test_the_fields_of_a_service_go_together(old: str, new: str, expected: str) -> None:
    assert service(old, new) == [expected]


def test_the_claims_of_a_stateful_set_are_volumes_of_its_pods() -> None:
    template = "template: {spec: {containers: [{name: db, image: x, volumeMounts: [{name: data, mountPath: /data}]}]}}"
    claim = "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"
    claims = f"volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {claim}}}]"
    assert of("apps/v1", "StatefulSet", f"{template}\n{claims}\n") == []
    assert of("apps/v1", "StatefulSet", template) == [
        'spec.template.spec.containers.0.volumeMounts.0.name: "data" is not a volume of the pod'
    ]


def test_every_object_has_a_name_and_labels_of_the_right_form() -> None:
    assert problems("{apiVersion: example.com/v1, kind: Shop, metadata: {generateName: x-}}") == []
    assert problems("{apiVersion: example.com/v1, kind: Shop, metadata: {labels: {a: b}}}") == [
        "metadata: name or generateName is required"
    ]
    (found,) = problems("{apiVersion: example.com/v1, kind: Shop, metadata: {name: x, labels: {a: b c}}}")
    assert found.startswith('metadata.labels.a: "b c" is not at most 63 letters')


def test_names_have_the_form_that_their_kind_asks_for() -> None:
    role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'system:reader'}}"
    assert problems(role) == []
    assert len(problems(role.replace("Role,", "Lease,").replace("rbac.authorization", "coordination"))) == 1


def test_a_part_of_another_type_is_the_schemas_to_say() -> None:
    """Whatever stands anywhere, the walk ends: every value of every kind's example is replaced by others."""
    kinds = set()
    for document in parse(CORPUS.read_text(encoding="utf-8"))[0]:
        kind = document.data["apiVersion"], document.data["kind"]
        kinds.add((kind[0].rpartition("/")[0], kind[1]))
        assert refused(document.data, *kind) == []
        for path in document.lines:
            for value in (None, 7, "x", {}, [None], [["x"]], {"x": [{}]}):
                if path:
                    refused(replaced(document.data, path, value), *kind)
    assert kinds >= KINDS.keys()


def replaced(data: Any, path: Path, value: Any) -> Any:
    key, *rest = path
    inner = replaced(data[key], tuple(rest), value) if rest else value
    return data | {key: inner} if isinstance(data, dict) else [*data[:key], inner, *data[key + 1 :]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Fraction(1, 2)),
        ("1.5Gi", 3 * 2**29),
        (2, 2),
        ("1e3", 1000),
        ("-1k", -1000),
        ("10 Gi", None),
        (True, None),
    ],
)
def test_amounts_are_numbers(text: object, number: object) -> None:
    assert amount(text) == number


@pytest.mark.parametrize(
    ("schedule", "good"),
    [
        ("0 3 * * *", True),
        ("*/5 0-6,20-23 1 jan-mar mon", True),
        ("@daily", True),
        ("@every 1h30m", True),
        ("0 3 * *", False),
        ("60 3 * * *", False),
        ("0 3 * * 7", False),
        ("0 3 * * */0", False),
        ("5-1 3 * * *", False),
        ("@dayly", False),
        ("TZ=UTC 0 3 * * *", False),
    ],
)
def test_schedules_are_read_as_the_server_reads_them(schedule: str, good: bool) -> None:
    assert (cron_fault(schedule) is None) is good


def test_forms_of_names() -> None:
    assert is_qualified("example.com/Name_1")
    assert not is_qualified("Example.com/name")
    assert not is_qualified("a/b/c")
    assert is_label_value("")
    assert not is_label_value("x" * 64)
    assert not is_dns_name("a..b")
    assert is_port_name("http-2")
    assert not is_port_name("80")
    assert not is_port_name("a--b")
