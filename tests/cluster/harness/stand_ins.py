"""What stands in for the upstream charts and their operators, which cannot be fetched or run here.

A stand-in chart has the name and version that the template pins, the real custom resource definitions, and a
Deployment where the real chart has one. A stand-in operator only says that it has seen an object, in the status that
Argo CD reads. Everything of ours around them is real: Applications, waves, projects, namespaces, quotas, our objects on
their definitions.
"""

import contextlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tests.cluster.harness.api import Api, Object, Refused
from tests.cluster.harness.control_plane import ControlPlane
from tests.conftest import ROOT, SHARED

# The definitions that a chart installs, by its name in charts.jinja: their folder, and the kinds that the template's
# objects, its runbooks and the tests use. At every event of a definition (each has three or four when it is made) Argo
# CD loads the schema of the whole API anew, about a second of processor time, and everything else waits meanwhile. With
# all 85 of them that is most of the time, for kinds that nothing here uses; `test_accepted` has them all.
DEFINITIONS = {
    "istio-base": (
        "istio",
        (
            "authorizationpolicies",
            "destinationrules",
            "gateways",
            "peerauthentications",
            "telemetries",
            "virtualservices",
        ),
    ),
    "kyverno": ("kyverno", ("validatingpolicies",)),
    "prometheus-operator-crds": (
        "prometheus-operator",
        ("alertmanagerconfigs", "podmonitors", "prometheusrules", "servicemonitors"),
    ),
    "velero": ("velero", ("backups", "backupstoragelocations", "restores", "schedules")),
    "external-secrets": ("external-secrets", ("externalsecrets", "secretstores", "clustersecretstores")),
}
# Charts that hold definitions and nothing that runs.
WITHOUT_PODS = {"istio-base", "prometheus-operator-crds"}

_READY = {"conditions": [{"type": "Ready", "status": "True", "reason": "Valid", "message": "stand-in"}]}
# What an operator writes into an object that it accepts.
SEEN: dict[tuple[str, str], dict[str, Any]] = {
    ("velero.io/v1", "Schedule"): {"phase": "Enabled"},
    ("velero.io/v1", "BackupStorageLocation"): {"phase": "Available"},
    ("policies.kyverno.io/v1", "ValidatingPolicy"): {"conditionStatus": {"ready": True, "message": "stand-in"}},
    ("external-secrets.io/v1", "ClusterSecretStore"): _READY,
    ("external-secrets.io/v1", "SecretStore"): _READY,
    ("external-secrets.io/v1", "ExternalSecret"): _READY,
}


def upstream_charts() -> dict[str, dict[str, str]]:
    """Return the charts that the template pins."""
    environment = jinja2.Environment(  # noqa: S701 - no HTML
        loader=jinja2.FileSystemLoader(ROOT),
        block_start_string="#%",
        block_end_string="%#",
        variable_start_string="#{",
        variable_end_string="}#",
        comment_start_string="#|",
        comment_end_string="|#",
    )
    found: dict[str, dict[str, str]] = environment.get_template("template/partials/charts.jinja").module.charts  # type: ignore[attr-defined]
    return found


def write_charts(folder: Path) -> None:
    """Write a Helm repository with a stand-in for each upstream chart."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for key, chart in upstream_charts().items():
        about = {"apiVersion": "v2", "name": chart["name"], "version": chart["version"], "description": "stand-in"}
        files = {"Chart.yaml": yaml.safe_dump(about), "values.yaml": "{}\n"}
        if key in DEFINITIONS:
            source, kinds = DEFINITIONS[key]
            for kind in kinds:
                (crd,) = (SHARED / "crds" / source).glob(f"*_{kind}.yaml")
                files[f"crds/{crd.name}"] = crd.read_text(encoding="utf-8")
        if key not in WITHOUT_PODS:
            files["templates/deployment.yaml"] = _deployment(chart["name"], chart["version"])
        archive = f"{chart['name']}-{chart['version']}.tgz"
        (folder / archive).write_bytes(_packed(chart["name"], files))
        entries[chart["name"]] = [about | {"urls": [archive], "created": "2026-01-01T00:00:00Z"}]
    index = {"apiVersion": "v1", "generated": "2026-01-01T00:00:00Z", "entries": entries}
    (folder / "index.yaml").write_text(yaml.safe_dump(index), encoding="utf-8")


def _deployment(name: str, version: str) -> str:
    labels = {"app.kubernetes.io/name": name}
    container = {
        "name": name,
        "image": f"registry.example.com/stand-in/{name}:{version}",
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "{{ .Release.Name }}", "namespace": "{{ .Release.Namespace }}", "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )


def _packed(name: str, files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@contextlib.contextmanager
def operators(plane: ControlPlane) -> Iterator[None]:
    """Write the status of every object that an operator would accept, until the block ends."""
    done = threading.Event()

    def work() -> None:
        # A connection of its own: the tests' one is taken in turn.
        with contextlib.closing(Api(plane.server, plane.api.token, plane.authority)) as api:
            _look_after(api, done)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _look_after(api: Api, done: threading.Event) -> None:
    while not done.wait(0.5):
        for (version, kind), status in SEEN.items():
            # Before its chart is there the kind does not exist; the API server may be busy.
            with contextlib.suppress(Refused, OSError):
                for item in api.list(version, kind):
                    if not item.get("status"):
                        _write_status(api, item | {"apiVersion": version, "kind": kind}, _now(status))


def _write_status(api: Api, item: Object, status: dict[str, Any]) -> None:
    try:
        api.patch(item, {"status": status}, "/status")
    except Refused as error:
        if error.status != 404:
            raise
        # Velero's kinds have no part of their own for it.
        api.patch(item, {"status": status})


def _now(status: dict[str, Any]) -> dict[str, Any]:
    conditions = [
        condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"} for condition in status.get("conditions", ())
    ]
    return status | ({"conditions": conditions} if conditions else {})


def backup_of(api: Api, schedule: Object) -> Object:
    """Make a Backup as Velero does of a Schedule at its hour: it has the labels of its template, all annotations."""
    meta, template = schedule["metadata"], schedule["spec"]["template"]
    labels = template["metadata"]["labels"] | {"velero.io/schedule-name": meta["name"]}
    return api.apply(
        {
            "apiVersion": "velero.io/v1",
            "kind": "Backup",
            "metadata": {
                "name": f"{meta['name']}-20260101020000",
                "namespace": meta["namespace"],
                "labels": labels | {"velero.io/storage-location": template["storageLocation"]},
                "annotations": meta["annotations"],
            },
            "spec": {key: value for key, value in template.items() if key != "metadata"},
            "status": {"phase": "Completed"},
        },
        manager="velero-server",
    )
