"""Flux objects: versions that it serves, times that make sense, charts that can be had."""

import re
from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.fluxtree import HELM, KUSTOMIZE, trees
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import title

_NOTIFICATION = "notification.toolkit.fluxcd.io"
_SERVED = {
    "source.toolkit.fluxcd.io": "v1",
    KUSTOMIZE: "v1",
    HELM: "v2",
    "image.toolkit.fluxcd.io": "v1",
    "source.extensions.fluxcd.io": "v1beta1",
    "fluxcd.controlplane.io": "v1",
}
_NOTIFICATIONS = {
    (_NOTIFICATION, "Receiver"): "v1",
    (_NOTIFICATION, "Alert"): "v1beta3",
    (_NOTIFICATION, "Provider"): "v1beta3",
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_SHORTEST = 60


@rule("GITOPS-30", Severity.WARNING, fix="Write the version that Flux serves, `flux migrate -f .` does it.")
def flux_objects_have_a_served_version(repo: Repo) -> Iterator[Hit]:
    """Objects of Flux have a version that Flux 2.9 serves.

    The beta versions are gone since 2.8 and 2.9: after the next upgrade nothing of the same Kustomization is
    applied. A version is passed over where the repository brings a definition that serves it.
    """
    served = {
        (m.get("spec", "group"), m.get("spec", "names", "kind"), version.get("name"))
        for m in (*repo.raw, *repo.manifests)
        if m.kind == "CustomResourceDefinition"
        for _, version in m.items("spec", "versions")
        if version.get("served")
    }
    for manifest in repo.manifests:
        wanted = _SERVED.get(manifest.group) or _NOTIFICATIONS.get((manifest.group, manifest.kind))
        version = manifest.api_version.rpartition("/")[2]
        if wanted and version != wanted and (manifest.group, manifest.kind, version) not in served:
            what = f"{manifest.kind} is {manifest.group}/{wanted}, {version} is gone"
            yield at(manifest, ("apiVersion",), f"{manifest}: {what}")


@rule("GITOPS-34", Severity.WARNING, fix="Let it retry sooner than the interval, and the interval be a minute or more.")
def kustomizations_have_sensible_times(repo: Repo) -> Iterator[Hit]:
    """A Kustomization retries sooner than its interval, ends within it, and starts once a minute at most.

    Nothing enforces it: with a long retryInterval a failure heals later than without, with a long timeout a run is
    still waiting when the next is due, and a short interval keeps the API server busy with what has not changed.
    """
    for owner in repo.each(KUSTOMIZE, "Kustomization"):
        interval, retry, timeout = (_seconds(owner, name) for name in ("interval", "retryInterval", "timeout"))
        if interval is None:
            continue
        if interval < _SHORTEST:
            yield _time(owner, "interval", "is less than a minute")
        if retry is not None and retry > interval:
            yield _time(owner, "retryInterval", f"is longer than the interval {owner.get('spec', 'interval')}")
        if timeout is not None and timeout > interval:
            yield _time(owner, "timeout", f"is longer than the interval {owner.get('spec', 'interval')}")


@rule("GITOPS-36", Severity.ERROR, fix="Name one chart, from a source that is in the repository.")
def releases_have_one_chart(repo: Repo) -> Iterator[Hit]:
    """A HelmRelease has one of chart and chartRef, and the source of it exists.

    Both together are refused, and without its source a release waits for ever. Whether the source exists is judged
    where everything that Flux applies to the cluster is in the repository.
    """
    lying = {(manifest.kind, manifest.name) for manifest in repo.raw}
    for tree in trees(repo):
        applied = {(m.kind, m.namespace, m.name) for objects in tree.objects.values() for m in objects}
        for release in tree.each("HelmRelease"):
            chart, referenced = release.mapping("spec", "chart"), release.mapping("spec", "chartRef")
            if chart and referenced:
                yield at(release, ("spec", "chartRef"), f"{release} has both chart and chartRef")
                continue
            keys = ("spec", "chartRef") if referenced else ("spec", "chart", "spec", "sourceRef")
            kind, name = release.get(*keys, "kind"), release.get(*keys, "name")
            namespace = release.get(*keys, "namespace") or release.namespace
            if not isinstance(kind, str) or not isinstance(name, str) or "${" in f"{name}{namespace}":
                continue
            if tree.complete and (kind, name) not in lying and (kind, namespace, name) not in applied:
                yield at(release, keys, f"{release}: {kind} {namespace}/{name} does not exist")


@rule("GITOPS-37", Severity.WARNING, fix="Set `upgrade.crds: CreateReplace`.")
def releases_upgrade_their_definitions(repo: Repo) -> Iterator[Hit]:
    """A HelmRelease of a chart with a ``crds`` folder replaces the definitions at an upgrade.

    The default is Skip: the cluster keeps the definitions of the first version for ever, and new fields are refused.
    It is judged for charts of the repository.
    """
    with_definitions = {
        chart.owner: chart.path
        for chart in repo.charts
        if any(path.endswith((".yaml", ".yml", ".json")) for path in repo.below(f"{chart.path}/crds"))
    }
    for release in repo.each(HELM, "HelmRelease"):
        path = with_definitions.get(title(release))
        policy = release.get("spec", "upgrade", "crds")
        if path is not None and policy != "CreateReplace":
            keys = ("spec", "upgrade", "crds") if policy else ("spec",)
            yield at(release, keys, f"{release}: {path} has crds/, an upgrade leaves them as they are")


def _time(owner: Manifest, name: str, what: str) -> Hit:
    return at(owner, ("spec", name), f"{owner}: {name} {owner.get('spec', name)} {what}")


def _seconds(owner: Manifest, name: str) -> float | None:
    value = owner.get("spec", name)
    if not isinstance(value, str) or not value or _DURATION.sub("", value):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(value))
