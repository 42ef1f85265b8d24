"""``scaffold explain``: what a rule wants, why, and an example of it."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from scaffold.model.errors import BadInput
from scaffold.model.rule import Rule
from scaffold.rules import DOMAINS, RULES

PAGE = "rules.md"
"""The generated page of all rules, as the wheel carries it beside the package's rooms; a checkout has it in docs/."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule and an example of it, as a diff of the lines that are found and their repair; empty without the page."""

    rule: Rule
    example: str


def explain(rule_id: str) -> Explained:
    """Return what is known of a rule; its id is taken in any case of letters."""
    wanted = rule_id.upper()
    for rule in RULES:
        if rule.id == wanted:
            return Explained(rule, _example(rule.id))
    ids = [rule.id for rule in RULES]
    padded = re.sub(r"-(\d)\Z", r"-0\1", wanted)
    near = [padded] if padded in ids else difflib.get_close_matches(wanted, ids, 3)
    meant = f", did you mean {' or '.join(near)}?" if near else f": ids begin with {', '.join(DOMAINS)}"
    raise BadInput(f"{rule_id} is no rule{meant}")


def _example(rule_id: str) -> str:
    package = Path(__file__).resolve().parents[1]
    for page in (package / PAGE, package.parents[1] / "docs" / PAGE):
        if page.is_file():
            section = page.read_text(encoding="utf-8").partition(f"\n## {rule_id}\n")[2].partition("\n## ")[0]
            found = re.search(r"```diff\n(.*?)```", section, re.DOTALL)
            return found[1] if found else ""
    return ""
