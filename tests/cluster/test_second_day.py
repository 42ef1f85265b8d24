"""Day two: after each push exactly what it says changes in the cluster, and what holds data stays.

Each test goes on from where the one before it ended, on the repository that `test_reconciled` has looked at. What
should change is what `scaffold render` says, before and after; that the right thing is meant, each test says itself.
"""

import re
import subprocess
import sys

import pytest

from tests.cluster.harness.bootstrap import Synced
from tests.cluster.harness.day_two import Planned, pushed, snapshots
from tests.cluster.harness.repositories import commit, git, release, updated
from tests.cluster.harness.snapshots import Difference, compared
from tests.cluster.harness.stand_ins import backup_of

pytestmark = [pytest.mark.argo, pytest.mark.parametrize("synced", ["standard"], indirect=True)]

SHOP = "services/shop/.copier-answers.yml"


def test_adding_a_service_makes_its_objects_and_changes_no_other(synced: Synced) -> None:
    before = Planned.of(synced)
    one = "replicas={dev: {min: 1, max: 1}}"
    _scaffold(synced, "add", "service", "ledger", "--defaults", "-d", "kind=worker", "-d", one, "-d", "volume_size=1Gi")
    planned = before.until(Planned.of(synced))
    found = pushed(synced, "Add ledger")["dev"]
    assert found == planned
    assert (found.gone, found.changed) == (set(), {})
    assert {
        "Application argocd/ledger-dev",
        "PersistentVolumeClaim shop/ledger",
        "Deployment shop/ledger",
    } <= found.made


def test_changing_an_answer_changes_only_what_it_says_and_a_revert_restores_it(synced: Synced) -> None:
    start, before = snapshots(synced)["dev"], Planned.of(synced)
    updated(synced.root, "--answers-file", SHOP, "--data", "replicas={dev: {min: 4, max: 12}}")
    planned = before.until(Planned.of(synced))
    found = pushed(synced, "More of shop")["dev"]
    assert found == planned
    assert found.changed["HorizontalPodAutoscaler shop/shop"] == {"spec.maxReplicas", "spec.minReplicas"}
    git(synced.root, "revert", "--no-commit", "HEAD")
    assert pushed(synced, "Roll back")["dev"].changed == found.changed
    assert compared(start, snapshots(synced)["dev"]) == Difference(set(), set())


@pytest.mark.proves("reconciled", "velero", "kyverno", "namespaces")
def test_components_turned_off_go_but_what_holds_data_stays_and_turned_on_again_they_take_it_over(
    synced: Synced,
) -> None:
    for schedule in synced.plane.api.list("velero.io/v1", "Schedule"):
        backup_of(synced.plane.api, schedule)
    start, before = snapshots(synced)["dev"], Planned.of(synced)
    updated(synced.root, "--data", "backup=none", "--data", "policy=none")
    planned = before.until(Planned.of(synced))
    # What the template keeps though Git has it no more; what the upstream charts bring is not ours to plan.
    kept = {"Namespace kyverno", "Namespace velero", "Schedule velero/shop-daily", "Schedule velero/shop-weekly"}
    charts = {"Deployment kyverno/kyverno", "Deployment velero/velero"}
    assert kept <= planned.gone
    intended = Difference(planned.made, planned.gone - kept | charts, planned.changed)
    assert {"BackupStorageLocation velero/default", "ValidatingPolicy no-latest-tag"} <= intended.gone
    assert pushed(synced, "No backups, no policies")["dev"] == intended
    updated(synced.root, "--data", "backup=velero", "--data", "policy=kyverno")
    assert pushed(synced, "Backups and policies")["dev"].made == intended.gone
    found = compared(start, snapshots(synced)["dev"])
    assert (found.made, found.gone, found.fields) == (set(), set(), {"metadata.uid"})
    assert set(found.changed) == intended.gone, "backups, definitions and namespaces are the ones of before"


def test_a_new_version_of_the_template_changes_only_what_it_says(synced: Synced) -> None:
    before = Planned.of(synced)
    values = synced.template / "template" / "repo" / "charts" / "service" / "values.yaml"
    text, count = re.subn("(?m)^  graceSeconds: .*", "  graceSeconds: 47", values.read_text(encoding="utf-8"))
    assert count == 1
    values.write_text(text, encoding="utf-8")
    release(synced.template, "v1.1.0")
    updated(synced.root)
    for file in sorted(synced.root.glob("services/*/.copier-answers.yml")):
        commit(synced.root, "Update from the template")
        updated(synced.root, "--answers-file", str(file.relative_to(synced.root)))
    planned = before.until(Planned.of(synced))
    assert pushed(synced, "Update the services from the template")["dev"] == planned
    services = [file.parent.name for file in synced.root.glob("services/*/values.yaml")]
    period = {"spec.template.spec.terminationGracePeriodSeconds"}
    assert planned == Difference(set(), set(), {f"Deployment shop/{name}": period for name in services})


def _scaffold(synced: Synced, *arguments: str) -> None:
    command = [sys.executable, "-m", "scaffold", *arguments, "--template", str(synced.template)]
    done = subprocess.run(command, cwd=synced.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
