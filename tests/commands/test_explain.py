"""A rule is explained with its example; a wrong name is answered with near ones."""

import pytest

from scaffold.commands.explain import explain
from scaffold.model.errors import BadInput
from scaffold.report import rule as report
from scaffold.rules import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_an_example(rule) -> None:
    found = explain(rule.id.lower())
    assert found.rule is rule
    assert {"-", "+"} & {line[:1] for line in found.example.splitlines()}
    shown = report.render(found.rule, found.example)
    assert rule.id in shown
    assert rule.fix in " ".join(shown.split())


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    with pytest.raises(BadInput, match="MESH-3 is no rule, did you mean MESH-03"):
        explain("MESH-3")
    with pytest.raises(BadInput, match="xyz is no rule: ids begin with AUTO, DR, EXPAND, GITOPS, HELM, "):
        explain("xyz")


def test_colours_are_asked_for() -> None:
    found = explain("MESH-03")
    assert "\033[" not in report.render(found.rule, found.example)
    assert "\033[32m+" in report.render(found.rule, found.example, colour=True)
