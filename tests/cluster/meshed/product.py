"""What the template renders for the mesh, and what has to stand around it: the gateway's pods, Istio's settings."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scaffold.commands.new import Wanted, add_service
from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.expansion import delivered, expansion
from tests.cluster.harness.repositories import made
from tests.cluster.meshed.istioctl import is_mesh
from tests.conftest import ROOT

ENVIRONMENTS = ("dev", "staging", "prod")
ENGINES = ("argocd", "flux")
SYSTEM, INGRESS = "istio-system", "istio-ingress"
# What istioctl looks at beside Istio's own kinds, and the accounts, without which there are no pods.
KINDS = ("CronJob", "Deployment", "Service", "ServiceAccount")
_ENGINES_OWN = re.compile(r"argocd\.argoproj\.io/|toolkit\.fluxcd\.io/")
ROUTED: dict[str, Any] = {
    "subsets": [{"name": "canary", "weight": 10}, {"name": "beta", "header": "x-user-type", "value": "beta"}],
    "grpc_port": 9091,
}


@dataclass(frozen=True)
class Meshed:
    """What a repository renders for the mesh of one environment, with the namespaces it is in."""

    title: str
    items: tuple[Object, ...]
    settings: Object


def repositories(folder: Path) -> dict[str, Path]:
    """Return repositories by title: examples, presets, and one whose services use all that the chart can route.

    The examples are the preset `standard`, and `minimal` for Argo CD, as another test shows.
    """
    found = {path.name: path for path in sorted((ROOT / "examples").iterdir())}
    found["minimal flux"] = made(folder / "minimal-flux" / "shop", "minimal", {"engine": "flux"})
    for engine in ENGINES:
        found[f"full {engine}"] = made(folder / f"full-{engine}" / "shop", "full", {"engine": engine})
        root = made(folder / f"routed-{engine}" / "shop", "full", ROUTED | {"engine": engine})
        for name, answer in {"jobs": "kind=cron", "queue": "kind=worker", "api": "public_host="}.items():
            add_service(name, root, Wanted(pairs=(answer,), defaults=True))
        found[f"routed {engine}"] = root
    return found


def meshed(title: str, root: Path) -> Iterator[Meshed]:
    """Yield what a repository renders for the mesh, by environment; nothing without a mesh."""
    repo = expansion(root)
    for environment in ENVIRONMENTS:
        items = [delivered(manifest) for manifest in repo.in_cluster(environment)]
        used = {item["metadata"]["namespace"] for item in items if is_mesh(item)}
        wanted = [item for item in items if item["kind"] == "Namespace" and item["metadata"]["name"] in used]
        wanted += [item for item in items if is_mesh(item) or (item["kind"] in KINDS and _namespace(item) in used)]
        if used:
            yield Meshed(f"{title} {environment}", tuple(wanted), settings(_values(root)["meshConfig"]))


def settings(of_ours: dict[str, Any]) -> Object:
    """Return the mesh's settings as the chart of istiod writes them."""
    mesh = {
        "defaultConfig": {"discoveryAddress": f"istiod.{SYSTEM}.svc:15012"},
        "defaultProviders": {"metrics": ["prometheus"]},
        "enablePrometheusMerge": True,
        "rootNamespace": SYSTEM,
        "trustDomain": "cluster.local",
    }
    data = {"mesh": yaml.safe_dump(mesh | of_ours), "meshNetworks": "networks: {}"}
    meta = {"name": "istio", "namespace": SYSTEM}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def surroundings(plane: ControlPlane) -> list[Object]:
    """Return what upstream's gateway chart installs by our values, and the certificate that the Gateway names."""
    labels = {"app": "istio-gateway", "istio": "gateway"}
    meta = {"name": "istio-gateway", "namespace": INGRESS, "labels": labels}
    ports = {"status-port": (15021, 15021), "http2": (80, 80), "https": (443, 443)}
    container = {
        "name": "istio-proxy",
        "image": "registry.istio.io/release/proxyv2:1.30.3",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1337, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    certificate, key = (plane.authority.with_name(name).read_text(encoding="utf-8") for name in ("cert.pem", "key.pem"))
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "selector": labels,
                "ports": [{"name": n, "port": port, "targetPort": target} for n, (port, target) in ports.items()],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "public-tls", "namespace": INGRESS},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": certificate, "tls.key": key},
        },
    ]


def different(found: list[Meshed]) -> list[Meshed]:
    """Return those of which none is the same as another, but for what an engine has for itself."""
    return list({json.dumps(_plain(one), sort_keys=True): one for one in found}.values())


def _plain(one: Meshed) -> list[Object]:
    plain = []
    for item in one.items:
        meta = item["metadata"]
        kept = {key: value for key, value in meta.get("annotations", {}).items() if not _ENGINES_OWN.search(key)}
        if item["kind"] != "ServiceAccount":
            plain.append(item | {"metadata": meta | {"annotations": kept}})
    return plain


def _values(root: Path) -> dict[str, Any]:
    """Return the values of istiod's chart: a file of their own, or part of Flux's release."""
    file, release = root / "platform/istio/values-istiod.yaml", root / "platform/controllers/base/istiod.yaml"
    if file.exists():
        found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return found
    releases = [item for item in objects(release.read_text(encoding="utf-8")) if item["kind"] == "HelmRelease"]
    [found] = [item["spec"]["values"] for item in releases]
    return found


def _namespace(item: Object) -> str:
    name: str = item["metadata"].get("namespace", "")
    return name
