"""Suppressions: what a person allows is allowed for a reason, and for as long as it is found."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule


@rule(
    "IGNORE-01",
    Severity.WARNING,
    fix="Name the rules and the reason, `# scaffold: ignore[MESH-03] reason`, or delete the comment.",
    needs="suppressions",
)
def suppressions_say_why(repo: Repo) -> Iterator[Hit]:
    """A suppression names rules that there are, says why, and suppresses something.

    A comment that allows what is no longer found hides the next fault in its place. One of a rule that was not run
    is not judged.
    """
    yield from repo.engine_hits.get("suppressions", ())
