"""Dashboards of Grafana in ConfigMaps and GrafanaDashboards: their JSON, their variables and what they query."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path

GRAFANA = "grafana.integreatly.org"
LABEL = "grafana_dashboard"
_DEEPEST = 40
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::[^}]*|\.[^}]*)?\}|\[\[(?P<brackets>\w+)(?::\w+)?\]\]|\$(?P<plain>\w+)")
_OWN = re.compile(r"__\w+|timeFilter")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: the object and keys it stands in, its name, and what its JSON says or why it is none."""

    manifest: Manifest
    keys: Path
    name: str
    data: Mapping[str, Any] = field(repr=False)
    fault: str = ""

    def variables(self) -> set[str]:
        """Return the names that a query may mention: its variables and the inputs it asks for."""
        templating = self.data.get("templating")
        return {name for one in _maps(templating, "list") if isinstance(name := one.get("name"), str)}

    def panels(self) -> Iterator[Mapping[str, Any]]:
        """Yield every panel, in rows too."""
        waiting = [*_maps(self.data, "rows"), *_maps(self.data, "panels")]
        while waiting:
            panel = waiting.pop(0)
            waiting += _maps(panel, "panels")
            yield panel

    def queries(self) -> Iterator[tuple[str, str, Any]]:
        """Yield title of the panel, expression and data source of every query that has an expression."""
        for panel in self.panels():
            for target in _maps(panel, "targets"):
                if isinstance(expression := target.get("expr"), str) and expression.strip():
                    source = target.get("datasource") or panel.get("datasource")
                    yield str(panel.get("title") or "without a title"), expression, source


def dashboards(repo: Repo) -> Iterator[Dashboard]:
    """Yield every dashboard that is applied as an object."""
    for config in repo.each("", "ConfigMap"):
        if LABEL in config.labels:
            for key, text in config.mapping("data").items():
                if key.endswith(".json") and isinstance(text, str):
                    yield _read(config, ("data", key), key, text)
    for one in repo.each(GRAFANA, "GrafanaDashboard"):
        if isinstance(text := one.get("spec", "json"), str):
            yield _read(one, ("spec", "json"), one.name, text)


def without_variables(expression: str) -> str | None:
    """Return an expression with durations for variables in ranges; None where one stands for something else."""
    parts: list[str] = []
    end = 0
    for quoted in (*_QUOTED.finditer(expression), None):
        code = expression[end : quoted.start() if quoted else len(expression)]
        for match in _VARIABLE.finditer(code):
            before = code[: match.start()].rstrip()
            if not before.endswith(("[", ":", "offset")):
                return None
        parts.append(_VARIABLE.sub("5m", code))
        parts.append(quoted[0] if quoted else "")
        end = quoted.end() if quoted else end
    return "".join(parts)


def is_own(variable: str) -> bool:
    """Tell whether a variable is one of Grafana itself."""
    return bool(_OWN.fullmatch(variable))


def _read(manifest: Manifest, keys: Path, name: str, text: str) -> Dashboard:
    try:
        data = json.loads(text)
    except ValueError as error:
        return Dashboard(manifest, keys, name, {}, str(error))
    except RecursionError:
        return Dashboard(manifest, keys, name, {})
    return Dashboard(manifest, keys, name, data if isinstance(data, Mapping) else {})


def _maps(parent: Any, field_name: str) -> list[Mapping[str, Any]]:
    value = parent.get(field_name) if isinstance(parent, Mapping) else None
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
