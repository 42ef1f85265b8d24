"""The oracle: mutants of the corpus, the server and the check asked about each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.oracle.checker import Checker
from tests.cluster.oracle.corpus import NAMESPACE, corpus
from tests.cluster.oracle.mutants import Mutant, good, mutants
from tests.cluster.oracle.server import server
from tests.cluster.oracle.verdicts import Verdict
from tests.conftest import SHARED

SEED = 4
COUNT = 6000
KUBE_VERSION = "1.37"


@contextmanager
def prepared(plane: ControlPlane) -> Iterator[None]:
    """Make the namespace in which the mutants would be, and a ServiceAccount for its pods."""
    plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
    plane.api.apply(account)
    try:
        yield
    finally:
        plane.api.ask("DELETE", plane.api.path("v1", "Namespace", name=NAMESPACE))


def chosen(
    plane: ControlPlane, folder: Path, *, seed: int = SEED, count: int = COUNT, kinds: Sequence[str] = ()
) -> tuple[list[Mutant], list[Mutant]]:
    """Return the good objects and the mutants; of all kinds, or only of these."""
    objects = {kind: items for kind, items in corpus(folder).items() if not kinds or kind[1] in kinds}
    namespaced = {kind: f"/namespaces/{NAMESPACE}/" in plane.api.path(*kind, NAMESPACE) for kind in objects}
    return list(good(objects, namespaced)), list(mutants(objects, namespaced, seed, count))


def judged(plane: ControlPlane, texts: Sequence[Mutant]) -> list[Verdict]:
    """Return what both say of each."""
    check = Checker(KUBE_VERSION, SHARED / "crds")
    with server(plane) as ask:
        answers = ask(texts)
        said = [check(one.text) for one in texts]  # while the server works
        return [Verdict(*all_of_it) for all_of_it in zip(texts, answers, said, strict=True)]
