"""The worker process that holds the embedded Helm engine: JSON lines in, JSON lines out.

A process of its own because the engine is a Go library: it must never be forked after loading, costs 70 MB, and a
chart that makes it hang can only be ended by killing it. Run as ``python -m scaffold.engines.helm_worker``.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

# The one import of the binding, and the one use of its private call: options that its public call lacks
# (kube_version, api_versions, strict). Hence the exact pin in pyproject.toml.
import helm_python
from helm_python import _native

from scaffold.engines.go_texts import OUT, read_out, write_chart
from scaffold.model.merged import merge


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Answer one question; a refusal of the engine is an answer too (``error``)."""
    try:
        match question["op"]:
            case "version":
                return {"version": helm_python.helm_sdk_version()}
            case "render":
                return _render(question)
            case "templates":
                return _templates(question)
            case other:
                return {"error": f"unknown operation {other}"}
    except helm_python.HelmError as error:
        return {"error": str(error)}


def _render(question: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path in question["values"]:
        try:
            values = merge(values, helm_python.values_from_yaml(Path(path).read_text(encoding="utf-8")) or {})
        except (OSError, UnicodeDecodeError, helm_python.HelmError) as error:
            return {"error": f"failed to parse {path}: {error}"}
    values = merge(values, question["inline"])
    options = {
        "name": question["release"],
        "namespace": question["namespace"],
        "kube_version": question["kube_version"],
        "strict": question.get("strict", False),
    }
    report = helm_python.lint(
        question["chart"], values, strict=True, namespace=question["namespace"], kube_version=question["kube_version"]
    )
    lint = [message for message in report["messages"] if message["severity"] > 1]
    # A handle rendered once with a subchart switched off stays wrong: a fresh one for every render.
    with helm_python.Chart.load(question["chart"]) as chart:
        crds = {crd["filename"]: crd["data"] for crd in chart.crds}
        try:
            text = _native.call_string("helm_render", chart._raw(), json.dumps(values), json.dumps(options))  # noqa: SLF001
        except helm_python.HelmError as error:
            return {"error": str(error), "lint": lint}
        return {"documents": json.loads(text), "crds": crds, "lint": lint}


def _templates(question: dict[str, Any]) -> dict[str, Any]:
    results: list[list[str] | str] = []
    with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
        write_chart(Path(folder), question["texts"])
        for parameters in question["parameters"]:
            with helm_python.Chart.load(folder) as chart:
                try:
                    text = _native.call_string(
                        "helm_render",
                        chart._raw(),  # noqa: SLF001
                        json.dumps(parameters),
                        json.dumps({"strict": True, "name": "t"}),
                    )
                    results.append(read_out(json.loads(text)[OUT]))
                except helm_python.HelmError as error:
                    results.append(_last_line(str(error)))
    return {"results": results}


def _last_line(text: str) -> str:
    return [line.strip() for line in text.splitlines() if line.strip()][-1] if text.strip() else "template error"


def main() -> None:
    """Answer until the input ends."""
    helm_python.disable_logging()  # Go's default logger writes every `fail` to the person's terminal
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
