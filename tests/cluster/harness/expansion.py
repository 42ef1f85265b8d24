"""What `scaffold render` knows of a repository, for tests that compare it object by object."""

from pathlib import Path

import yaml

from scaffold.commands.ahead import Options, begun
from scaffold.commands.render import render
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from tests.cluster.harness.api import Object


def expansion(root: Path) -> Repo:
    """Return a repository with all that its controllers would apply; what could not be judged is a failure."""
    with begun(root, Options(), style=False) as started:
        repo, _ = render(started, "")
    assert repo.manifests
    assert (repo.not_checked, repo.faults) == ((), ())
    return repo


def delivered(manifest: Manifest) -> Object:
    """Return the object as its owner delivers it: with the namespace it goes to."""
    metadata = dict(manifest.mapping("metadata"))
    if manifest.namespace:
        metadata["namespace"] = manifest.namespace
    return {**manifest.data, "metadata": metadata}


def title(manifest: Manifest) -> str:
    """Return by which name an object is the owner of others."""
    return f"{manifest.kind} {manifest.namespace}/{manifest.name}"


def overlap(root: Path, layers: tuple[str, str, str]) -> None:
    """Have each of three values files, the later winning, say something that the next one says too.

    What the template writes into its layers does not overlap, so their order would not show.
    """
    for number, layer in enumerate(layers, 1):
        values = yaml.safe_load((root / layer).read_text(encoding="utf-8"))
        values["image"] = values.get("image", {}) | {"tag": f"of-layer-{number}"}
        values["replicas"] = {"min": number, "max": 10 * number}
        if number < len(layers):
            requests = {"cpu": f"{number}00m", "memory": "128Mi"}
            values["resources"] = {"requests": requests, "limits": {"memory": "256Mi"}}
        (root / layer).write_text(yaml.safe_dump(values), encoding="utf-8")
