"""The corpus for the policies, and what Kyverno's command line says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold.commands.new import Wanted, add_service
from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.repositories import made, rendered
from tests.cluster.policies import admission
from tests.cluster.policies.cases import Case, derived, faulty, fixtures, policies, workloads

PREFIX = "policies"
GOLDEN = f"{PREFIX}-golden-path"


@dataclass(frozen=True)
class Corpus:
    """The policies of a repository by folder, what is put before them, and what Kyverno's command line says of it."""

    policies: Mapping[str, list[Object]]
    cases: list[Case]
    namespaces: Mapping[str, Mapping[str, str]]
    golden: list[Object]
    faulty: Mapping[str, Object]
    kyverno: admission.Results
    updates: Mapping[tuple[str, str], str]

    def by_kyverno(self, case: Case) -> tuple[str, str]:
        """Return what Kyverno's command line says of a case, and its words; skip of what a policy does not match."""
        kind, namespace, name = case.place
        if case.operation == "CREATE":
            return self.kyverno.get((case.policy, kind, namespace, name), ("skip", ""))
        fixture = f"{namespace.removeprefix(f'{PREFIX}-{case.folder}-')}/{name.removesuffix('-before')}"
        return self.updates[case.policy, f"v1/{kind}/{fixture}"], ""

    def own_namespaces(self, folder: str) -> list[str]:
        """Return the namespaces in which the policies of a folder are active."""
        return [name for name in self.namespaces if name.startswith(f"{PREFIX}-{folder}-") or name == GOLDEN]

    def all(self) -> list[Object]:
        """Return all policies."""
        return [policy for found in self.policies.values() for policy in found]

    def names(self) -> list[str]:
        """Return the names of all policies."""
        return [policy["metadata"]["name"] for policy in self.all()]


def put_before_kyverno(kyverno: Path, folder: Path) -> Corpus:
    """Put the fixtures before the policies of their folder, and the golden path's workloads before all."""
    subsets = [{"name": "canary", "weight": 10}]
    root = made(folder / "shop", "full", {"engine": "argocd", "subsets": subsets, "args": ["serve"]})
    add_service("jobs", root, Wanted(pairs=("kind=cron",), defaults=True))
    add_service("queue", root, Wanted(pairs=("kind=worker",), defaults=True))
    cases, namespaces = fixtures(root, PREFIX)
    cases += derived(cases)
    namespaces[GOLDEN] = {"tenant": "shop"}
    golden = workloads(objects(rendered(root)), GOLDEN)
    planted = faulty(golden)
    results: admission.Results = {}
    for path in sorted(root.glob("policies/*/policy.yaml")):
        # Of an update the command line would think that the object is made.
        own = {case.place: case.item for case in cases
               if (case.folder, case.operation) == (path.parent.name, "CREATE")}  # fmt: skip
        items = [*own.values(), *golden, *planted.values()]
        results |= admission.kyverno_results(kyverno, folder / path.parent.name, [path], items, namespaces)
    updates = admission.kyverno_updates(kyverno, folder / "updates", root / "policies")
    return Corpus(policies(root), cases, namespaces, golden, planted, results, updates)
