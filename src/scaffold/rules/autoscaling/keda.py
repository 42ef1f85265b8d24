"""KEDA: what its webhook refuses, and what its triggers refer to."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.completeness import all_opened, brought_whole, inside, is_plain, is_whole
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.resources import BOTH
from scaffold.rules.reading.scalers import KEDA, count

_LONGEST_NAME = 54


@rule("AUTO-13", Severity.ERROR, fix="Correct what the trigger refers to, or the field that KEDA does not accept.")
def triggers_can_be_asked(repo: Repo) -> Iterator[Hit]:
    """A ScaledObject is one that KEDA accepts, and what its triggers refer to exists.

    The schema takes any of it; the webhook does not, or the scaler never starts: a name of more than 54 letters without
    a name for the autoscaler, two triggers of one name, bounds that contradict each other, a fallback for CPU and
    memory alone. Authentications and the Service of a Prometheus are looked for where all of their namespace comes from
    this repository.
    """
    opened = all_opened(repo)
    for cluster in clusters(repo):
        known = {
            (kind, one.namespace if kind == "TriggerAuthentication" else "", one.name)
            for kind in ("TriggerAuthentication", "ClusterTriggerAuthentication")
            for one in cluster.each(KEDA, kind)
        }
        for scaler in cluster.each(KEDA, "ScaledObject", "ScaledJob"):
            for keys, why in _refused(scaler):
                yield at(scaler, keys, f"{scaler}: {why}")
            for index, trigger in scaler.items("spec", "triggers"):
                if opened:
                    yield from _authentication(cluster, scaler, index, known)
                metadata = trigger.get("metadata")
                if trigger.get("type") == "prometheus" and isinstance(metadata, Mapping):
                    keys = ("spec", "triggers", index, "metadata", "serverAddress")
                    if why := _unknown_server(cluster, metadata.get("serverAddress")):
                        yield at(scaler, keys, f"{scaler}: {why}")


def _refused(scaler: Manifest) -> Iterator[tuple[Path, str]]:
    triggers = list(scaler.items("spec", "triggers"))
    names: set[str] = set()
    for index, trigger in triggers:
        name = trigger.get("name")
        if isinstance(name, str) and name in names:
            yield ("spec", "triggers", index, "name"), f"two triggers are named {name}"
        names.add(str(name))
    if scaler.kind != "ScaledObject":
        return
    own = scaler.get("spec", "advanced", "horizontalPodAutoscalerConfig", "name")
    if len(scaler.name) > _LONGEST_NAME and not own and is_plain(scaler.name):
        what = f"its name has {len(scaler.name)} letters, and {_LONGEST_NAME} fit into keda-hpa-..."
        yield ("metadata", "name"), what
    least, most, idle = (scaler.get("spec", f"{word}ReplicaCount") for word in ("min", "max", "idle"))
    lower, upper = count(least) if least is not None else 0, count(most) if most is not None else 100
    if lower is not None and upper is not None and lower > upper:
        yield ("spec", "minReplicaCount"), f"minReplicaCount {lower} is more than maxReplicaCount {upper}"
    if lower is not None and (rest := count(idle)) is not None and rest >= lower:
        yield ("spec", "idleReplicaCount"), f"idleReplicaCount {rest} is not less than minReplicaCount {lower}"
    kinds = {str(trigger.get("type")) for _, trigger in triggers}
    if scaler.get("spec", "fallback") is not None and kinds and kinds <= set(BOTH):
        yield ("spec", "fallback"), "a fallback needs a trigger that is neither cpu nor memory"
    modifiers = scaler.mapping("spec", "advanced", "scalingModifiers")
    if modifiers.get("formula") and not modifiers.get("target"):
        yield ("spec", "advanced", "scalingModifiers"), "a formula needs a target"


def _authentication(cluster: Cluster, scaler: Manifest, index: int, known: set[tuple[str, str, str]]) -> Iterator[Hit]:
    keys: Path = ("spec", "triggers", index, "authenticationRef")
    reference = scaler.mapping(*keys)
    name, kind = reference.get("name"), str(reference.get("kind") or "TriggerAuthentication")
    own = kind == "TriggerAuthentication"
    whole = brought_whole(cluster, scaler.namespace) if own else is_whole(cluster)
    place = scaler.namespace if own else ""
    if reference and is_plain(name) and whole and (kind, place, str(name)) not in known:
        where = f" {inside(place)}" if own else ""
        yield at(scaler, keys, f"{scaler}: there is no {kind} {name}{where}")


def _unknown_server(cluster: Cluster, address: Any) -> str:
    """Say what is wrong with the address of a Service of this cluster, empty for nothing."""
    if not is_plain(address):
        return ""
    try:
        parts = urlsplit(str(address))
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ""
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    if not namespace or domain not in {"", "svc", "svc.cluster.local"}:
        return ""
    service = cluster.services.get((namespace, name))
    if service is None:
        return f"there is no Service {namespace}/{name}" if cluster.lacks(namespace, name) else ""
    ports = [one.get("port") for _, one in service.items("spec", "ports")]
    outside = service.get("spec", "type") == "ExternalName" or service.get("spec", "clusterIP") == "None"
    if ports and port not in ports and not outside:
        return f"{service} has no port {port}, it has {', '.join(map(str, ports))}"
    return ""
