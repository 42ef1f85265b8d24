"""ApplicationSets: what the template makes of every element is an Application, and each is rolled out."""

from collections.abc import Iterator, Mapping

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import ARGO, brought, texts
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import title
from scaffold.rules.reading.texts import texts_below


@rule("GITOPS-12", Severity.WARNING, fix="Set goTemplate with missingkey=error, and write the project out.")
def templates_stop_at_what_is_missing(repo: Repo) -> Iterator[Hit]:
    """An ApplicationSet stops at a missing parameter, and its elements cannot choose the project.

    Without ``missingkey=error`` a typing error becomes "<no value>" in a path or a name; without Go templates it
    stays in the Application as it is. A project out of a parameter lets whoever writes an element have the rights
    of any project. That all names are made once is part of EXPAND-01.
    """
    by_owner = brought(repo)
    for made in repo.each(ARGO, "ApplicationSet"):
        if made.get("spec", "goTemplate") is True:
            if "missingkey=error" not in texts(made.get("spec", "goTemplateOptions")):
                keys = ("spec", "goTemplateOptions") if made.get("spec", "goTemplateOptions") else ("spec",)
                yield at(made, keys, f"{made}: a missing parameter becomes <no value>, missingkey=error is not set")
        else:
            yield from _unfilled(made, by_owner.get((made.cluster, title(made)), []))
        project = made.get("spec", "template", "spec", "project")
        if isinstance(project, str) and "{{" in project:
            yield at(made, ("spec", "template", "spec", "project"), f"{made}: the project is a parameter, {project}")


@rule("GITOPS-13", Severity.ERROR, fix="Give the steps expressions of which every Application matches exactly one.")
def rolling_syncs_reach_every_application(repo: Repo) -> Iterator[Hit]:
    """With RollingSync every generated Application matches exactly one step.

    One that matches none is never synced: the controller switches its own automation off. Of one that matches
    several the controller says that the expressions are invalid.
    """
    by_owner = brought(repo)
    for made in repo.each(ARGO, "ApplicationSet"):
        if made.get("spec", "strategy", "type") != "RollingSync":
            continue
        steps = list(made.items("spec", "strategy", "rollingSync", "steps"))
        keys = ("spec", "strategy", "rollingSync", "steps")
        for app in by_owner.get((made.cluster, title(made)), []) if steps else ():
            matched = [index + 1 for index, step in steps if _selects(step, app)]
            if not matched:
                yield at(made, keys, f"{made}: {app.name} matches no step, it is never synced")
            elif len(matched) > 1:
                yield at(made, keys, f"{made}: {app.name} matches steps {', '.join(map(str, matched))}")


def _unfilled(made: Manifest, apps: list[Manifest]) -> Iterator[Hit]:
    """Yield a hit for each parameter that an Application still has."""
    seen: set[str] = set()
    for app in apps:
        for keys, text in texts_below(app.data):
            if "{{" in text and "}}" in text and text not in seen:
                seen.add(text)
                yield at(made, ("spec", "template", *keys), f"{made}: {text} is filled by nothing")


def _selects(step: Mapping[str, object], app: Manifest) -> bool:
    """Tell whether a step takes an Application: a missing label only counts against In."""
    expressions = step.get("matchExpressions")
    for expression in expressions if isinstance(expressions, list) else ():
        if not isinstance(expression, Mapping):
            continue
        value, values = app.labels.get(str(expression.get("key"))), expression.get("values")
        listed = isinstance(values, list) and value in values
        operator = expression.get("operator")
        if (operator == "In" and not listed) or (operator == "NotIn" and value is not None and listed):
            return False
    return True
