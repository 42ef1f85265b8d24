"""Scaling: who may say how many pods there are."""

import pytest

from tests.helpers import URL, expanded_hits, hits

DEPLOYMENT = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      replicas: 3
"""


def autoscaler(target: str = "{apiVersion: apps/v1, kind: Deployment, name: web}", namespace: str = "shop") -> str:
    return f"""\
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {{name: web, namespace: {namespace}}}
        spec: {{scaleTargetRef: {target}}}
    """


def scaled_object(target: str) -> str:
    return f"""\
        apiVersion: keda.sh/v1alpha1
        kind: ScaledObject
        metadata: {{name: web, namespace: shop}}
        spec: {{scaleTargetRef: {target}}}
    """


def test_the_line_of_the_replicas_is_shown_with_the_scaler() -> None:
    assert hits("WORK-03", {"web.yaml": DEPLOYMENT, "hpa.yaml": autoscaler()}) == [
        "web.yaml:5 Deployment shop/web sets replicas: 3, and HorizontalPodAutoscaler shop/web scales it"
    ]


def test_a_scaledobject_means_a_deployment_unless_it_says_otherwise() -> None:
    (text,) = hits("WORK-03", {"web.yaml": DEPLOYMENT, "keda.yaml": scaled_object("{name: web}")})
    assert text.endswith("and ScaledObject shop/web scales it")
    stateful = "{apiVersion: apps/v1, kind: StatefulSet, name: web}"
    assert hits("WORK-03", {"web.yaml": DEPLOYMENT, "keda.yaml": scaled_object(stateful)}) == []


def test_zero_switches_the_autoscaler_off_and_is_shown() -> None:
    (text,) = hits("WORK-03", {"web.yaml": DEPLOYMENT.replace("3", "0"), "hpa.yaml": autoscaler()})
    assert "sets replicas: 0" in text


def test_another_namespace_kind_or_nothing_set_is_fine() -> None:
    assert hits("WORK-03", {"web.yaml": DEPLOYMENT, "hpa.yaml": autoscaler(namespace="other")}) == []
    rollout = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}"
    assert hits("WORK-03", {"web.yaml": DEPLOYMENT, "hpa.yaml": autoscaler(rollout)}) == []
    assert hits("WORK-03", {"web.yaml": DEPLOYMENT.replace("3", "null"), "hpa.yaml": autoscaler()}) == []


def application(ignored: str, options: str = "[RespectIgnoreDifferences=true]") -> dict[str, str]:
    return {
        "app.yaml": f"""\
            apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {{name: web, namespace: argocd}}
            spec:
              source: {{repoURL: {URL}, path: apps}}
              destination: {{name: dev, namespace: shop}}
              ignoreDifferences: [{ignored}]
              syncPolicy: {{syncOptions: {options}}}
        """,
        "apps/web.yaml": DEPLOYMENT,
        "apps/hpa.yaml": autoscaler(),
    }


@pytest.mark.parametrize(
    "ignored",
    [
        "{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}",
        "{group: apps, kind: Deployment, name: web, jqPathExpressions: [.spec.replicas]}",
        "{group: '*', kind: '*', managedFieldsManagers: [kube-controller-manager]}",
    ],
)
def test_an_ignore_that_works_pleases_both_rules(ignored: str) -> None:
    assert expanded_hits("GITOPS-07", application(ignored)) == []
    assert expanded_hits("WORK-03", application(ignored)) == []


@pytest.mark.parametrize(
    ("ignored", "options", "why"),
    [
        ("{kind: Deployment, jsonPointers: [/spec/replicas]}", "[RespectIgnoreDifferences=true]",
         "the entry's group is '', not 'apps'"),
        ("{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}", "[]",
         "without the sync option RespectIgnoreDifferences=true a sync still sets them"),
    ],
)  # fmt: skip
def test_an_ignore_that_does_not_work_is_the_owners_fault_alone(ignored: str, options: str, why: str) -> None:
    files = application(ignored, options)
    assert expanded_hits("WORK-03", files) == []
    (text,) = expanded_hits("GITOPS-07", files)
    assert text == (
        "app.yaml:7 Application argocd/web is to ignore the replicas of Deployment shop/web, "
        f"which HorizontalPodAutoscaler shop/web scales, but {why}"
    )


def test_an_ignore_of_something_else_is_none() -> None:
    for ignored in (
        "{group: apps, kind: StatefulSet, jsonPointers: [/spec/replicas]}",
        "{group: apps, kind: Deployment, name: api, jsonPointers: [/spec/replicas]}",
        "{group: apps, kind: Deployment, jsonPointers: [/spec/template]}",
    ):
        assert len(expanded_hits("WORK-03", application(ignored))) == 1
        assert expanded_hits("GITOPS-07", application(ignored)) == []


def test_argo_cds_own_settings_may_ignore_for_all() -> None:
    settings = """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: argocd-cm, namespace: argocd}
        data:
          resource.customizations.ignoreDifferences.apps_Deployment: |
            jqPathExpressions: [.spec.replicas]
    """
    files = {**application(""), "apps/settings.yaml": settings}
    assert expanded_hits("WORK-03", files) == []
    assert expanded_hits("GITOPS-07", files) == []


def flux(ignore: str) -> dict[str, str]:
    return {
        "clusters/dev/flux-system/gotk-sync.yaml": f"""\
            apiVersion: source.toolkit.fluxcd.io/v1
            kind: GitRepository
            metadata: {{name: flux-system, namespace: flux-system}}
            spec: {{url: {URL}, ref: {{branch: main}}}}
            ---
            apiVersion: kustomize.toolkit.fluxcd.io/v1
            kind: Kustomization
            metadata: {{name: flux-system, namespace: flux-system}}
            spec:
              path: ./apps
              sourceRef: {{kind: GitRepository, name: flux-system}}
              {ignore}
        """,
        "apps/web.yaml": DEPLOYMENT,
        "apps/hpa.yaml": autoscaler(),
    }


def test_a_kustomization_may_leave_the_field_to_others() -> None:
    ignore = "ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]"
    assert expanded_hits("WORK-03", flux(ignore)) == []
    assert expanded_hits("GITOPS-07", flux(ignore)) == []
    other = "ignore: [{paths: [/spec/replicas], target: {kind: StatefulSet}}]"
    assert len(expanded_hits("WORK-03", flux(other))) == 1
