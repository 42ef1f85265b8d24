"""Scaling: who says how many pods there are, Git or an autoscaler.

Two rules share one question. WORK-03 asks that Git does not say it, or that its owner is told to leave the field
alone; GITOPS-07 asks that what the owner is told also works.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import title

_OWNERS = (
    ("argoproj.io", "Application"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
)


@rule("WORK-03", Severity.ERROR, fix="Leave spec.replicas out: the autoscaler owns it.")
def scaled_workloads_set_no_replicas(repo: Repo) -> Iterator[Hit]:
    """A workload that an autoscaler scales sets no spec.replicas, unless its owner is told to ignore the field.

    Every sync sets the number back, and the autoscaler raises it again. "replicas: 0" switches it off.
    """
    owners = _owners(repo)
    for workload, scaler in _scaled(repo):
        if not any(True for _ in _ignored(repo, owners, workload)):
            replicas = workload.get("spec", "replicas")
            yield at(workload, ("spec", "replicas"), f"{workload} sets replicas: {replicas}, and {scaler} scales it")


@rule("GITOPS-07", Severity.ERROR, fix="Leave spec.replicas out, or make the owner ignore it in a way that lasts.")
def owners_leave_replicas_to_the_autoscaler(repo: Repo) -> Iterator[Hit]:
    """An owner that is told to ignore spec.replicas of a scaled workload does so.

    ignoreDifferences only quiets the diff: a sync applies Git all the same, unless RespectIgnoreDifferences is on,
    and an entry without the right group matches nothing. driftDetection.ignore of a HelmRelease does not hold at
    an upgrade.
    """
    owners = _owners(repo)
    for workload, scaler in _scaled(repo):
        ways = list(_ignored(repo, owners, workload))
        if ways and all(why for _, _, why in ways):
            owner, keys, why = ways[0]
            what = f"{owner} is to ignore the replicas of {workload}, which {scaler} scales, but {why}"
            yield at(owner, keys, what)


def _scaled(repo: Repo) -> Iterator[tuple[Manifest, Manifest]]:
    """Yield every workload that sets its replicas though something scales it, and what does."""
    workloads = {
        (m.cluster, m.namespace, m.group, m.kind, m.name): m
        for m in repo.manifests
        if m.get("spec", "replicas") is not None
    }
    scalers = (*repo.each("autoscaling", "HorizontalPodAutoscaler"), *repo.each("keda.sh", "ScaledObject"))
    for scaler in scalers if workloads else ():
        target = scaler.mapping("spec", "scaleTargetRef")
        # A ScaledObject may leave out both, and means a Deployment.
        group, slash, _ = str(target.get("apiVersion") or "apps/v1").partition("/")
        kind = str(target.get("kind") or "Deployment")
        key = (scaler.cluster, scaler.namespace, group if slash else "", kind, str(target.get("name")))
        if found := workloads.get(key):
            yield found, scaler


def _ignored(
    repo: Repo, owners: Mapping[str, list[Manifest]], workload: Manifest
) -> Iterator[tuple[Manifest, Path, str]]:
    """Yield who is told where to ignore a workload's replicas, and why it does not work (empty: it does)."""
    for owner in owners.get(workload.origin.owner, ()):
        if owner.kind == "Application":
            yield from _by_application(repo, owner, workload)
        elif owner.cluster == workload.cluster:
            yield from _by_flux(owner, workload)


def _owners(repo: Repo) -> Mapping[str, list[Manifest]]:
    """Return the owners by the title that they have as an origin."""
    found: dict[str, list[Manifest]] = {}
    for group, kind in _OWNERS:
        for owner in repo.each(group, kind):
            found.setdefault(title(owner), []).append(owner)
    return found


def _by_application(repo: Repo, app: Manifest, workload: Manifest) -> Iterator[tuple[Manifest, Path, str]]:
    options = app.get("spec", "syncPolicy", "syncOptions")
    respected = isinstance(options, list) and "RespectIgnoreDifferences=true" in options
    why = "" if respected else "without the sync option RespectIgnoreDifferences=true a sync still sets them"
    for index, entry in app.items("spec", "ignoreDifferences"):
        names = all(entry.get(field) in {None, "", value} for field, value in
                    (("name", workload.name), ("namespace", workload.namespace)))  # fmt: skip
        if names and _is_about_replicas(entry) and fnmatchcase(workload.kind, str(entry.get("kind"))):
            group = str(entry.get("group") or "")
            wrong = f"the entry's group is {group!r}, not {workload.group!r}"
            yield app, ("spec", "ignoreDifferences", index), why if fnmatchcase(workload.group, group) else wrong
    for settings in repo.each("", "ConfigMap"):
        for name in (f"{workload.group}_{workload.kind}", "all") if settings.name == "argocd-cm" else ():
            text = settings.get("data", f"resource.customizations.ignoreDifferences.{name}")
            if isinstance(text, str) and "spec/replicas" in text.replace(".", "/"):
                yield app, ("spec", "syncPolicy"), why


def _by_flux(owner: Manifest, workload: Manifest) -> Iterator[tuple[Manifest, Path, str]]:
    drift: Path = ("spec", "driftDetection", "ignore")
    where: Path = drift if owner.kind == "HelmRelease" else ("spec", "ignore")
    for index, entry in owner.items(*where):
        target = entry.get("target")
        about = {"group": workload.group, "kind": workload.kind, "name": workload.name, "namespace": workload.namespace}
        # Flux reads these as regular expressions; one that is a plain word is compared, others are taken to match.
        matches = not isinstance(target, dict) or all(
            not target.get(field) or not str(target[field]).replace("-", "").isalnum() or target[field] == value
            for field, value in about.items()
        )
        paths = entry.get("paths")
        if matches and isinstance(paths, list) and {"/spec/replicas", "/spec"} & set(map(str, paths)):
            why = "driftDetection.ignore does not hold at an upgrade" if where == drift else ""
            yield owner, (*where, index), why


def _is_about_replicas(entry: Mapping[str, Any]) -> bool:
    def texts(field: str) -> list[str]:
        value = entry.get(field)
        return [str(item) for item in value] if isinstance(value, list) else []

    return (
        bool({"/spec/replicas", "/spec"} & set(texts("jsonPointers")))
        or any(".spec.replicas" in expression for expression in texts("jqPathExpressions"))
        or "kube-controller-manager" in texts("managedFieldsManagers")
    )
