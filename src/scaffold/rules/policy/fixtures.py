"""Fixtures: what a policy is meant to refuse and to let through is written down."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.kyverno import GROUP, VALIDATING, listed, resource_rules

_WANTED = {"pass": "lets pass", "fail": "refuses"}


@rule(
    "POL-04", Severity.WARNING, fix="Add a resource that passes and one that fails to the policy's kyverno-test.yaml."
)
def policies_have_fixtures(repo: Repo) -> Iterator[Hit]:
    """Where policies are tested, each has a fixture that it lets pass and one that it refuses.

    A broken expression is accepted by the server: without a resource that fails nobody knows whether the policy
    refuses anything. Judged in repositories with tests of Kyverno; policies for subresources cannot be tested that way.
    """
    results: dict[str, set[str]] = {}
    for test in (one for one in repo.raw if one.group == "cli.kyverno.io" and one.kind == "Test"):
        for _, result in test.items("results"):
            results.setdefault(str(result.get("policy")), set()).add(str(result.get("result")))
    for policy in repo.each(GROUP, *VALIDATING) if results else ():
        if _is_testable(policy):
            has = results.get(policy.name, set())
            if lacking := [what for key, what in _WANTED.items() if key not in has]:
                yield at(policy, (), f"{policy}: no test says what it {' and what it '.join(lacking)}")


def _is_testable(policy: Manifest) -> bool:
    named = [resource for _, found in resource_rules(policy) for resource in listed(found, "resources")]
    return any("/" not in resource for resource in named)
