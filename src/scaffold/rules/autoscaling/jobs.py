"""Jobs: they come to an end, they can be delivered again, and nobody takes them for something that runs."""

import re
from collections.abc import Iterator
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.selectors import text
from scaffold.model.yamltext import Path
from scaffold.rules.reading.fluxtree import HELM
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.images import Reference
from scaffold.rules.reading.inventory import Workload, clusters, ports_of
from scaffold.rules.reading.owners import flux_cluster, title
from scaffold.rules.reading.scalers import count
from scaffold.rules.reading.selection import Selection, running
from scaffold.rules.reading.sidecars import a, command, kind_of

_KINDS = frozenset({"CronJob", "Job"})
_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_LARGEST_CODE = 255
_OWN_NAME = re.compile(r".*[-.]([0-9a-f]{6,}|r?\d+)\Z")
_FOR_EVER = re.compile(r"(sleep\s+(infinity|inf)|tail\s+-f\s+/dev/null)\s*\Z")
_STOPS = re.compile(r"quitquitquit|\b(p?kill|killall)\b|quit-quit|shutdown")


@rule("JOB-02", Severity.ERROR, fix="Name a container of the pod, and exit codes from 1 to 255.")
def failure_policies_can_apply(repo: Repo) -> Iterator[Hit]:
    """The rules of a podFailurePolicy name containers that exist and exit codes that there are.

    The server refuses a container that is not there, and takes a code above 255, which no program ends with. What else
    it refuses (another restartPolicy than Never) is SCHEMA-01's.
    """
    for job, keys in _jobs(repo):
        spec: Path = (*keys, "template", "spec")
        names = {
            str(one.get("name")) for field in ("containers", "initContainers") for _, one in job.items(*spec, field)
        }
        for index, _ in job.items(*keys, "podFailurePolicy", "rules"):
            where: Path = (*keys, "podFailurePolicy", "rules", index, "onExitCodes")
            codes = job.mapping(*where)
            name, values = codes.get("containerName"), codes.get("values")
            if name is not None and names and str(name) not in names:
                has = ", ".join(sorted(names))
                yield at(job, (*where, "containerName"), f"{job}: there is no container {name}, there are {has}")
            if isinstance(values, list) and any((count(code) or 0) > _LARGEST_CODE for code in values):
                yield at(job, (*where, "values"), f"{job}: no program ends with {values}, {_LARGEST_CODE} is the last")
            if job.get(*where[:-1], "action") == "FailIndex" and job.get(*keys, "backoffLimitPerIndex") is None:
                yield at(job, (*where[:-1], "action"), f"{job}: FailIndex needs backoffLimitPerIndex")


@rule("JOB-03", Severity.WARNING, fix="Set completionMode: Indexed, and let each pod do the part of its index.")
def completions_are_different(repo: Repo) -> Iterator[Hit]:
    """A Job that has to succeed several times is indexed.

    Otherwise every pod is started alike and does the same work once more. Pods that take their work from a queue need
    no `completions` at all.
    """
    for job, keys in _jobs(repo):
        number = count(job.get(*keys, "completions"))
        if number is not None and number > 1 and job.get(*keys, "completionMode") in (None, "NonIndexed"):
            yield at(job, (*keys, "completions"), f"{job}: {number} pods do the same work, none knows its part")


@rule(
    "JOB-04",
    Severity.WARNING,
    fix="Make it a hook, give it a name of its own for each change, or let its owner replace it.",
)
def jobs_can_be_delivered_again(repo: Repo) -> Iterator[Hit]:
    """A Job that is delivered is a hook, changes its name with its content, or is replaced by its owner.

    The template of a Job that exists cannot be changed: the next version is refused, "field is immutable". With
    ttlSecondsAfterFinished it is deleted, missing, applied again, and runs for ever. Judged are Jobs that Argo CD or
    Flux bring; a name that ends in a number or a hash is taken for one of its own.
    """
    owners = {
        (flux_cluster(owner), title(owner)): owner
        for group, kind in (("kustomize.toolkit.fluxcd.io", "Kustomization"), (HELM, "HelmRelease"))
        for owner in repo.each(group, kind)
    }
    for job in repo.each("batch", "Job"):
        if not job.origin.owner or _is_hook(job) or not job.name:
            continue
        ttl = job.get("spec", "ttlSecondsAfterFinished")
        if ttl is not None and not job.get("spec", "suspend") and not job.origin.owner.startswith("HelmRelease "):
            what = f"is deleted {ttl} seconds after it has finished, and {job.origin.owner} applies it again"
            yield at(job, ("spec", "ttlSecondsAfterFinished"), f"{job} {what}")
        elif not _is_replaced(job, owners.get((job.cluster, job.origin.owner))) and not _own_name(job):
            yield at(job, ("metadata", "name"), f"{job} cannot be changed once it is there")


@rule("JOB-06", Severity.ERROR, fix="Make the helper a native sidecar: an init container with restartPolicy: Always.")
def jobs_come_to_an_end(repo: Repo) -> Iterator[Hit]:
    """No ordinary container of a Job or CronJob runs for ever.

    A Job is done when all of its ordinary containers have ended: a proxy, a log shipper or an exporter beside the work
    never does, and with Forbid no later run starts. Helpers are known by their images; where another container stops
    them by itself nothing is said. Proxies that a mesh injects are MESH-35's.
    """
    for job, keys in _jobs(repo):
        spec: Path = (*keys, "template", "spec")
        containers = list(job.items(*spec, "containers"))
        stopped = any(_STOPS.search(command(one)) for _, one in containers)
        workers = [one for _, one in containers if not kind_of(one)]
        for index, one in containers:
            kind = kind_of(one)
            endless = one.get("restartPolicy") == "Always" or _FOR_EVER.search(command(one))
            if endless or (kind and workers and not stopped):
                name = f"{one.get('name')}, {a(kind)}," if kind else one.get("name")
                what = f"{job}: container {name} never ends, and so neither does the Job"
                yield at(job, (*spec, "containers", index), what)


@rule(
    "JOB-08", Severity.ERROR, fix="Give the pods of the Job a label of their own, and others than the Service selects."
)
def job_pods_are_not_selected(repo: Repo) -> Iterator[Hit]:
    """No Service or budget of something that runs selects the pods of a Job, too.

    While the Job runs it gets requests that it does not answer, and a budget that counts pods which nothing replaces
    lets none go. What selects pods of Jobs alone is meant for them. Tests and hooks that are bare Pods are HELM-15's.
    """
    for cluster in clusters(repo):
        selection = Selection(cluster)
        for service in cluster.services.values():
            taken = selection.of_service(service)
            for job in _beside(taken):
                if port := _gets_requests(service, job):
                    what = f"{job.manifest}: {service} selects its pods by {text(service.mapping('spec', 'selector'))}"
                    yield at(job.manifest, _labels(job), f"{what}, and sends requests to port {port}")
        for budget in cluster.each("policy", "PodDisruptionBudget"):
            selector = budget.mapping("spec", "selector")
            for job in _beside(selection.of_selector(budget.namespace, selector)) if selector else ():
                yield at(job.manifest, _labels(job), f"{job.manifest}: {budget} counts its pods")


def _jobs(repo: Repo) -> Iterator[tuple[Manifest, Path]]:
    for job in repo.each("batch", "Job"):
        yield job, ("spec",)
    for job in repo.each("batch", "CronJob"):
        yield job, ("spec", "jobTemplate", "spec")


def _is_hook(job: Manifest) -> bool:
    return any(name in job.annotations for name in _HOOKS)


def _is_replaced(job: Manifest, owner: Manifest | None) -> bool:
    options = str(job.annotations.get("argocd.argoproj.io/sync-options") or "")
    flux = {key.rpartition("/")[2]: str(value).lower() for key, value in job.annotations.items()
            if str(key).startswith("kustomize.toolkit.fluxcd.io/")}  # fmt: skip
    forced = owner is not None and (owner.get("spec", "force") is True or owner.get("spec", "upgrade", "force") is True)
    kept = flux.get("force") in {"enabled", "true"} or flux.get("ssa") in {"ifnotpresent", "ignore"}
    return "Replace=true" in options or forced or kept or flux.get("reconcile") == "disabled"


def _own_name(job: Manifest) -> bool:
    tags = [Reference.of(str(one.get("image"))).tag for _, one in job.items("spec", "template", "spec", "containers")]
    own = any(tag and tag.replace(".", "-") in job.name.replace(".", "-") for tag in tags)
    return own or bool(_OWN_NAME.match(job.name))


def _beside(taken: list[Workload]) -> Iterator[Workload]:
    """Yield the Jobs among pods of something that runs."""
    if any(running(taken)):
        yield from (one for one in taken if one.manifest.kind in _KINDS)


def _labels(job: Workload) -> Path:
    return (*job.template, "metadata", "labels")


def _gets_requests(service: Manifest, job: Workload) -> Any:
    """Return a port that a Service opens to the pods of a Job: a number, or a name that they have."""
    declared = {str(port.get("name")) for _, one in job.containers() for port in ports_of(one)}
    for _, port in service.items("spec", "ports"):
        target = port.get("targetPort") or port.get("port")
        if isinstance(target, int) or (isinstance(target, str) and (target.isdigit() or target in declared)):
            return target
    return None
