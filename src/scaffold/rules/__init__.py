"""The rules, a folder or a file a domain: facts in, hits out. Whoever needs the list takes it from here.

Every module of this room that holds rules is found by itself, so that a new one cannot be forgotten.
"""

import importlib
import pkgutil

from scaffold.model.rule import Rule


def _found() -> list[Rule]:
    names = [module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.") if not module.ispkg]
    return [
        value for name in names for value in vars(importlib.import_module(name)).values() if isinstance(value, Rule)
    ]


def _order(rule: Rule) -> tuple[str, int]:
    domain, _, number = rule.id.partition("-")
    return domain, int(number)


RULES: tuple[Rule, ...] = tuple(sorted(_found(), key=_order))
"""Every rule, by domain and number."""

DOMAINS: tuple[str, ...] = tuple(dict.fromkeys(rule.id.partition("-")[0] for rule in RULES))
"""What ids of rules begin with."""
