"""Mesh: namespaces get the proxy that they ask for, and pods with a proxy can run."""

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.model.hit import Hit
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.hits import at, context
from scaffold.rules.reading.installs import Install
from scaffold.rules.reading.inventory import Workload
from scaffold.rules.reading.mesh import Mesh, meshes

_INJECTION = "istio-injection"
_REVISION = "istio.io/rev"
_DATA_PLANE = "istio.io/dataplane-mode"
_ENFORCE = "pod-security.kubernetes.io/enforce"
_PROXY_ID = 1337
_PROXY = "istio-proxy"
_NATIVE_SINCE = 27


@rule("MESH-16", Severity.WARNING, fix="Keep one of istio-injection, istio.io/rev and istio.io/dataplane-mode.")
def namespaces_join_the_mesh_once(repo: Repo) -> Iterator[Hit]:
    """A namespace joins the mesh by one label, and the revision it names is installed.

    Of istio-injection and istio.io/rev the first one wins, whatever the second says (IST0123); a namespace is either
    injected or ambient. Revisions are judged where all values of istiod are here; tags that a person made by hand are
    not seen, so only where no istiod has a revision, or every one has.
    """
    for mesh in meshes(repo):
        for namespace in mesh.cluster.each("", "Namespace"):
            labels = namespace.labels
            joins = [key for key in (_INJECTION, _REVISION) if labels.get(key)]
            if labels.get(_DATA_PLANE) == "ambient" and labels.get(_INJECTION) != "disabled":
                joins.append(_DATA_PLANE)
            if len(joins) > 1:
                listed = ", ".join(f"{key}={labels[key]}" for key in joins)
                yield at(
                    namespace, ("metadata", "labels", joins[-1]), f"{namespace}: joins the mesh twice, by {listed}"
                )
            elif joins and (why := _unknown_revision(mesh, labels)):
                yield at(namespace, ("metadata", "labels", joins[0]), f"{namespace}: {why}")


@rule(
    "MESH-17", Severity.ERROR, fix="Set pilot.cni.enabled and global.proxy.seccompProfile; CNI's namespace: privileged."
)
def injected_pods_satisfy_pod_security(repo: Repo) -> Iterator[Hit]:
    """Where a namespace enforces Pod Security, the pods that Istio injects satisfy it.

    Without CNI each gets an init container with NET_ADMIN that runs as root, which baseline refuses; restricted asks
    for a seccomp profile of the proxy, too. The agents of CNI and ambient mode need a privileged namespace. Judged
    where istiod's values are here.
    """
    for mesh in meshes(repo):
        if (istiod := mesh.install("istiod")) and not istiod.get("profile") and not istiod.get("global", "platform"):
            yield from _refused(mesh, istiod)
        for install in mesh.charts:
            level = mesh.cluster.namespaces.get(install.namespace, {}).get(_ENFORCE)
            if install.chart in {"cni", "ztunnel"} and level in ("baseline", "restricted"):
                what = f"chart {install.chart} goes to namespace {install.namespace}, which enforces {level}"
                yield Hit(install.place(), f"{install.owner}: {what}", context(install.owner.origin))


@rule("MESH-26", Severity.ERROR, fix="Run the program as another user than 1337, which is the proxy's.")
def programs_are_not_the_proxy(repo: Repo) -> Iterator[Hit]:
    """No container of an injected pod runs as user or group 1337.

    What that user sends passes the proxy by: no mutual TLS, no route, no metric (IST0144). Init containers use it on
    purpose and are passed over.
    """
    for mesh in meshes(repo):
        for workload in mesh.workloads():
            if not mesh.injected(workload):
                continue
            manifest = workload.manifest
            whole = manifest.mapping(*workload.spec, "securityContext")
            for index, container in manifest.items(*workload.spec, "containers"):
                keys = (*workload.spec, "containers", index, "securityContext")
                own = manifest.mapping(*keys)
                for field in ("runAsUser", "runAsGroup"):
                    if own.get(field, whole.get(field)) == _PROXY_ID and container.get("name") != _PROXY:
                        where = (*keys, field) if field in own else (*workload.spec, "securityContext", field)
                        what = f"container {container.get('name')} has {field} {_PROXY_ID}"
                        yield at(manifest, where, f"{manifest}: {what}")


@rule("MESH-35", Severity.ERROR, fix='Turn native sidecars on, or label the pod sidecar.istio.io/inject: "false".')
def jobs_can_end(repo: Repo) -> Iterator[Hit]:
    """A Job or CronJob in an injected namespace has a proxy that ends with it, or none.

    A proxy that is an ordinary container runs on when the program is done: the Job never finishes. Native sidecars are
    the default since Istio 1.27. Judged where istiod's version and values are here.
    """
    for mesh in meshes(repo):
        istiod = mesh.install("istiod")
        if not istiod or not (why := _no_native_sidecars(istiod)):
            continue
        for workload in mesh.workloads():
            manifest = workload.manifest
            annotations = manifest.mapping(*workload.template, "metadata", "annotations")
            native = annotations.get("sidecar.istio.io/nativeSidecar") == "true"
            if manifest.kind in {"CronJob", "Job"} and mesh.injected(workload) and not native:
                keys = (*workload.template, "metadata")
                yield at(manifest, keys, f"{manifest}: its proxy does not end with it ({why})")


def _unknown_revision(mesh: Mesh, labels: Mapping[str, object]) -> str:
    """Return why the revision that a namespace asks for is not there, empty where that cannot be said."""
    istiods = [install for install in mesh.charts if install.chart == "istiod"]
    if not istiods or not all(install.complete for install in istiods):
        return ""
    revisions = [str(install.get("revision") or "default") for install in istiods]
    tags = [str(tag) for install in istiods for tag in _list(install.get("revisionTags"))]
    tags += [hook.name.removeprefix("istio-revision-tag-")
             for hook in mesh.each("MutatingWebhookConfiguration", "admissionregistration.k8s.io")]  # fmt: skip
    known = {*revisions, *tags}
    wanted = str(labels.get(_REVISION) or "")
    if wanted and wanted not in known and set(revisions) == {"default"} and not tags:
        return f"no istiod of revision {wanted}, there is {', '.join(sorted(known))}"
    if labels.get(_INJECTION) == "enabled" and "default" not in known:
        return f"istio-injection means revision default, there is {', '.join(sorted(known))}"
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _refused(mesh: Mesh, istiod: Install) -> Iterator[Hit]:
    where = context(istiod.owner.origin)
    enforced = {name: str(labels.get(_ENFORCE)) for name, labels in mesh.cluster.namespaces.items()
                if labels.get(_ENFORCE) in ("baseline", "restricted")}  # fmt: skip
    injected = [pod for name in enforced for pod in mesh.cluster.workloads.get(name, ()) if mesh.injected(pod)]
    on = istiod.get("pilot", "cni", "enabled")
    if injected and on is not True and (on is not None or istiod.complete) and not istiod.get("istio_cni", "enabled"):
        namespace = injected[0].manifest.namespace
        what = f"pilot.cni.enabled is not true, but namespace {namespace} is injected"
        place = istiod.place("pilot", "cni", "enabled")
        yield Hit(place, f"{istiod.owner}: {what} and enforces {enforced[namespace]}", where)
    profile = istiod.get("global", "proxy", "seccompProfile", "type")
    bare = [pod for pod in injected if enforced[pod.manifest.namespace] == "restricted" and not _has_profile(pod)]
    if bare and profile not in ("RuntimeDefault", "Localhost") and (profile or istiod.complete):
        what = f"global.proxy.seccompProfile is not set, but namespace {bare[0].manifest.namespace} enforces restricted"
        yield Hit(istiod.place("global", "proxy", "seccompProfile"), f"{istiod.owner}: {what}", where)


def _has_profile(workload: Workload) -> bool:
    return bool(workload.manifest.get(*workload.spec, "securityContext", "seccompProfile", "type"))


def _no_native_sidecars(istiod: Install) -> str:
    """Return why native sidecars are off, empty where they are on or nobody can say."""
    said = str(istiod.get("pilot", "env", "ENABLE_NATIVE_SIDECARS") or "").lower()
    if said == "false":
        return "ENABLE_NATIVE_SIDECARS is false"
    old = istiod.minor is not None and istiod.minor < _NATIVE_SINCE
    return f"Istio {istiod.version}" if old and not said and istiod.complete else ""
