"""What `scaffold render` shows is what Flux would apply, as far as kustomize and Helm themselves say it.

Flux's controllers cannot be built here: its reconciliation itself was not run. What a Kustomization brings is what
`kubectl kustomize` makes of its folder, once that is prepared as kustomize-controller prepares it; what a HelmRelease
brings is what `helm template` makes of the chart with the values in Flux's order. The ConfigMaps with these values are
taken from kustomize's answer, too, so nothing on this side comes from our own expansion but the list of owners.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from tests.cluster.harness.api import Object, objects
from tests.cluster.harness.comparing import differences
from tests.cluster.harness.expansion import delivered, expansion, overlap, title
from tests.cluster.harness.repositories import made
from tests.conftest import ROOT

NOT_RUN = "Flux reconciliation itself was not run"
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# All that kustomize-controller would do to a build, and no Kustomization of ours asks for; nothing here does it.
_NOT_USED = {"patches", "components", "images", "namePrefix", "nameSuffix", "commonMetadata", "postBuild", "decryption"}


@dataclass(frozen=True)
class Fluxed:
    """A repository for Flux: the folder, in which a test may write, and what we say that Flux applies."""

    root: Path
    repo: Repo
    programs: Path
    builds: dict[tuple[str, str], list[Object]] = field(default_factory=dict)

    def owners(self, kind: str) -> list[Manifest]:
        """Return the Kustomizations or HelmReleases of all clusters."""
        return [one for one in self.repo.manifests if one.kind == kind and one.group.endswith(".toolkit.fluxcd.io")]

    def ours(self, owner: Manifest) -> list[Object]:
        """Return what we say that an owner brings."""
        brought = [one for one in self.repo.manifests if one.origin.owner == title(owner)]
        return [delivered(one) for one in brought if one.cluster == owner.cluster]

    def run(self, program: str, *arguments: str | Path) -> list[Object]:
        """Return the objects that a program prints."""
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return objects(done.stdout)


@pytest.fixture(scope="module", params=["flux-standard", "minimal", "full"])
def fluxed(request: pytest.FixtureRequest, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Fluxed:
    root = tmp_path_factory.mktemp(request.param) / "shop"
    if (ROOT / "examples" / request.param / "clusters").is_dir():
        shutil.copytree(ROOT / "examples" / request.param, root)
    else:
        made(root, request.param, {"engine": "flux"})
    return Fluxed(root, expansion(root), programs)


def test_kustomize_builds_what_we_expand_each_kustomization_to(
    fluxed: Fluxed, record_property: Callable[[str, object], None]
) -> None:
    owners = fluxed.owners("Kustomization")
    assert len({owner.cluster for owner in owners}) == 3
    found: list[str] = []
    for owner in owners:
        theirs = built(fluxed, owner)
        assert theirs
        found += [f"{owner.cluster}: {title(owner)}: {line}" for line in differences(theirs, fluxed.ours(owner))]
    assert found == []
    count = sum(map(len, fluxed.builds.values()))
    record_property("note", f"{len(owners)} Kustomizations, {count} objects equal kustomize's. {NOT_RUN}")


def test_helm_renders_what_we_expand_each_release_to(
    fluxed: Fluxed, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    releases = [one for one in fluxed.owners("HelmRelease") if in_repository(one)]
    assert len({release.cluster for release in releases}) == 3
    count = 0
    for release in releases:
        theirs = templated(fluxed, release, tmp_path)
        assert theirs
        assert differences(theirs, fluxed.ours(release)) == [], f"{release.cluster}: {title(release)}"
        count += len(theirs)
    record_property("note", f"{len(releases)} HelmReleases, {count} objects equal Helm's. {NOT_RUN}")


def test_the_later_values_win_as_in_flux(programs: Path, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "flux-standard", root)
    overlap(root, ("environments/dev/values.yaml", "apps/base/shop/values.yaml", "apps/dev/shop/values.yaml"))
    fluxed = Fluxed(root, expansion(root), programs)
    (release,) = (one for one in fluxed.owners("HelmRelease") if in_repository(one) and one.cluster == "dev")
    theirs = templated(fluxed, release, tmp_path)
    assert differences(theirs, fluxed.ours(release)) == []
    (scaler,) = (item for item in theirs if item["kind"] == "HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 30)
    turned = differences(templated(fluxed, release, tmp_path, turn_round=True), fluxed.ours(release))
    assert any(".spec.maxReplicas: 10 theirs, 30 ours" in line for line in turned)
    assert any("image: 'ghcr.io/example/shop:of-layer-1' theirs" in line for line in turned)


def test_releases_of_upstream_charts_are_the_only_ones_that_are_not_compared(fluxed: Fluxed) -> None:
    others = [release for release in fluxed.owners("HelmRelease") if not in_repository(release)]
    kinds = {release.get("spec", "chart", "spec", "sourceRef", "kind") for release in others}
    assert kinds <= {"HelmRepository"}
    assert {place.place.path for place in fluxed.repo.external} == {release.origin.path for release in others}
    assert all(fluxed.ours(release) == [] for release in others)


def test_an_object_less_is_a_difference(fluxed: Fluxed) -> None:
    owner = next(one for one in fluxed.owners("Kustomization") if one.name == "namespaces")
    theirs = built(fluxed, owner)
    (line,) = differences(theirs[1:], fluxed.ours(owner))
    assert line.endswith(f"{theirs[0]['metadata']['name']}: only ours")


def in_repository(release: Manifest) -> bool:
    return release.get("spec", "chart", "spec", "sourceRef", "kind") == "GitRepository"


def built(fluxed: Fluxed, owner: Manifest) -> list[Object]:
    """Return what kustomize builds for a Kustomization, whose folder is prepared for it and then put back."""
    key = owner.cluster, title(owner)
    if key not in fluxed.builds:
        spec = owner.mapping("spec")
        assert not _NOT_USED & set(spec), "the test does not prepare these"
        folder = fluxed.root / str(spec["path"])
        file = next((folder / name for name in FILES if (folder / name).is_file()), folder / FILES[0])
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        fields: dict[str, Any] = yaml.safe_load(before) or {"resources": scanned(folder)}
        if namespace := spec.get("targetNamespace"):
            fields["namespace"] = namespace
        file.write_text(yaml.safe_dump(fields), encoding="utf-8")
        try:
            fluxed.builds[key] = fluxed.run("kubectl", "kustomize", "--load-restrictor=LoadRestrictionsNone", folder)
        finally:
            file.write_text(before, encoding="utf-8") if before else file.unlink()
    return fluxed.builds[key]


def scanned(folder: Path) -> list[str]:
    """Return the resources that kustomize-controller finds where no kustomization.yaml is."""
    found = []
    for name, folders, files in os.walk(folder):
        if Path(name) != folder and set(FILES) & set(files):
            found.append(os.path.relpath(name, folder))
            folders.clear()
        else:
            here = [Path(name, file) for file in files if file.endswith((".yaml", ".yml"))]
            found += [os.path.relpath(file, folder) for file in here]
    return found


def templated(fluxed: Fluxed, release: Manifest, scratch: Path, *, turn_round: bool = False) -> list[Object]:
    """Return what Helm renders for a release: the ConfigMaps' values in their order, then the release's own."""
    spec = release.mapping("spec")
    assert not {"targetNamespace", "postRenderers", "commonMetadata"} & set(spec), "the test does not do these"
    assert not spec["chart"]["spec"].get("valuesFiles"), "the test does not read these"
    texts = config_maps(fluxed, release.cluster)
    files = []
    for number, entry in enumerate(spec.get("valuesFrom", ())):
        files.append(scratch / f"{number}.yaml")
        text = texts[release.namespace, entry["name"]][entry.get("valuesKey", "values.yaml")]
        files[-1].write_text(text, encoding="utf-8")
    assert files
    if turn_round:
        files.reverse()
    files.append(scratch / "own.yaml")
    files[-1].write_text(yaml.safe_dump(spec.get("values", {})), encoding="utf-8")
    chart = fluxed.root / spec["chart"]["spec"]["chart"]
    options = [f"--namespace={release.namespace}", f"--kube-version=v{fluxed.repo.kube_version}.0", "--include-crds"]
    found = fluxed.run(
        "helm", "template", spec["releaseName"], chart, *options, *(f"--values={file}" for file in files)
    )
    for item in found:
        # Helm installs into the namespace of the release what names none; the chart holds nothing else.
        item["metadata"].setdefault("namespace", release.namespace)
    return found


def config_maps(fluxed: Fluxed, cluster: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the data of every ConfigMap of a cluster, by namespace and name, as kustomize builds them."""
    owners = [one for one in fluxed.owners("Kustomization") if one.cluster == cluster]
    found = [item for owner in owners for item in built(fluxed, owner)]
    maps = [item for item in found if item["kind"] == "ConfigMap"]
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item["data"] for item in maps}
