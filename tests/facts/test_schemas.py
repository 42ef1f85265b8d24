"""The catalog: what an API server refuses of an object, at which place, in which words.

The expectations were taken from kube-apiserver 1.37.2 with ``fieldValidation=Strict``.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.facts.schemas import Catalog, Kind, dotted
from scaffold.model.yamltext import parse

CATALOG = Catalog.builtin()

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1
          ports: [{name: http, containerPort: 8080}]
          resources: {requests: {cpu: 0.5, memory: 128Mi}}
"""


def load(text: str) -> dict[str, Any]:
    (document,), faults = parse(text)
    assert not faults
    return document.data


def problems(text: str, kube_version: str = "1.37") -> list[str]:
    data = load(text)
    found = CATALOG.validate(data, data["apiVersion"], data["kind"], kube_version)
    assert found is not None
    return [str(problem) for problem in found]


def deployment(old: str, new: str) -> list[str]:
    assert old in DEPLOYMENT
    return problems(DEPLOYMENT.replace(old, new))


def service(port: str) -> list[str]:
    return problems(f"{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{ports: [{port}]}}}}")


def quota(amount: str) -> list[str]:
    return problems(
        f"{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{cpu: {amount}}}}}}}"
    )


def backup(spec: str, status: str = "{}") -> list[str]:
    return problems(
        f"{{apiVersion: velero.io/v1, kind: Backup, metadata: {{name: b}}, spec: {spec}, status: {status}}}"
    )


def test_a_good_object_has_no_problems() -> None:
    assert problems(DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("spec:\n  sel", "spec:\n  replicas: '3'\n  sel", 'spec.replicas: "3" is not an integer'),
        ("spec:\n  sel", "spec:\n  replicas: 1.5\n  sel", "spec.replicas: 1.5 is not an integer"),
        ("spec:\n  sel", "spec:\n  replicas: true\n  sel", "spec.replicas: true is not an integer"),
        ("spec:\n  sel", "spec:\n  replicas: 3000000000\n  sel", "spec.replicas: 3000000000 does not fit into int32"),
        ("spec:\n  sel", "spec:\n  paused: 'no'\n  sel", 'spec.paused: "no" is not true or false'),
        ("spec:\n  sel", "spec:\n  replica: 3\n  sel", "spec.replica: unknown field, did you mean replicas?"),
        ("spec:\n  sel", "spec:\n  zzz: 3\n  sel", "spec.zzz: unknown field"),
        ("spec:\n  sel", "spec:\n  zzz: null\n  sel", "spec.zzz: unknown field"),
        ("{name: web}", "{name: web, label: {}}", "metadata.label: unknown field, did you mean labels?"),
        ("{name: web}", "{name: web, labels: {a/b: 1}}", "metadata.labels[a/b]: 1 is not a string"),
        ("{name: web}", "web", 'metadata: "web" is not a map'),
        ("  selector: {matchLabels: {app: web}}\n", "", "spec: selector is required"),
        ("{matchLabels: {app: web}}", "null", "spec.selector: is required, not null"),
        ("name: web\n", "name: ''\n", "spec.template.spec.containers.0.name: is required, not empty"),
        (
            "          image: registry.example.com/web:1\n",
            "          imagPullPolicy: Always\n          image: x\n",
            "spec.template.spec.containers.0.imagPullPolicy: unknown field, did you mean imagePullPolicy?",
        ),
        (
            "          image: registry.example.com/web:1\n",
            "",
            "spec.template.spec.containers.0: image is required",
        ),
        (
            "image: registry.example.com/web:1",
            "{image: x, imagePullPolicy: Alway}",
            'spec.template.spec.containers.0.imagePullPolicy: "Alway" is not one of Always, IfNotPresent, Never',
        ),
        (
            "memory: 128Mi",
            "memory: 128 Mi",
            (
                'spec.template.spec.containers.0.resources.requests.memory: "128 Mi" is not an amount such as '
                "500m or 1.5Gi"
            ),
        ),
        (
            "ports: [{",
            "ports: [{containerPort: 8080, protocol: TCP}, {",
            'spec.template.spec.containers.0.ports.1: duplicate of item 0: containerPort 8080, protocol "TCP"',
        ),
        (
            "creationTimestamp: null",
            "creationTimestamp: 2026",
            "spec.template.metadata.creationTimestamp: 2026 is not a string",
        ),
    ],
)
def test_a_wrong_field_is_shown_at_its_path(old: str, new: str, expected: str) -> None:
    new = new.replace("{image: x, imagePullPolicy: Alway}", "image: x\n          imagePullPolicy: Alway")
    assert deployment(old, new) == [expected]


def test_all_problems_of_an_object_are_shown_not_only_the_first() -> None:
    text = "{apiVersion: apps/v1, kind: Deployment, metadata: {nam: x}, spec: {replicas: a, template: {spec: {}}}}"
    assert problems(text) == [
        "metadata.nam: unknown field, did you mean name?",
        'spec.replicas: "a" is not an integer',
        "spec.template.spec: containers is required",
        "spec: selector is required",
    ]


def test_what_go_fills_in_by_itself_is_looked_at_even_if_nobody_gives_it() -> None:
    assert problems("{apiVersion: v1, kind: Pod, metadata: {name: p}}") == ["spec: containers is required"]
    assert problems("{apiVersion: v1, kind: Service, metadata: {name: p}}") == []


def test_null_is_nothing_at_all() -> None:
    assert deployment("spec:\n  sel", "status: null\nspec:\n  replicas: null\n  strategy: null\n  sel") == []
    assert deployment("[{name: http, containerPort: 8080}]", "null") == []
    assert deployment("{app: web}, creationTimestamp", "{app: web, team: null}, creationTimestamp") == []
    assert backup("{ttl: null, includedNamespaces: null}") == []
    assert backup("{includedNamespaces: [null]}") == ["spec.includedNamespaces.0: null is not a string"]
    assert backup("{includedNamespaces: [{}]}") == ["spec.includedNamespaces.0: a map is not a string"]


@pytest.mark.parametrize(
    "amount", ["1", "'1'", "0.5", "100m", "1.5Gi", "1e3", "1E", "-1", "'.5'", "5.", "'+1k'", "null"]
)
def test_amounts_that_kubernetes_reads(amount: str) -> None:
    assert quota(amount) == []


@pytest.mark.parametrize("amount", ["1 Gi", "1gi", "1K", "1GB", "'1_0'", "''", "true", "[1]", "1Zi", "1e1.5", "'1,5'"])
def test_amounts_that_kubernetes_does_not_read(amount: str) -> None:
    (problem,) = quota(amount)
    assert problem.startswith("spec.hard.cpu: ")
    assert problem.endswith("is not an amount such as 500m or 1.5Gi")


@pytest.mark.parametrize("port", ["80", "http", "'80'", "80.0", "null"])
def test_a_number_or_a_name_may_be_either(port: str) -> None:
    assert service(f"{{port: 80, targetPort: {port}}}") == []


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("true", "true is not an integer or a string"),
        ("80.5", "80.5 is not an integer or a string"),
        ("[80]", "a list is not an integer or a string"),
        ("2147483648", "2147483648 does not fit into int32"),
    ],
)
def test_a_number_or_a_name_is_nothing_else(port: str, expected: str) -> None:
    assert service(f"{{port: 80, targetPort: {port}}}") == [f"spec.ports.0.targetPort: {expected}"]


def test_an_empty_text_is_no_choice_and_so_allowed_where_one_may_be_missing() -> None:
    assert service("{port: 80, protocol: ''}") == []
    assert service("{port: 80, protocol: HTTP}") == ['spec.ports.0.protocol: "HTTP" is not one of SCTP, TCP, UDP']


def test_a_status_is_decoded_but_not_asked_for() -> None:
    assert deployment("spec:\n  sel", "status: {conditions: [{type: Available}]}\nspec:\n  sel") == []
    assert deployment("spec:\n  sel", "status: {replica: 1}\nspec:\n  sel") == [
        "status.replica: unknown field, did you mean replicas?"
    ]
    assert deployment("spec:\n  sel", "status: {replicas: x}\nspec:\n  sel") == [
        'status.replicas: "x" is not an integer'
    ]


def test_the_status_of_a_custom_resource_is_dropped_after_its_names_were_looked_at() -> None:
    text = (
        "{{apiVersion: notification.toolkit.fluxcd.io/v1, kind: Receiver, metadata: {{name: r}}, spec: {}, status: {}}}"
    )
    spec = "{type: generic, secretRef: {name: s}, resources: [{kind: Bucket, name: b}]}"
    assert problems(text.format(spec, "{conditions: none, webhookPath: 5}")) == []
    assert problems(text.format(spec, "{webhookPaths: /}")) == [
        "status.webhookPaths: unknown field, did you mean webhookPath?"
    ]


def test_custom_resources_are_as_strict() -> None:
    assert backup("{schedule: '0 1 * * *', ttl: 72h}") == ["spec.schedule: unknown field"]
    assert backup("{includedNamespace: [a]}") == [
        "spec.includedNamespace: unknown field, did you mean includedNamespaces?"
    ]


def test_the_metadata_of_a_custom_resource_is_that_of_any_object() -> None:
    text = "{apiVersion: velero.io/v1, kind: Backup, metadata: {name: b, labels: {a: 1}, label: {}}, spec: {}}"
    assert problems(text) == [
        "metadata.labels.a: 1 is not a string",
        "metadata.label: unknown field, did you mean labels?",
    ]


def virtual_service(match: str) -> list[str]:
    return problems(
        f"{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: v}}, spec: {{hosts: [a.b],"
        f" http: [{{match: [{{uri: {match}}}], route: [{{destination: {{host: a}}}}]}}]}}}}"
    )


def test_alternatives_are_named() -> None:
    assert virtual_service("{prefix: /}") == []
    assert virtual_service("{}") == []
    assert virtual_service("{prefix: /, exact: /a}") == [
        "spec.http.0.match.0.uri: only one of exact, prefix or regex may be set"
    ]
    policy = (
        "{{apiVersion: policies.kyverno.io/v1, kind: ImageValidatingPolicy, metadata: {{name: p}},"
        " spec: {{matchImageReferences: [{{{}}}], validations: [{{expression: 'true'}}], attestors: []}}}}"
    )
    assert problems(policy.format("glob: 'a*'")) == []
    assert problems(policy.format("")) == ["spec.matchImageReferences.0: glob or expression is required"]


def test_an_alternative_knows_the_default_of_the_field_it_speaks_of() -> None:
    gateway = (
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: g}}, spec: {{gatewayClassName: x,"
        " listeners: [{{name: a, port: 80, protocol: HTTP}}], addresses: [{{{}}}]}}}}"
    )
    assert problems(gateway.format("")) == []
    assert problems(gateway.format("value: 10.0.0.1")) == []
    assert problems(gateway.format("type: Hostname, value: a.b")) == []
    assert problems(gateway.format("value: nowhere")) == [
        "spec.addresses.0: is none of the alternatives that its schema allows"
    ]


def test_bounds_and_patterns_of_custom_resources() -> None:
    release = (
        "{{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {{name: r}}, spec: {{interval: {},"
        " chart: {{spec: {{chart: c, sourceRef: {{kind: {}, name: charts}}}}}}}}}}"
    )
    assert problems(release.format("10m", "GitRepository")) == []
    assert problems(release.format("10 minutes", "GitRepo")) == [
        r'spec.interval: "10 minutes" does not match ^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$',
        'spec.chart.spec.sourceRef.kind: "GitRepo" is not one of HelmRepository, GitRepository, Bucket',
    ]


def test_fields_that_keep_the_unknown_take_anything() -> None:
    application = (
        "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, spec: {project: p,"
        " destination: {}, source: {repoURL: x, helm: {valuesObject: {any: [{thing: 1}, null]}}}}}"
    )
    assert problems(application) == []


def test_an_object_within_an_object_has_a_kind() -> None:
    composition = (
        "{{apiVersion: apiextensions.crossplane.io/v1, kind: Composition, metadata: {{name: c}}, spec: {{"
        "compositeTypeRef: {{apiVersion: a.b/v1, kind: X}},"
        " pipeline: [{{step: s, functionRef: {{name: f}}, input: {}}}]}}}}"
    )
    assert problems(composition.format("{apiVersion: x/v1, kind: In, resources: []}")) == []
    assert problems(composition.format("{apiVersion: x/v1, metadata: {nam: a}}")) == [
        "spec.pipeline.0.input.metadata.nam: unknown field, did you mean name?",
        "spec.pipeline.0.input: kind is required",
    ]


def test_the_values_of_a_secret_are_not_shown() -> None:
    text = "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: hunter2!}, stringData: {pin: 4711}, tipe: x}"
    assert problems(text) == [
        "data.a: the value (hidden) is not base64",
        "stringData.pin: the value (hidden) is not a string",
        "tipe: unknown field, did you mean type?",
    ]


def test_a_long_value_is_cut() -> None:
    (problem,) = deployment("spec:\n  sel", f"spec:\n  replicas: {'x' * 500}\n  sel")
    assert len(problem) < 120
    assert problem.endswith('x…" is not an integer')


def test_each_version_of_kubernetes_is_its_own() -> None:
    assert CATALOG.versions == ("1.35", "1.36", "1.37")
    assert CATALOG.known("storagemigration.k8s.io/v1", "StorageVersionMigration", "1.37")
    assert not CATALOG.known("storagemigration.k8s.io/v1", "StorageVersionMigration", "1.36")
    assert CATALOG.validate({}, "storagemigration.k8s.io/v1", "StorageVersionMigration", "1.36") is None
    assert CATALOG.known("velero.io/v1", "Backup", "1.35")


@pytest.mark.parametrize(
    ("version", "stands_for_it"),
    [("1.36", "1.36"), ("v1.36.9", "1.36"), ("1.99", "1.37"), ("1.9", "1.35"), ("", "1.35")],
)
def test_an_unknown_version_is_judged_by_its_nearest(version: str, stands_for_it: str) -> None:
    assert CATALOG.nearest(version) == stands_for_it


def test_kinds_are_known_by_version_and_group() -> None:
    assert CATALOG.scope("v1", "Namespace") == "Cluster"
    assert CATALOG.scope("velero.io/v1", "Backup") == "Namespaced"
    assert CATALOG.scope("policies.kyverno.io/v1", "ValidatingPolicy") == "Cluster"
    assert CATALOG.scope("example.com/v1", "Backup") is None
    assert CATALOG.validate({}, "example.com/v1", "Backup", "1.37") is None
    assert Kind("apps/v1", "Deployment", "Namespaced", "kubernetes/kubernetes") in CATALOG.kinds("1.37")


def test_sources_name_release_and_licence() -> None:
    sources = CATALOG.sources()
    assert ("kubernetes/kubernetes", "v1.37.2, Apache-2.0, 71 kinds") in sources
    assert ("vmware-tanzu/velero", "v1.18.1, Apache-2.0, 13 kinds") in sources


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.velero.io}
spec:
  group: velero.io
  scope: Cluster
  names: {plural: backups, kind: Backup}
  versions:
    - name: v9
      served: true
      storage: true
      subresources: {scale: {specReplicasPath: .spec.copies, statusReplicasPath: .status.copies}}
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [mode, where]
              properties:
                mode: {type: string, default: full}
                where: {type: string, nullable: true}
                copies: {type: integer}
                ratio: {type: number, minimum: 0, exclusiveMinimum: true, multipleOf: 0.5}
                day: {type: string, format: date}
                rare: {type: string, format: isbn}
                hosts:
                  type: array
                  x-kubernetes-list-type: set
                  items: {type: string, maxLength: 3}
    - name: v8
      served: false
      storage: false
      schema: {openAPIV3Schema: {type: object}}
"""


def test_a_definition_that_is_given_replaces_that_of_the_catalog() -> None:
    own = CATALOG.with_crds([f"# first\n---\nkind: ConfigMap\n---\n{DEFINITION}"])
    assert own.known("velero.io/v9", "Backup", "1.37")
    assert not own.known("velero.io/v1", "Backup", "1.37")
    assert not own.known("velero.io/v8", "Backup", "1.37")
    assert own.scope("velero.io/v9", "Backup") == "Cluster"
    assert own.known("velero.io/v1", "Restore", "1.37")
    assert own.sources()[-1] == ("given", "1 kinds")
    assert CATALOG.known("velero.io/v1", "Backup", "1.37")


def test_a_definition_is_read_as_the_server_reads_it() -> None:
    own = CATALOG.with_definitions([load(DEFINITION)])

    def found(spec: str) -> list[str]:
        data = load(f"{{apiVersion: velero.io/v9, kind: Backup, metadata: {{name: b}}, spec: {spec}}}")
        return [str(problem) for problem in own.validate(data, "velero.io/v9", "Backup", "1.37") or ()]

    assert found("{where: null, copies: 1, ratio: 1.5, day: 2026-02-28, rare: x, hosts: [a, b]}") == []
    assert found("{where: x, copies: -1, ratio: 0, day: 2026-02-30, hosts: [a, abcd, a]}") == [
        "spec.copies: -1 is less than 0",
        "spec.ratio: 0 is not more than 0",
        'spec.day: "2026-02-30" is not a date such as 2026-01-31',
        'spec.hosts.1: "abcd" has more than 3 characters',
        'spec.hosts.2: duplicate of item 0: "a"',
    ]
    assert found("{}") == ["spec: where is required"]


@pytest.mark.parametrize(
    "broken",
    [
        "kind: CustomResourceDefinition\nspec: [",
        DEFINITION.replace("scope: Cluster", "scope: [Cluster]"),
        DEFINITION.replace("properties:\n            spec:", "properties:\n            odd: null\n            spec:"),
        DEFINITION.replace("items: {type: string, maxLength: 3}", "items: [1]"),
        "not: a definition, but it says CustomResourceDefinition",
    ],
)
def test_a_broken_definition_is_passed_over(broken: str) -> None:
    own = CATALOG.with_crds([broken])
    assert not own.known("velero.io/v9", "Backup", "1.37")
    assert own.known("velero.io/v1", "Backup", "1.37")


def test_a_pattern_of_somebody_else_takes_linear_time() -> None:
    evil = DEFINITION.replace("{type: string, default: full}", "{type: string, pattern: '^(a+)+$'}")
    own = CATALOG.with_crds([evil])
    data = {"metadata": {}, "spec": {"where": "x", "mode": "a" * 5000 + "!"}}
    (problem,) = own.validate(data, "velero.io/v9", "Backup", "1.37") or ()
    assert problem.path == ("spec", "mode")


def test_a_list_of_definitions_as_kubectl_prints_it_is_read() -> None:
    items = "\n".join(f"  {line}" for line in DEFINITION.splitlines())
    own = CATALOG.with_crds([f"apiVersion: v1\nkind: List\nitems:\n- \n{items}\n"])
    assert own.known("velero.io/v9", "Backup", "1.37")


def test_paths_are_written_as_people_write_them() -> None:
    assert dotted(("spec", "ports", 0, "name")) == "spec.ports.0.name"
    assert dotted(("metadata", "labels", "app.kubernetes.io/name")) == "metadata.labels[app.kubernetes.io/name]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "metadata", "labels", "name", "ports", "template", "a/b", ""]), inner, max_size=4
        )
    ),
    max_leaves=30,
)
KINDS = CATALOG.kinds("1.37")


@given(
    st.sampled_from(KINDS), st.dictionaries(st.sampled_from(["spec", "metadata", "status", "data"]), JSON, max_size=4)
)
def test_any_json_gets_an_answer(kind: Kind, data: dict[str, object]) -> None:
    found = CATALOG.validate(data, kind.api_version, kind.kind, "1.37")
    assert found is not None
    assert all(problem.message and dotted(problem.path) in str(problem) for problem in found)


def test_depth_is_an_answer_not_a_crash() -> None:
    schema: dict[str, object] = {"type": "object"}
    for _ in range(5000):
        schema = {"type": "object", "properties": {"a": schema}}
    data = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}
    found = CATALOG.validate(data, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "1.37")
    assert [str(problem) for problem in found or ()] == ["is nested too deeply"]


def test_a_number_that_python_does_not_write_is_an_answer_not_a_crash() -> None:
    huge = 16**5000
    data = {
        "spec": {"ports": [{"port": huge, "protocol": "TCP"}, {"port": huge, "protocol": huge}], "clusterIPs": [huge]}
    }
    found = CATALOG.validate(data, "v1", "Service", "1.37")
    assert [str(problem) for problem in found or ()] == [
        "spec.ports.0.port: a number of thousands of digits does not fit into int32",
        "spec.ports.1.port: a number of thousands of digits does not fit into int32",
        "spec.ports.1.protocol: a number of thousands of digits is not a string",
        "spec.clusterIPs.0: a number of thousands of digits is not a string",
    ]
