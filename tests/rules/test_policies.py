"""Corners of policies: what Kyverno derives, what expressions read, whom policies are for, and exceptions."""

import pytest

from tests.helpers import URL, expanded_hits, hits

PODS = "{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}"
DEBUG = "{apiGroups: [''], apiVersions: [v1], operations: [UPDATE], resources: [pods/ephemeralcontainers]}"
READS = "object.spec.containers.all(c, c.image != '')"


def policy(name: str = "p", match: str = f"resourceRules: [{PODS}]", rest: str = "", reads: str = "true") -> str:
    return (
        "apiVersion: policies.kyverno.io/v1\n"
        "kind: ValidatingPolicy\n"
        f"metadata: {{name: {name}}}\n"
        "spec:\n"
        f"  matchConstraints: {{{match}}}\n"
        f'  validations: [{{expression: "{reads}"}}]\n'
        f"{rest}"
    )


def exception(fields: str, api: str = "policies.kyverno.io/v1") -> str:
    return (
        f"---\napiVersion: {api}\nkind: PolicyException\nmetadata: {{name: e, namespace: shop}}\nspec: {{{fields}}}\n"
    )


CONDITIONS = "matchConditions: [{name: a, expression: 'true'}]"


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (f"resourceRules: [{PODS}]", ""),
        (f"resourceRules: [{PODS}], namespaceSelector: {{matchLabels: {{a: b}}}}", ""),
        (f"resourceRules: [{PODS}], objectSelector: {{}}", ""),
        (f"resourceRules: [{PODS}], objectSelector: {{matchLabels: {{a: b}}}}", "it has an objectSelector"),
        (f"resourceRules: [{PODS}, {DEBUG}]", "it has 2 resourceRules"),
        (f"resourceRules: [{DEBUG}]", ""),
        (f"resourceRules: [{PODS.replace('[v1]', '[' + chr(39) + '*' + chr(39) + ']')}]", "apiVersions is ['*']"),
        (f"resourceRules: [{PODS.replace('[pods]', '[pods, services]')}]", ""),
        (f"resourceRules: [{PODS.replace('CREATE, UPDATE', 'DELETE')}, {DEBUG}]", ""),
        (f"resourceRules: [{PODS.replace('[pods]', '[pods], resourceNames: [x]')}]", "it names single pods"),
    ],
)  # fmt: skip
def test_what_turns_the_rules_for_controllers_off(match: str, said: str) -> None:
    found = hits("POL-02", {"p.yaml": policy(match=match)})
    assert len(found) == bool(said)
    assert not said or said in found[0]


def test_pods_alone_may_be_meant() -> None:
    rest = "  autogen: {podControllers: {controllers: []}}\n"
    assert hits("POL-02", {"p.yaml": policy(match=f"resourceRules: [{PODS}, {DEBUG}]", rest=rest)}) == []


def test_controllers_of_custom_resources_are_taken() -> None:
    rest = "  autogen: {podControllers: {controllers: [jobsets.v1alpha2.jobset.x-k8s.io, rollouts, Deployment]}}\n"
    assert hits("POL-02", {"p.yaml": policy(rest=rest)}) == [
        "p.yaml:7 ValidatingPolicy p: controller Deployment is passed over, deployments is meant"
    ]


def test_an_admission_policy_of_the_server_derives_nothing() -> None:
    rest = "  autogen: {podControllers: {controllers: [jobs]}, validatingAdmissionPolicy: {enabled: true}}\n"
    [found] = hits("POL-02", {"p.yaml": policy(rest=rest)})
    assert "with validatingAdmissionPolicy enabled" in found


def test_a_mutating_policy_cannot_set_metadata_of_a_template() -> None:
    text = policy().replace("ValidatingPolicy", "MutatingPolicy")
    expression = "'Object{metadata: Object.metadata{}}'"
    patch = f"  mutations: [{{patchType: ApplyConfiguration, applyConfiguration: {{expression: {expression}}}}}]\n"
    [found] = hits("POL-02", {"p.yaml": text + patch})
    assert found.startswith("p.yaml:7 MutatingPolicy p: the rules derived for Deployments and others fail")


@pytest.mark.parametrize(
    ("reads", "lacking"),
    [
        (READS, "initContainers and ephemeralContainers"),
        (f"{READS} && object.spec.?initContainers.orValue([]).all(c, true)", "ephemeralContainers"),
        ("object.spec.containers.all(c, c.?resources.?limits.?memory.hasValue())", ""),
        ("object.spec.?containers.orValue([]).all(c, has(c.securityContext))", "initContainers"),
    ],
)
def test_expressions_read_every_container(reads: str, lacking: str) -> None:
    found = hits("POL-03", {"p.yaml": policy(reads=reads)})
    assert len(found) == bool(lacking)
    assert all(lacking in text for text in found)


def test_a_second_policy_may_be_for_debugging() -> None:
    reads = f"{READS} && object.spec.?initContainers.orValue([]).all(c, true)"
    second = policy("debug", f"resourceRules: [{DEBUG}]")
    assert hits("POL-03", {"p.yaml": policy(reads=reads), "q.yaml": second}) == []


def test_patterns_of_the_old_api_are_read_too() -> None:
    old = """\
        apiVersion: kyverno.io/v1
        kind: ClusterPolicy
        metadata: {name: p}
        spec:
          rules:
            - name: a
              validate:
                pattern:
                  spec:
                    containers: [{image: "registry.example.com/*"}]
            - name: b
              validate:
                pattern:
                  spec:
                    "=(initContainers)": [{image: "registry.example.com/*"}]
                    containers: [{image: "registry.example.com/*"}]
            - name: c
              validate:
                pattern: {spec: {containers: [{"resources": {limits: {memory: "?*"}}}]}}
        """
    assert [one.split()[0] for one in hits("POL-03", {"p.yaml": old})] == ["p.yaml:10"]


def test_without_any_test_none_is_asked_for() -> None:
    assert hits("POL-04", {"p.yaml": policy()}) == []


def test_a_policy_for_a_subresource_has_no_fixtures() -> None:
    test = (
        "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: t}\nresults: [{policy: x, result: pass}]\n"
    )
    files = {"p.yaml": policy("debug", f"resourceRules: [{DEBUG}]"), "t.yaml": test, "q.yaml": policy("untested")}
    assert hits("POL-04", files) == [
        "q.yaml:1 ValidatingPolicy untested: no test says what it lets pass and what it refuses"
    ]


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        ("object.spec.containers.all(c, c.image.startsWith('ghcr.io'))", 1),
        ("object.spec.containers.all(c, c.image.startsWith('ghcr.io/'))", 0),
        ("object.spec.containers.all(c, c.image.startsWith('ghcr.io/example/web'))", 0),
        ("object.spec.containers.all(c, !c.image.startsWith('docker.io'))", 0),
        ("object.metadata.name.startsWith('a.b')", 0),
        ("object.spec.containers.all(c, c.image.startsWith('localhost:5000/'))", 0),
    ],
)
def test_a_registry_ends_with_a_slash(reads: str, found: int) -> None:
    assert len(hits("POL-05", {"p.yaml": policy(reads=reads)})) == found


NAMESPACES = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {tenant: shop}}
---
apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
"""


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("matchLabels: {tenant: shop}", ""),
        ("matchLabels: {tenant: stock}", "none of 2 namespaces is selected"),
        ("matchLabels: {kubernetes.io/metadata.name: kube-system}", ""),
        ("matchLabels: {kubernetes.io/metadata.name: shopp}", "there is no namespace shopp, but shop"),
        ("matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [istio-sytem]}]",
         "but istio-"),
        ("matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [falco, calico-system]}]", ""),
        ("matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [istio-systm, istio-system]}]",
         ""),
    ],
)  # fmt: skip
def test_a_selector_takes_namespaces_that_exist(selector: str, said: str) -> None:
    text = policy(match=f"resourceRules: [{PODS}], namespaceSelector: {{{selector}}}")
    found = hits("POL-06", {"p.yaml": text, "n.yaml": NAMESPACES})
    assert bool(found) == bool(said)
    assert not said or any(said in text for text in found)


def test_namespaces_that_are_elsewhere_may_have_the_label() -> None:
    text = policy(match=f"resourceRules: [{PODS}], namespaceSelector: {{matchLabels: {{tenant: shop}}}}")
    assert hits("POL-06", {"p.yaml": text}) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (f"policyRefs: [{{name: p, kind: ValidatingPolicy}}], {CONDITIONS}", ""),
        (f"policyRefs: [{{name: p, kind: MutatingPolicy}}], {CONDITIONS}", "there is no MutatingPolicy p, but Valid"),
        (f"policyRefs: [{{name: p, kind: ClusterPolicy}}], {CONDITIONS}", "a ClusterPolicy is excepted from by"),
        (f"policyRefs: [{{name: q, kind: ValidatingPolicy}}], {CONDITIONS}", "there is no ValidatingPolicy q"),
        ("policyRefs: [{name: p, kind: ValidatingPolicy}]", "it excepts everything"),
        (f"policyRefs: [{{name: p, kind: ValidatingPolicy}}], {CONDITIONS}, expiresAt: '2999-01-01T00:00:00Z'", ""),
        (f"policyRefs: [{{name: p, kind: ValidatingPolicy}}], {CONDITIONS}, expiresAt: '2020-01-01'", "it ended on"),
        (f"policyRefs: [{{name: p, kind: ValidatingPolicy}}], {CONDITIONS}, expiresAt: soon", "soon is no time"),
        (f"policyRefs: [{{name: '${{name}}', kind: ValidatingPolicy}}], {CONDITIONS}", ""),
    ],
)
def test_an_exception_is_from_something(fields: str, said: str) -> None:
    found = hits("POL-09", {"p.yaml": policy() + exception(fields)})
    assert len(found) == bool(said)
    assert all(said in text for text in found)


def test_a_policy_may_come_from_elsewhere() -> None:
    fields = f"policyRefs: [{{name: q, kind: ValidatingPolicy}}], {CONDITIONS}"
    assert hits("POL-09", {"e.yaml": exception(fields)}) == []


def test_an_exception_of_the_old_api_is_for_old_policies() -> None:
    text = policy() + exception("exceptions: [{policyName: p}, {policyName: q}]", "kyverno.io/v2")
    assert hits("POL-09", {"p.yaml": text}) == [
        "p.yaml:11 PolicyException shop/e: kyverno.io/v2 does not count for ValidatingPolicy p"
    ]


def flux(*names: str, depends: str = "") -> dict[str, str]:
    source = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
        f"metadata: {{name: flux-system, namespace: flux-system}}\nspec: {{url: {URL}, ref: {{branch: main}}}}\n"
    )
    layers = [
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec:\n  interval: 1h\n  path: ./{'clusters' if name == 'flux-system' else name}\n"
        "  sourceRef: {kind: GitRepository, name: flux-system}\n"
        for name in ("flux-system", *names)
    ]
    layers[-1] += depends
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: kyverno, namespace: kyverno}\n"
        "spec:\n  interval: 1h\n  chart: {spec: {chart: kyverno, version: 3.9.0, "
        "sourceRef: {kind: HelmRepository, name: kyverno}}}\n"
    )
    files = {
        "clusters/sync.yaml": "---\n".join([source, *layers[:1]]),
        "clusters/layers.yaml": "---\n".join(layers[1:]),
    }
    return files | {f"{names[0]}/release.yaml": release, f"{names[-1]}/policy.yaml": policy()}


def test_policies_of_flux_wait_for_kyverno() -> None:
    assert (
        expanded_hits("POL-10", flux("controllers", "policies", depends="  dependsOn: [{name: controllers}]\n")) == []
    )
    [found] = expanded_hits("POL-10", flux("controllers", "policies"))
    assert "it does not depend on Kustomization flux-system/controllers" in found


def test_policies_beside_the_release_are_never_applied() -> None:
    [found] = expanded_hits("POL-10", flux("controllers"))
    assert found.endswith("HelmRelease kyverno/kyverno installs Kyverno: both come from it")


def test_what_an_old_policy_generates_is_found_too() -> None:
    text = """\
        apiVersion: kyverno.io/v1
        kind: ClusterPolicy
        metadata: {name: quota}
        spec:
          rules:
            - name: a
              match: {any: [{resources: {kinds: [Namespace]}}]}
              generate:
                apiVersion: v1
                kind: ResourceQuota
                name: default
                namespace: "{{request.object.metadata.name}}"
        ---
        apiVersion: v1
        kind: ResourceQuota
        metadata: {name: default, namespace: shop}
        """
    assert hits("POL-11", {"a.yaml": text}) == [
        "a.yaml:16 ResourceQuota shop/default is generated by ClusterPolicy quota, too"
    ]
    assert hits("POL-11", {"a.yaml": text.replace("kinds: [Namespace]", "kinds: [Namespace], names: [x]")}) == []
