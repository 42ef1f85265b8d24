"""Panels: dashboards that Grafana can read, with queries that parse and data sources that are found."""

import re
from collections.abc import Iterator
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.observability.alerts import NO_VECTOR, expression_fault
from scaffold.rules.reading.dashboards import GRAFANA, Dashboard, dashboards, is_own, without_variables
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.promql import short

_REFERENCE = re.compile(r"\$\{?(\w+)\}?\Z")


@rule("OBS-12", Severity.WARNING, fix="Name the data source by a variable of the dashboard, or by a uid that exists.")
def dashboards_find_their_data(repo: Repo) -> Iterator[Hit]:
    """The data source that a panel names is a variable of its dashboard.

    What was exported to be shared asks for its source when it is imported by hand; in a ConfigMap nobody answers, and
    every panel says that `${DS_PROMETHEUS}` was not found. Sources that stand in a dashboard by uid are not judged,
    they may be made elsewhere, and neither is whether each service has a dashboard.
    """
    for dashboard in dashboards(repo):
        known = dashboard.variables() | _mapped(dashboard)
        missing: dict[str, str] = {}
        for panel in dashboard.panels():
            targets = panel.get("targets")
            for one in (panel, *(targets if isinstance(targets, list) else ())):
                name = _variable(one.get("datasource")) if isinstance(one, dict) else ""
                if name and name not in known and not is_own(name):
                    missing.setdefault(name, str(panel.get("title") or "without a title"))
        for name, title in missing.items():
            what = f"panel {title} of {dashboard.name} takes data of ${{{name}}}, which is no variable of it"
            yield at(dashboard.manifest, dashboard.keys, f"{dashboard.manifest}: {what}")


@rule("OBS-25", Severity.WARNING, fix="Correct the JSON, or the expression of the panel.")
def dashboards_are_read(repo: Repo) -> Iterator[Hit]:
    """Every dashboard is JSON, and every expression of its panels is PromQL.

    A dashboard that is no JSON is left out, and a panel whose expression does not parse shows an error on the day
    when somebody needs it. Queries of other data sources are passed over, and those with a variable for anything but a
    duration or a part of a text.
    """
    for dashboard in dashboards(repo):
        if dashboard.fault:
            what = f"{dashboard.manifest}: {dashboard.name} is no JSON: {dashboard.fault}"
            yield at(dashboard.manifest, dashboard.keys, what)
        for title, expression, source in dashboard.queries():
            if not _is_prometheus(source):
                continue
            plain = without_variables(expression)
            # A query at one instant may be of a range, only rules may not.
            if plain and (why := expression_fault(plain)) and why != NO_VECTOR:
                what = f"panel {title} of {dashboard.name}: {why}: {short(expression)}"
                yield at(dashboard.manifest, dashboard.keys, f"{dashboard.manifest}: {what}")


def _mapped(dashboard: Dashboard) -> set[str]:
    """Return the inputs that a GrafanaDashboard answers."""
    manifest = dashboard.manifest
    if manifest.group != GRAFANA:
        return set()
    return {str(one.get("inputName")) for _, one in manifest.items("spec", "datasources")}


def _variable(source: Any) -> str:
    """Return the variable that a data source is named by, empty if it is named otherwise."""
    uid = source.get("uid") if isinstance(source, dict) else source
    match = _REFERENCE.match(uid) if isinstance(uid, str) else None
    return match[1] if match else ""


def _is_prometheus(source: Any) -> bool:
    """Tell whether a query is for Prometheus for sure."""
    if isinstance(source, dict):
        return source.get("type") == "prometheus"
    return isinstance(source, str) and "prometheus" in source.lower()
