"""Secrets from stores outside: written by one, read from a store that exists, and noticed when they change."""

from collections.abc import Iterator, Mapping

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.chartfiles import own_charts
from scaffold.rules.reading.completeness import all_opened, brought_whole, inside, is_plain
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.installs import installs_of
from scaffold.rules.reading.inventory import Cluster, Workload, clusters
from scaffold.rules.reading.ranges import version_of
from scaffold.rules.reading.stores import STORES, Stores
from scaffold.rules.reading.vaults import EXTERNAL, VAULT, VAULT_KINDS, keys_of, makers

_SINCE = (0, 17, 0)
_RELOADERS = ("reloader.stakater.com/", "secret.reloader.stakater.com/", "wave.pusher.com/")
_SHIM = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer")


@rule("SEC-09", Severity.ERROR, fix="Leave the Secret to one of them, or give the other one a name of its own.")
def secrets_have_one_writer(repo: Repo) -> Iterator[Hit]:
    """A Secret is written by one: a Certificate, an ExternalSecret, an object of Vault, or itself.

    Two overwrite each other for ever, or the second one refuses to begin. An Ingress with cert-manager's annotation
    makes a Certificate of its own. What adds to the Secret of another, as creationPolicy Merge does, is no second one.
    """
    for cluster in clusters(repo):
        first: dict[tuple[str, str], Manifest] = {}
        for maker in makers(cluster):
            other = first.setdefault((maker.manifest.namespace, maker.name), maker.manifest)
            same = (other.kind, other.name) == (maker.manifest.kind, maker.manifest.name)
            if not same and is_plain(maker.name):
                what = f"writes Secret {maker.name}, and so does {other} ({other.place()})"
                yield at(maker.manifest, maker.keys, f"{maker.manifest} {what}")
        for ingress in cluster.each("networking.k8s.io", "Ingress"):
            for index, entry in ingress.items("spec", "tls") if _shimmed(ingress) else ():
                made = first.get((ingress.namespace, str(entry.get("secretName"))))
                # cert-manager takes over a Certificate that has the name it would give it.
                if made and made.kind == "Certificate" and made.name != entry.get("secretName"):
                    keys: Path = ("spec", "tls", index, "secretName")
                    what = f"its annotation makes a Certificate for Secret {entry.get('secretName')}, and so does"
                    yield at(ingress, keys, f"{ingress}: {what} {made} ({made.place()})")


@rule("SEC-10", Severity.ERROR, fix="Name a store that exists, by its kind, and keys that the ExternalSecret makes.")
def external_secrets_come_from_somewhere(repo: Repo) -> Iterator[Hit]:
    """An ExternalSecret names a store that exists and is for its namespace; pods ask for keys that it makes.

    The kind is SecretStore where nothing is said. Without its store the Secret is never made, without the key the pod
    does not start. Stores are judged where nothing else brings them and others of the kind are here; what lies in the
    store is not known.
    """
    for cluster in clusters(repo):
        stores = Stores(repo, cluster)
        made: dict[tuple[str, str], Manifest] = {}
        for external in cluster.each(EXTERNAL, "ExternalSecret"):
            made[external.namespace, str(external.get("spec", "target", "name") or external.name)] = external
            for keys in _references(external):
                if why := stores.missing(external.namespace, external.mapping(*keys)):
                    yield at(external, keys, f"{external}: {why}")
        for user in cluster.each(VAULT, *VAULT_KINDS):
            if why := stores.no_auth(user):
                yield at(user, ("spec", "vaultAuthRef"), f"{user}: {why}")
        for namespace, workloads in cluster.workloads.items() if made else ():
            for workload in workloads:
                yield from _keys(workload, namespace, made)


@rule("SEC-11", Severity.ERROR, fix="Correct the name, or bring the ServiceAccount that the role of the store is for.")
def stores_log_in_with_accounts_that_exist(repo: Repo) -> Iterator[Hit]:
    """The ServiceAccount that a store or a VaultAuth logs in with exists.

    Without it no token can be asked for, and no Secret of the store is made. Judged where all of the namespace comes
    from here and other accounts of it are here. Whether the role at the other side is for it is not known.
    """
    whole = all_opened(repo)
    for cluster in clusters(repo) if whole else ():
        accounts: dict[str, set[str]] = {}
        for account in cluster.each("", "ServiceAccount"):
            accounts.setdefault(account.namespace, {"default"}).add(account.name)
        for manifest, keys, home in _logins(cluster):
            name = manifest.get(*keys)
            there = accounts.get(home)
            if there and is_plain(name) and name not in there and brought_whole(cluster, home):
                what = f"there is no ServiceAccount {name} {inside(home)}"
                yield at(manifest, keys, f"{manifest}: {what}")


@rule("SEC-14", Severity.WARNING, fix="Write it as external-secrets.io/v1, or secrets.hashicorp.com/v1beta1.")
def secrets_are_of_an_api_that_is_served(repo: Repo) -> Iterator[Hit]:
    """ExternalSecrets and stores are of external-secrets.io/v1, objects of Vault's operator of v1beta1.

    v1beta1 is not served any more since External Secrets 0.17: nothing of it can be applied. An older chart that this
    repository installs by an exact version is taken into account.
    """
    old = {one.cluster for one in installs_of(repo, frozenset({"external-secrets"})) if _is_old(one.version)}
    part = any(_is_old(version) for version in _versions(repo))
    kinds = ("ExternalSecret", "ClusterExternalSecret", *STORES)
    for manifest in repo.manifests:
        if manifest.group == EXTERNAL and manifest.kind in kinds and not part and manifest.cluster not in old:
            if manifest.api_version in {f"{EXTERNAL}/v1beta1", f"{EXTERNAL}/v1alpha1"}:
                yield at(manifest, ("apiVersion",), f"{manifest}: {manifest.api_version} is not served, v1 is")
        elif manifest.group == VAULT and manifest.api_version == f"{VAULT}/v1alpha1":
            yield at(manifest, ("apiVersion",), f"{manifest}: {manifest.api_version} is not served, v1beta1 is")


@rule("SEC-16", Severity.WARNING, fix="List the workload in rolloutRestartTargets, or mount the Secret as files.")
def secrets_that_change_are_noticed(repo: Repo) -> Iterator[Hit]:
    """What takes a Secret of Vault into its environment is restarted when the Secret changes.

    A process never sees a new value of its environment: credentials that Vault has replaced stop working. Only Vault's
    operator restarts by itself what rolloutRestartTargets name; a reloader is as good. ExternalSecrets, whose values
    change where a person changes them, are not judged.
    """
    for cluster in clusters(repo):
        users = _users(cluster)
        for secret in cluster.each(VAULT, "VaultDynamicSecret", "VaultStaticSecret"):
            targets = {(str(one.get("kind")), str(one.get("name")))
                       for _, one in secret.items("spec", "rolloutRestartTargets")}  # fmt: skip
            for user in users.get((secret.namespace, str(secret.get("spec", "destination", "name"))), ()):
                kinds = {user.kind, f"argo.{user.kind}"}
                if not any((kind, user.name) in targets for kind in kinds):
                    what = f"{user} takes it into its environment and is not restarted ({user.place()})"
                    yield at(secret, ("spec",), f"{secret}: {what}")


def _references(external: Manifest) -> Iterator[Path]:
    if external.mapping("spec", "secretStoreRef"):
        yield "spec", "secretStoreRef"
    for field in ("data", "dataFrom"):
        for index, _ in external.items("spec", field):
            keys: Path = ("spec", field, index, "sourceRef", "storeRef")
            if external.mapping(*keys):
                yield keys


def _keys(workload: Workload, namespace: str, made: Mapping[tuple[str, str], Manifest]) -> Iterator[Hit]:
    manifest = workload.manifest
    for keys, _ in workload.containers():
        for index, _ in manifest.items(*keys, "env"):
            where: Path = (*keys, "env", index, "valueFrom", "secretKeyRef")
            asked = manifest.mapping(*where)
            external = made.get((namespace, str(asked.get("name"))))
            if external is None or asked.get("optional") is True or not is_plain(asked.get("key")):
                continue
            has = keys_of(external)
            if has and asked["key"] not in has and all(map(is_plain, has)) and _is_owner(external):
                what = f"{external} makes no key {asked['key']}, it makes {', '.join(sorted(has))}"
                yield at(manifest, (*where, "key"), f"{manifest}: {what}")


def _is_owner(external: Manifest) -> bool:
    return external.get("spec", "target", "creationPolicy") in (None, "Owner", "Orphan")


def _logins(cluster: Cluster) -> Iterator[tuple[Manifest, Path, str]]:
    """Yield who logs in, the keys of its account's name, and the account's namespace."""
    for store in cluster.each(EXTERNAL, *STORES):
        for keys in _accounts(store):
            own = store.namespace if store.kind == "SecretStore" else ""
            home = own or str(store.get(*keys, "namespace") or "")
            if home:
                yield store, (*keys, "name"), home
    for auth in cluster.each(VAULT, "VaultAuth"):
        if not auth.get("spec", "allowedNamespaces"):
            yield auth, ("spec", "kubernetes", "serviceAccount"), auth.namespace


def _accounts(store: Manifest) -> Iterator[Path]:
    """Yield the keys of every serviceAccountRef of a store's provider."""
    for provider, fields in store.mapping("spec", "provider").items():
        auth = fields.get("auth") if isinstance(fields, Mapping) else None
        for method, below in auth.items() if isinstance(auth, Mapping) else ():
            if isinstance(below, Mapping) and isinstance(below.get("serviceAccountRef"), Mapping):
                yield "spec", "provider", provider, "auth", method, "serviceAccountRef"


def _shimmed(ingress: Manifest) -> bool:
    return any(ingress.annotations.get(one) for one in _SHIM)


def _is_old(text: str) -> bool:
    version = version_of(text)
    return version is not None and version < _SINCE


def _versions(repo: Repo) -> Iterator[str]:
    """Yield the versions of External Secrets' chart that charts of this repository depend on."""
    for chart in own_charts(repo):
        for _, dependency in chart.dependencies():
            if dependency.get("name") == "external-secrets":
                yield str(dependency.get("version"))


def _users(cluster: Cluster) -> dict[tuple[str, str], list[Manifest]]:
    """Return, by namespace and Secret, the workloads that take it into their environment and that nothing restarts."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for workloads in cluster.workloads.values():
        for workload in workloads:
            manifest = workload.manifest
            noted = [*manifest.annotations, *manifest.mapping(*workload.template, "metadata", "annotations")]
            if manifest.kind not in {"DaemonSet", "Deployment", "Rollout", "StatefulSet"}:
                continue
            if any(str(key).startswith(_RELOADERS) or "checksum" in str(key) for key in noted):
                continue
            for name in dict.fromkeys(_taken(workload)):
                found.setdefault((manifest.namespace, name), []).append(manifest)
    return found


def _taken(workload: Workload) -> Iterator[str]:
    for keys, _ in workload.containers():
        for index, _ in workload.manifest.items(*keys, "env"):
            yield str(workload.manifest.get(*keys, "env", index, "valueFrom", "secretKeyRef", "name"))
        for index, _ in workload.manifest.items(*keys, "envFrom"):
            yield str(workload.manifest.get(*keys, "envFrom", index, "secretRef", "name"))
