"""What is done to a repository and its clusters after the first day: pushes, and Applications deleted by mistake."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tests.cluster.harness.api import Api, Object, objects
from tests.cluster.harness.argo_cd import NAMESPACE, VERSION, refresh, until_settled
from tests.cluster.harness.bootstrap import Synced, expected
from tests.cluster.harness.repositories import commit, push, rendered
from tests.cluster.harness.snapshots import Difference, Snapshot, compared, named, snapshot


def pushed(synced: Synced, message: str) -> dict[str, Difference]:
    """Commit and push what has changed in the repository, wait until all has settled; return what became of it.

    That is the difference of each cluster, by its environment.
    """
    before = snapshots(synced)
    revision = commit(synced.root, message)
    push(synced.root, synced.bare)
    refresh(synced.plane)
    until_settled(synced.plane, expected(synced.root), revision=revision)
    after = snapshots(synced)
    return {name: compared(before[name], after[name]) for name in before}


def snapshots(synced: Synced) -> dict[str, Snapshot]:
    """Return what stands in each cluster, by its environment."""
    return {name: snapshot(plane.api) for name, plane in synced.clusters.items()}


@dataclass(frozen=True)
class Planned:
    """What a repository makes, and with it two moments of it can be compared as clusters are."""

    objects: Mapping[str, Object]

    @classmethod
    def of(cls, synced: Synced) -> "Planned":
        """Return what `scaffold render` says of the repository as it stands."""
        return cls({named(item): item for item in objects(rendered(synced.root))})

    def until(self, later: "Planned") -> Difference:
        """Return what changes from this moment to a later one."""
        return compared(self.objects, later.objects)


def delete_applications(synced: Synced, names: set[str], cascade: str) -> None:
    """Delete Applications as a person does by mistake, and wait until their parents have made them anew.

    ``cascade`` is kubectl's word: foreground or background.
    """
    plane = synced.plane
    before = {name: uid(plane.api, VERSION, "Application", NAMESPACE, name) for name in names}
    command = [str(plane.bin / "kubectl"), f"--kubeconfig={plane.kubeconfig()}", f"--namespace={NAMESPACE}"]
    command += ["delete", "applications", f"--cascade={cascade}", "--wait=false", *sorted(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def made_anew() -> bool:
        return all(uid(plane.api, VERSION, "Application", NAMESPACE, name) not in {"", before[name]} for name in names)

    plane.processes.until("the deleted Applications are made anew", made_anew)
    until_settled(plane, expected(synced.root))


def uid(api: Api, version: str, kind: str, namespace: str, name: str) -> str:
    """Return the identity of an object, empty where it does not exist."""
    found = api.get(version, kind, namespace, name)
    return found["metadata"]["uid"] if found else ""
