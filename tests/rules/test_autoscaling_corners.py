"""Autoscaling: corners of targets, metrics, budgets, quotas, KEDA and who delivers what is scaled."""

import pytest

from tests.helpers import URL, applied, expanded_hits, found, hits

TARGET = "scaleTargetRef: {name: web}"
REQUESTS = "resources: {requests: {cpu: 100m, memory: 1Gi}}"


def workload(
    container: str = REQUESTS, *, spec: str = "", name: str = "web", kind: str = "Deployment", more: str = ""
) -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n{spec}"
        f"  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n"
        f"    spec: {{containers: [{{name: web, image: w, {container}}}{more}]}}\n"
    )


def thing(version: str, kind: str, spec: str, name: str = "web", notes: str = "{}") -> str:
    metadata = f"{{name: {name}, namespace: shop, annotations: {notes}}}"
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {metadata}\nspec: {{{spec}}}\n"


def hpa(metrics: str = "", least: int = 2, most: int = 5, target: str = "Deployment", name: str = "web") -> str:
    reference = f"scaleTargetRef: {{apiVersion: apps/v1, kind: {target}, name: {name}}}"
    listed = f", metrics: [{metrics}]" if metrics else ""
    spec = f"{reference}, minReplicas: {least}, maxReplicas: {most}{listed}"
    return thing("autoscaling/v2", "HorizontalPodAutoscaler", spec)


def scaled(triggers: str, extra: str = "", name: str = "web") -> str:
    return thing("keda.sh/v1alpha1", "ScaledObject", f"{TARGET}, triggers: [{triggers}]{extra}", name)


def budget(spec: str, name: str = "web", app: str = "web") -> str:
    return thing("policy/v1", "PodDisruptionBudget", f"selector: {{matchLabels: {{app: {app}}}}}, {spec}", name)


def texts(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


CONTAINER = (
    "{type: ContainerResource, containerResource: {name: cpu, container: NAME, target: {averageUtilization: 7}}}"
)
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}"


# AUTO-01, AUTO-02


def test_a_target_is_missing_where_the_namespace_is_known() -> None:
    assert hits("AUTO-01", {"web.yaml": workload(), "hpa.yaml": hpa()}) == []
    files = {"web.yaml": workload(), "hpa.yaml": hpa(target="StatefulSet")}
    assert texts(hits("AUTO-01", files)) == ["there is no StatefulSet web of the group apps in namespace shop"]
    # Nothing else stands in the namespace: it may well be somewhere else.
    assert hits("AUTO-01", {"hpa.yaml": hpa()}) == []
    operator = thing("example.com/v1", "Shop", "")
    assert hits("AUTO-01", {**files, "o.yaml": operator}) == []
    assert hits("AUTO-01", {"web.yaml": workload(), "hpa.yaml": hpa(name="${NAME}")}) == []
    (text,) = texts(hits("AUTO-01", {"web.yaml": workload(), "hpa.yaml": hpa(target="deployment")}))
    assert text.endswith("there is Deployment web of the group apps")


def test_what_has_no_number_is_not_scaled_wherever_it_is() -> None:
    assert texts(hits("AUTO-01", {"hpa.yaml": hpa(target="DaemonSet")})) == ["a DaemonSet cannot be scaled"]


def test_a_scaled_object_may_take_over() -> None:
    takes = "advanced: {horizontalPodAutoscalerConfig: {name: web}}"
    other = scaled("{type: cron, metadata: {}}", f", {takes}")
    files = {"web.yaml": workload(), "hpa.yaml": hpa(), "keda.yaml": other}
    assert len(hits("AUTO-02", files)) == 1
    noted = other.replace("annotations: {}", "annotations: {scaledobject.keda.sh/transfer-hpa-ownership: 'true'}")
    assert hits("AUTO-02", {**files, "keda.yaml": noted}) == []


# AUTO-03


@pytest.mark.parametrize(
    ("container", "metric", "said"),
    [
        (REQUESTS, CPU, ""),
        ("resources: {limits: {cpu: 1}}", CPU, ""),
        (
            "resources: {requests: {memory: 1Gi}}",
            CPU,
            "goes by cpu, but container web of Deployment shop/web has no request of cpu",
        ),
        ("resources: {}", "", "goes by cpu, but container web of Deployment shop/web has no request of cpu"),
        (
            "resources: {}",
            "{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}",
            "",
        ),
        (
            REQUESTS,
            CONTAINER.replace("NAME", "app"),
            "goes by cpu, but Deployment shop/web has no container app, it has web",
        ),
        (
            REQUESTS,
            CONTAINER.replace("NAME", "istio-proxy"),
            "",
        ),
    ],
)
def test_percent_is_of_a_request(container: str, metric: str, said: str) -> None:
    lines = hits("AUTO-03", {"web.yaml": workload(container), "hpa.yaml": hpa(metric)})
    assert [line.partition("shop/web ")[2] for line in lines] == ([said] if said else [])


def test_requests_may_come_from_elsewhere() -> None:
    files = {"web.yaml": workload("resources: {}"), "hpa.yaml": hpa(CPU)}
    assert len(hits("AUTO-03", files)) == 1
    ranges = thing("v1", "LimitRange", "limits: [{type: Container, defaultRequest: {cpu: 1}}]")
    assert hits("AUTO-03", {**files, "r.yaml": ranges}) == []
    vertical = thing("autoscaling.k8s.io/v1", "VerticalPodAutoscaler",
                     "targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}")  # fmt: skip
    assert hits("AUTO-03", {**files, "v.yaml": vertical}) == []


# AUTO-04, AUTO-05, AUTO-09


PODS = "{type: Pods, pods: {metric: {name: packets}, target: {type: AverageValue, averageValue: 1}}}"
EXTERNAL = "{type: External, external: {metric: {name: NAME}, target: {type: Value, value: 1}}}"


def served(group: str, service: str) -> str:
    return (
        f"apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {{name: v1beta1.{group}.{service}}}\n"
        f"spec: {{group: {group}, version: v1beta1, service: {{name: {service}, namespace: monitoring}}}}\n"
    )


def test_an_adapter_may_be_there() -> None:
    files = {"web.yaml": workload(), "hpa.yaml": hpa(PODS)}
    assert len(hits("AUTO-04", files)) == 1
    assert hits("AUTO-04", {**files, "api.yaml": served("custom.metrics.k8s.io", "adapter")}) == []
    elsewhere = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: adapter, namespace: argocd}\n"
        "spec:\n  source: {repoURL: https://charts.example.com, chart: adapter}\n"
        "  destination: {name: test, namespace: monitoring}\n"
    )
    assert hits("AUTO-04", {**files, "app.yaml": elsewhere}) == []


def test_one_provider_serves_external_metrics() -> None:
    files = {"web.yaml": workload(), "hpa.yaml": hpa(EXTERNAL.replace("NAME", "queue"))}
    assert len(hits("AUTO-05", files)) == 1
    one = served("external.metrics.k8s.io", "keda")
    assert hits("AUTO-05", {**files, "one.yaml": one}) == []
    two = served("external.metrics.k8s.io", "adapter")
    assert len(hits("AUTO-05", {**files, "one.yaml": one, "two.yaml": two})) == 1
    cloud = hpa(EXTERNAL.replace("NAME", "pubsub.googleapis.com|subscription|length"))
    assert hits("AUTO-05", {"web.yaml": workload(), "hpa.yaml": cloud}) == []


def test_zero_needs_a_version_and_a_measure() -> None:
    repo = applied({"hpa.yaml": hpa(EXTERNAL, least=0)})
    assert found("AUTO-09", repo) == []
    (text,) = texts(found("AUTO-09", repo.with_(kube_version="1.36")))
    assert text == "minReplicas: 0 needs Kubernetes 1.37, this is 1.36"
    cpu = "{type: cpu, metadata: {}}"
    assert len(hits("AUTO-09", {"k.yaml": scaled(cpu)})) == 1
    assert hits("AUTO-09", {"k.yaml": scaled(f"{cpu}, {{type: kafka, metadata: {{}}}}")}) == []
    assert hits("AUTO-09", {"k.yaml": scaled(cpu, ", minReplicaCount: 1")}) == []


# AUTO-06, AUTO-07


@pytest.mark.parametrize(
    ("spec", "kind", "bad"),
    [
        ("  replicas: 2\n", "Deployment", True),
        ("  replicas: 3\n", "StatefulSet", True),
        ("  replicas: 1\n", "Deployment", False),
        ("", "Deployment", False),
        ("", "DaemonSet", False),
    ],
)
def test_two_pods_want_a_budget(spec: str, kind: str, bad: bool) -> None:
    files = {"web.yaml": workload(spec=spec, kind=kind)}
    assert bool(hits("AUTO-06", files)) is bad
    assert hits("AUTO-06", {**files, "b.yaml": budget("maxUnavailable: 1")}) == []


def test_the_minimum_of_an_autoscaler_counts() -> None:
    assert len(hits("AUTO-06", {"web.yaml": workload(), "hpa.yaml": hpa()})) == 1
    assert hits("AUTO-06", {"web.yaml": workload(), "hpa.yaml": hpa(least=1)}) == []


@pytest.mark.parametrize(
    ("replicas", "spec", "bad"),
    [
        (1, "minAvailable: 1", True),
        (2, "minAvailable: 1", False),
        (2, "minAvailable: 2", True),
        (2, "minAvailable: 50%", False),
        (3, "minAvailable: 67%", True),
        (3, "minAvailable: 66%", False),
        (1, "minAvailable: 1%", True),
        (1, "maxUnavailable: 1%", False),
        (1, "maxUnavailable: 1", False),
        (4, "maxUnavailable: 0", True),
        (4, "maxUnavailable: 0%", True),
        (0, "maxUnavailable: 0", False),
        (0, "minAvailable: 1", False),
        (4, "minAvailable: 1, maxUnavailable: 1", False),
        (4, "minAvailable: x", False),
    ],
)
def test_a_budget_lets_a_pod_go(replicas: int, spec: str, bad: bool) -> None:
    files = {"web.yaml": workload(spec=f"  replicas: {replicas}\n"), "b.yaml": budget(spec)}
    assert bool(hits("AUTO-07", files)) is bad


def test_a_budget_of_unknown_pods_is_not_counted() -> None:
    operator = thing("example.com/v1", "Shop", "")
    files = {"web.yaml": workload(), "b.yaml": budget("minAvailable: 1"), "o.yaml": operator}
    assert hits("AUTO-07", files) == []
    assert hits("AUTO-07", {"b.yaml": budget("minAvailable: 1")}) == []
    queue = scaled("{type: kafka, metadata: {}}")
    assert hits("AUTO-07", {"web.yaml": workload(), "b.yaml": budget("minAvailable: 1"), "k.yaml": queue}) == []
    daemon = {"web.yaml": workload(kind="DaemonSet"), "b.yaml": budget("minAvailable: 1")}
    assert hits("AUTO-07", daemon) == []


# AUTO-08, AUTO-10


@pytest.mark.parametrize(
    ("policy", "bad"),
    [
        ("", True),
        ("updatePolicy: {updateMode: 'Off'}, ", False),
        ("resourcePolicy: {containerPolicies: [{containerName: '*', controlledResources: [memory]}]}, ", False),
        ("resourcePolicy: {containerPolicies: [{containerName: web, controlledResources: [memory]}]}, ", False),
        ("resourcePolicy: {containerPolicies: [{containerName: other, mode: 'Off'}]}, ", True),
        ("resourcePolicy: {containerPolicies: [{containerName: '*', mode: 'Off'}]}, ", False),
    ],
)
def test_a_resource_has_one_screw(policy: str, bad: bool) -> None:
    vertical = thing("autoscaling.k8s.io/v1", "VerticalPodAutoscaler",
                     f"{policy}targetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}")  # fmt: skip
    files = {"web.yaml": workload(), "hpa.yaml": hpa(CPU), "v.yaml": vertical}
    assert bool(hits("AUTO-08", files)) is bad


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        ("requests.cpu: 2", ""),
        ("requests.cpu: 400m", "up to 5 pods need 0.5 of requests.cpu, and ResourceQuota shop/web admits 400m"),
        ("memory: 4Gi", "up to 5 pods need 5120Mi of memory, and ResourceQuota shop/web admits 4Gi"),
        ("pods: 4", "up to 5 pods, and ResourceQuota shop/web admits 4"),
        (
            "limits.cpu: 10",
            "container web does not set limits.cpu, which ResourceQuota shop/web asks for: its pods are refused",
        ),
        ("services: 1", ""),
    ],
)
def test_a_quota_has_room(hard: str, said: str) -> None:
    quota = thing("v1", "ResourceQuota", f"hard: {{{hard}}}")
    lines = hits("AUTO-10", {"web.yaml": workload(), "hpa.yaml": hpa(), "q.yaml": quota})
    assert texts(lines) == ([said] if said else [])


def test_a_scoped_quota_and_a_default_are_fine() -> None:
    files = {
        "web.yaml": workload(),
        "q.yaml": thing("v1", "ResourceQuota", "scopes: [BestEffort], hard: {limits.cpu: 1}"),
    }
    assert hits("AUTO-10", files) == []
    ranges = thing("v1", "LimitRange", "limits: [{type: Container, default: {cpu: 1}}]")
    files = {"web.yaml": workload(), "q.yaml": thing("v1", "ResourceQuota", "hard: {limits.cpu: 1}"), "r.yaml": ranges}
    assert hits("AUTO-10", files) == []


# AUTO-11, AUTO-12


def application(extra: str = "", source: str = "", name: str = "shop", path: str = "shop", notes: str = "{}") -> str:
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd, annotations: {notes}}}\n"
        f"spec:\n  project: shop\n  source: {{repoURL: '{URL}', path: {path}, targetRevision: main{source}}}\n"
        f"  destination: {{name: test, namespace: shop}}\n{extra}"
    )


def test_kustomize_options_of_an_application_are_read() -> None:
    listed = "resources: [web.yaml, hpa.yaml]\n"
    files = {"shop/web.yaml": workload(), "shop/hpa.yaml": hpa(), "shop/kustomization.yaml": listed}
    numbered = application(source=", kustomize: {replicas: [{name: web, count: 3}]}")
    assert len(expanded_hits("AUTO-11", {"app.yaml": numbered, **files})) == 1
    other = application(source=", kustomize: {replicas: [{name: other, count: 3}]}")
    assert expanded_hits("AUTO-11", {"app.yaml": other, **files}) == []
    ignoring = application("  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]\n",
                           ", kustomize: {replicas: [{name: web, count: 3}]}")  # fmt: skip
    assert expanded_hits("AUTO-11", {"app.yaml": ignoring, **files}) == []


@pytest.mark.parametrize(
    ("patch", "bad"),
    [
        ("{target: {kind: Deployment, name: web}, patch: '[{op: replace, path: /spec/replicas, value: 3}]'}", True),
        ("{target: {kind: Deployment, name: web}, patch: '[{op: remove, path: /spec/replicas}]'}", False),
        ("{target: {kind: Deployment, name: web}, patch: '[{op: add, path: /spec/paused, value: true}]'}", False),
        ("{patch: '{kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}'}", True),
        ("{patch: '{kind: Deployment, metadata: {name: other}, spec: {replicas: 3}}'}", False),
        ("{patch: 'no: [yaml'}", False),
    ],
)
def test_patches_of_flux_are_read(patch: str, bad: bool) -> None:
    files = {
        "clusters/flux-system/sync.yaml": (
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
            f"metadata: {{name: flux-system, namespace: flux-system}}\nspec: {{url: '{URL}', ref: {{branch: main}}}}\n"
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: flux-system, namespace: flux-system}\n"
            "spec: {path: clusters, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}\n"
        ),
        "clusters/shop.yaml": (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: shop, namespace: flux-system}\n"
            "spec:\n  path: shop\n  prune: true\n  sourceRef: {kind: GitRepository, name: flux-system}\n"
            f"  patches:\n    - {patch}\n"
        ),
        "shop/web.yaml": workload(),
        "shop/hpa.yaml": hpa(),
    }
    assert bool(expanded_hits("AUTO-11", files)) is bad


def test_flux_waits_for_what_installs_keda() -> None:
    source = "sourceRef: {kind: GitRepository, name: flux-system}"

    def kustomization(name: str, extra: str = "") -> str:
        return (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            f"metadata: {{name: {name}, namespace: flux-system}}\n"
            f"spec: {{path: {name}, prune: true, {source}{extra}}}\n"
        )

    files = {
        "clusters/flux-system/sync.yaml": (
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
            f"metadata: {{name: flux-system, namespace: flux-system}}\nspec: {{url: '{URL}', ref: {{branch: main}}}}\n"
            "---\n" + kustomization("flux-system").replace("path: flux-system", "path: clusters")
        ),
        "clusters/platform.yaml": kustomization("platform"),
        "clusters/shop.yaml": kustomization("shop"),
        "platform/keda.yaml": (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: keda, namespace: keda}\n"
            "spec: {chart: {spec: {chart: keda, sourceRef: {kind: HelmRepository, name: keda}}}}\n"
        ),
        "shop/keda.yaml": scaled("{type: cron, metadata: {}}"),
    }
    (text,) = expanded_hits("AUTO-12", files)
    assert "does not depend on Kustomization flux-system/platform" in text
    waiting = {**files, "clusters/shop.yaml": kustomization("shop", ", dependsOn: [{name: platform}]")}
    assert expanded_hits("AUTO-12", waiting) == []


# AUTO-13


@pytest.mark.parametrize(
    ("extra", "bad"),
    [
        (", minReplicaCount: 1, maxReplicaCount: 1", False),
        (", minReplicaCount: 101", True),
        (", minReplicaCount: 1, idleReplicaCount: 0", False),
        (", idleReplicaCount: 0", True),
        (", fallback: {failureThreshold: 3, replicas: 2}", False),
        (", advanced: {scalingModifiers: {formula: a + b}}", True),
        (", advanced: {scalingModifiers: {formula: a + b, target: '2'}}", False),
    ],
)
def test_bounds_agree(extra: str, bad: bool) -> None:
    assert bool(hits("AUTO-13", {"k.yaml": scaled("{type: kafka, name: a, metadata: {}}", extra)})) is bad


def test_a_long_name_needs_another_one_for_the_autoscaler() -> None:
    trigger = "{type: kafka, metadata: {}}"
    assert len(hits("AUTO-13", {"k.yaml": scaled(trigger, name="a" * 55)})) == 1
    assert hits("AUTO-13", {"k.yaml": scaled(trigger, name="a" * 54)}) == []
    named = scaled(trigger, ", advanced: {horizontalPodAutoscalerConfig: {name: web}}", "a" * 55)
    assert hits("AUTO-13", {"k.yaml": named}) == []


@pytest.mark.parametrize(
    ("address", "bad"),
    [
        ("http://prometheus.shop:9090", False),
        ("http://prometheus.shop.svc.cluster.local:9090/prometheus", False),
        ("http://prometheus.shop.svc:9091", True),
        ("http://prometheus.shop.svc", True),
        ("http://thanos.shop.svc:9090", True),
        ("http://thanos.elsewhere.svc:9090", False),
        ("https://prometheus.example.com", False),
        ("http://${PROMETHEUS}:9090", False),
        ("http://prometheus:9090", False),
        ("http://[", False),
    ],
)
def test_a_prometheus_is_a_service(address: str, bad: bool) -> None:
    service = thing("v1", "Service", "ports: [{port: 9090}]", "prometheus")
    trigger = f"{{type: prometheus, metadata: {{serverAddress: '{address}'}}}}"
    assert bool(hits("AUTO-13", {"s.yaml": service, "k.yaml": scaled(trigger)})) is bad


def test_an_authentication_of_the_cluster_is_not_one_of_the_namespace() -> None:
    def trigger(kind: str) -> str:
        return scaled(f"{{type: kafka, metadata: {{}}, authenticationRef: {{name: kafka, kind: {kind}}}}}")

    one = thing("keda.sh/v1alpha1", "ClusterTriggerAuthentication", "", "kafka")
    assert hits("AUTO-13", {"a.yaml": one, "k.yaml": trigger("ClusterTriggerAuthentication")}) == []
    assert len(hits("AUTO-13", {"a.yaml": one, "k.yaml": trigger("TriggerAuthentication")})) == 1
