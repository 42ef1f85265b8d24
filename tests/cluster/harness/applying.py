"""Applying for real what a repository brings to one cluster, step by step, and taking all of it away again."""

import contextlib
import http.client
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from tests.cluster.harness.api import Api, Object, Refused
from tests.cluster.harness.control_plane import TOKEN, ControlPlane
from tests.cluster.harness.order import Step
from tests.cluster.harness.stand_ins import upstream_charts
from tests.conftest import SHARED

# Argo CD's own word, without a path; the server warns.
FINALIZER = 'metadata.finalizers: "resources-finalizer.argocd.argoproj.io": prefer a domain-qualified finalizer name'
# Which folder of definitions a chart brings, by its name in charts.jinja.
_BRINGS = {
    "istio-base": "istio",
    "kyverno": "kyverno",
    "prometheus-operator-crds": "prometheus-operator",
    "velero": "velero",
    "external-secrets": "external-secrets",
}
_SYSTEM = {"default", "kube-system"}
Identity = tuple[str, str, str, str]


class Account(Api):
    """The API in the name of a service account (``namespace:name``), of the administrator where empty.

    ``warnings`` are what the server said about what it took.
    """

    def __init__(self, plane: ControlPlane, name: str = "") -> None:
        super().__init__(plane.server, TOKEN, plane.authority)
        self._as = {"Impersonate-User": f"system:serviceaccount:{name}"} if name else {}
        self.warnings: list[str] = []

    def _exchange(
        self, method: str, path: str, data: str | bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        answer, text = super()._exchange(method, path, data, headers | self._as)
        said = (warning.replace('\\"', '"') for warning in answer.headers.get_all("Warning", ()))
        self.warnings += [f"{path}: {warning}" for warning in said if FINALIZER not in warning]
        return answer, text


class Applied:
    """One cluster and what was applied to it since it was empty, by identity.

    The control plane knows every kind from the start, and an emptied cluster keeps its namespaces (to end one takes the
    server seconds). So what must be there before an object is kept account of here: a namespace since it was applied, a
    kind since the chart was that brings it.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.objects: dict[Identity, Object] = {}
        self.warnings: list[str] = []
        self._groups: set[str] = set()
        self._namespaces = set(_SYSTEM)
        self._ever: dict[Identity, Object] = {}
        self._accounts: dict[str, Account] = {}

    def apply(self, step: Step, manager: str) -> None:
        """Apply a step: all of it dry, then for real.

        Raises Refused where the server does not take an object, or where what it needs would not be there yet.
        """
        self._groups |= _groups_of_chart(step.chart)
        account = self._account(step.account)
        for dry_run in (True, False):
            for item in step.objects:
                try:
                    self._refuse_early(item)
                    account.apply(item, dry_run=dry_run, manager=manager)
                except Refused as error:
                    raise Refused(error.status, f"{step.owner}: {_words(item)}: {error.message}") from None
                if not dry_run:
                    self._note(item)
        for item in step.objects:
            if item["kind"] == "ResourceQuota":
                self._until_counted(item)

    def empty(self, groups: Iterable[str]) -> None:
        """Take away all but the namespaces, and forget these too; ``groups`` come with the engine that begins then."""
        _delete_all(self.plane, self.objects.values())
        self.objects.clear()
        self.warnings.clear()
        self._groups = set(groups)
        self._namespaces = set(_SYSTEM)

    def close(self) -> None:
        """Take away all, namespaces too, and close the connections."""
        for account in self._accounts.values():
            account.close()
        take_away(self.plane, self._ever.values())

    def _refuse_early(self, item: Object) -> None:
        version, _, namespace, _ = identity(item)
        group = version.rpartition("/")[0]
        if group in _COMPONENTS - self._groups:
            raise Refused(404, f"no chart has brought {group} yet")
        if namespace and namespace not in self._namespaces:
            raise Refused(404, f"the namespace {namespace} was not applied yet")

    def _note(self, item: Object) -> None:
        self.objects[identity(item)] = self._ever[identity(item)] = item
        if item["kind"] == "Namespace":
            self._namespaces.add(item["metadata"]["name"])

    def _account(self, name: str) -> Account:
        if name not in self._accounts:
            self._accounts[name] = Account(self.plane, name)
            self._accounts[name].warnings = self.warnings
        return self._accounts[name]

    def _until_counted(self, quota: Object) -> None:
        """Wait for the quota's controller, before which nothing that it limits can be made; an engine tries again."""
        meta = quota["metadata"]

        def counted() -> Any:
            found = self.plane.api.get("v1", "ResourceQuota", meta["namespace"], meta["name"])
            return found and found.get("status", {}).get("hard") == found["spec"]["hard"]

        self.plane.processes.until(f"{_words(quota)} is counted", counted, pause=0.05)


@contextlib.contextmanager
def applying(plane: ControlPlane) -> Iterator[Applied]:
    """Apply to a cluster; at the end all that was applied is gone."""
    applied = Applied(plane)
    with contextlib.closing(applied):
        yield applied


def take_away(plane: ControlPlane, items: Iterable[Object]) -> None:
    """Delete objects and the namespaces that they are or are in, and wait until these are gone."""
    items = list(items)
    namespaces = {item["metadata"].get("namespace", "") for item in items}
    namespaces |= {item["metadata"]["name"] for item in items if item["kind"] == "Namespace"}
    namespaces -= {"", *_SYSTEM}
    _delete_all(plane, items)
    for namespace in sorted(namespaces):
        # Else the namespace waits for the grace period of its pods.
        for version, kind in (("apps/v1", "ReplicaSet"), ("v1", "Pod")):
            _delete(plane, f"{plane.api.path(version, kind, namespace)}?gracePeriodSeconds=0")
    for namespace in sorted(namespaces):
        _delete(plane, plane.api.path("v1", "Namespace", "", namespace))

    def gone() -> bool:
        return namespaces.isdisjoint(one["metadata"]["name"] for one in plane.api.list("v1", "Namespace"))

    plane.processes.until("the namespaces are gone", gone)


def identity(item: Object) -> Identity:
    """Return what tells an object from all others of a cluster: version, kind, namespace, name."""
    meta = item["metadata"]
    return item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"]


def groups_of(folder: str) -> set[str]:
    """Return the API groups that a folder of definitions brings."""
    texts = (path.read_text(encoding="utf-8") for path in (SHARED / "crds" / folder).glob("*.yaml"))
    return {line.split()[1] for text in texts for line in text.splitlines() if line.startswith("  group: ")}


@cache
def _groups_of_chart(name: str) -> set[str]:
    charts = upstream_charts()
    return {
        group for key, folder in _BRINGS.items() if name and charts[key]["name"] == name for group in groups_of(folder)
    }


_COMPONENTS = {group for folder in (*_BRINGS.values(), "argo-cd", "flux") for group in groups_of(folder)}


def _delete_all(plane: ControlPlane, items: Iterable[Object]) -> None:
    for item in items:
        if item["kind"] != "Namespace":
            if item["metadata"].get("finalizers"):
                # Whoever would act on it does not run.
                with contextlib.suppress(Refused):
                    plane.api.patch(item, {"metadata": {"finalizers": None}})
            _delete(plane, plane.api.path(*identity(item)))


def _delete(plane: ControlPlane, path: str) -> None:
    try:
        plane.api.ask("DELETE", path)
    except Refused as error:
        if error.status != http.HTTPStatus.NOT_FOUND:
            raise


def _words(item: Object) -> str:
    _, kind, namespace, name = identity(item)
    return f"{kind} {namespace}/{name}"
