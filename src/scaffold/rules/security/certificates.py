"""Certificates: they can be issued, in time, and are good for the hosts they are shown for."""

from collections.abc import Iterator
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.certificates import GATEWAY_API, GROUP, covers, is_named, names, shown
from scaffold.rules.reading.completeness import all_opened, brought_whole, inside, is_plain, is_whole
from scaffold.rules.reading.durations import seconds
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.inventory import Cluster, clusters
from scaffold.rules.reading.mesh import Mesh, meshes

_ANNOTATIONS = {"cert-manager.io/issuer": "Issuer", "cert-manager.io/cluster-issuer": "ClusterIssuer"}
_DEFAULT = 2160 * 3600.0
_SHORTEST = {"duration": (3600.0, "1h"), "renewBefore": (300.0, "5m")}


@rule("SEC-08", Severity.ERROR, fix="Name an issuer that exists, by its kind, and every host in dnsNames.")
def certificates_are_issued_for_their_hosts(repo: Repo) -> Iterator[Hit]:
    """A Certificate names an issuer that exists and all hosts that it is shown for.

    Without its issuer it is never made, and for a host that it lacks every client refuses it. Kind is Issuer where
    nothing is said. Issuers are judged where nothing else brings them, hosts where one Certificate here makes the
    Secret that an Ingress or a Gateway shows. That the Secret lies beside Istio's gateway is MESH-23's.
    """
    for mesh in meshes(repo):
        issuers = _Issuers(repo, mesh.cluster)
        for certificate in mesh.each("Certificate", GROUP):
            if not is_named(certificate):
                yield at(certificate, ("spec",), f"{certificate} is for no name: dnsNames is not set")
            reference = certificate.mapping("spec", "issuerRef")
            if reference.get("group") in (None, "", GROUP):
                why = issuers.missing(certificate.namespace, reference.get("kind") or "Issuer", reference.get("name"))
                if why:
                    yield at(certificate, ("spec", "issuerRef"), f"{certificate}: {why}")
        for group, kind in (("networking.k8s.io", "Ingress"), (GATEWAY_API, "Gateway")):
            for user in mesh.cluster.each(group, kind):
                for annotation, wanted in _ANNOTATIONS.items():
                    why = issuers.missing(user.namespace, wanted, user.annotations.get(annotation))
                    if why and not user.annotations.get(f"{annotation}-group"):
                        yield at(user, ("metadata", "annotations", annotation), f"{user}: {why}")
        yield from _uncovered(mesh)


@rule("SEC-12", Severity.ERROR, fix="Write durations in h, m and s, and renewBefore shorter than duration.")
def certificates_are_renewed_in_time(repo: Repo) -> Iterator[Hit]:
    """Durations of Certificates and ExternalSecrets are Go's, and renewBefore is shorter than duration.

    The definitions take `30d`, which the controllers cannot read: they then see none of the objects of that kind.
    Without duration a certificate lives 2160h. Thresholds of alerts are not compared.
    """
    for manifest in repo.each(GROUP, "Certificate"):
        known = {field: seconds(manifest.get("spec", field)) for field in _SHORTEST}
        for field, (least, text) in _SHORTEST.items():
            value, length = manifest.get("spec", field), known[field]
            if _is_no_duration(value):
                yield at(manifest, ("spec", field), f"{manifest}: {field} {value} is no duration of h, m and s")
            elif length is not None and length < least:
                yield at(manifest, ("spec", field), f"{manifest}: {field} {value} is shorter than {text}")
        duration, before = known["duration"], known["renewBefore"]
        if manifest.get("spec", "duration") is None:
            duration = _DEFAULT
        if duration is not None and before is not None and before >= duration:
            said = manifest.get("spec", "duration") or "2160h (not set)"
            what = f"renewBefore {manifest.get('spec', 'renewBefore')} is not shorter than duration {said}"
            yield at(manifest, ("spec", "renewBefore"), f"{manifest}: {what}")
    for kind, keys in (
        ("ExternalSecret", ("spec", "refreshInterval")),
        ("ClusterExternalSecret", ("spec", "refreshTime")),
    ):
        for manifest in repo.each("external-secrets.io", kind):
            if _is_no_duration(value := manifest.get(*keys)):
                yield at(manifest, keys, f"{manifest}: {keys[-1]} {value} is no duration of h, m and s")


@rule("SEC-13", Severity.ERROR, fix="Name a Gateway with an HTTP listener on port 80, or an IngressClass that exists.")
def challenges_can_be_answered(repo: Repo) -> Iterator[Hit]:
    """An HTTP-01 solver names a Gateway that exists and listens on port 80, or an IngressClass that exists.

    The certificate authority asks on port 80; where nobody answers, no certificate is made. Judged where all of the
    Gateway's namespace comes from here and other Gateways are here, classes where nothing comes from elsewhere.
    """
    for cluster in clusters(repo):
        doors = {(one.namespace, one.name): one for one in cluster.each(GATEWAY_API, "Gateway")}
        classes = {one.name for one in cluster.each("networking.k8s.io", "IngressClass")}
        whole = all_opened(repo)
        for issuer in cluster.each(GROUP, "Issuer", "ClusterIssuer"):
            for index, _ in issuer.items("spec", "acme", "solvers"):
                start = ("spec", "acme", "solvers", index, "http01")
                for number, parent in issuer.items(*start, "gatewayHTTPRoute", "parentRefs"):
                    home = parent.get("namespace") or (issuer.namespace if issuer.kind == "Issuer" else None)
                    keys = (*start, "gatewayHTTPRoute", "parentRefs", number)
                    named = is_plain(home) and is_plain(parent.get("name")) and parent.get("kind") in (None, "Gateway")
                    door = doors.get((str(home), str(parent.get("name"))))
                    if named and door is None and doors and whole and brought_whole(cluster, str(home)):
                        yield at(
                            issuer, keys, f"{issuer}: there is no Gateway {parent.get('name')} {inside(str(home))}"
                        )
                    elif named and door is not None and not _hears(door):
                        yield at(issuer, keys, f"{issuer}: {door} has no HTTP listener on port 80 ({door.place()})")
                for field in ("ingressClassName", "class"):
                    name = issuer.get(*start, "ingress", field)
                    if is_plain(name) and classes and name not in classes and whole and is_whole(cluster):
                        what = f"there is no IngressClass {name}, there is {', '.join(sorted(classes))}"
                        yield at(issuer, (*start, "ingress", field), f"{issuer}: {what}")


class _Issuers:
    """The issuers of a cluster; those of the cluster are in no namespace."""

    def __init__(self, repo: Repo, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opened = all_opened(repo)
        self._names: dict[str, set[str]] = {"": {one.name for one in cluster.each(GROUP, "ClusterIssuer")}}
        for one in cluster.each(GROUP, "Issuer"):
            self._names.setdefault(one.namespace, set()).add(one.name)

    def missing(self, namespace: str, kind: Any, name: Any) -> str:
        """Say which issuer is missing for sure, empty if none is."""
        everywhere, here = self._names[""], self._names.get(namespace, set())
        if not is_plain(name) or not self._opened:
            return ""
        if kind == "Issuer" and name not in here and brought_whole(self._cluster, namespace):
            if name in everywhere:
                return f"there is no Issuer {name} {inside(namespace)}, but a ClusterIssuer"
            return f"there is no Issuer {name} {inside(namespace)}, there is {', '.join(sorted(here))}" if here else ""
        if kind == "ClusterIssuer" and name not in everywhere and is_whole(self._cluster):
            if name in here:
                return f"there is no ClusterIssuer {name}, but an Issuer {inside(namespace)}"
            return f"there is no ClusterIssuer {name}, there is {', '.join(sorted(everywhere))}" if everywhere else ""
        return ""


def _uncovered(mesh: Mesh) -> Iterator[Hit]:
    made: dict[tuple[str, str], list[Manifest]] = {}
    for certificate in mesh.each("Certificate", GROUP):
        made.setdefault((certificate.namespace, str(certificate.get("spec", "secretName"))), []).append(certificate)
    for one in shown(mesh) if made else ():
        found = [certificate for home in one.namespaces for certificate in made.get((home, one.secret), ())]
        if len(found) != 1 or any(str(key) in _ANNOTATIONS for key in one.manifest.annotations):
            continue
        has = names(found[0])
        if not has or not all(map(is_plain, has)):
            continue
        for keys, host in one.hosts:
            if is_plain(host) and host != "*" and not any(covers(name, host) for name in has):
                what = f"{found[0]} ({found[0].place()}) is for {', '.join(has)}, not for {host}"
                yield at(one.manifest, keys, f"{one.manifest}: {what}")


def _is_no_duration(value: Any) -> bool:
    return is_plain(value) and value != "0" and seconds(str(value).removeprefix("+")) is None


def _hears(door: Manifest) -> bool:
    listeners = [one for _, one in door.items("spec", "listeners")]
    return any(str(one.get("port")) == "80" and one.get("protocol") == "HTTP" for one in listeners) or bool(
        door.get("spec", "allowedListeners")
    )
