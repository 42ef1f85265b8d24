"""Charts in tests: one worker with the embedded Helm engine, asked strictly."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scaffold.engines import process
from scaffold.model.errors import BadInput
from tests.conftest import ROOT

CHART = ROOT / "template" / "repo" / "charts" / "service"

Objects = dict[tuple[str, str], dict[str, Any]]


class Engine:
    """Helm with its strict mode: an undefined key of the values is an error, as is any lint message."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._worker = process.Conversation([sys.executable, "-m", "scaffold.engines.helm_worker"])

    def render(self, *layers: Mapping[str, Any], release: str = "web") -> Objects:
        """Render the template's own chart with these values, later ones over earlier ones."""
        files = []
        for index, layer in enumerate(layers):
            file = self._scratch / f"{index}.yaml"
            file.write_text(json.dumps(layer), encoding="utf-8")
            files.append(file)
        return self.objects(CHART, files, release, "shop")

    def objects(self, chart: Path, files: Sequence[Path], release: str, namespace: str) -> Objects:
        """Render a chart with values files; raise BadInput where Helm renders nothing."""
        question = {
            "op": "render",
            "chart": str(chart),
            "release": release,
            "namespace": namespace,
            "inline": {},
            "values": [str(file) for file in files],
            "kube_version": "v1.36.0",
            "strict": True,
        }
        self._worker.send(json.dumps(question))
        answer = json.loads(self._worker.receive())
        if "error" in answer:
            raise BadInput(answer["error"])
        assert answer["lint"] == []
        found: Objects = {}
        for path, text in answer["documents"].items():
            for data in yaml.safe_load_all(text) if path.endswith(".yaml") else ():
                if data:
                    key = data["kind"], data["metadata"]["name"]
                    assert key not in found, f"{key} twice"
                    assert data["metadata"]["namespace"] == namespace
                    found[key] = data
        return found

    def close(self) -> None:
        self._worker.close()
