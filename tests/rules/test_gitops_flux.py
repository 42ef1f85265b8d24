"""Corners of what Flux is told: dependencies, versions, times, sources, substitution, image automation."""

import pytest

from tests.helpers import URL, expanded_hits, hits

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n"
SOURCE = (
    "apiVersion: source.toolkit.fluxcd.io/v1\n"
    "kind: GitRepository\n"
    "metadata: {name: flux-system, namespace: flux-system}\n"
    f"spec: {{url: {URL}, ref: {{branch: main}}}}\n"
    "---\n"
)


def layer(name: str, extra: str = "", path: str = "", namespace: str = "flux-system") -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\n"
        "kind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        "spec:\n"
        "  interval: 1h\n"
        f"  path: ./{path or name}\n"
        "  sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}\n"
        f"{extra}"
    )


def cluster(*layers: str, **files: str) -> dict[str, str]:
    root = SOURCE + layer("flux-system", path="clusters/dev")
    found = {"clusters/dev/sync.yaml": root, "clusters/dev/layers.yaml": "---\n".join(layers)}
    return found | {name.replace("__", "/") + ".yaml": text for name, text in files.items()}


APPS = {"apps__settings": SETTINGS}


def test_a_dependency_in_another_namespace_is_named() -> None:
    files = cluster(
        layer("apps", "  dependsOn: [{name: configs}]\n"),
        layer("configs", namespace="other"),
        **APPS,
        configs__a=SETTINGS,
    )
    assert expanded_hits("GITOPS-32", files) == [
        "clusters/dev/layers.yaml:8 Kustomization flux-system/apps depends on Kustomization flux-system/configs, "
        "which does not exist, there is one in namespace other"
    ]


def test_nothing_is_missing_where_kustomizations_come_from_elsewhere() -> None:
    foreign = layer("more").replace("kind: GitRepository, name: flux-system", "kind: GitRepository, name: other")
    files = cluster(layer("apps", "  dependsOn: [{name: configs}]\n"), foreign, **APPS)
    assert expanded_hits("GITOPS-32", files) == []


def test_a_kustomization_that_only_lies_here_may_be_applied_by_hand() -> None:
    files = cluster(
        layer("apps", "  dependsOn: [{name: configs}]\n"), **APPS, elsewhere__configs=layer("configs", path="apps")
    )
    assert expanded_hits("GITOPS-32", files) == []


def test_a_variable_in_a_name_is_filled_in_later() -> None:
    files = cluster(layer("apps", "  dependsOn: [{name: 'configs-${cluster}'}]\n"), **APPS)
    assert expanded_hits("GITOPS-32", files) == []


def test_a_circle_of_three_is_found_once() -> None:
    names = ("one", "two", "three")
    layers = [layer(name, f"  dependsOn: [{{name: {names[index - 1]}}}]\n") for index, name in enumerate(names)]
    files = cluster(*layers, **{f"{name}__a": SETTINGS.replace("settings", name) for name in names})
    found = expanded_hits("GITOPS-32", files)
    assert len(found) == 1
    assert "waits for itself: one → three → two → one" in found[0]


def test_a_layer_that_waits_for_itself_is_a_circle() -> None:
    files = cluster(layer("apps", "  dependsOn: [{name: apps}]\n"), **APPS)
    assert "waits for itself: apps → apps" in expanded_hits("GITOPS-32", files)[0]


def test_only_what_takes_time_is_waited_for() -> None:
    extra = "  dependsOn: [{name: configs}]\n"
    files = cluster(layer("apps", extra), layer("configs"), **APPS, configs__a=SETTINGS.replace("settings", "a"))
    assert expanded_hits("GITOPS-25", files) == []
    web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
    assert len(expanded_hits("GITOPS-25", {**files, "configs/web.yaml": web})) == 1
    ready = cluster(layer("apps", extra.replace("configs}", "configs, readyExpr: 'true'}")), layer("configs"), **APPS)
    assert expanded_hits("GITOPS-25", {**ready, "configs/web.yaml": web}) == []


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, names: {kind: Widget}}
"""
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: wheel, namespace: shop}\n"


def test_definitions_of_the_same_kustomization_come_first() -> None:
    assert expanded_hits("GITOPS-33", cluster(layer("apps"), apps__a=DEFINITION, apps__b=WIDGET)) == []


def test_a_layer_before_the_layer_before_is_before() -> None:
    layers = [layer("apps", "  dependsOn: [{name: b}]\n"), layer("b", "  dependsOn: [{name: a}]\n"), layer("a")]
    files = cluster(*layers, apps__w=WIDGET, a__d=DEFINITION, b__s=SETTINGS)
    assert expanded_hits("GITOPS-33", files) == []
    apart = cluster(layer("apps"), *layers[1:], apps__w=WIDGET, a__d=DEFINITION, b__s=SETTINGS)
    assert expanded_hits("GITOPS-33", apart) == [
        "apps/w.yaml:1 Widget shop/wheel: Kustomization flux-system/apps does not depend on "
        "Kustomization flux-system/a, which brings Widget"
    ]


def test_a_namespace_of_ones_own_is_there_in_time() -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    files = cluster(layer("apps", "  targetNamespace: shop\n"), **APPS, apps__namespace=namespace)
    assert expanded_hits("GITOPS-38", files) == []
    assert expanded_hits("GITOPS-38", cluster(layer("apps", "  targetNamespace: shop\n"), **APPS)) == []


@pytest.mark.parametrize(
    ("kind", "version", "count"),
    [
        ("source.toolkit.fluxcd.io", "v1", 0),
        ("source.toolkit.fluxcd.io", "v1beta2", 1),
        ("notification.toolkit.fluxcd.io", "v1beta3", 0),
        ("notification.toolkit.fluxcd.io", "v1beta2", 1),
        ("helm.toolkit.fluxcd.io", "v2beta1", 1),
        ("source.example.com", "v1beta2", 0),
    ],
)
def test_versions_that_are_gone_are_found(kind: str, version: str, count: int) -> None:
    text = f"apiVersion: {kind}/{version}\nkind: Alert\nmetadata: {{name: a}}\n"
    assert len(hits("GITOPS-30", {"a.yaml": text})) == count


def test_a_version_that_a_definition_here_serves_is_not_gone() -> None:
    crd = DEFINITION.replace("example.com, names", "image.toolkit.fluxcd.io, names").replace(
        "kind: Widget", "kind: ImagePolicy"
    )
    crd = crd.replace("}}", "}, versions: [{name: v1beta2, served: true}]}")
    text = "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\nmetadata: {name: a}\n"
    assert hits("GITOPS-30", {"a.yaml": text, "crd.yaml": crd}) == []
    assert len(hits("GITOPS-30", {"a.yaml": text})) == 1


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ("  timeout: 1h30m\n", 1),
        ("  timeout: 1h\n  retryInterval: 60m\n", 0),
        ("  retryInterval: 90m0s\n", 1),
        ("  timeout: ${timeout}\n", 0),
        ("  timeout: 5m\n  retryInterval: 1m30s\n", 0),
    ],
)
def test_times_are_compared_as_durations(times: str, count: int) -> None:
    assert len(hits("GITOPS-34", {"a.yaml": layer("apps", times)})) == count


def release(fields: str) -> str:
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\n"
        "kind: HelmRelease\n"
        "metadata: {name: web, namespace: shop}\n"
        f"spec: {{interval: 1h, {fields}}}\n"
    )


CHART = "chart: {spec: {chart: web, version: 1.0.0, sourceRef: {kind: HelmRepository, name: charts}}}"
REPOSITORY = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: NS}\n"


def test_a_release_has_no_two_charts() -> None:
    files = cluster(release(f"{CHART}, chartRef: {{kind: OCIRepository, name: web}}"))
    assert expanded_hits("GITOPS-36", files) == [
        "clusters/dev/layers.yaml:4 HelmRelease shop/web has both chart and chartRef"
    ]


def test_a_source_is_looked_for_in_the_namespace_of_the_release() -> None:
    here = REPOSITORY.replace("NS", "shop").replace("v1\nkind", "v1\nkind")
    assert expanded_hits("GITOPS-36", cluster(release(CHART), here)) == []
    assert len(expanded_hits("GITOPS-36", cluster(release(CHART)))) == 1


def test_a_source_that_only_lies_here_may_be_applied_by_hand() -> None:
    files = cluster(release(CHART), by_hand__charts=REPOSITORY.replace("NS", "elsewhere"))
    assert expanded_hits("GITOPS-36", files) == []


def substituted(text: str, post_build: str = "substitute: {mode: fast}", **files: str) -> list[str]:
    settings = SETTINGS + f"data:\n  text: {text!r}\n"
    extra = f"  postBuild: {{{post_build}}}\n"
    return expanded_hits("GITOPS-35", cluster(layer("apps", extra), apps__settings=settings, **files))


@pytest.mark.parametrize(
    "text",
    [
        "${mode}",
        "${other:=x}",
        "${other:-x} $other $${other}",
        "${other:=${third:=x}}",
        "{{ $labels.other }} $ {other}",
        "${mode^^} ${mode/a/b} ${#mode}",
        "$$${mode}",
        "100$",
    ],
)
def test_what_is_defined_or_escaped_is_fine(text: str) -> None:
    assert substituted(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${other}", "${other} is not defined by Kustomization flux-system/apps"),
        ("$$ ${other}", "${other} is not defined by Kustomization flux-system/apps"),
        ("${{ x }}", "${{ x }} is no variable, and nothing of the Kustomization is applied"),
        ("${a[0]}", "${a[0]} is not closed after its name, and nothing of the Kustomization is applied"),
    ],
)
def test_what_fails_the_build_is_found(text: str, what: str) -> None:
    assert substituted(text) == [f"apps/settings.yaml:5 ConfigMap shop/settings: {what}"]


def test_variables_of_an_unknown_config_map_may_be_any() -> None:
    reference = "substituteFrom: [{kind: ConfigMap, name: cluster-vars}]"
    assert substituted("${other}", reference) == []
    known = (
        SETTINGS.replace("settings, namespace: shop", "cluster-vars, namespace: flux-system") + "data: {region: eu}\n"
    )
    assert substituted("${region}", reference, clusters__dev__vars=known) == []
    assert len(substituted("${other}", reference, clusters__dev__vars=known)) == 1


def test_without_variables_nothing_is_substituted() -> None:
    assert substituted("${other}", "substitute: {}") == []
    assert len(substituted("${other}", "substituteStrategy: Always")) == 1


def test_an_object_may_be_left_out_of_the_substitution() -> None:
    annotated = SETTINGS.replace(
        "settings,", "settings, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled},"
    )
    files = cluster(layer("apps", "  postBuild: {substitute: {a: b}}\n"), apps__a=annotated + "data: {text: '${x}'}\n")
    assert expanded_hits("GITOPS-35", files) == []


IMAGES = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: registry.example.com/web}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec: {imageRepositoryRef: {name: web}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: all, namespace: flux-system}
spec: {sourceRef: {kind: GitRepository, name: flux-system}, update: {path: ./apps}}
"""


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        ("apps/a.yaml", 'image: registry.example.com/web:1 # {"$imagepolicy": "flux-system:web"}', []),
        ("apps/a.yaml", 'tag: 1 # {"$imagepolicy": "flux-system:web:tag"}', []),
        ("apps/a.yaml", 'tag: 1 # {"$imagepolicy": "flux-system:web:version"}', ["not in :version"]),
        ("apps/a.yaml", 'image: example.com/jobs:1 # {"$imagepolicy": "flux-system:web"}', ["not for example"]),
        ("apps/a.yaml", 'tag: 1 # {"$imagepolicy": "shop:web:tag"}', ["no ImagePolicy shop/web"]),
        ("base/a.yaml", 'tag: 1 # {"$imagepolicy": "flux-system:web:tag"}', ["no ImageUpdateAutomation updates this"]),
        ("docs/a.md", 'tag: 1 # {"$imagepolicy": "flux-system:gone"}', []),
    ],
)  # fmt: skip
def test_a_marker_leads_to_its_image(path: str, line: str, said: list[str]) -> None:
    found = hits("GITOPS-39", {"images.yaml": IMAGES, "source.yaml": SOURCE, path: f"{line}\n"})
    assert len(found) == len(said)
    assert all(words in text for words, text in zip(said, found, strict=True))


def test_markers_are_not_judged_where_policies_are_elsewhere() -> None:
    assert hits("GITOPS-39", {"apps/a.yaml": 'tag: 1 # {"$imagepolicy": "flux-system:web:tag"}\n'}) == []


def test_a_policy_without_its_repository_is_found() -> None:
    text = IMAGES.replace("imageRepositoryRef: {name: web}", "imageRepositoryRef: {name: jobs}")
    assert hits("GITOPS-39", {"images.yaml": text}) == [
        "images.yaml:9 ImagePolicy flux-system/web: no ImageRepository flux-system/jobs"
    ]
