"""Workloads: corners of selectors, ports and Pod Security."""

import pytest

from scaffold.rules.reading import podsecurity
from tests.helpers import hits


def workload(
    name: str = "web",
    labels: str = "{app: web}",
    selector: str = "{matchLabels: {app: web}}",
    pod: str = "",
    kind: str = "Deployment",
) -> str:
    return f"""\
        apiVersion: apps/v1
        kind: {kind}
        metadata: {{name: {name}, namespace: shop}}
        spec:
          selector: {selector}
          template:
            metadata: {{labels: {labels}}}
            spec: {pod or "{containers: [{name: web, image: web, ports: [{name: http, containerPort: 8080}]}]}"}
    """


def service(port: str) -> str:
    return f"""\
        apiVersion: v1
        kind: Service
        metadata: {{name: web, namespace: shop}}
        spec:
          selector: {{app: web}}
          ports:
            - {port}
    """


def texts(found: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in found]


def test_a_selector_that_misses_its_own_pods() -> None:
    assert hits("WORK-01", {"web.yaml": workload(labels="{app: api}")}) == [
        "web.yaml:7 Deployment shop/web: its selector does not match its own pods, they are not labelled app=web"
    ]
    # A missing one is the schema's to say.
    assert hits("WORK-01", {"web.yaml": workload(selector="null")}) == []
    # So are parts of another type.
    for part in ("{key: [app], operator: Exists}", "{key: app, operator: In, values: 3}"):
        assert len(hits("WORK-01", {"web.yaml": workload(selector=f"{{matchExpressions: [{part}]}}")})) == 1


def test_expressions_are_read() -> None:
    for expression, matches in (
        ("{key: app, operator: In, values: [web, api]}", True),
        ("{key: app, operator: NotIn, values: [api]}", True),
        ("{key: app, operator: Exists}", True),
        ("{key: gone, operator: DoesNotExist}", True),
        ("{key: app, operator: In, values: [api]}", False),
        ("{key: app, operator: DoesNotExist}", False),
    ):
        found = hits("WORK-01", {"web.yaml": workload(selector=f"{{matchExpressions: [{expression}]}}")})
        assert bool(found) is not matches


def test_a_selector_that_takes_another_workloads_pods_is_shown_once() -> None:
    canary = workload("canary", "{app: web, track: canary}", "{matchLabels: {app: web, track: canary}}")
    assert texts(hits("WORK-01", {"web.yaml": workload(), "canary.yaml": canary})) == [
        "its selector matches the pods of Deployment shop/canary, too"
    ]
    assert len(hits("WORK-01", {"web.yaml": workload(), "twin.yaml": workload("twin")})) == 1
    elsewhere = canary.replace("namespace: shop", "namespace: other")
    assert hits("WORK-01", {"web.yaml": workload(), "canary.yaml": elsewhere}) == []


def job(annotations: str = "{}", kind: str = "Job") -> str:
    template = "template: {metadata: {labels: {app: web}}, spec: {restartPolicy: Never, containers: []}}"
    spec = template if kind == "Job" else f"jobTemplate: {{spec: {{{template}}}}}"
    return f"""\
        apiVersion: batch/v1
        kind: {kind}
        metadata: {{name: clean, namespace: shop, annotations: {annotations}}}
        spec: {{{spec}}}
    """


def test_the_pods_of_jobs_count_those_of_hooks_do_not() -> None:
    for kind in ("Job", "CronJob"):
        assert texts(hits("WORK-01", {"web.yaml": workload(), "job.yaml": job(kind=kind)})) == [
            f"its selector matches the pods of {kind} shop/clean, too"
        ]
    assert hits("WORK-01", {"web.yaml": workload(), "job.yaml": job("{helm.sh/hook: test}")}) == []


def test_a_target_port_is_found_by_name_and_protocol() -> None:
    assert hits("WORK-16", {"web.yaml": workload(), "s.yaml": service("{port: 80, targetPort: http}")}) == []
    assert hits("WORK-16", {"web.yaml": workload(), "s.yaml": service("{port: 80, targetPort: web}")}) == [
        "s.yaml:7 Service shop/web: no container port is named web (TCP) in Deployment shop/web"
    ]
    assert (
        len(hits("WORK-16", {"web.yaml": workload(), "s.yaml": service("{port: 80, targetPort: http, protocol: UDP}")}))
        == 1
    )


def test_numbers_and_services_without_pods_here_are_not_judged() -> None:
    assert hits("WORK-16", {"web.yaml": workload(), "s.yaml": service("{port: 80, targetPort: 9999}")}) == []
    assert hits("WORK-16", {"web.yaml": workload(), "s.yaml": service("{port: 80}")}) == []
    assert hits("WORK-16", {"s.yaml": service("{port: 80, targetPort: web}")}) == []


def test_one_of_several_workloads_with_the_port_is_enough() -> None:
    other = workload(
        "other", "{app: web, part: other}", "{matchLabels: {part: other}}", "{containers: [{name: x, image: x}]}"
    )
    files = {"web.yaml": workload(), "other.yaml": other, "s.yaml": service("{port: 80, targetPort: http}")}
    assert hits("WORK-16", files) == []


def test_a_native_sidecar_has_ports_an_init_container_has_none() -> None:
    def pod(policy: str) -> str:
        return (
            "{initContainers: [{name: proxy, image: p, " + policy + "ports: [{name: admin, containerPort: 9901}]}], "
            "containers: [{name: web, image: w}]}"
        )

    port = service("{port: 80, targetPort: admin}")
    assert hits("WORK-16", {"web.yaml": workload(pod=pod("restartPolicy: Always, ")), "s.yaml": port}) == []
    assert len(hits("WORK-16", {"web.yaml": workload(pod=pod("")), "s.yaml": port})) == 1


@pytest.mark.parametrize(
    ("probe", "why"),
    [
        ("httpGet: {path: /, port: http}", ""),
        ("httpGet: {path: /, port: 8080}", ""),
        ("httpGet: {path: /, port: '8080'}", ""),
        ("httpGet: {path: /, port: 15021}", ""),
        ("httpGet: {path: /, port: 9999, host: example.com}", ""),
        ("exec: {command: ['true']}", ""),
        ("grpc: {port: 9999}", "asks port 9999, no container declares it"),
        ("tcpSocket: {port: 9999}", "asks port 9999, no container declares it"),
        ("httpGet: {path: /, port: web}", "asks port web, no port of the container has that name"),
    ],
)
def test_probes_ask_a_declared_port(probe: str, why: str) -> None:
    pod = (
        "{containers: [{name: web, image: w, ports: [{name: http, containerPort: 8080}], livenessProbe: {"
        + probe
        + "}}]}"
    )
    expected = [f"livenessProbe of container web {why}"] if why else []
    assert texts(hits("WORK-16", {"web.yaml": workload(pod=pod)})) == expected


def test_the_name_of_another_containers_port_is_unknown_to_a_probe() -> None:
    pod = (
        "{containers: [{name: web, image: w, ports: [{name: http, containerPort: 8080}]}, "
        "{name: side, image: s, readinessProbe: {httpGet: {port: http}}}]}"
    )
    assert texts(hits("WORK-16", {"web.yaml": workload(pod=pod)})) == [
        "readinessProbe of container side asks port http, no port of the container has that name"
    ]


def route(backend: str, namespace: str = "shop") -> str:
    return f"""\
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {{name: web, namespace: {namespace}}}
        spec:
          rules:
            - backendRefs: [{backend}]
              filters: [{{type: RequestMirror, requestMirror: {{backendRef: {backend}}}}}]
    """


def test_a_route_names_a_port_of_the_service() -> None:
    port = service("{port: 80}")
    assert hits("WORK-16", {"s.yaml": port, "r.yaml": route("{name: web, port: 80}")}) == []
    assert hits("WORK-16", {"s.yaml": port, "r.yaml": route("{name: web, port: 8080}")}) == [
        "r.yaml:6 HTTPRoute shop/web: Service shop/web has no port 8080, it has 80",
        "r.yaml:7 HTTPRoute shop/web: Service shop/web has no port 8080, it has 80",
    ]
    across = route("{name: web, namespace: shop, port: 8080}", "ingress")
    assert len(hits("WORK-16", {"s.yaml": port, "r.yaml": across})) == 2
    for other in ("{name: gone, port: 1}", "{name: web, kind: ServiceImport, group: multicluster.x-k8s.io, port: 1}"):
        assert hits("WORK-16", {"s.yaml": port, "r.yaml": route(other)}) == []


def namespace(level: str = "restricted", version: str = "") -> str:
    pinned = f", pod-security.kubernetes.io/enforce-version: {version}" if version else ""
    labels = f"{{pod-security.kubernetes.io/enforce: {level}{pinned}}}"
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n"


HARDENED = (
    "securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, "
    "seccompProfile: {type: RuntimeDefault}}"
)


def pods(pod: str, level: str = "restricted", version: str = "") -> list[str]:
    files = {"web.yaml": workload(pod=pod), "namespace.yaml": namespace(level, version)}
    return [text.partition(" (namespace")[0] for text in texts(hits("WORK-21", files))]


def test_a_plain_container_breaks_restricted_in_four_ways_and_baseline_in_none() -> None:
    plain = "{containers: [{name: web, image: w}]}"
    assert pods(plain) == [
        "container web does not drop ALL capabilities",
        "container web does not set allowPrivilegeEscalation: false",
        "container web does not set runAsNonRoot: true",
        "container web has no seccomp profile RuntimeDefault or Localhost",
    ]
    assert pods(plain, "baseline") == pods(plain, "privileged") == []


def test_a_hardened_container_satisfies_restricted_also_by_its_pods_context() -> None:
    assert pods(f"{{containers: [{{name: web, image: w, {HARDENED}}}]}}") == []
    by_pod = (
        "{securityContext: {runAsNonRoot: true, seccompProfile: {type: Localhost, localhostProfile: x}}, "
        "containers: [{name: web, image: w, securityContext: {allowPrivilegeEscalation: false, capabilities: "
        "{drop: [ALL], add: [NET_BIND_SERVICE]}}}]}"
    )
    assert pods(by_pod) == []


@pytest.mark.parametrize(
    ("more", "text", "baseline"),
    [
        ("initContainers: [{name: init, image: i}]", "container init does not drop ALL capabilities", False),
        ("hostNetwork: true", "hostNetwork is true", True),
        ("volumes: [{name: v, hostPath: {path: /}}]", "volume v is a hostPath", True),
        ("volumes: [{name: v, nfs: {path: /, server: s}}]", "volume v is of type nfs", False),
        ("securityContext: {runAsUser: 0}", "the pod runs as user 0", False),
        ("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}", "sysctl kernel.msgmax", True),
    ],
)
def test_what_breaks_a_level(more: str, text: str, baseline: bool) -> None:
    pod = f"{{{more}, containers: [{{name: web, image: w, {HARDENED}}}]}}"
    assert text in pods(pod)
    assert (text in pods(pod, "baseline")) is baseline


def test_the_pinned_version_decides() -> None:
    probe = "livenessProbe: {httpGet: {port: 80, host: 10.0.0.1}}"
    pod = f"{{containers: [{{name: web, image: w, {HARDENED}, {probe}}}]}}"
    assert pods(pod, version="v1.33") == []
    assert (
        pods(pod, version="v1.34")
        == pods(pod, version="latest")
        == ["container web asks the host 10.0.0.1 in livenessProbe"]
    )
    root = (
        "{hostUsers: false, containers: [{name: web, image: w, " + HARDENED.replace("runAsNonRoot: true, ", "") + "}]}"
    )
    assert pods(root, version="v1.35") == []
    assert len(pods(root, version="v1.34")) == 1


def test_every_kind_with_pods_is_judged_at_the_line_of_the_container() -> None:
    cron = """\
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: clean, namespace: shop}
        spec:
          jobTemplate:
            spec:
              template:
                spec:
                  containers:
                    - name: clean
                      image: c
                      securityContext: {privileged: true}
    """
    assert hits("WORK-21", {"cron.yaml": cron, "namespace.yaml": namespace("baseline")}) == [
        "cron.yaml:12 CronJob shop/clean: container clean is privileged (namespace shop enforces baseline)"
    ]
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {hostPID: true}\n"
    assert hits("WORK-21", {"pod.yaml": pod, "namespace.yaml": namespace("baseline")}) == [
        "pod.yaml:4 Pod shop/p: hostPID is true (namespace shop enforces baseline)"
    ]


def test_a_namespace_that_is_not_here_or_enforces_nothing_is_not_judged() -> None:
    plain = workload(pod="{containers: [{name: web, image: w}]}")
    assert hits("WORK-21", {"web.yaml": plain}) == []
    assert (
        hits("WORK-21", {"web.yaml": plain, "n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"})
        == []
    )


def test_an_application_may_give_the_namespace_its_level() -> None:
    app = """\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: web, namespace: argocd}
        spec:
          destination: {name: test, namespace: shop}
          syncPolicy:
            managedNamespaceMetadata: {labels: {pod-security.kubernetes.io/enforce: baseline}}
    """
    pod = "{hostIPC: true, containers: [{name: web, image: w}]}"
    assert texts(hits("WORK-21", {"web.yaml": workload(pod=pod), "app.yaml": app})) == [
        "hostIPC is true (namespace shop enforces baseline)"
    ]


def test_broken_pods_are_the_schemas_business() -> None:
    for pod in (
        {},
        {"spec": None},
        {"spec": {"containers": "x"}},
        {"spec": {"containers": [None, {"securityContext": 1}]}},
    ):
        assert all(isinstance(why, str) for _, why in podsecurity.violations(pod, "restricted", 37))
