"""The rules, one file a domain: facts in, hits out. Whoever needs the list takes it from here."""

from scaffold.model.rule import Rule
from scaffold.rules import alerts, charts, delivery, mesh, promotion, reach, scaling, schemas, syntax, workloads

_DOMAINS = (syntax, schemas, delivery, promotion, reach, charts, workloads, scaling, mesh, alerts)

RULES: tuple[Rule, ...] = tuple(
    value for domain in _DOMAINS for value in vars(domain).values() if isinstance(value, Rule)
)
"""Every rule, by domain, in the order of its file."""
