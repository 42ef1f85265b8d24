"""Tests of alerts: what `promtool test rules` runs is about alerts that exist, and can fail."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo, normalise
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Document, Path
from scaffold.rules.reading.promql import GROUP, items


@rule("OBS-08", Severity.WARNING, fix="Name an alert that exists, and expect it to fire in one case.")
def tested_alerts_exist(repo: Repo) -> Iterator[Hit]:
    """Every test of an alert names one that exists, and one case expects it to fire.

    `promtool` takes an unknown name for an alert that does not fire: such a test passes for ever, and so does one
    that only expects silence of an expression that finds nothing. Judged are tests whose rules are here: those in the
    files they name, else the PrometheusRules of the repository.
    """
    known = {item.name for one in (*repo.manifests, *repo.raw) for item in _rules(one) if item.is_alert}
    for path in repo.files:
        for document in repo.documents(path) if path.endswith((".yaml", ".yml")) else ():
            if _is_test(document.data):
                yield from _judged(path, document, _named(repo, path, document.data) or known)


def _rules(manifest: Any) -> Iterator[Any]:
    return items(manifest) if (manifest.group, manifest.kind) == (GROUP, "PrometheusRule") else iter(())


def _is_test(data: Any) -> bool:
    return (
        isinstance(data, Mapping) and isinstance(data.get("rule_files"), list) and isinstance(data.get("tests"), list)
    )


def _named(repo: Repo, path: str, test: Mapping[str, Any]) -> set[str]:
    """Return the alerts in the files of rules that a test names; none where one of them is not here."""
    found: set[str] = set()
    for name in test["rule_files"]:
        documents = repo.documents(normalise(f"{path.rpartition('/')[0]}/{name}"))
        if not documents or not isinstance(documents[0].data, Mapping):
            return set()
        groups = documents[0].data.get("groups")
        for group in groups if isinstance(groups, list) else ():
            rules = group.get("rules") if isinstance(group, Mapping) else None
            for one in rules if isinstance(rules, list) else ():
                found.add(str(one.get("alert") or "") if isinstance(one, Mapping) else "")
    return found


def _judged(path: str, document: Document, known: set[str]) -> Iterator[Hit]:
    fires: set[str] = set()
    first: dict[str, int] = {}
    cases = [(keys, case, str(case.get("alertname") or "")) for keys, case in _cases(document.data)]
    # With none of them known, it is a test of rules from elsewhere.
    known = known if any(name in known for _, _, name in cases) else set()
    for keys, case, name in cases:
        line = document.lines.get((*keys, "alertname"), document.line)
        if known and name not in known:
            yield Hit(Place(path, line), f"a test of alert {name}, which no rule here defines")
            continue
        first.setdefault(name, line)
        if case.get("exp_alerts"):
            fires.add(name)
    for name, line in first.items():
        if name not in fires:
            yield Hit(Place(path, line), f"no test expects alert {name} to fire")


def _cases(test: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for number, one in enumerate(test["tests"]):
        cases = one.get("alert_rule_test") if isinstance(one, Mapping) else None
        for index, case in enumerate(cases if isinstance(cases, list) else ()):
            if isinstance(case, Mapping):
                yield ("tests", number, "alert_rule_test", index), case
