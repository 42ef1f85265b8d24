"""The outline of an expanded repository, for the page that ``check --format html`` makes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.expand import environment_of
from scaffold.model.manifest import Manifest
from scaffold.model.outline import Column, Node, Outline, Owner, Picture, Row
from scaffold.model.repo import Repo
from scaffold.model.rule import Finding
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.owners import title

_OWNERS = frozenset({"Application", "ApplicationSet", "HelmRelease", "Kustomization"})
_ROUTES = (
    ("networking.istio.io", "VirtualService"), ("gateway.networking.k8s.io", "HTTPRoute"),
    ("gateway.networking.k8s.io", "GRPCRoute"), ("networking.k8s.io", "Ingress"),
)  # fmt: skip


def outline(name: str, repo: Repo, findings: Iterable[Finding]) -> Outline:
    """Return the outline of what is applied, with the text of the files that findings are in."""
    there = list(clusters(repo))
    names = {cluster.name: _environment(repo, cluster) for cluster in there}
    known = {title(m): m for m in repo.manifests if m.kind in _OWNERS}
    environments = tuple(sorted({name for name in names.values() if name}))
    files = {finding.place.path for finding in findings}
    return Outline(
        name,
        environments,
        tuple(_owners(repo, known, names)),
        tuple(_rows(there, names, environments)),
        tuple(_picture(known, cluster, names[cluster.name]) for cluster in there if cluster.workloads),
        {path: tuple(repo.files[path].splitlines()) for path in files if path in repo.files},
    )


def _environment(repo: Repo, cluster: Cluster) -> str:
    """Return the environment that most objects of a cluster belong to, else the cluster's own name."""
    counts = Counter(environment_of(repo, manifest) for manifest in repo.in_cluster(cluster.name))
    counts.pop("", None)
    return counts.most_common(1)[0][0] if counts else cluster.name


def _owners(repo: Repo, known: Mapping[str, Manifest], names: dict[str, str]) -> Iterator[Owner]:
    kinds: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for manifest in repo.manifests:
        kinds[manifest.origin.owner, manifest.cluster][manifest.kind] += 1
    for (owner, cluster), counted in sorted(kinds.items()):
        made = known.get(owner)
        # A root that brings itself hangs on nothing.
        parent = made.origin.owner if made and made.origin.owner != owner else ""
        environment = environment_of(repo, made) if made else names.get(cluster, "")
        yield Owner(owner or "files", parent, environment, cluster, tuple(sorted(counted.items())))


def _rows(there: list[Cluster], names: dict[str, str], environments: tuple[str, ...]) -> Iterator[Row]:
    cells: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for cluster in there:
        scaled = _scalers(cluster)
        for workloads in cluster.workloads.values():
            for workload in workloads:
                for fact, value in _facts(workload, scaled):
                    cells[str(workload.manifest), fact][names[cluster.name]] = value
    for (workload_name, fact), found in cells.items():
        yield Row(workload_name, fact, tuple(found.get(environment, "") for environment in environments))


def _scalers(cluster: Cluster) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for scaler in cluster.each("autoscaling", "HorizontalPodAutoscaler"):
        target = scaler.mapping("spec", "scaleTargetRef")
        least, most = scaler.get("spec", "minReplicas") or 1, scaler.get("spec", "maxReplicas")
        found[str(target.get("kind")), scaler.namespace, str(target.get("name"))] = f"{least} to {most}, autoscaled"
    return found


def _facts(workload: Workload, scaled: dict[tuple[str, str, str], str]) -> Iterator[tuple[str, str]]:
    manifest = workload.manifest
    replicas = scaled.get((manifest.kind, manifest.namespace, manifest.name))
    if replicas or manifest.kind in {"Deployment", "StatefulSet", "ReplicaSet", "Rollout"}:
        yield "replicas", replicas or str(manifest.get("spec", "replicas") or 1)
    if schedule := manifest.get("spec", "schedule"):
        yield "schedule", str(schedule)
    for keys, container in workload.containers():
        prefix = "" if keys[-2:] == ("containers", 0) else f"{container.get('name')}: "
        yield f"{prefix}image", str(container.get("image") or "")
        if not prefix:
            for field in ("requests", "limits"):
                if said := _resources(container, field):
                    yield field, said


def _resources(container: Any, field: str) -> str:
    resources = container.get("resources")
    amounts = resources.get(field) if isinstance(resources, dict) else None
    return ", ".join(f"{key} {value}" for key, value in amounts.items()) if isinstance(amounts, dict) else ""


class _Canvas:
    """Nodes and edges as they are found; a node is known by its column and its key."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[Column, str], Node] = {}
        self.edges: dict[tuple[tuple[Column, str], tuple[Column, str]], None] = {}

    def add(self, column: Column, key: str, label: str, path: str) -> tuple[Column, str]:
        self.nodes.setdefault((column, key), Node(column, label, key, path))
        return column, key

    def join(self, left: tuple[Column, str], right: tuple[Column, str]) -> None:
        self.edges.setdefault((left, right))

    def picture(self, environment: str) -> Picture:
        keys = list(self.nodes)
        number = {key: index for index, key in enumerate(keys)}
        edges = tuple((number[left], number[right]) for left, right in self.edges)
        return Picture(environment, tuple(self.nodes.values()), edges)


def _picture(known: Mapping[str, Manifest], cluster: Cluster, environment: str) -> Picture:
    canvas = _Canvas()
    for workloads in cluster.workloads.values():
        for workload in workloads:
            manifest = workload.manifest
            node = canvas.add(Column.WORKLOAD, str(manifest), manifest.name, manifest.origin.path)
            if owner := manifest.origin.owner:
                application = canvas.add(Column.APPLICATION, owner, owner.rpartition("/")[2], "")
                canvas.join(application, node)
                if root := _root(owner, known):
                    canvas.join(canvas.add(Column.ENTRY, root, root.rpartition("/")[2], ""), application)
    for service in cluster.services.values():
        selected = cluster.selected(service)
        if selected:
            node = canvas.add(Column.SERVICE, str(service), service.name, service.origin.path)
            for workload in selected:
                canvas.join((Column.WORKLOAD, str(workload.manifest)), node)
    for group, kind in _ROUTES:
        for route in cluster.each(group, kind):
            hosts = ", ".join(_hosts(route)) or route.name
            node = canvas.add(Column.ROUTE, f"{route}: {hosts}", hosts, route.origin.path)
            for namespace, name in _backends(route):
                if (backend := cluster.services.get((namespace, name))) is not None:
                    key = canvas.add(Column.SERVICE, str(backend), backend.name, backend.origin.path)
                    canvas.join(key, node)
    return canvas.picture(environment)


def _root(owner: str, known: Mapping[str, Manifest]) -> str:
    """Return the first of those that bring an owner; empty if it is applied by hand itself."""
    seen = {owner}
    while owner in known and (above := known[owner].origin.owner) and above not in seen:
        seen.add(above)
        owner = above
    return owner if len(seen) > 1 else ""


def _hosts(route: Manifest) -> Iterator[str]:
    for field in ("hosts", "hostnames"):
        for host in route.get("spec", field) or ():
            yield str(host)
    for _, rule in route.items("spec", "rules"):
        if isinstance(rule.get("host"), str):
            yield str(rule["host"])


def _backends(route: Manifest) -> Iterator[tuple[str, str]]:
    """Yield namespace and name of every Service that a route names, wherever in it."""
    yield from dict.fromkeys(_named(route.mapping("spec"), route.namespace))


def _named(value: Any, namespace: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        host, name = value.get("host"), value.get("name")
        if isinstance(host, str) and "http" not in value:
            first, _, rest = host.partition(".")
            yield rest.partition(".")[0] or namespace, first
        if isinstance(name, str) and not {"port", "weight", "number"}.isdisjoint(value):
            yield str(value.get("namespace") or namespace), name
        for item in value.values():
            yield from _named(item, namespace)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, namespace)
