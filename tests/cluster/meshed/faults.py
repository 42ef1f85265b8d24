"""The bad and good cases of our rules on the mesh, each moved into namespaces of its own."""

import json
import re
from dataclasses import dataclass

from scaffold.engines import disk
from scaffold.engines.helm import Helm
from scaffold.model.repo import Repo
from scaffold.rules import RULES
from tests.cluster.harness.api import Object
from tests.cluster.harness.expansion import delivered
from tests.cluster.meshed.istioctl import GROUPS
from tests.conftest import ROOT
from tests.helpers import URL, expanded

CASES = ROOT / "tests" / "rules" / "cases"
# Other kinds have no say in what istioctl finds, and some are not served here.
_APPLIED = ("v1", "apps", "batch", *GROUPS)


@dataclass(frozen=True)
class Case:
    """A case of a rule: its objects, and whether the rule finds a fault in them."""

    rule: str
    kind: str
    items: tuple[Object, ...]
    found: bool

    @property
    def prefix(self) -> str:
        """Return what the names of its namespaces begin with, and of no other case."""
        return f"{self.rule.lower()}-{self.kind}"

    def namespaces(self) -> set[str]:
        """Return the namespaces of its objects."""
        return {_home(item) for item in self.items}


def cases(engine: Helm) -> list[Case]:
    """Return the bad and the good case of every rule on the mesh."""
    found = []
    for rule in RULES:
        for kind in ("bad", "good") if rule.id.startswith("MESH-") else ():
            files, _ = disk.read_tree(CASES / rule.id / kind)
            repo = expanded(
                Repo.of(URL, files),
                lambda jobs, root=CASES / rule.id / kind: engine.charts(root, jobs),
                engine.templates,
            )
            items = [delivered(manifest) for manifest in repo.manifests if manifest.cluster != "in-cluster"]
            case = Case(rule.id, kind, (), any(True for _ in rule.findings(repo)))
            found.append(Case(case.rule, kind, tuple(_alone(items, case.prefix)), case.found))
    return found


def _alone(items: list[Object], prefix: str) -> list[Object]:
    """Return the objects that istioctl reads, with namespaces, hosts, selectors and certificates of their own.

    All cases are about a service in the namespace shop; in one cluster they would otherwise be each other's faults.
    """
    applied = [item for item in items if item["apiVersion"].partition("/")[0] in _APPLIED]
    others = sorted({_home(item) for item in applied} - {"shop"})
    own = _OWN | {rf'(?<=["/]){re.escape(name)}(?=["./])': f"{{prefix}}-{name}" for name in others}
    text = json.dumps(applied)
    for pattern, put in own.items():
        text = re.sub(pattern, put.format(prefix=prefix), text)
    moved: list[Object] = json.loads(text)
    return sorted(moved, key=lambda item: item["kind"] != "Namespace")


_OWN: dict[str, str] = {
    r"\bshop\b": "{prefix}",
    r'"istio": "(\w+)"': r'"istio": "{prefix}-\1"',
    r"\bpublic-tls\b": "{prefix}-tls",
    r"\bother\.example\.com\b": "{prefix}-other.example.com",
}


def _home(item: Object) -> str:
    meta = item["metadata"]
    name: str = meta["name"] if item["kind"] == "Namespace" else meta["namespace"]
    return name
