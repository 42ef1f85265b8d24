"""Logs: what ships them and what stores them agree."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.completeness import brought_whole, is_plain
from scaffold.rules.reading.fluentbit import Output, outputs
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters

_ELASTIC = "elasticsearch.k8s.elastic.co"
_KIBANA = "kibana.k8s.elastic.co"
_SUFFIX = "-es-http"
_DATA = "elasticsearch-data"


@rule("OBS-15", Severity.ERROR, fix="Name <Elasticsearch>-es-http, and set suppress_type_name and tls to on.")
def logs_reach_elasticsearch(repo: Repo) -> Iterator[Hit]:
    """Fluent Bit sends to an Elasticsearch that exists, by TLS and without types.

    Elasticsearch 8 answers 400 to every document with a type, which Fluent Bit sends by default, and ECK's own port
    takes TLS alone: no log arrives, and the pods look well. Judged are outputs to the Service of an Elasticsearch of
    the ECK operator.
    """
    known = {cluster.name: cluster for cluster in clusters(repo)}
    for output in outputs(repo):
        host = output.fields.get("host")
        if isinstance(host, str) and is_plain(host) and host.partition(".")[0].endswith(_SUFFIX):
            for what in _output_faults(output, host, known.get(output.cluster)):
                yield Hit(output.place, f"{output.what}: output to {host}: {what}")


@rule("OBS-16", Severity.ERROR, fix="Name an Elasticsearch of at least the same version, and the claim as it asks.")
def kibana_and_volumes_fit_elasticsearch(repo: Repo) -> Iterator[Hit]:
    """Every Kibana names an Elasticsearch that exists and is not older, and data goes to the claim for data.

    A newer Kibana refuses to start. A claim called otherwise than `elasticsearch-data` is not mounted: the operator
    adds one of 1Gi with that name, which is full within days. Namespaces that get objects from elsewhere are not
    judged for what they lack.
    """
    for cluster in clusters(repo):
        stores = {(one.namespace, one.name): one for one in cluster.each(_ELASTIC, "Elasticsearch")}
        for kibana in cluster.each(_KIBANA, "Kibana"):
            name = kibana.get("spec", "elasticsearchRef", "name")
            namespace = str(kibana.get("spec", "elasticsearchRef", "namespace") or kibana.namespace)
            store = stores.get((namespace, str(name)))
            if store is None and is_plain(name) and brought_whole(cluster, namespace) and _is_ours(cluster, namespace):
                what = f"{kibana}: no Elasticsearch {namespace}/{name}"
                yield at(kibana, ("spec", "elasticsearchRef", "name"), what)
            mine, theirs = _version(kibana), _version(store) if store else None
            if store and mine and theirs and mine > theirs:
                what = f"{kibana}: version {kibana.get('spec', 'version')} is newer than {store.get('spec', 'version')}"
                yield at(kibana, ("spec", "version"), f"{what} of {store}")
        for store in stores.values():
            yield from _claims(store)


def _output_faults(output: Output, host: str, cluster: Cluster | None) -> Iterator[str]:
    if cluster is None:
        return
    first, _, rest = host.partition(".")
    namespace = rest.partition(".")[0] or output.namespace
    name = first.removesuffix(_SUFFIX)
    stores = [
        one for one in cluster.each(_ELASTIC, "Elasticsearch") if one.name == name and namespace in {"", one.namespace}
    ]
    if not stores and namespace and brought_whole(cluster, namespace) and _is_ours(cluster, namespace):
        yield f"no Elasticsearch {namespace}/{name}"
    for store in stores[:1]:
        version = _version(store)
        if version and version[0] >= 8 and not output.is_on("suppress_type_name"):
            yield f"suppress_type_name is not on, {store} is of version {version[0]}"
        plain = store.get("spec", "http", "tls", "selfSignedCertificate", "disabled") is True
        if not plain and not output.is_on("tls"):
            yield f"tls is not on, {store} takes nothing else"


def _is_ours(cluster: Cluster, namespace: str) -> bool:
    """Tell whether an Elasticsearch of this name or another is expected to stand here."""
    return any(True for _ in cluster.each(_ELASTIC, "Elasticsearch")) or namespace in cluster.populated


def _version(manifest: Manifest | None) -> tuple[int, ...] | None:
    value = manifest.get("spec", "version") if manifest else None
    parts = value.split(".") if isinstance(value, str) else []
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 6]
    return tuple(numbers) if numbers and len(numbers) == len(parts) else None


def _claims(store: Manifest) -> Iterator[Hit]:
    for index, _ in store.items("spec", "nodeSets"):
        keys = ("spec", "nodeSets", index)
        names = [str(store.get(*keys, "volumeClaimTemplates", number, "metadata", "name"))
                 for number, _ in store.items(*keys, "volumeClaimTemplates")]  # fmt: skip
        used = _mounted(store.mapping(*keys, "podTemplate", "spec"))
        if names and _DATA not in names and _DATA not in used and not used & set(names):
            where = (*keys, "volumeClaimTemplates", 0, "metadata", "name")
            yield at(store, where, f"{store}: claim {names[0]} is mounted by nobody, that of data is called {_DATA}")


def _mounted(spec: Mapping[str, Any]) -> set[str]:
    """Return the names of volumes that a pod template defines or mounts."""
    found: set[str] = set()
    for field, name in (("volumes", ""), ("containers", "volumeMounts"), ("initContainers", "volumeMounts")):
        listed = spec.get(field)
        for one in listed if isinstance(listed, list) else ():
            mounts = one.get(name) if isinstance(one, Mapping) and name else [one]
            mounts = mounts if isinstance(mounts, list) else []
            found |= {str(mount.get("name")) for mount in mounts if isinstance(mount, Mapping)}
    return found
