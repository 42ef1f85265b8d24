"""Backups: schedules and locations of Velero, as objects and as values of its chart."""

import pytest

from scaffold.model.repo import Repo
from scaffold.rules.reading.backup_times import interval, schedule_fault
from tests.helpers import URL, dedented, expanded, found, hits

CHART = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: velero, namespace: argocd}
    spec:
      source:
        repoURL: https://charts.example.com
        chart: velero
        targetRevision: 12.1.0
        helm: {releaseName: velero, valuesObject: %s}
      destination: {name: dev, namespace: velero}
"""
CONFIG = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: config, namespace: argocd%s}
    spec:
      source: {repoURL: https://git.example.com/platform/fleet.git, targetRevision: main, path: config}
      destination: {name: dev, namespace: velero}
      %s
"""


def schedule(template: str = "{}", cron: str = "0 2 * * *", name: str = "daily", more: str = "") -> str:
    return f"""\
        apiVersion: velero.io/v1
        kind: Schedule
        metadata: {{name: {name}, namespace: velero}}
        spec: {{schedule: "{cron}", template: {template}{more}}}
    """


def location(name: str = "default", bucket: str = "backups", prefix: str = "dev", more: str = "") -> str:
    return f"""\
        apiVersion: velero.io/v1
        kind: BackupStorageLocation
        metadata: {{name: {name}, namespace: velero}}
        spec: {{provider: aws, objectStorage: {{bucket: {bucket}, prefix: {prefix}}}{more}}}
    """


def with_chart(rule_id: str, values: str, **files: str) -> list[str]:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
    texts = {"velero.yaml": CHART % values, "config.yaml": CONFIG % ("", ""), "config/other.yaml": other}
    return found(rule_id, expanded(Repo.of(URL, dedented({**texts, **files}))))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("0 2 * * *", 24),
        ("CRON_TZ=Europe/Berlin 0 2 * * 0", 168),
        ("TZ=UTC 0 */6 * * *", 6),
        ("@every 90m", 1.5),
        ("@weekly", 168),
        ("0 3 1 * *", 732),
        ("0 3 31 2 *", None),
        ("soon", None),
    ],
)
def test_the_time_between_two_runs(text: str, hours: float | None) -> None:
    found_interval = interval(text)
    assert (found_interval and found_interval / 3600) == (pytest.approx(hours) if hours else None)


@pytest.mark.parametrize("text", ["0 2 * * *", "@every 6h", "CRON_TZ=Europe/Berlin 0 2 * * SUN", "TZ=UTC @daily"])
def test_a_schedule_that_velero_takes(text: str) -> None:
    assert not schedule_fault(text)


@pytest.mark.parametrize(
    "text", ["0 2 * *", "0 0 2 * * *", "CRON_TZ=Europe/Munich 0 2 * * *", "CRON_TZ=UTC", "61 2 * * *", "@nightly"]
)
def test_a_schedule_that_velero_refuses(text: str) -> None:
    assert schedule_fault(text)


@pytest.mark.parametrize(("ttl", "faults"), [("720h", 0), ("720h0m0s", 0), ("0", 0), ("'${TTL}'", 0), ("30d", 1)])
def test_a_ttl_is_a_duration_of_go(ttl: str, faults: int) -> None:
    assert len(hits("DR-08", {"s.yaml": schedule(f"{{ttl: {ttl}}}")})) == faults


def test_timeouts_of_hooks_are_durations_too() -> None:
    hooks = "{hooks: {resources: [{name: a, pre: [{exec: {timeout: 1d}}]}]}}"
    assert hits("DR-08", {"s.yaml": schedule(hooks)}) == [
        "s.yaml:4 Schedule velero/daily: timeout 1d is no duration of Go, as 72h is"
    ]


def test_schedules_and_locations_may_be_values_of_the_chart() -> None:
    values = "{configuration: {backupStorageLocation: [{name: main}]}, schedules: {daily: %s}}"
    wrong = values % '{schedule: "0 2 * *", template: {storageLocation: other}}'
    (text,) = with_chart("DR-08", wrong)
    assert text.startswith("velero.yaml:9 Application argocd/velero: schedule daily: schedule 0 2 * *: has 4 fields")
    assert len(with_chart("DR-02", wrong)) == 1
    assert with_chart("DR-02", values % '{schedule: "0 2 * * *", template: {storageLocation: main}}') == []
    off = values % '{disabled: true, schedule: "0 2 * *", template: {storageLocation: other}}'
    assert with_chart("DR-08", off) == with_chart("DR-02", off) == []


def test_a_location_is_missed_only_where_the_locations_are_known() -> None:
    named = schedule("{storageLocation: other}")
    assert hits("DR-02", {"s.yaml": named}) == []
    assert hits("DR-02", {"s.yaml": named, "l.yaml": location()}) == [
        "s.yaml:4 Schedule velero/daily: no BackupStorageLocation velero/other, there are: default"
    ]
    assert hits("DR-02", {"s.yaml": schedule("{storageLocation: '${X}'}"), "l.yaml": location()}) == []


def test_one_location_is_the_default() -> None:
    files = {"s.yaml": schedule("{}"), "l.yaml": location("main")}
    assert hits("DR-02", files) == [
        "s.yaml:4 Schedule velero/daily: no storageLocation is named, and none is the default"
    ]
    assert hits("DR-02", files | {"l.yaml": location("main", more=", default: true")}) == []
    both = {"a.yaml": location("a", "one", more=", default: true"), "b.yaml": location("b", more=", default: true")}
    assert len(hits("DR-02", both)) == 1


def two_clusters(prod: str) -> list[str]:
    files = {}
    for name, text in (("dev", location()), ("prod", prod)):
        app = (CONFIG % ("", "")).replace("name: config", f"name: {name}").replace("path: config", f"path: {name}")
        files[f"{name}.yaml"] = app.replace("{name: dev, namespace", f"{{name: {name}, namespace")
        files[f"{name}/l.yaml"] = text
    return found("DR-02", expanded(Repo.of(URL, dedented(files))))


def test_two_clusters_do_not_write_to_one_place() -> None:
    assert len(two_clusters(location())) == 1
    assert two_clusters(location(prefix="prod")) == []
    assert two_clusters(location(bucket="others")) == []
    assert two_clusters(location(more=", accessMode: ReadOnly")) == []
    assert two_clusters(location(prefix="'${CLUSTER}'")) == []


def test_the_servers_namespace_is_known_by_its_chart_or_its_image() -> None:
    server = """\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: velero, namespace: backup}
        spec: {template: {spec: {containers: [{name: velero, image: "docker.io/velero/velero:v1.18.1"}]}}}
    """
    assert hits("DR-04", {"s.yaml": schedule()}) == []
    assert hits("DR-04", {"s.yaml": schedule(), "v.yaml": server}) == [
        "s.yaml:3 Schedule velero/daily is not seen: the server runs in backup"
    ]


CLAIM = """\
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: data, namespace: %s%s}
    spec: {%s}
"""


@pytest.mark.parametrize(
    ("template", "namespace", "faults"),
    [
        ("{includedNamespaces: [shop]}", "shop", 0),
        ("{includedNamespaces: ['sh*']}", "shop", 0),
        ("{}", "shop", 0),
        ("{excludedNamespaces: [shop]}", "shop", 1),
        ("{includedNamespaces: [shop]}", "other", 1),
    ],
)
def test_a_claim_is_in_a_schedule(template: str, namespace: str, faults: int) -> None:
    files = {"s.yaml": schedule(template), "c.yaml": CLAIM % (namespace, "", "")}
    assert len(hits("DR-05", files)) == faults


def test_without_schedules_or_with_another_product_claims_are_not_judged() -> None:
    claim = CLAIM % ("other", "", "")
    other = "apiVersion: volsync.backube/v1alpha1\nkind: ReplicationSource\nmetadata: {name: a, namespace: other}\n"
    one = schedule("{includedNamespaces: [shop]}")
    assert hits("DR-05", {"c.yaml": claim}) == []
    assert hits("DR-05", {"c.yaml": claim, "s.yaml": one, "v.yaml": other}) == []
    left_out = CLAIM % ("other", ', labels: {velero.io/exclude-from-backup: "true"}', "")
    assert hits("DR-05", {"c.yaml": left_out, "s.yaml": one}) == []


def test_stateful_sets_have_claims_too() -> None:
    text = """\
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db, namespace: other}
        spec: {volumeClaimTemplates: [{metadata: {name: data}}]}
    """
    files = {"d.yaml": text, "s.yaml": schedule("{includedNamespaces: [shop]}")}
    assert hits("DR-05", files) == ["d.yaml:4 StatefulSet other/db: no schedule takes namespace other"]


@pytest.mark.parametrize(
    ("template", "faults"),
    [
        ("{includedResources: ['*'], excludedResources: [events]}", 0),
        ("{includedResources: [], excludedNamespaceScopedResources: [events]}", 0),
        ("{includeClusterResources: false, includedNamespaceScopedResources: ['*']}", 1),
        ("{labelSelector: {matchLabels: {a: b}}, orLabelSelectors: [{matchLabels: {a: b}}]}", 1),
        ("{defaultVolumesToRestic: false}", 1),
    ],
)
def test_filters_of_two_kinds(template: str, faults: int) -> None:
    assert len(hits("DR-06", {"s.yaml": schedule(template)})) == faults


@pytest.mark.parametrize(
    ("ttl", "cron", "faults"),
    [("72h", "0 2 * * *", 0), ("71h", "0 2 * * *", 1), ("", "0 4 * * 0", 0), ("", "0 4 1 * *", 1), ("1h", "bad", 0)],
)
def test_a_backup_outlives_two_successors(ttl: str, cron: str, faults: int) -> None:
    template = f"{{ttl: {ttl}}}" if ttl else "{}"
    assert len(hits("DR-07", {"s.yaml": schedule(template, cron)})) == faults


def test_rarer_backups_of_the_same_namespaces_are_kept_longer() -> None:
    daily = schedule("{includedNamespaces: [a], ttl: 1440h}")
    weekly = schedule("{includedNamespaces: [%s], ttl: 720h}", "0 4 * * 0", "weekly")
    assert hits("DR-07", {"d.yaml": daily, "w.yaml": weekly % "a"}) == [
        "w.yaml:4 Schedule velero/weekly: ttl 720h is shorter than that of daily, which runs more often"
    ]
    assert hits("DR-07", {"d.yaml": daily, "w.yaml": weekly % "b"}) == []


@pytest.mark.parametrize(
    ("cron", "namespace", "faults"),
    [
        ("0 2 * * 0", "a", 1),
        ("3 2 * * *", "a", 1),
        ("30 2 * * *", "a", 0),
        ("0 2 * * *", "b", 0),
        ("CRON_TZ=Asia/Tokyo 0 2 * * *", "a", 0),
    ],
)
def test_two_schedules_of_one_namespace(cron: str, namespace: str, faults: int) -> None:
    files = {
        "a.yaml": schedule("{includedNamespaces: [a]}"),
        "b.yaml": schedule(f"{{includedNamespaces: [{namespace}]}}", cron, "other"),
    }
    assert len(hits("DR-22", files)) == faults


def test_skip_immediately_is_fought_about_by_engines_alone() -> None:
    text = schedule(more=", skipImmediately: true")
    assert hits("DR-09", {"s.yaml": text}) == []

    def owned(spec: str) -> list[str]:
        files = {"config.yaml": CONFIG % ("", spec), "config/s.yaml": text}
        return found("DR-09", expanded(Repo.of(URL, dedented(files))))

    assert len(owned("")) == 1
    ignored = "{group: velero.io, kind: Schedule, jsonPointers: [/spec/skipImmediately]}"
    assert owned(f"ignoreDifferences: [{ignored}]") == []


def snapshot_class(name: str, more: str = "", driver: str = "ebs.csi.aws.com") -> str:
    return f"""\
        apiVersion: snapshot.storage.k8s.io/v1
        kind: VolumeSnapshotClass
        metadata: {{name: {name}{more}}}
        driver: {driver}
        deletionPolicy: Retain
    """


LABELLED = ', labels: {velero.io/csi-volumesnapshot-class: "true"}'


@pytest.mark.parametrize(
    ("one", "two", "faults"),
    [
        (snapshot_class("a"), snapshot_class("b"), 1),
        (snapshot_class("a", LABELLED), snapshot_class("b"), 0),
        (snapshot_class("a", LABELLED), snapshot_class("b", LABELLED), 1),
        (snapshot_class("a"), snapshot_class("b", driver="other"), 0),
        (
            snapshot_class("a", ', annotations: {snapshot.storage.kubernetes.io/is-default-class: "true"}'),
            snapshot_class("b"),
            0,
        ),
    ],
)
def test_snapshot_classes_of_a_driver(one: str, two: str, faults: int) -> None:
    files = {"a.yaml": one, "b.yaml": two}
    assert len(hits("DR-10", {**files, "s.yaml": schedule()})) == faults
    assert hits("DR-10", files) == []
    assert hits("DR-10", {**files, "s.yaml": schedule("{snapshotVolumes: false}")}) == []


def test_values_that_are_not_known_are_not_missed() -> None:
    moving = {"config/s.yaml": schedule("{snapshotMoveData: true}")}
    assert len(with_chart("DR-11", "{a: b}", **moving)) == 2
    assert with_chart("DR-11", "{deployNodeAgent: true, configuration: {features: EnableCSI}}", **moving) == []
    assert len(with_chart("DR-11", "{deployNodeAgent: true}", **moving)) == 1
    elsewhere = (CHART % "{a: b}").replace("valuesObject: {a: b}", "valueFiles: [elsewhere.yaml]")
    files = {"velero.yaml": elsewhere, "config.yaml": CONFIG % ("", ""), **moving}
    assert found("DR-11", expanded(Repo.of(URL, dedented(files)))) == []


def test_the_node_agent_is_refused_by_a_namespace_of_another_level() -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: velero, labels: {%s}}\n"
    values = "{deployNodeAgent: true}"
    files = {"config/s.yaml": schedule("{defaultVolumesToFsBackup: true}")}
    label = "pod-security.kubernetes.io/enforce: "
    assert len(with_chart("DR-11", values, **files, **{"config/n.yaml": namespace % f"{label}baseline"})) == 1
    assert with_chart("DR-11", values, **files, **{"config/n.yaml": namespace % f"{label}privileged"}) == []


def kept(metadata: str, spec: str = "", sync: str = "syncPolicy: {automated: {prune: true}}", app: str = "") -> bool:
    files = {"config.yaml": CONFIG % (app, sync), "config/c.yaml": CLAIM % ("velero", metadata, spec)}
    return found("DR-18", expanded(Repo.of(URL, dedented(files)))) == []


def test_a_claim_is_kept_by_its_annotations() -> None:
    assert not kept("")
    assert kept(", annotations: {argocd.argoproj.io/sync-options: Prune=false}")
    assert kept(', annotations: {argocd.argoproj.io/sync-options: "Replace=true, Prune=confirm"}')
    assert kept(", annotations: {helm.sh/resource-policy: keep}")


def test_an_application_with_a_finalizer_deletes_what_it_brought() -> None:
    finalizer = ", finalizers: [resources-finalizer.argocd.argoproj.io]"
    assert not kept(", annotations: {argocd.argoproj.io/sync-options: Prune=false}", app=finalizer)
    assert kept(', annotations: {argocd.argoproj.io/sync-options: "Prune=false,Delete=false"}', app=finalizer)


def test_claims_whose_data_is_elsewhere_or_worth_nothing_are_not_judged() -> None:
    assert kept("", sync="")
    assert kept("", sync="syncPolicy: {automated: {enabled: false, prune: true}}")
    assert kept("", spec="volumeName: pv-1")
    assert kept("", spec="dataSourceRef: {kind: VolumeSnapshot, name: a}")
    assert kept(', labels: {velero.io/exclude-from-backup: "true"}')


def alerting(expression: str) -> str:
    return f"""\
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {{name: r, namespace: velero}}
        spec: {{groups: [{{name: a, rules: [{{alert: Stale, expr: '{expression}'}}]}}]}}
    """


_LAST = "velero_backup_last_successful_timestamp"


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        (f'time() - {_LAST}{{schedule="daily"}} > 26 * 3600', 0),
        (f'time() - {_LAST}{{schedule!=""}} > 26h', 0),
        (f'time() - {_LAST}{{schedule=~"dai.*"}} > 26 * 3600', 0),
        (f'time() - {_LAST}{{schedule="daily"}} > 23 * 3600', 1),
        (f'time() - {_LAST}{{schedule="daily"}} > 48 * 3600', 1),
        (f'time() - {_LAST}{{schedule="weekly"}} > 26 * 3600', 1),
        (f'absent({_LAST}{{schedule="daily"}})', 0),
        ("increase(velero_backup_success_total[26h]) == 0", 0),
        ("up == 0", 1),
    ],
)
def test_an_alert_hears_of_a_missing_backup(expression: str, faults: int) -> None:
    assert len(hits("DR-13", {"s.yaml": schedule(), "r.yaml": alerting(expression)})) == faults


def test_without_any_alert_here_none_is_missed() -> None:
    assert hits("DR-13", {"s.yaml": schedule()}) == []
    paused = schedule(more=", paused: true")
    assert hits("DR-13", {"s.yaml": paused, "r.yaml": alerting("up == 0")}) == []


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        ("{backupName: a}", 0),
        ("{scheduleName: a, existingResourcePolicy: update}", 0),
        ("{}", 1),
        ("{backupName: a, scheduleName: b}", 1),
        ("{backupName: a, existingResourcePolicy: replace}", 1),
    ],
)
def test_a_restore_names_one_source(spec: str, faults: int) -> None:
    text = f"apiVersion: velero.io/v1\nkind: Restore\nmetadata: {{name: a, namespace: velero}}\nspec: {spec}\n"
    assert len(hits("DR-23", {"drill/restore.yaml": text})) == faults
