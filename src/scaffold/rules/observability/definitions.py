"""Definitions of rules: what Prometheus refuses of one, and how alerts and records are called and described."""

import re
from collections.abc import Iterator
from typing import Any

from scaffold.model.giturl import same_repository
from scaffold.model.hit import Hit
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading import alert_templates, promql_labels
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.promql import GROUP, Item, items

_FILE_IN_GIT = re.compile(
    r"(?P<repository>https?://[^/\s]+/[^\s]+?)(?:/-)?/(?:blob|tree|src/branch|src/tag|raw|raw/branch)/"
    r"(?:main|master|HEAD)/(?P<path>[^\s?#]+)"
)
_TEXTS = ("summary", "description", "message", "title")
_NOT_FOR_RECORDS = ("for", "keep_firing_for", "annotations")


@rule("OBS-23", Severity.WARNING, fix="Add severity, a summary and a runbook that exists; route by labels alerts have.")
def alerts_say_what_to_do(repo: Repo) -> Iterator[Hit]:
    """Every alert says how bad it is, what is wrong, and where to read on.

    Without severity no route takes it as it should, and without a text the person who is called at night knows a name.
    A runbook in this repository must exist. Runbooks are asked of every alert where most alerts here have one, and
    the label team where a route goes by it.
    """
    alerts = [item for item in _items(repo) if item.is_alert]
    with_runbook = sum("runbook_url" in item.mapping("annotations") for item in alerts)
    usual = with_runbook * 2 > len(alerts)
    by_team = any("'name': 'team'" in str(one.get("spec", "route")) for one in repo.each(GROUP, "AlertmanagerConfig"))
    for item in alerts:
        labels, annotations = item.mapping("labels"), item.mapping("annotations")
        lacking = [] if labels.get("severity") else ["label severity"]
        lacking += ["label team"] if by_team and not labels.get("team") else []
        lacking += [] if any(annotations.get(text) for text in _TEXTS) else ["annotation summary"]
        lacking += ["annotation runbook_url"] if usual and not annotations.get("runbook_url") else []
        if lacking:
            yield at(
                item.manifest, (*item.keys, "alert"), f"{item.manifest}: {item.name} has no {', no '.join(lacking)}"
            )
        if missing := _missing_file(repo, annotations.get("runbook_url")):
            keys = (*item.keys, "annotations", "runbook_url")
            yield at(item.manifest, keys, f"{item.manifest}: the runbook of {item.name} is not here: no file {missing}")


@rule("OBS-24", Severity.ERROR, fix="Correct the template; `promtool check rules` says more about it.")
def alert_templates_parse(repo: Repo) -> Iterator[Hit]:
    """Every label and annotation of an alert is a template that Prometheus can read.

    An action that is not closed or a function it does not know makes it refuse the whole group of rules. Judged are
    brackets, blocks, variables and the names of functions.
    """
    for item in _items(repo):
        for field in ("labels", "annotations") if item.is_alert else ():
            for key, text in item.mapping(field).items():
                if isinstance(text, str) and "{{" in text and (why := alert_templates.fault(text)):
                    what = f"{item.manifest}: {field[:-1]} {key} of {item.name}: {why}"
                    yield at(item.manifest, (*item.keys, field, key), what)


@rule("OBS-28", Severity.WARNING, fix="Keep the label in the aggregation, or leave it out of the text.")
def alert_texts_show_labels_that_are_left(repo: Repo) -> Iterator[Hit]:
    """The labels that the texts of an alert show are left in the result of its expression.

    `sum by (namespace)` drops all others: the text then has a hole where the name of the pod should stand. Labels
    that an alert itself adds are not among `$labels`.
    """
    for item in _items(repo):
        if not item.is_alert or (tree := item.expression) is None or (left := promql_labels.labels(tree)) is None:
            continue
        for field in ("labels", "annotations"):
            for key, text in item.mapping(field).items():
                shown = alert_templates.labels(text) if isinstance(text, str) else set()
                if gone := sorted(shown - left - {"alertname"}):
                    what = f"the result has no label {', '.join(gone)}, but {', '.join(sorted(left)) or 'none'}"
                    keys = (*item.keys, field, key)
                    yield at(item.manifest, keys, f"{item.manifest}: {field[:-1]} {key} of {item.name}: {what}")


@rule("OBS-26", Severity.WARNING, fix="Call a record level:metric:operation, and an alert by one word in camel case.")
def rules_are_called_as_usual(repo: Repo) -> Iterator[Hit]:
    """A recorded series is called ``level:metric:operation``, and the name of an alert is one word.

    The colon tells a recorded series from one that somebody exports, so nobody looks for its source in vain. Names
    with spaces must be quoted in every route, silence and link.
    """
    for item in _items(repo):
        record = item.fields.get("record")
        if item.is_alert and re.search(r"\s", item.name):
            yield at(item.manifest, (*item.keys, "alert"), f"{item.manifest}: alert {item.name!r} is several words")
        elif isinstance(record, str) and record and ":" not in record:
            yield at(item.manifest, (*item.keys, "record"), f"{item.manifest}: record {record} has no colon")


@rule("OBS-27", Severity.ERROR, fix="Make two rules of it, and leave to each what belongs to its kind.")
def rules_are_alert_or_record(repo: Repo) -> Iterator[Hit]:
    """Every rule is an alert or a record, and a record has no fields of alerts.

    The custom resource takes both, neither and any mixture. The operator refuses the whole object: none of its alerts
    is there.
    """
    for item in _items(repo):
        record, alert = item.fields.get("record"), item.fields.get("alert")
        if record and alert:
            yield at(item.manifest, item.keys, f"{item.manifest}: a rule is alert {alert} and record {record}")
        elif "expr" in item.fields and not record and not alert:
            yield at(item.manifest, item.keys, f"{item.manifest}: a rule is neither alert nor record")
        elif record:
            for field in _NOT_FOR_RECORDS:
                if item.fields.get(field):
                    yield at(item.manifest, (*item.keys, field), f"{item.manifest}: record {record} has {field}")
        if "__name__" in item.mapping("labels"):
            keys = (*item.keys, "labels", "__name__")
            yield at(item.manifest, keys, f"{item.manifest}: {item.name} sets the label __name__")


def _items(repo: Repo) -> Iterator[Item]:
    return (item for manifest in repo.each(GROUP, "PrometheusRule") for item in items(manifest))


def _missing_file(repo: Repo, url: Any) -> str:
    """Return the file of this repository that a URL names in vain; empty for any other URL."""
    match = _FILE_IN_GIT.match(url) if isinstance(url, str) and "{{" not in url and "${" not in url else None
    if match is None or not same_repository(repo.url, match["repository"]):
        return ""
    path = normalise(match["path"])
    return "" if path in repo.files or repo.has_folder(path) else path
