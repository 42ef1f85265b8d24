"""The good objects: what the template renders in all its variety, and what people write by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

from scaffold.commands.new import Wanted, add_service
from scaffold.model.yamltext import Path as Keys
from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.repositories import made, rendered
from tests.conftest import ROOT

NAMESPACE = "oracle"
_ONE_POD = "{dev: {min: 1, max: 1}, staging: {min: 1, max: 1}, prod: {min: 1, max: 1}}"
_SUBSETS = '[{"name": "canary", "weight": 10}, {"name": "beta", "header": "x-beta", "value": "1"}]'
SERVICES = {
    "store": ("kind=worker", f"replicas={_ONE_POD}", "volume_size=1Gi"),
    "queue": ("kind=worker",),
    "night": ("kind=cron",),
    "routed": (f"subsets={_SUBSETS}", "grpc_port=9000"),
}


def corpus(folder: Path) -> dict[tuple[str, str], list[Object]]:
    """Return good objects by API version and kind: of each kind as many as show all of its fields.

    All lie in one namespace, and have names that no object of another test has.
    """
    found: dict[tuple[str, str], list[Object]] = {}
    seen: set[tuple[str, str, Keys]] = set()
    by_hand = objects(Path(__file__).with_name("corpus.yaml").read_text(encoding="utf-8"))
    # Those with the most fields first: they leave the fewest for others.
    of_template = sorted(_of_template(folder), key=lambda item: (-len(shape(item)), json.dumps(item)))
    for item in [*by_hand, *map(_renamed, of_template)]:
        kind = item["apiVersion"], item["kind"]
        new = {(*kind, path) for path in shape(item)} - seen
        if new:
            seen |= new
            found.setdefault(kind, []).append(item)
    return found


def shape(item: object) -> frozenset[Keys]:
    """Return the paths of all fields of an object, items of lists without their number."""
    return frozenset(tuple("*" if isinstance(key, int) else key for key in path) for path, _ in nodes(item))


def nodes(value: object, path: Keys = ()) -> Iterator[tuple[Keys, object]]:
    """Yield the path and the value of everything in an object, the object first."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from nodes(inner, (*path, key))


def _of_template(folder: Path) -> list[Object]:
    roots = [path for path in (ROOT / "examples").iterdir() if path.is_dir()]  # the other presets, committed
    for engine in ("argocd", "flux"):
        root = made(folder / engine, "full", {"engine": engine})
        for name, answers in SERVICES.items():
            add_service(name, root, Wanted(pairs=answers, defaults=True))
        roots.append(root)
    return [item for root in roots for item in objects(rendered(root))]


def _renamed(item: Object) -> Object:
    meta = item["metadata"]
    return item | {"metadata": meta | {"name": f"oracle-{meta['name']}"[:253]}}
