"""Schedules: when backups run, how long they are kept, and who else writes to the object."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.applications import applications
from scaffold.rules.reading.backup_times import KEPT_BY_DEFAULT, interval, schedule_fault, times, zone
from scaffold.rules.reading.completeness import is_plain
from scaffold.rules.reading.durations import seconds
from scaffold.rules.reading.owners import title
from scaffold.rules.reading.velero import Plan, veleros

_COPIES = 3
_LABEL_TRACKING = frozenset({"label", "annotation+label"})
_DURATIONS = ("ttl", "csiSnapshotTimeout", "itemOperationTimeout")
_TOGETHER = 5


@rule("DR-07", Severity.WARNING, fix="Keep backups for at least three intervals, and those of longer intervals longer.")
def backups_outlive_their_successors(repo: Repo) -> Iterator[Hit]:
    """A backup is kept for at least three intervals of its schedule, and the rarer ones longer.

    With a ttl of one interval there is one copy at most, and none when a run fails. Where the weekly copies expire
    before the daily ones, nothing is left of them to go back to.
    """
    for velero in veleros(repo):
        tiers = [(plan, kept, every) for plan in velero.plans if (kept := _kept(plan)) and (every := _every(plan))]
        for plan, kept, every in tiers:
            if kept < _COPIES * every:
                what = f"ttl {_hours(kept)} is less than three times the interval of {_hours(every)}"
                yield plan.hit(("template", "ttl"), what)
        longest: dict[tuple[object, ...], tuple[Plan, float]] = {}
        for plan, kept, _ in sorted(tiers, key=lambda tier: tier[2]):
            longer, long = longest.get(_scope(plan), (plan, kept))
            if long <= kept:
                longest[_scope(plan)] = (plan, kept)
            else:
                what = f"ttl {_hours(kept)} is shorter than that of {longer.name}, which runs more often"
                yield plan.hit(("template", "ttl"), what)


@rule("DR-08", Severity.ERROR, fix="Write five cron fields, a known time zone, and durations as Go has them: 720h.")
def schedules_can_be_read(repo: Repo) -> Iterator[Hit]:
    """A schedule is five cron fields with a known time zone, and its durations are those of Go.

    The custom resource takes any text. A schedule that does not parse never runs, and a ttl of `30d` or `720` is no
    duration: the server cannot read the object.
    """
    for velero in veleros(repo):
        for plan in velero.plans:
            text = plan.get("schedule")
            if isinstance(text, str) and is_plain(text) and (why := schedule_fault(text)):
                yield plan.hit(("schedule",), f"schedule {text}: {why}")
            for keys, value in _durations(plan):
                if isinstance(value, str) and is_plain(value) and seconds(value) is None and value != "0":
                    yield plan.hit(keys, f"{keys[-1]} {value} is no duration of Go, as 72h is")


@rule("DR-09", Severity.WARNING, fix="Set skipImmediately: false, and labels of its own in template.metadata.labels.")
def schedules_are_left_alone(repo: Repo) -> Iterator[Hit]:
    """What Velero writes into a Schedule is not written back, and its backups are not taken for objects of Git.

    Velero turns `skipImmediately: true` off when it has skipped; the engine turns it on again, and the next backup
    is skipped, too. Without labels of its own a backup gets those of the Schedule: where Argo CD tracks by label, it
    prunes the backup.
    """
    ignoring = {title(app) for app in applications(repo) if _ignores(app)}
    tracked = any(_tracks_by_label(one) for one in (*repo.manifests, *repo.raw))
    for velero in veleros(repo):
        for plan in velero.plans:
            owner = plan.manifest.origin.owner if plan.manifest else ""
            engine = owner.partition(" ")[0]
            noted = plan.manifest.annotations if plan.manifest else {}
            once = noted.get("kustomize.toolkit.fluxcd.io/ssa") == "IfNotPresent"
            again = engine in {"Application", "Kustomization"} and owner not in ignoring and not once
            if again and plan.get("skipImmediately") is True:
                yield plan.hit(("skipImmediately",), "skipImmediately is turned on again after each skip")
            if engine == "Application" and tracked and not plan.get("template", "metadata", "labels"):
                what = "backups get the labels that Argo CD tracks by: template.metadata.labels is not set"
                yield plan.hit(("template",), what)


@rule("DR-22", Severity.WARNING, fix="Let one of them run half an hour later.")
def backups_of_a_namespace_do_not_meet(repo: Repo) -> Iterator[Hit]:
    """No two schedules of one namespace start within five minutes of each other.

    Velero runs backups side by side: both freeze the same database, and both snapshot the same volumes. Compared are
    schedules of one time zone.
    """
    for velero in veleros(repo):
        seen: dict[str, list[Plan]] = {}
        for plan in velero.plans:
            if plan.paused or times(plan.get("schedule")) is None:
                continue
            # What names no namespace, or a pattern, is compared with its like alone.
            places = plan.names("template", "includedNamespaces") or ["*"]
            others = [other for place in places for other in seen.get(place, ())]
            if met := next((other for other in others if _select_alike(plan, other) and _meet(plan, other)), None):
                yield plan.hit(("schedule",), f"starts together with {met.name}, of the same namespaces")
            for place in places:
                seen.setdefault(place, []).append(plan)


def _kept(plan: Plan) -> float | None:
    ttl = plan.get("template", "ttl")
    return KEPT_BY_DEFAULT if ttl is None else seconds(ttl)


def _every(plan: Plan) -> float | None:
    return interval(plan.get("schedule"))


def _hours(duration: float) -> str:
    return f"{duration / 3600:.0f}h"


def _scope(plan: Plan) -> tuple[object, ...]:
    return (
        tuple(sorted(plan.names("template", "includedNamespaces"))),
        str(plan.get("template", "labelSelector")),
        str(plan.get("template", "orLabelSelectors")),
    )


def _durations(plan: Plan) -> Iterator[tuple[Path, Any]]:
    for name in _DURATIONS:
        yield ("template", name), plan.get("template", name)
    resources = plan.get("template", "hooks", "resources")
    for number, one in enumerate(resources if isinstance(resources, list) else ()):
        for phase in ("pre", "post"):
            hooks = one.get(phase) if isinstance(one, Mapping) else None
            for index, hook in enumerate(hooks if isinstance(hooks, list) else ()):
                run = hook.get("exec") if isinstance(hook, Mapping) else None
                keys: Path = ("template", "hooks", "resources", number, phase, index, "exec", "timeout")
                yield keys, run.get("timeout") if isinstance(run, Mapping) else None


def _ignores(app: Manifest) -> bool:
    ignored = [one for _, one in app.items("spec", "ignoreDifferences") if one.get("kind") == "Schedule"]
    return any("skipImmediately" in str(one) for one in ignored)


def _tracks_by_label(manifest: Manifest) -> bool:
    named = (manifest.group, manifest.kind, manifest.name) == ("", "ConfigMap", "argocd-cm")
    return named and manifest.get("data", "application.resourceTrackingMethod") in _LABEL_TRACKING


def _select_alike(plan: Plan, other: Plan) -> bool:
    return _scope(plan)[1:] == _scope(other)[1:]


def _meet(plan: Plan, other: Plan) -> bool:
    """Tell whether two schedules start at the same time on some day."""
    one, two = times(plan.get("schedule")), times(other.get("schedule"))
    if one is None or two is None or zone(plan.get("schedule")) != zone(other.get("schedule")):
        return False
    if not one.months & two.months:
        return False
    if one.any_day and two.any_day and not one.weekdays & two.weekdays:
        return False
    if one.any_weekday and two.any_weekday and not one.days & two.days:
        return False
    starts = {hour * 60 + minute for hour in one.hours for minute in one.minutes}
    return any(hour * 60 + minute + late in starts
               for hour in two.hours for minute in two.minutes for late in range(1 - _TOGETHER, _TOGETHER))  # fmt: skip
