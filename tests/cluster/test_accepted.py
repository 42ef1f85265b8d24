"""Accepted: a real API server takes every object that the template renders, with strict validation and full CRDs."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.repositories import made, rendered
from tests.conftest import ROOT

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir())
PRESETS = [(preset, engine) for preset in ("minimal", "standard", "full") for engine in ("argocd", "flux")]
# Argo CD's own word, without a path; the server warns.
FINALIZER = 'metadata.finalizers: "resources-finalizer.argocd.argoproj.io": prefer a domain-qualified finalizer name'


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_object_of_an_example_is_accepted(plane: ControlPlane, example: str) -> None:
    assert refused(plane, rendered(ROOT / "examples" / example)) == []


@pytest.mark.parametrize(("preset", "engine"), PRESETS)
def test_every_object_of_a_preset_is_accepted(plane: ControlPlane, tmp_path: Path, preset: str, engine: str) -> None:
    root = made(tmp_path / "shop", preset, {"engine": engine})
    assert refused(plane, rendered(root)) == []


def test_an_unknown_field_is_refused(plane: ControlPlane) -> None:
    text = """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: planted, namespace: default}
        dato: {}
        """
    assert any('unknown field "dato"' in line or ".dato" in line for line in refused(plane, text))


def refused(plane: ControlPlane, text: str) -> list[str]:
    """Return what the server says against the objects of a text, all of which it is asked about."""
    wanted = objects(text)
    assert wanted
    namespaces = {_namespace(item) for item in wanted} - {""}
    for namespace in sorted(namespaces):
        plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    command = [str(plane.bin / "kubectl"), f"--kubeconfig={plane.kubeconfig()}", "apply", "--server-side"]
    command += ["--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    accepted = [line for line in done.stdout.splitlines() if line.endswith("serverside-applied (server dry run)")]
    answers = [line for line in done.stderr.splitlines() if line and FINALIZER not in line]
    if not answers and len(accepted) != len(wanted):
        kinds = Counter(item["kind"] for item in wanted)
        return [f"{len(accepted)} of {len(wanted)} objects were answered", str(kinds), done.stdout]
    return answers


def _namespace(item: Object) -> str:
    found: str = item["metadata"].get("namespace", "")
    return found
