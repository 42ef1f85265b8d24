"""The golden chart: what its schema refuses, what it renders, and that its objects agree with each other."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from scaffold.engines.helm import embedded_available
from scaffold.model.errors import BadInput
from tests.template.charts import CHART, Engine, Objects

pytestmark = pytest.mark.skipif(not embedded_available(), reason="the embedded Helm engine has no wheel here")

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
DIGEST = f"sha256:{'a' * 64}"

Values = dict[str, Any]

PLATFORM: Values = {
    "partOf": "shop",
    "team": "platform",
    "environment": "prod",
    "cluster": "prod",
    "region": "eu-west-1",
    "domain": "example.com",
    "runbooks": "https://example.com/runbooks",
    "oncall": "https://oncall.example.com",
    "mesh": {"enabled": True},
    "metrics": {"enabled": True},
}
WEB: Values = {
    "platform": PLATFORM,
    "kind": "web",
    "image": {"repository": "ghcr.io/example/web", "tag": "1.2.3"},
    "probes": {"liveness": {"path": "/healthz"}, "readiness": {"path": "/readyz"}},
    "metrics": {"port": 9090},
    "replicas": {"min": 3, "max": 10},
    "routing": {"host": "web"},
}
WORKER: Values = {
    "platform": PLATFORM,
    "kind": "worker",
    "image": {"repository": "ghcr.io/example/web", "digest": DIGEST},
    "metrics": {"port": 9090},
    "replicas": {"min": 1, "max": 1},
    "persistence": {"enabled": True, "size": "1Gi"},
}
CRON: Values = {
    "platform": PLATFORM,
    "kind": "cron",
    "image": {"repository": "ghcr.io/example/web", "tag": "1.10"},
    "cron": {"schedule": "0 3 * * *"},
}
CANARY: Values = {"subsets": {"canary": {"weight": 10, "tag": "1.3.0"}, "beta": {"header": "x-user", "value": "beta"}}}
TESTS: Values = {"tests": {"enabled": True, "image": {"repository": "ghcr.io/example/busybox", "tag": "1.37.0"}}}
BARE: Values = {"platform": {"mesh": {"enabled": False}, "metrics": {"enabled": False}}, "routing": {"host": ""}}
FLUX: Values = {"platform": {"engine": "flux"}}


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("values"))
    yield engine
    engine.close()


def kinds(objects: Objects) -> list[str]:
    return sorted(f"{kind}/{name}" for kind, name in objects)


def schemas(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, child in node.get("properties", {}).items():
        yield f"{path}.{key}".lstrip("."), child
        yield from schemas(child, f"{path}.{key}")
    for word in ("additionalProperties", "items"):
        if isinstance(node.get(word), dict):
            yield f"{path}.*".lstrip("."), node[word]
            yield from schemas(node[word], f"{path}.*")


def paths(values: Any, path: str = "") -> Iterator[str]:
    for key, value in values.items() if isinstance(values, dict) else ():
        yield f"{path}.{key}".lstrip(".")
        yield from paths(value, f"{path}.{key}")


# --- the schema ---


@pytest.mark.parametrize(
    ("path", "node"), list(schemas(SCHEMA)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_is_described_and_every_map_is_closed(path: str, node: Mapping[str, Any]) -> None:
    assert node["description"].endswith(".")
    if path != "global" and "object" in node["type"]:
        assert "additionalProperties" in node


def test_values_and_schema_hold_the_same_keys() -> None:
    described = {path for path, _ in schemas(SCHEMA) if "*" not in path}
    optional = {"global", "resources.limits.cpu"}
    assert set(paths(DEFAULTS)) == described - optional


def test_every_key_is_used_by_a_template() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*") if path.is_file())
    unused = [
        path
        for path, _ in schemas(SCHEMA)
        if path != "global"
        and not path.endswith("*")
        and f".{path.split('.')[-1]}" not in text
        and f'"{path.split(".")[-1]}"' not in text
    ]
    assert unused == []


def test_the_schema_needs_no_network() -> None:
    assert "$ref" not in (CHART / "values.schema.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"replicaCount": 3}, "additional properties 'replicaCount' not allowed"),
        ({"image": {"pullPolicy": "Always"}}, "at '/image': additional properties 'pullPolicy' not allowed"),
        (
            {"routing": {"retries": {"atempts": 1}}},
            "at '/routing/retries': additional properties 'atempts' not allowed",
        ),
        ({"subsets": {"canary": {"wieght": 1}}}, "at '/subsets/canary': additional properties 'wieght' not allowed"),
        ({"kind": "job"}, "at '/kind': value must be one of 'web', 'worker', 'cron'"),
        ({"port": "8080"}, "at '/port': got string, want integer"),
        ({"port": 80}, "at '/port': minimum: got 80, want 1,024"),
        ({"port": 99999}, "at '/port': maximum: got 99,999, want 65,535"),
        ({"image": {"tag": 1.1}}, "at '/image/tag': got number, want string"),
        ({"image": {"digest": "sha256:1"}}, "at '/image/digest': 'sha256:1' does not match pattern"),
        ({"image": {"repository": "web"}}, "at '/image/repository': 'web' does not match pattern"),
        ({"env": {"PORT": 8080}}, "at '/env/PORT': got number, want string"),
        ({"replicas": {"min": 0}}, "at '/replicas/min': minimum: got 0, want 1"),
        ({"runAs": {"user": 0}}, "at '/runAs/user': minimum: got 0, want 1"),
        (
            {"resources": {"requests": {"memory": "128m"}}},
            "at '/resources/requests/memory': '128m' does not match pattern",
        ),
        ({"routing": {"timeout": "3"}}, "at '/routing/timeout': '3' does not match pattern"),
        ({"slo": {"latencyMs": 300}}, "at '/slo/latencyMs': value must be one of"),
        ({"slo": {"availability": 100}}, "at '/slo/availability': maximum"),
        ({"subsets": {"stable": {"weight": 1}}}, "invalid propertyName 'stable'"),
        (
            {"subsets": {"beta": {"header": "x-user"}}},
            "at '/subsets/beta': properties 'value' required, if 'header' exists",
        ),
        (
            {"subsets": {"beta": {"header": "X-User", "value": "b"}}},
            "at '/subsets/beta/header': 'X-User' does not match pattern",
        ),
        ({"network": {"egress": {"db": {"port": 5432}}}}, "at '/network/egress/db': 'oneOf' failed"),
        (
            {"kind": "cron", "metrics": {"port": 0}, "routing": {"host": ""}},
            "at '/cron/schedule': minLength: got 0, want 1",
        ),
        ({"kind": "worker"}, "at '/routing/host': value must be ''"),
        ({"platform": {"mesh": {"enabled": False}}}, "at '/routing/host': value must be ''"),
        ({"platform": {"domain": ""}}, "at '/platform/domain': minLength: got 0, want 1"),
        ({"persistence": {"enabled": True, "size": "1Gi"}}, "at '/replicas/max': maximum: got 10, want 1"),
        ({"persistence": {"enabled": True}, "replicas": {"min": 1, "max": 1}}, "at '/persistence/size': minLength"),
        ({"tests": {"enabled": True}}, "at '/tests/image/repository': minLength"),
        # What a schema cannot compare, a template does.
        ({"image": {"tag": ""}}, "image has neither a tag nor a digest, version.yaml sets them"),
        ({"image": {"repository": ""}}, "image.repository is empty, name the image"),
        ({"image": {"tag": "latest"}}, "image.tag: latest moves, name a version"),
        ({"subsets": {"canary": {"tag": "latest"}}}, "subsets.canary.tag: latest moves, name a version"),
        ({"runAs": {"user": 1337}}, "runAs.user 1337 is the mesh proxy's"),
        ({"replicas": {"min": 4, "max": 3}}, "replicas: min 4 is above max 3"),
        ({"subsets": {"canary": {"replicas": {"min": 3, "max": 2}}}}, "subsets.canary.replicas: min 3 is above max 2"),
        (
            {"subsets": {"a": {"weight": 60}, "b": {"weight": 50}}},
            "subsets: the weights add up to 110, at most 100 are accepted",
        ),
        (
            {"subsets": {"a": {"header": "x", "value": "1"}, "b": {"header": "x", "value": "1"}}},
            "subsets: a and b both take the requests with x: 1",
        ),
        ({"routing": {"timeout": "2s"}}, "routing: 3 tries of 900ms do not fit into the timeout 2s"),
        (
            {"routing": {"timeout": "40s"}},
            "shutdown.graceSeconds 45 is less than drainSeconds 10 and routing.timeout 40s together",
        ),
        ({"grpcPort": 8080}, "grpcPort 8080 is the HTTP port already"),
        ({"grpcPort": 9090}, "metrics.port 9090 is the gRPC port already"),
        (
            {"resources": {"limits": {"memory": "64Mi"}}},
            "resources.limits.memory 64Mi is below resources.requests.memory 128Mi",
        ),
        (
            {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1000Mi"}}},
            "1000Mi is below resources.requests.memory 1Gi",
        ),
    ],
)
def test_bad_values_are_refused_with_the_place_and_the_reason(helm: Engine, bad: Values, message: str) -> None:
    with pytest.raises(BadInput) as refusal:
        helm.render(WEB, bad)
    assert message in str(refusal.value)


def test_a_name_that_leaves_no_room_is_refused(helm: Engine) -> None:
    with pytest.raises(BadInput, match="has 41 characters, at most 40 are accepted"):
        helm.render(WEB, release="x" * 41)


@pytest.mark.parametrize("values", [{"global": {"anything": 1}}, {"subsets": {"canary": None}}])
def test_what_helm_or_a_later_file_adds_is_accepted(helm: Engine, values: Values) -> None:
    assert kinds(helm.render(WEB, values)) == kinds(helm.render(WEB))


# --- what is rendered ---


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [WEB],
            (
                "AuthorizationPolicy Deployment DestinationRule HorizontalPodAutoscaler NetworkPolicy "
                "PodDisruptionBudget PrometheusRule Service ServiceAccount ServiceMonitor VirtualService"
            ),
        ),
        ([WEB, BARE], "Deployment HorizontalPodAutoscaler NetworkPolicy PodDisruptionBudget Service ServiceAccount"),
        (
            [WORKER],
            "Deployment NetworkPolicy PersistentVolumeClaim PrometheusRule Service ServiceAccount ServiceMonitor",
        ),
        ([WORKER, BARE], "Deployment NetworkPolicy PersistentVolumeClaim ServiceAccount"),
        ([CRON], "CronJob NetworkPolicy PrometheusRule ServiceAccount"),
        ([CRON, BARE], "CronJob NetworkPolicy ServiceAccount"),
    ],
    ids=["web", "web bare", "worker", "worker bare", "cron", "cron bare"],
)
def test_each_kind_has_its_objects_and_no_others(helm: Engine, layers: list[Values], expected: str) -> None:
    for engine in ({}, FLUX):
        assert " ".join(sorted(kind for kind, _ in helm.render(*layers, engine))) == expected


def test_a_rendering_is_the_same_twice(helm: Engine) -> None:
    assert helm.render(WEB, CANARY) == helm.render(WEB, CANARY)


def test_autoscaling_owns_the_replicas(helm: Engine) -> None:
    objects = helm.render(WEB)
    assert "replicas" not in objects["Deployment", "web"]["spec"]
    scaler = objects["HorizontalPodAutoscaler", "web"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 10)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    [container] = objects["Deployment", "web"]["spec"]["template"]["spec"]["containers"]
    assert scaler["metrics"][0]["containerResource"]["container"] == container["name"]
    assert "cpu" in container["resources"]["requests"]


def test_equal_numbers_fix_the_replicas(helm: Engine) -> None:
    objects = helm.render(WEB, {"replicas": {"min": 3, "max": 3}})
    assert objects["Deployment", "web"]["spec"]["replicas"] == 3
    assert ("HorizontalPodAutoscaler", "web") not in objects


@pytest.mark.parametrize(("least", "budget"), [(1, None), (2, 1), (8, 1), (9, "25%")])
def test_a_disruption_budget_needs_two_pods(helm: Engine, least: int, budget: object) -> None:
    objects = helm.render(WEB, {"replicas": {"min": least, "max": 20}})
    found = objects.get(("PodDisruptionBudget", "web"))
    assert (found["spec"]["maxUnavailable"] if found else None) == budget


def test_every_selector_finds_its_pods_and_no_others(helm: Engine) -> None:
    objects = helm.render(WEB, CANARY, TESTS)
    pods = {
        f"Deployment {name}": d["spec"]["template"]["metadata"]["labels"]
        for (kind, name), d in objects.items()
        if kind == "Deployment"
    }
    pods["Pod web-test"] = objects["Pod", "web-test"]["metadata"]["labels"]
    assert sorted(pods) == ["Deployment web", "Deployment web-beta", "Deployment web-canary", "Pod web-test"]

    def found(selector: Mapping[str, str]) -> list[str]:
        return sorted(name for name, labels in pods.items() if selector.items() <= labels.items())

    for name in ("web", "web-beta", "web-canary"):
        spec = objects["Deployment", name]["spec"]
        assert found(spec["selector"]["matchLabels"]) == [f"Deployment {name}"]
        assert {key.split("/")[-1] for key in spec["selector"]["matchLabels"]} == {"name", "instance", "component"}
        for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
            assert found(constraint["labelSelector"]["matchLabels"]) == [f"Deployment {name}"]
    assert found(objects["PodDisruptionBudget", "web"]["spec"]["selector"]["matchLabels"]) == ["Deployment web"]
    services = ["Deployment web", "Deployment web-beta", "Deployment web-canary"]
    assert found(objects["Service", "web"]["spec"]["selector"]) == services
    assert found(objects["NetworkPolicy", "web"]["spec"]["podSelector"]["matchLabels"]) == services
    assert found(objects["AuthorizationPolicy", "web"]["spec"]["selector"]["matchLabels"]) == services
    monitor = objects["ServiceMonitor", "web"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= objects["Service", "web"]["metadata"]["labels"].items()


def test_a_subset_selects_the_pods_of_its_deployment(helm: Engine) -> None:
    objects = helm.render(WEB, CANARY)
    service = objects["Service", "web"]["spec"]["selector"]
    subsets = {subset["name"]: subset["labels"] for subset in objects["DestinationRule", "web"]["spec"]["subsets"]}
    assert sorted(subsets) == ["beta", "canary", "stable"]
    for subset, labels in subsets.items():
        chosen = [
            name
            for (kind, name), data in objects.items()
            if kind == "Deployment"
            and {**service, **labels}.items() <= data["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert chosen == ["web" if subset == "stable" else f"web-{subset}"]


def test_a_subset_has_its_own_version_or_that_of_the_service(helm: Engine) -> None:
    objects = helm.render(WEB, {"image": {"digest": DIGEST}}, CANARY)
    images = {
        name: data["spec"]["template"]["spec"]["containers"][0]["image"]
        for (kind, name), data in objects.items()
        if kind == "Deployment"
    }
    assert images == {
        "web": f"ghcr.io/example/web:1.2.3@{DIGEST}",
        "web-beta": f"ghcr.io/example/web:1.2.3@{DIGEST}",
        # Its tag alone: the digest belongs to the other one.
        "web-canary": "ghcr.io/example/web:1.3.0",
    }


# --- routes ---


def route(objects: Objects, headers: Mapping[str, str], port: int = 80) -> dict[tuple[str, int], int]:
    """Return the weights of (subset, port) for a request: the first route that matches."""
    for entry in objects["VirtualService", "web"]["spec"]["http"]:
        for match in entry.get("match", [{}]):
            asked = {name: value["exact"] for name, value in match.get("headers", {}).items()}
            if asked.items() <= headers.items() and match.get("port", port) == port:
                return {
                    (part["destination"].get("subset", ""), part["destination"]["port"]["number"]): part.get(
                        "weight", 100
                    )
                    for part in entry["route"]
                }
    return {}


@pytest.mark.parametrize(
    ("headers", "port", "expected"),
    [
        ({}, 80, {("stable", 80): 90, ("canary", 80): 10}),
        ({"x-user": "beta"}, 80, {("beta", 80): 100}),
        ({"x-user": "Beta"}, 80, {("stable", 80): 90, ("canary", 80): 10}),
        ({"x-other": "beta"}, 80, {("stable", 80): 90, ("canary", 80): 10}),
        ({}, 9999, {("stable", 9999): 90, ("canary", 9999): 10}),
        ({"x-user": "beta"}, 9999, {("beta", 9999): 100}),
    ],
)
def test_requests_reach_their_subset(
    helm: Engine, headers: dict[str, str], port: int, expected: dict[tuple[str, int], int]
) -> None:
    assert route(helm.render(WEB, CANARY, {"grpcPort": 9999}), headers, port) == expected


@pytest.mark.parametrize("layers", [[WEB], [WEB, CANARY], [WEB, CANARY, {"grpcPort": 9999}]])
def test_routes_are_named_and_bounded_and_the_last_has_no_match(helm: Engine, layers: list[Values]) -> None:
    objects = helm.render(*layers)
    spec = objects["VirtualService", "web"]["spec"]
    names = [entry["name"] for entry in spec["http"]]
    assert len(names) == len(set(names))
    assert [entry["name"] for entry in spec["http"] if "match" not in entry] == [names[-1]] == ["default"]
    subsets = {subset["name"] for subset in objects["DestinationRule", "web"]["spec"].get("subsets", ())}
    ports = {port["port"] for port in objects["Service", "web"]["spec"]["ports"]}
    for entry in spec["http"]:
        assert entry["timeout"]
        assert entry["retries"]["attempts"] == 2
        assert sum(part["weight"] for part in entry["route"] if "weight" in part) in {0, 100}
        for part in entry["route"]:
            assert (
                part["destination"]["host"]
                == "web.shop.svc.cluster.local"
                == objects["DestinationRule", "web"]["spec"]["host"]
            )
            assert part["destination"]["port"]["number"] in ports
            assert part["destination"].get("subset") in (subsets or {None})


def test_no_retries_are_said_alone(helm: Engine) -> None:
    objects = helm.render(WEB, {"routing": {"retries": {"attempts": 0}}})
    assert objects["VirtualService", "web"]["spec"]["http"][0]["retries"] == {"attempts": 0}


@pytest.mark.parametrize(
    ("host", "hosts", "gateways", "export"),
    [
        (
            "web",
            ["web.example.com", "web.shop.svc.cluster.local"],
            ["istio-ingress/public", "mesh"],
            [".", "istio-ingress"],
        ),
        ("", ["web.shop.svc.cluster.local"], ["mesh"], ["."]),
    ],
)
def test_a_public_service_is_bound_to_the_gateway(
    helm: Engine, host: str, hosts: list[str], gateways: list[str], export: list[str]
) -> None:
    spec = helm.render(WEB, {"routing": {"host": host}})["VirtualService", "web"]["spec"]
    assert (spec["hosts"], spec["gateways"], spec["exportTo"]) == (hosts, gateways, export)


# --- who may call ---


def test_the_gateway_and_the_namespace_may_call(helm: Engine) -> None:
    objects = helm.render(WEB, {"grpcPort": 9999})
    assert objects["AuthorizationPolicy", "web"]["spec"]["rules"] == [
        {
            "from": [{"source": {"principals": ["cluster.local/ns/istio-ingress/sa/istio-gateway"]}}],
            "to": [{"operation": {"ports": ["8080"]}}],
        },
        {"from": [{"source": {"namespaces": ["shop"]}}], "to": [{"operation": {"ports": ["8080", "9999"]}}]},
    ]


def test_named_callers_and_the_test_pod_may_call(helm: Engine) -> None:
    objects = helm.render(WEB, TESTS, {"network": {"callers": ["cart"]}})
    [_, rule] = objects["AuthorizationPolicy", "web"]["spec"]["rules"]
    assert rule["from"] == [
        {"source": {"principals": ["cluster.local/ns/shop/sa/cart", "cluster.local/ns/shop/sa/web"]}}
    ]
    assert objects["Pod", "web-test"]["spec"]["serviceAccountName"] == "web"
    [_, peers, _] = objects["NetworkPolicy", "web"]["spec"]["ingress"]
    assert peers["from"][0]["podSelector"]["matchExpressions"][0]["values"] == ["cart", "web-test"]


def test_nobody_may_call_is_no_policy_that_allows(helm: Engine) -> None:
    objects = helm.render(WEB, {"routing": {"host": ""}, "network": {"callers": []}})
    assert ("AuthorizationPolicy", "web") not in objects
    [scrape] = objects["NetworkPolicy", "web"]["spec"]["ingress"]
    assert scrape["ports"] == [{"port": 9090, "protocol": "TCP"}]


def test_metrics_on_a_port_of_their_own_stay_out_of_the_mesh(helm: Engine) -> None:
    for layer in (WEB, WORKER):
        objects = helm.render(layer)
        template = objects["Deployment", "web"]["spec"]["template"]
        assert template["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] == "9090"
        assert {"name": "metrics", "containerPort": 9090, "protocol": "TCP"} in template["spec"]["containers"][0][
            "ports"
        ]
        [endpoint] = objects["ServiceMonitor", "web"]["spec"]["endpoints"]
        [port] = [port for port in objects["Service", "web"]["spec"]["ports"] if port["name"] == endpoint["port"]]
        assert port["targetPort"] == "metrics"
        assert ("PeerAuthentication", "web") not in objects


def test_metrics_on_the_http_port_are_plain_text_for_their_path_alone(helm: Engine) -> None:
    objects = helm.render(WEB, {"metrics": {"port": 8080}})
    template = objects["Deployment", "web"]["spec"]["template"]
    assert "traffic.sidecar.istio.io/excludeInboundPorts" not in template["metadata"]["annotations"]
    assert [port["name"] for port in template["spec"]["containers"][0]["ports"]] == ["http"]
    assert objects["ServiceMonitor", "web"]["spec"]["endpoints"][0]["port"] == "http"
    assert objects["PeerAuthentication", "web"]["spec"]["portLevelMtls"] == {"8080": {"mode": "PERMISSIVE"}}
    [gateway, _, prometheus] = objects["AuthorizationPolicy", "web"]["spec"]["rules"]
    assert gateway["to"][0]["operation"]["notPaths"] == ["/metrics"]
    assert prometheus["from"] == [{"source": {"notPrincipals": ["*"]}}]
    assert prometheus["to"] == [{"operation": {"methods": ["GET"], "paths": ["/metrics"], "ports": ["8080"]}}]


# --- pods ---


@pytest.mark.parametrize("layers", [[WEB, CANARY, TESTS], [WORKER], [CRON]], ids=["web", "worker", "cron"])
def test_every_pod_is_restricted_and_says_what_it_is(helm: Engine, layers: list[Values]) -> None:
    for (kind, _), data in helm.render(*layers).items():
        if kind not in {"Deployment", "CronJob", "Pod"}:
            continue
        spec = data["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else data["spec"]
        pod = data if kind == "Pod" else spec["template"]
        assert {"app.kubernetes.io/name", "app.kubernetes.io/version", "app.kubernetes.io/part-of", "team"} <= pod[
            "metadata"
        ]["labels"].keys()
        assert all(pod["metadata"]["labels"].values())
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["spec"]["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
            ports = {port["name"] for port in container.get("ports", ())}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for action in ("httpGet", "tcpSocket"):
                    assert container.get(probe, {}).get(action, {}).get("port") in {None, *ports}


@pytest.mark.parametrize(
    ("tag", "digest", "label"),
    [("1.2.3", "", "1.2.3"), ("_v1-", "", "v1"), ("", DIGEST, "a" * 12), ("1" * 100, "", "1" * 63)],
)
def test_any_version_becomes_a_label(helm: Engine, tag: str, digest: str, label: str) -> None:
    objects = helm.render(WEB, {"image": {"tag": tag, "digest": digest}})
    assert objects["Deployment", "web"]["metadata"]["labels"]["app.kubernetes.io/version"] == label


def test_a_volume_is_kept_and_handed_over(helm: Engine) -> None:
    objects = helm.render(WORKER)
    assert objects["Deployment", "web"]["spec"]["strategy"] == {"type": "Recreate"}
    claim = objects["PersistentVolumeClaim", "web"]["metadata"]["annotations"]
    assert claim["helm.sh/resource-policy"] == "keep"
    assert claim["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    # A claim waits for the pod that uses it: in an earlier wave both would wait for ever.
    assert (
        claim["argocd.argoproj.io/sync-wave"]
        == objects["Deployment", "web"]["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
    )
    flux = helm.render(WORKER, FLUX)["PersistentVolumeClaim", "web"]["metadata"]["annotations"]
    assert flux == {"helm.sh/resource-policy": "keep", "kustomize.toolkit.fluxcd.io/prune": "disabled"}


def test_waves_are_quoted_integers_in_order_and_only_for_argo_cd(helm: Engine) -> None:
    objects = helm.render(WEB, CANARY)
    waves = {
        kind: int(data["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for (kind, _), data in objects.items()
    }
    order = [
        "ServiceAccount",
        "AuthorizationPolicy",
        "Deployment",
        "DestinationRule",
        "VirtualService",
        "PodDisruptionBudget",
        "ServiceMonitor",
    ]
    assert [waves[kind] for kind in order] == sorted({waves[kind] for kind in order})
    assert all(
        isinstance(data["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"], str) for data in objects.values()
    )
    assert "argocd.argoproj.io" not in yaml.safe_dump(list(helm.render(WEB, CANARY, FLUX).values()))


def test_a_cron_job_runs_once_at_a_time_and_ends(helm: Engine) -> None:
    spec = helm.render(CRON)["CronJob", "web"]["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 3 * * *", "Etc/UTC", "Forbid")
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] == 3600
    assert job["template"]["spec"]["restartPolicy"] == "Never"


# --- alerts ---


def alerts(objects: Objects) -> dict[str, dict[str, Any]]:
    groups = objects["PrometheusRule", "web"]["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("layers", [[WEB, CANARY], [WORKER], [CRON]], ids=["web", "worker", "cron"])
def test_an_alert_says_whom_it_concerns_and_what_to_do(helm: Engine, layers: list[Values]) -> None:
    found = alerts(helm.render(*layers))
    assert found
    for name, rule in found.items():
        slug = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
        assert rule["for"]
        assert rule["labels"] == {
            "severity": rule["labels"]["severity"],
            "team": "platform",
            "namespace": "shop",
            "service": "web",
        }
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"https://example.com/runbooks/{slug}.md"
        assert 'namespace="shop"' in rule["expr"] or 'destination_service_namespace="shop"' in rule["expr"]


@pytest.mark.parametrize(
    ("availability", "fast", "slow"),
    [(99, "0.144", "0.06"), (99.9, "0.0144", "0.006"), (99.95, "0.0072", "0.003"), (90, "0.9", "0.6")],
)
def test_burn_rates_follow_from_the_objective(helm: Engine, availability: float, fast: str, slow: str) -> None:
    found = alerts(helm.render(WEB, {"slo": {"availability": availability}}))
    assert f"> {fast}\n" in found["ServiceErrorBudgetBurnFast"]["expr"]
    assert found["ServiceErrorBudgetBurnSlow"]["expr"].endswith(f"> {slow}")


def test_no_alert_speaks_of_what_is_not_rendered(helm: Engine) -> None:
    fixed = alerts(helm.render(WEB, {"replicas": {"min": 2, "max": 2}, "metrics": {"port": 0}}))
    assert not fixed.keys() & {
        "ServiceAutoscalerMaxed",
        "ServiceTargetDown",
        "ServiceTargetAbsent",
        "ServiceVolumeFull",
    }
    no_mesh = alerts(helm.render(WEB, {"routing": {"host": ""}, "platform": {"mesh": {"enabled": False}}}))
    assert not any("istio" in rule["expr"] for rule in no_mesh.values())
    assert not any("BurnFast" in name for name in no_mesh)
