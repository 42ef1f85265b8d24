"""istioctl, which can end with 0 without having looked: so what it looked at is asked back."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.harness.api import Object

GROUPS = ("extensions.istio.io", "networking.istio.io", "security.istio.io", "telemetry.istio.io")
_ANALYZERS = 40


@dataclass(frozen=True, order=True)
class Finding:
    """What `istioctl analyze` finds, and in which object: kind, namespace and name."""

    code: str
    kind: str
    namespace: str
    name: str
    message: str

    @property
    def home(self) -> str:
        """Return the namespace that the object is in, or is."""
        return self.namespace or self.name


def is_mesh(item: Object) -> bool:
    """Tell whether an object is one of Istio's."""
    return item["apiVersion"].partition("/")[0] in GROUPS


def validate(istioctl: Path, file: Path, items: Sequence[Object]) -> dict[str, str]:
    """Return, by name, what Istio's webhook would say against objects; it says nothing of a file without any."""
    assert items
    assert all(is_mesh(item) for item in items)
    file.write_text("\n---\n".join(map(json.dumps, items)), encoding="utf-8")
    done = subprocess.run([istioctl, "validate", f"--filename={file}"], capture_output=True, text=True, check=False)
    wrong = dict(re.findall(r"\* \w+/[^/\s]+/([^:\s]+): (.*)", done.stdout + done.stderr))
    assert done.returncode == bool(wrong), done.stdout + done.stderr
    return wrong


def analyze(istioctl: Path, kubeconfig: Path, namespace: str = "") -> list[Finding]:
    """Return what istioctl finds in a namespace of a cluster, or in all of them."""
    command: list[str | Path] = [istioctl, "analyze", f"--kubeconfig={kubeconfig}", "--output=json", "--verbose"]
    command += [f"--namespace={namespace}" if namespace else "--all-namespaces"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 79), done.stderr
    where = f"in namespace: {namespace}\n" if namespace else "in all namespaces\n"
    assert f"Analyzed resources {where}" in done.stderr, done.stderr
    assert len(re.findall(r"^\s+[\w.]+Analyzer\b", done.stderr, re.MULTILINE)) > _ANALYZERS, done.stderr
    return sorted(_finding(**one) for one in json.loads(done.stdout or "[]"))


def _finding(code: str, message: str, origin: str = "", **_: object) -> Finding:
    kind, _, place = origin.partition(" ")
    namespace, _, name = place.rpartition("/")
    return Finding(code, kind, namespace, name, message)
