"""Workloads: corners of labels, requests, sidecars, volumes, references, configuration and how pods end."""

import pytest

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from tests.helpers import applied, expanded_hits, found, hits

CONTAINER = "containers: [{name: web, image: web}]"


def workload(
    pod: str = CONTAINER,
    *,
    name: str = "web",
    kind: str = "Deployment",
    labels: str = "{app: web}",
    spec: str = "",
    notes: str = "{}",
    selector: str = "",
) -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n"
        f"  selector: {{matchLabels: {selector or labels}}}\n{spec}"
        f"  template:\n    metadata: {{labels: {labels}, annotations: {notes}}}\n    spec: {{{pod}}}\n"
    )


def thing(kind: str, name: str, body: str, version: str = "v1", notes: str = "{}", labels: str = "{}") -> str:
    metadata = f"{{name: {name}, namespace: shop, annotations: {notes}, labels: {labels}}}"
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {metadata}\n{body}\n"


def texts(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


# WORK-02


@pytest.mark.parametrize(
    ("labels", "image", "bad"),
    [
        ("{app: web, version: v1}", "web:1.0.0", False),
        ("{app: web, version: 1.0.0}", "web:1.0.0", True),
        ("{app: web, version: v1.0.0}", "web:1.0.0", True),
        ("{app: web, version: 1.0.0}", "web:2.0.0", False),
        ("{app: web, app.kubernetes.io/version: 1.0.0}", "web:2.0.0", True),
        ("{app: web, checksum/config: abc}", "web", True),
        ("{app: web, app.kubernetes.io/instance: web}", "web", False),
    ],
)
def test_only_labels_that_change_with_a_version_are_found(labels: str, image: str, bad: bool) -> None:
    files = {"web.yaml": workload(f"containers: [{{name: web, image: '{image}'}}]", labels=labels)}
    assert bool(hits("WORK-02", files)) is bad


def test_a_version_in_the_name_is_a_workload_of_its_own() -> None:
    pod = "containers: [{name: web, image: 'web:1.0.0'}]"
    named = workload(pod, name="web-1.0.0", labels="{app: web, version: 1.0.0}")
    assert hits("WORK-02", {"web.yaml": named}) == []


# WORK-04


def test_limits_and_ranges_count_as_requests() -> None:
    limited = workload("containers: [{name: web, image: w, resources: {limits: {cpu: 1, memory: 1Gi}}}]")
    assert hits("WORK-04", {"web.yaml": limited}) == []
    defaults = thing("LimitRange", "d", "spec: {limits: [{type: Container, default: {cpu: 1, memory: 1Gi}}]}")
    assert hits("WORK-04", {"web.yaml": workload(), "d.yaml": defaults}) == []
    whole = workload(f"resources: {{requests: {{cpu: 1, memory: 1Gi}}}}, {CONTAINER}")
    assert hits("WORK-04", {"web.yaml": whole}) == []
    assert texts(hits("WORK-04", {"web.yaml": workload()})) == ["container web has no request of cpu and memory"]


def test_where_something_else_may_set_requests_nothing_is_said() -> None:
    policy = "apiVersion: policies.kyverno.io/v1\nkind: MutatingPolicy\nmetadata: {name: requests}\n"
    assert hits("WORK-04", {"web.yaml": workload(), "p.yaml": policy}) == []
    app = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: base, namespace: argocd}\n"
        "spec:\n  source: {repoURL: https://other.example.com/x.git, path: x}\n"
        "  destination: {name: test, namespace: shop}\n"
    )
    assert hits("WORK-04", {"web.yaml": workload(), "app.yaml": app}) == []


# WORK-05, WORK-08


def test_only_what_serves_another_container_is_a_sidecar() -> None:
    alone = workload("containers: [{name: shipper, image: fluent/fluent-bit}]", kind="DaemonSet")
    assert hits("WORK-05", {"web.yaml": alone}) == []
    second = workload("containers: [{name: web, image: w}, {name: auth, image: oauth2-proxy}]")
    assert hits("WORK-05", {"web.yaml": second}) == []
    always = workload("containers: [{name: web, image: w, restartPolicy: Always}]")
    assert texts(hits("WORK-05", {"web.yaml": always})) == [
        "container web has restartPolicy: Always, which makes no sidecar of it here"
    ]


@pytest.mark.parametrize(
    ("containers", "found_there"),
    [
        ("{name: web, image: w, env: [{name: URL, value: 'redis://localhost:6379'}]}", True),
        ("{name: web, image: w, args: [--port=6379], env: [{name: URL, value: 'redis://localhost:6379'}]}", False),
        ("{name: web, image: w, env: [{name: LISTEN, value: 'localhost:6379'}]}", False),
        ("{name: web, image: w, env: [{name: URL, value: 'redis://localhost:6379'}]}, {name: r, image: redis}", False),
        (
            "{name: web, image: w, env: [{name: URL, value: 'redis://localhost:6379'}]}, "
            "{name: r, image: r, ports: [{containerPort: 6379}]}",
            False,
        ),
        (
            "{name: web, image: w, env: [{name: URL, value: 'redis://localhost:6379'}]}, "
            "{name: r, image: r, ports: [{containerPort: 6380}]}",
            True,
        ),
    ],
)
def test_an_address_is_judged_where_nobody_can_serve_it(containers: str, found_there: bool) -> None:
    assert bool(hits("WORK-08", {"web.yaml": workload(f"containers: [{containers}]")})) is found_there


# WORK-06, WORK-09


def spread(selector: str) -> str:
    return f"topologySpreadConstraints: [{{topologyKey: zone, maxSkew: 1{selector}}}], {CONTAINER}"


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (", labelSelector: {matchLabels: {app: web}}", ""),
        (", labelSelector: {matchLabels: {app: web, pod-template-hash: x}}", ""),
        (", labelSelector: {matchExpressions: [{key: app, operator: Exists}]}", ""),
        (", labelSelector: {matchLabels: {app: shop}}", "does not count its own pods, they are labelled app=web"),
        ("", "has no labelSelector, and so counts no pod"),
        (
            ", matchLabelKeys: [app], labelSelector: {matchExpressions: [{key: app, operator: Exists}]}",
            "has app in matchLabelKeys and in its selector",
        ),
    ],
)
def test_a_spread_counts_its_own_pods(selector: str, said: str) -> None:
    (*lines,) = texts(hits("WORK-06", {"web.yaml": workload(spread(selector))}))
    assert lines == ([f"the spread over zone {said}"] if said else [])


def affinity(kind: str, app: str, extra: str = "") -> str:
    term = f"{{topologyKey: zone, labelSelector: {{matchLabels: {{app: {app}}}}}{extra}}}"
    return f"affinity: {{{kind}: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}}}, {CONTAINER}"


def test_affinities_are_judged_where_all_pods_are_known() -> None:
    for kind in ("podAffinity", "podAntiAffinity"):
        assert len(hits("WORK-06", {"web.yaml": workload(affinity(kind, "gone"))})) == 1
        assert hits("WORK-06", {"web.yaml": workload(affinity(kind, "web"))}) == []
        other = workload(name="cache", labels="{app: cache}")
        assert hits("WORK-06", {"web.yaml": workload(affinity(kind, "cache")), "c.yaml": other}) == []
        elsewhere = workload(affinity(kind, "gone", ", namespaces: [other]"))
        assert hits("WORK-06", {"web.yaml": elsewhere}) == []
        operator = "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: gone, namespace: shop}\n"
        assert hits("WORK-06", {"web.yaml": workload(affinity(kind, "gone")), "o.yaml": operator}) == []
    # One that names the workload is about its own pods, whoever else makes pods.
    own = workload(affinity("podAntiAffinity", "web"), labels="{name: web}")
    assert len(hits("WORK-06", {"web.yaml": own, "o.yaml": operator})) == 1


def component(name: str, port: int) -> str:
    labels = f"{{app: shop, app.kubernetes.io/component: {name}}}"
    ports = f"ports: [{{name: http, containerPort: {port}}}]"
    return workload(f"containers: [{{name: x, image: x, {ports}}}]", name=name, labels=labels)


def test_a_service_of_two_components_is_fine_where_both_have_the_port() -> None:
    def service(target: str, extra: str = "") -> str:
        return thing("Service", "web", f"spec: {{selector: {{app: shop}}, ports: [{{port: 80, {target}}}]{extra}}}")

    both = {"a.yaml": component("web", 8080), "b.yaml": component("canary", 8080)}
    assert hits("WORK-09", {**both, "s.yaml": service("targetPort: 8080")}) == []
    mixed = {"a.yaml": component("web", 8080), "b.yaml": component("worker", 9090)}
    assert len(hits("WORK-09", {**mixed, "s.yaml": service("targetPort: 8080")})) == 1
    # A pod without a port of that name is no endpoint; a headless Service is for peers.
    assert hits("WORK-09", {**mixed, "s.yaml": service("targetPort: metrics")}) == []
    assert hits("WORK-09", {**mixed, "s.yaml": service("targetPort: 8080", ", clusterIP: None")}) == []


# WORK-07


def test_metrics_may_be_read_in_other_ways() -> None:
    ports = "containers: [{name: web, image: w, ports: [{name: metrics, containerPort: 9090}]}]"
    other = thing("PodMonitor", "other", "spec: {selector: {matchLabels: {app: other}}}", "monitoring.coreos.com/v1")
    assert hits("WORK-07", {"web.yaml": workload(ports)}) == []
    assert texts(hits("WORK-07", {"web.yaml": workload(ports), "m.yaml": other})) == [
        "no PodMonitor or ServiceMonitor reads its port metrics"
    ]
    noted = workload(ports, notes="{prometheus.io/scrape: 'true'}")
    assert hits("WORK-07", {"web.yaml": noted, "m.yaml": other}) == []
    scrape = thing("ScrapeConfig", "all", "spec: {}", "monitoring.coreos.com/v1alpha1")
    assert hits("WORK-07", {"web.yaml": workload(ports), "m.yaml": other, "s.yaml": scrape}) == []


def test_a_service_monitor_reads_the_port_behind_the_service() -> None:
    ports = "containers: [{name: web, image: w, ports: [{name: metrics, containerPort: 9090}]}]"
    monitor = "spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: http-metrics}]}"
    for target in ("targetPort: metrics", "targetPort: 9090"):
        service = f"spec: {{selector: {{app: web}}, ports: [{{name: http-metrics, port: 9090, {target}}}]}}"
        files = {
            "web.yaml": workload(ports),
            "s.yaml": thing("Service", "web", service, labels="{app: web}"),
            "m.yaml": thing("ServiceMonitor", "web", monitor, "monitoring.coreos.com/v1"),
        }
        assert hits("WORK-07", files) == []
        twice = thing("ServiceMonitor", "again", monitor, "monitoring.coreos.com/v1")
        assert len(hits("WORK-07", {**files, "n.yaml": twice})) == 1


# WORK-11, WORK-13


def test_nodes_are_counted_or_made_on_demand() -> None:
    pod = affinity("podAntiAffinity", "web").replace("topologyKey: zone", "topologyKey: kubernetes.io/hostname")
    fixed = {"web.yaml": workload(pod, spec="  replicas: 3\n")}
    assert hits("WORK-11", fixed) == []
    nodes = {f"{name}.yaml": f"apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n" for name in ("a", "b")}
    assert texts(hits("WORK-11", {**fixed, **nodes})) == ["up to 3 pods need as many nodes, and there are 2"]
    scaler = thing(
        "HorizontalPodAutoscaler",
        "web",
        "spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
        "autoscaling/v2",
    )
    grown = {"web.yaml": workload(pod), "hpa.yaml": scaler}
    assert len(hits("WORK-11", grown)) == 1
    pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: all}\n"
    assert hits("WORK-11", {**grown, "pool.yaml": pool}) == []


@pytest.mark.parametrize(
    ("pod", "bad"),
    [
        ("tolerations: [{key: dedicated, value: gpu}]", True),
        ("tolerations: [{key: dedicated, value: gpu}], nodeSelector: {dedicated: gpu}", False),
        ("tolerations: [{key: dedicated, operator: Exists}]", False),
        ("tolerations: [{key: spot, value: 'true'}]", False),
    ],
)
def test_a_toleration_of_a_dedicated_taint_wants_a_choice(pod: str, bad: bool) -> None:
    assert bool(hits("WORK-13", {"web.yaml": workload(f"{pod}, {CONTAINER}")})) is bad


def test_an_extended_resource_and_a_daemon_choose_by_themselves() -> None:
    pod = (
        "tolerations: [{key: dedicated, value: gpu}], containers: [{name: w, image: w, resources: {limits: {g/u: 1}}}]"
    )
    assert hits("WORK-13", {"web.yaml": workload(pod)}) == []
    daemon = workload(f"tolerations: [{{key: dedicated, value: gpu}}], {CONTAINER}", kind="DaemonSet")
    assert hits("WORK-13", {"web.yaml": daemon}) == []


# WORK-10


def route(rule: str) -> str:
    return thing("HTTPRoute", "web", f"spec: {{rules: [{{{rule}}}]}}", "gateway.networking.k8s.io/v1")


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("timeouts: {request: 10s, backendRequest: 3s}, retry: {attempts: 2}", False),
        ("timeouts: {request: 10s, backendRequest: 3s}, retry: {attempts: 3}", True),
        ("timeouts: {request: 10s, backendRequest: 3s}, retry: {attempts: 2, backoff: 1s}", True),
        ("timeouts: {request: 0s, backendRequest: 3s}", False),
        ("timeouts: {request: 500ms, backendRequest: 1s}", True),
        ("timeouts: {request: 10s}, retry: {attempts: 3}", False),
    ],
)
def test_all_tries_fit(rule: str, bad: bool) -> None:
    assert bool(hits("WORK-10", {"route.yaml": route(rule)})) is bad


def test_the_standard_channel_has_no_retry() -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n"
        "  name: httproutes.gateway.networking.k8s.io\n"
        "  annotations: {gateway.networking.k8s.io/channel: CHANNEL}\n"
    )
    retry = route("retry: {attempts: 2}")
    assert len(hits("WORK-10", {"r.yaml": retry, "crd.yaml": crd.replace("CHANNEL", "standard")})) == 1
    assert hits("WORK-10", {"r.yaml": retry, "crd.yaml": crd.replace("CHANNEL", "experimental")}) == []


# WORK-12, WORK-19


@pytest.mark.parametrize(
    ("spec", "modes", "bad"),
    [
        ("", "[ReadWriteOnce]", True),
        ("  strategy: {type: Recreate}\n", "[ReadWriteOnce]", False),
        ("  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n", "[ReadWriteOnce]", False),
        ("", "[ReadWriteMany]", False),
        ("", "[ReadWriteOnce, ReadWriteMany]", False),
        ("  replicas: 0\n", "[ReadWriteOnce]", False),
        ("  replicas: 2\n  strategy: {type: Recreate}\n", "[ReadWriteOnce]", True),
    ],
)
def test_a_volume_of_one_node_has_one_pod(spec: str, modes: str, bad: bool) -> None:
    pod = f"{CONTAINER}, volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]"
    claim = thing("PersistentVolumeClaim", "data", f"spec: {{accessModes: {modes}}}")
    assert bool(hits("WORK-12", {"web.yaml": workload(pod, spec=spec), "claim.yaml": claim})) is bad


@pytest.mark.parametrize(
    ("volume", "mounts", "limits", "said"),
    [
        ("emptyDir: {sizeLimit: 1Gi}", 1, "{}", ""),
        ("emptyDir: {}", 2, "{}", ""),
        ("emptyDir: {}", 1, "{ephemeral-storage: 1Gi}", ""),
        ("emptyDir: {medium: Memory}", 1, "{memory: 1Gi}", ""),
        (
            "emptyDir: {medium: Memory}",
            1,
            "{ephemeral-storage: 1Gi}",
            "the emptyDir tmp of container a has no sizeLimit",
        ),
        ("emptyDir: null", 1, "{}", "the emptyDir tmp of container a has no sizeLimit"),
        ("emptyDir: {}", 0, "{}", "no container mounts the emptyDir tmp"),
        ("configMap: {name: x}", 0, "{}", ""),
    ],
)
def test_scratch_space_has_an_end(volume: str, mounts: int, limits: str, said: str) -> None:
    mount = "volumeMounts: [{name: tmp, mountPath: /tmp}]"
    made = [
        f"{{name: {name}, image: x, resources: {{limits: {limits}}}{f', {mount}' if index < mounts else ''}}}"
        for index, name in enumerate(("a", "b"))
    ]
    pod = f"containers: [{', '.join(made)}], volumes: [{{name: tmp, {volume}}}]"
    assert texts(hits("WORK-19", {"web.yaml": workload(pod)})) == ([said] if said else [])


# WORK-14, WORK-18


def taking(kind: str, name: str, key: str = "key", extra: str = "") -> str:
    field = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}[kind]
    env = f"env: [{{name: X, valueFrom: {{{field}: {{name: {name}, key: {key}{extra}}}}}}}]"
    return f"containers: [{{name: web, image: w, {env}}}]"


def test_a_config_map_is_missing_where_the_namespace_is_known() -> None:
    gone = workload(taking("ConfigMap", "gone"))
    assert texts(hits("WORK-14", {"web.yaml": gone})) == ["there is no ConfigMap gone in namespace shop"]
    assert hits("WORK-14", {"web.yaml": workload(taking("ConfigMap", "gone", extra=", optional: true"))}) == []
    assert hits("WORK-14", {"web.yaml": workload(taking("ConfigMap", "${NAME}"))}) == []
    assert hits("WORK-14", {"web.yaml": workload(taking("ConfigMap", "kube-root-ca.crt"))}) == []
    operator = "apiVersion: example.com/v1\nkind: Config\nmetadata: {name: gone, namespace: shop}\n"
    assert hits("WORK-14", {"web.yaml": gone, "o.yaml": operator}) == []
    broken = applied({"web.yaml": gone}).with_(faults=(Hit(Place("x.yaml"), "broken"),))
    assert found("WORK-14", broken) == []


def test_a_secret_is_missing_only_where_secrets_are_kept_in_git() -> None:
    web = workload(taking("Secret", "gone"))
    assert hits("WORK-14", {"web.yaml": web}) == []
    other = thing("SealedSecret", "other", "spec: {encryptedData: {key: x}}", "bitnami.com/v1alpha1")
    assert len(hits("WORK-14", {"web.yaml": web, "s.yaml": other})) == 1
    for maker in (
        thing("SealedSecret", "gone", "spec: {}", "bitnami.com/v1alpha1"),
        thing("Certificate", "tls", "spec: {secretName: gone}", "cert-manager.io/v1"),
        thing("ExternalSecret", "x", "spec: {target: {name: gone}}", "external-secrets.io/v1"),
        thing("ClusterExternalSecret", "x", "spec: {}", "external-secrets.io/v1"),
        thing("Secret", "y", "data: {}", notes="{reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'}"),
    ):
        assert hits("WORK-14", {"web.yaml": web, "s.yaml": other, "m.yaml": maker}) == []


def test_keys_of_what_is_here_are_looked_for() -> None:
    settings = thing("ConfigMap", "settings", "data: {currency: EUR}\nbinaryData: {logo: ''}")
    for key, count in (("currency", 0), ("logo", 0), ("CURRENCY", 1)):
        files = {"web.yaml": workload(taking("ConfigMap", "settings", key)), "s.yaml": settings}
        assert len(hits("WORK-14", files)) == count
    filled = thing("ConfigMap", "settings", "data: {}")
    assert hits("WORK-14", {"web.yaml": workload(taking("ConfigMap", "settings")), "s.yaml": filled}) == []
    volume = "volumes: [{name: v, configMap: {name: settings, items: [{key: gone, path: x}]}}]"
    (text,) = texts(hits("WORK-14", {"web.yaml": workload(f"{CONTAINER}, {volume}"), "s.yaml": settings}))
    assert text == "ConfigMap shop/settings has no key gone, it has currency, logo"


def test_the_claims_of_a_stateful_set_are_there() -> None:
    pod = f"{CONTAINER}, volumes: [{{name: data, persistentVolumeClaim: {{claimName: NAME}}}}]"
    store = workload(name="store", kind="StatefulSet", labels="{app: store}").replace(
        "  template:", "  volumeClaimTemplates: [{metadata: {name: data}}]\n  template:"
    )
    for name, count in (("data-store-0", 0), ("data-store-12", 0), ("data-0", 1)):
        assert len(hits("WORK-14", {"web.yaml": workload(pod.replace("NAME", name)), "s.yaml": store})) == count


def test_what_is_reloaded_or_hashed_needs_no_checksum() -> None:
    settings = thing("ConfigMap", "settings", "data: {key: x}")
    web = workload(taking("ConfigMap", "settings"))
    assert len(hits("WORK-18", {"web.yaml": web, "s.yaml": settings})) == 1
    assert hits("WORK-18", {"web.yaml": web, "s.yaml": settings.replace("data:", "immutable: true\ndata:")}) == []
    noted = workload(taking("ConfigMap", "settings"), notes="{reloader.stakater.com/auto: 'true'}")
    assert hits("WORK-18", {"web.yaml": noted, "s.yaml": settings}) == []
    reloader = workload(name="reloader-reloader", labels="{app: reloader}")
    assert hits("WORK-18", {"web.yaml": web, "s.yaml": settings, "r.yaml": reloader}) == []
    hashed = {"web.yaml": workload(taking("ConfigMap", "settings-5h8fkbm2tc")),
              "s.yaml": thing("ConfigMap", "settings-5h8fkbm2tc", "data: {key: x}")}  # fmt: skip
    assert hits("WORK-18", hashed) == []


# WORK-15, WORK-17, WORK-20


def test_endpoints_of_a_service_without_a_selector_are_for_addresses_outside() -> None:
    endpoints = thing("Endpoints", "db", "subsets: []")
    assert hits("WORK-15", {"e.yaml": endpoints, "s.yaml": thing("Service", "db", "spec: {ports: []}")}) == []
    assert hits("WORK-15", {"e.yaml": endpoints}) == []
    selecting = thing("Service", "db", "spec: {selector: {app: db}}")
    assert len(hits("WORK-15", {"e.yaml": endpoints, "s.yaml": selecting})) == 1


@pytest.mark.parametrize(
    ("grace", "hook", "bad"),
    [
        ("terminationGracePeriodSeconds: 10, ", "sleep: {seconds: 10}", True),
        ("terminationGracePeriodSeconds: 11, ", "sleep: {seconds: 10}", False),
        ("", "exec: {command: [sleep, '30']}", True),
        ("", "exec: {command: [sh, -c, 'sleep 10; nginx -s quit; sleep 20']}", True),
        ("", "exec: {command: [sh, -c, 'sleep 29']}", False),
        ("", "exec: {command: [sh, -c, 'sleep $WAIT']}", False),
        ("", "httpGet: {path: /stop, port: 80}", False),
        ("terminationGracePeriodSeconds: 0, ", "httpGet: {path: /stop, port: 80}", False),
    ],
)
def test_the_grace_period_is_longer_than_the_wait(grace: str, hook: str, bad: bool) -> None:
    pod = f"{grace}containers: [{{name: web, image: w, lifecycle: {{preStop: {{{hook}}}}}}}]"
    assert bool(hits("WORK-17", {"web.yaml": workload(pod)})) is bad


def test_pods_of_tests_and_hooks_are_bare() -> None:
    pod = thing("Pod", "x", f"spec: {{{CONTAINER}}}")
    assert hits("WORK-20", {"shop/x.yaml": pod}) == [
        "shop/x.yaml:2 Pod shop/x is a bare Pod: nothing starts it again elsewhere"
    ]
    assert hits("WORK-20", {"shop/tests/x.yaml": pod}) == []
    assert hits("WORK-20", {"x.yaml": thing("Pod", "x", f"spec: {{{CONTAINER}}}", notes="{helm.sh/hook: test}")}) == []


def test_plain_manifests_are_judged_without_a_controller() -> None:
    assert len(expanded_hits("WORK-04", {"shop/web.yaml": workload()})) == 1
