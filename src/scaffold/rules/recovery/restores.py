"""Restores: what is written down to be applied on the day of the loss is taken by the server."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.velero import VELERO

_POLICIES = frozenset({"none", "update"})


@rule("DR-23", Severity.ERROR, fix="Name either a backup or a schedule, and none or update as existingResourcePolicy.")
def restores_are_taken(repo: Repo) -> Iterator[Hit]:
    """A Restore names a backup or a schedule, not both, and a policy that there is.

    The schema takes neither, both, and any word: the server ends the Restore as FailedValidation, on the day when
    nobody has time to read why. Judged are Restores in any file of the repository, applied or not.
    """
    seen = set()
    for one in (*repo.raw, *repo.manifests):
        if (one.group, one.kind) != (VELERO, "Restore") or one.place() in seen:
            continue
        seen.add(one.place())
        backup, schedule = one.get("spec", "backupName"), one.get("spec", "scheduleName")
        if isinstance(one.get("spec"), dict) and bool(backup) == bool(schedule):
            what = f"names backup {backup} and schedule {schedule}" if backup else "names no backup and no schedule"
            yield at(one, ("spec",), f"{one} {what}")
        policy = one.get("spec", "existingResourcePolicy")
        if isinstance(policy, str) and policy and policy not in _POLICIES and "$" not in policy:
            what = f"existingResourcePolicy {policy} is neither none nor update"
            yield at(one, ("spec", "existingResourcePolicy"), f"{one}: {what}")
