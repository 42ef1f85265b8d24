"""Lifecycle: what Git holds is meant to stay, and what ends has time to."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import clusters

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_ASIDE = frozenset({"docs", "e2e", "examples", "test", "tests"})
_MADE = {
    ("apps", "ControllerRevision"): "a StatefulSet or DaemonSet makes it",
    ("coordination.k8s.io", "Lease"): "whoever holds it writes it",
    ("", "Event"): "it tells what has happened, and is deleted within the hour",
    ("events.k8s.io", "Event"): "it tells what has happened, and is deleted within the hour",
}
_DEFAULT_GRACE = 30
_SLEEP = re.compile(r"(?:\A|[;&|\s])sleep\s+(\d+)(?:\s*(?:[;&|]|\Z))")


@rule("WORK-15", Severity.WARNING, fix="Take it out of Git: what runs in the cluster makes it.")
def git_holds_no_runtime_state(repo: Repo) -> Iterator[Hit]:
    """Git holds nothing that controllers write while the cluster runs.

    A Lease in Git takes the leadership from its holder at every sync; Endpoints of a Service with a selector, and
    ReplicaSets of a Deployment, are written over by their controllers. Endpoints of a Service without a selector are
    for addresses outside, and fine. Pods are WORK-20's.
    """
    for cluster in clusters(repo):
        for kind, why in _MADE.items():
            for manifest in cluster.each(*kind):
                yield at(manifest, ("kind",), f"{manifest} is runtime state: {why}")
        for manifest in cluster.each("apps", "ReplicaSet"):
            owned = manifest.get("metadata", "ownerReferences") or "pod-template-hash" in manifest.labels
            if owned:
                yield at(manifest, ("kind",), f"{manifest} is runtime state: a Deployment makes it")
        for group, kind_name in (("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")):
            for manifest in cluster.each(group, kind_name):
                name = manifest.labels.get("kubernetes.io/service-name") if group else manifest.name
                service = cluster.services.get((manifest.namespace, str(name)))
                if service and service.mapping("spec", "selector"):
                    what = f"{manifest} is runtime state: the selector of {service} makes it"
                    yield at(manifest, ("kind",), what)


@rule(
    "WORK-17",
    Severity.WARNING,
    fix="Set terminationGracePeriodSeconds to the wait of preStop plus the longest request.",
)
def pods_have_time_to_end(repo: Repo) -> Iterator[Hit]:
    """The grace period of a pod is longer than what its preStop hook waits.

    The time is one for both: when the hook is done and nothing is left the program is killed in the middle of its
    requests. The server refuses a sleep that is longer, not one that is as long, and does not read commands. The
    default is 30 seconds. How long the program itself needs is not known.
    """
    for cluster in clusters(repo):
        for workloads in cluster.workloads.values():
            for workload in workloads:
                given = workload.manifest.get(*workload.spec, "terminationGracePeriodSeconds")
                grace = _DEFAULT_GRACE if given is None else given
                if not isinstance(grace, int) or isinstance(grace, bool):
                    continue
                for keys, _ in workload.containers():
                    where, wait = _waits(workload.manifest, (*keys, "lifecycle", "preStop"))
                    if wait and wait >= grace:
                        said = f"of {grace} seconds" + ("" if given is not None else ", the default,")
                        what = (
                            f"{workload.manifest}: preStop waits {wait} seconds, the grace period {said} leaves nothing"
                        )
                        yield at(workload.manifest, where, what)


@rule("WORK-20", Severity.WARNING, fix="Make it a Deployment, a StatefulSet or a Job.")
def pods_have_an_owner(repo: Repo) -> Iterator[Hit]:
    """No Pod is applied by itself, hooks and tests aside.

    When its node goes nothing starts it elsewhere, and hardly anything of it can be changed: the next sync is refused.
    """
    for cluster in clusters(repo):
        for pod in cluster.each("", "Pod"):
            hook = any(name in pod.annotations for name in _HOOKS)
            if not hook and not _ASIDE & set(PurePosixPath(pod.origin.path).parts[:-1]) and _is_a_pod(pod):
                yield at(pod, ("kind",), f"{pod} is a bare Pod: nothing starts it again elsewhere")


def _is_a_pod(manifest: Manifest) -> bool:
    return bool(manifest.mapping("spec"))


def _waits(manifest: Manifest, keys: Path) -> tuple[Path, int]:
    """Return keys and seconds of what a preStop hook waits; 0 where it is not known."""
    sleep: Any = manifest.get(*keys, "sleep", "seconds")
    if isinstance(sleep, int) and not isinstance(sleep, bool):
        return (*keys, "sleep", "seconds"), sleep
    command = manifest.get(*keys, "exec", "command")
    text = " ".join(map(str, command)) if isinstance(command, list) else ""
    found = [int(number[:9]) for number in _SLEEP.findall(text)]
    return (*keys, "exec", "command"), sum(found)
