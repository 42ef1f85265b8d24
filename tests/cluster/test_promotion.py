"""Promoted: a version goes from environment to environment, each a cluster of its own, and back; data stays.

The repository has Velero and a service with a volume, and nothing else.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from tests.cluster.harness.bootstrap import Synced, bootstrapped
from tests.cluster.harness.day_two import delete_applications, pushed, snapshots
from tests.cluster.harness.repositories import git
from tests.cluster.harness.snapshots import Difference, compared
from tests.cluster.harness.stand_ins import backup_of

pytestmark = pytest.mark.argo

ENVIRONMENTS = ("dev", "staging", "prod")
# A volume is mounted by one pod.
ONE = {name: {"min": 1, "max": 1} for name in ENVIRONMENTS}
NOTHING = Difference(made=set(), gone=set())
# What a version changes: the image, the label that says it, and the variable that tells it to the service.
VERSION_FIELDS = {
    "metadata.labels.app.kubernetes.io/version",
    "spec.template.metadata.labels.app.kubernetes.io/version",
    "spec.template.spec.containers.0.env.3.value",
    "spec.template.spec.containers.0.image",
}
PARTS = ("namespaces", "velero", "velero-config", "shop")
# Kinds that hold data, or hold what holds data.
DATA = ("Backup ", "CustomResourceDefinition ", "Namespace ", "PersistentVolume ", "PersistentVolumeClaim ")


@pytest.fixture(scope="module")
def shop(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    answers = {"backup": "velero", "volume_size": "1Gi", "replicas": ONE}
    folder = tmp_path_factory.mktemp("promotion")
    with bootstrapped(programs, folder, "minimal", answers, environments=ENVIRONMENTS) as synced:
        yield synced


def test_a_version_travels_from_dev_to_staging_to_prod(
    shop: Synced, record_property: Callable[[str, object], None]
) -> None:
    record_property("note", f"three environments: {len(shop.apps)} Applications settled after {shop.seconds:.0f} s")
    versions = [_version(shop, name) for name in ENVIRONMENTS]
    _write(versions[0], "1.1.0")
    for at, name in enumerate(ENVIRONMENTS):
        if at:
            copyfile(versions[at - 1], versions[at])
        found = pushed(shop, f"shop: 1.1.0 to {name}")
        changed = found.pop(name)
        assert found == dict.fromkeys(found, NOTHING), "only this environment changes"
        assert (changed.made, changed.gone) == (set(), set())
        assert changed.fields == VERSION_FIELDS
        assert "spec.template.spec.containers.0.image" in changed.changed["Deployment shop/shop"]
        assert _image(shop, name).endswith("/shop:1.1.0")


def test_reverting_a_promotion_restores_the_environment_and_touches_no_other(shop: Synced) -> None:
    before = snapshots(shop)
    _write(_version(shop, "prod"), "1.2.0")
    assert pushed(shop, "shop: 1.2.0 to prod")["prod"].fields == VERSION_FIELDS
    git(shop.root, "revert", "--no-commit", "HEAD")
    found = pushed(shop, "Roll back")
    assert found.pop("prod").fields == VERSION_FIELDS
    assert found == dict.fromkeys(found, NOTHING)
    after = snapshots(shop)
    assert {name: compared(before[name], after[name]) for name in before} == dict.fromkeys(before, NOTHING)


@pytest.mark.proves("reconciled", "velero", "namespaces", "service chart")
@pytest.mark.parametrize(
    ("environment", "names", "cascade"),
    [
        ("dev", PARTS, "foreground"),
        ("dev", ("platform",), "background"),
        # In the last environment fewer Applications take their objects with them.
        ("prod", PARTS, "background"),
        ("prod", ("platform",), "foreground"),
    ],
    ids=lambda one: one if isinstance(one, str) else "+".join(one),
)
def test_applications_deleted_by_mistake_come_back_and_lose_no_data(
    shop: Synced, environment: str, names: tuple[str, ...], cascade: str
) -> None:
    api = shop.clusters[environment].api
    for schedule in api.list("velero.io/v1", "Schedule"):
        backup_of(api, schedule)
    before = snapshots(shop)
    data = {name for name in before[environment] if name.startswith(DATA)}
    assert {name.split()[0] for name in data} == {kind.strip() for kind in DATA}
    delete_applications(shop, {f"{name}-{environment}" for name in names}, cascade)
    after = snapshots(shop)
    for name in ENVIRONMENTS:
        found = compared(before[name], after[name])
        assert (found.made, found.gone) == (set(), set()), "all is as it was"
        assert not data & set(found.changed), "made anew: what it held is gone"
        # Made anew: what the Applications hold, and they themselves, in the hub. A Service has a new address.
        assert found.fields <= {"metadata.uid", "spec.clusterIP", "spec.clusterIPs.0"}
    # Only the last environment's platform leaves what it has made.
    cascaded = "Deployment velero/velero" in compared(before[environment], after[environment]).changed
    assert cascaded == ((environment, names) != ("prod", ("platform",)))
    deleted = {f"Application argocd/{name}-{environment}" for name in names}
    assert deleted <= set(compared(before["dev"], after["dev"]).changed)


def _version(shop: Synced, environment: str) -> Path:
    return shop.root / "services" / "shop" / "envs" / environment / "version.yaml"


def _write(file: Path, tag: str) -> None:
    text, count = re.subn("(?m)^  tag: .*", f'  tag: "{tag}"', file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(text, encoding="utf-8")


def _image(shop: Synced, environment: str) -> str:
    deployment = shop.clusters[environment].api.get("apps/v1", "Deployment", "shop", "shop")
    assert deployment
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image
