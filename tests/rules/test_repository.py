"""Corners of the repository itself: images, catalog, owners, updates, workflows."""

import pytest

from scaffold.model.repo import Repo
from scaffold.rules.reading import patterns
from tests.helpers import URL, dedented, expanded_hits, found, hits

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
APPLICATION = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop, namespace: argocd, labels: {{part-of: shop}}}}
spec:
  project: shop
  source: {{repoURL: {URL}, path: shop}}
  destination: {{name: dev, namespace: shop}}
  syncPolicy: {{syncOptions: [CreateNamespace=true]}}
"""


def pod(image: str, name: str = "web") -> str:
    spec = f"spec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n{spec}"


def test_a_tag_without_a_digest_says_nothing_of_others() -> None:
    files = {"a.yaml": pod("web:1@sha256:1"), "b.yaml": pod("web:1", "b"), "c.yaml": pod("web:2@sha256:2", "c")}
    assert hits("REPO-01", files) == []
    assert hits("REPO-01", {**files, "d.yaml": pod("web:1@sha256:3", "d")}) == [
        "d.yaml:4 Pod d: web:1 has digest sha256:3, with Pod web sha256:1"
    ]


def component(annotations: str) -> str:
    return (
        "apiVersion: backstage.io/v1alpha1\n"
        "kind: Component\n"
        f"metadata: {{name: shop, annotations: {{{annotations}}}}}\n"
        "spec: {type: service}\n"
    )


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ("argocd/app-name: shop", ""),
        ("argocd/app-name: store", "no Application store"),
        ("argocd/app-selector: part-of=shop", ""),
        ("argocd/app-selector: part-of=store", "no Application is labelled part-of=store"),
        ("argocd/app-selector: 'part-of in (store)'", ""),
        ("backstage.io/kubernetes-label-selector: app=web", ""),
        ("backstage.io/kubernetes-label-selector: app=jobs", "no workload is labelled app=jobs"),
        ("backstage.io/kubernetes-id: web", "no workload is labelled web"),
        ("backstage.io/techdocs-ref: 'dir:.'", "no mkdocs.yml and no docs in ."),
        ("backstage.io/techdocs-ref: 'url:https://example.com'", ""),
    ],
)
def test_an_entity_refers_to_what_exists(annotations: str, said: str) -> None:
    web = pod("web:1").replace("{name: web}", "{name: web, labels: {app: web}}")
    files = {"catalog-info.yaml": component(annotations), "shop.yaml": APPLICATION, "shop/web.yaml": web}
    expected = [f"catalog-info.yaml:3 Component shop: {said}"] if said else []
    assert expanded_hits("REPO-04", files) == expected


def test_an_application_may_come_from_elsewhere() -> None:
    other = APPLICATION.replace(URL, "https://elsewhere.example.com/x.git")
    other = other.replace("name: dev, namespace: shop", "name: in-cluster, namespace: argocd")
    files = {
        "catalog-info.yaml": component("argocd/app-name: store"),
        "other.yaml": other.replace("name: shop,", "name: o,"),
    }
    assert expanded_hits("REPO-04", {**files, "shop.yaml": APPLICATION, "shop/a.yaml": SETTINGS}) == []


@pytest.mark.parametrize(
    ("location", "count"),
    [
        ("url:https://github.com/Example/Shop/", 0),
        ("url:https://github.com/example/shop/tree/main/services", 0),
        ("url:https://github.com/example/shopping/", 1),
        ("url:https://gitlab.com/example/other/", 0),
    ],
)
def test_location_and_slug_are_the_same_repository(location: str, count: int) -> None:
    text = component(f"backstage.io/source-location: '{location}', github.com/project-slug: example/shop")
    assert len(hits("REPO-11", {"catalog-info.yaml": text})) == count


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/apps/", "apps/a/b.yaml", True),
        ("/apps", "apps/a.yaml", True),
        ("apps/*", "apps/a.yaml", True),
        ("apps/*", "apps/a/b.yaml", False),
        ("/services/*/prod/", "services/web/prod/a.yaml", True),
        ("/services/*/prod/", "services/web/x/prod/a.yaml", False),
        ("**/prod/**", "services/web/prod/a.yaml", True),
        ("docs/**/a.md", "docs/a.md", True),
    ],
)
def test_patterns_of_owners_are_those_of_gitignore(pattern: str, path: str, *, matches: bool) -> None:
    assert patterns.owned(pattern)(path) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/^platform/.+\\.yaml$/", "platform/a/b.yaml", True),
        ("/(^|/)A\\.yaml$/i", "x/a.yaml", True),
        ("platform/**", "platform/a/b.yaml", True),
        ("platform/*.yaml", "platform/a/b.yaml", False),
        ("**/*.{yaml,yml}", "platform/a/b.yml", True),
    ],
)
def test_patterns_of_renovate_are_expressions_or_globs(pattern: str, path: str, *, matches: bool) -> None:
    matcher = patterns.renovate(pattern)
    assert matcher is not None
    assert matcher(path) is matches


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("/shop/ @a", 0),
        ("shop @a", 0),
        ("*.tf @a", 0),
        ("# /gone/ @a", 0),
        ("[Section] @a", 0),
        ("/with\\ space/ @a", 0),
        ("/gone/ @a", 1),
        ("gone @a", 1),
        ("/shop/*.tf @a", 1),
    ],
)
def test_a_line_of_owners_is_about_something(line: str, count: int) -> None:
    repo = Repo.of(
        URL, {"shop/a.yaml": "", "with space/a.yaml": "", ".github/CODEOWNERS": f"{line}\n", "CODEOWNERS": "/x\n"}
    )
    assert len(found("REPO-12", repo)) == count


CHART = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: metrics, namespace: argocd}
spec:
  source: {repoURL: 'https://charts.example.com', chart: metrics, targetRevision: 1.2.3}
  destination: {name: dev, namespace: metrics}
"""


@pytest.mark.parametrize(
    ("configuration", "count"),
    [
        ('{"extends": ["config:recommended"]}', 1),
        ('{"extends": ["github>example/presets"]}', 0),
        ('{"argocd": {"fileMatch": ["^platform/"]}}', 0),
        ('{"argocd": {"managerFilePatterns": ["/^bootstrap//"]}}', 1),
        ('{"customManagers": [{"customType": "regex", "managerFilePatterns": ["platform/**"]}]}', 0),
        ('{"argocd": {"managerFilePatterns": ["platform/**"]}, "enabledManagers": ["flux"]}', 1),
        ("{not json", 0),
    ],
)
def test_renovate_reads_what_pins_a_chart(configuration: str, count: int) -> None:
    files = {"platform/prod/metrics.yaml": CHART, "renovate.json": configuration}
    assert len(expanded_hits("REPO-07", files)) == count


def test_tests_and_examples_are_not_updated() -> None:
    assert expanded_hits("REPO-07", {"examples/metrics.yaml": CHART, "renovate.json": "{}"}) == []


READS = '"argocd": {"managerFilePatterns": ["platform/**"]}'


@pytest.mark.parametrize(
    ("rules", "count"),
    [
        ('"automerge": true', 1),
        ('"patch": {"automerge": true}', 1),
        ('"packageRules": [{"automerge": true, "matchManagers": ["github-actions"]}]', 0),
        ('"packageRules": [{"automerge": true, "matchFileNames": ["platform/dev/**"]}]', 0),
        ('"packageRules": [{"automerge": true, "matchFileNames": ["platform/**"]}]', 1),
        ('"automerge": true, "packageRules": [{"automerge": false, "matchFileNames": ["**/prod/**"]}]', 0),
        ('"automerge": true, "packageRules": [{"enabled": false, "matchFileNames": ["**/prod/**"]}]', 0),
        ('"automerge": true, "packageRules": [{"automerge": false, "matchUpdateTypes": ["major"]}]', 1),
    ],
)
def test_nothing_merges_into_production(rules: str, count: int) -> None:
    files = {"platform/prod/metrics.yaml": CHART, "renovate.json": f"{{{READS}, {rules}}}"}
    assert len(expanded_hits("REPO-08", files)) == count


def workflow(event: str, steps: str, rest: str = "") -> dict[str, str]:
    return {".github/workflows/a.yaml": f"on: {event}\n{rest}jobs:\n  a:\n    steps:\n{steps}"}


HEAD = "      - uses: actions/checkout@v7\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n"


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (workflow("[pull_request_target]", HEAD), 1),
        (workflow("pull_request", HEAD), 0),
        (workflow("pull_request_target", HEAD, "permissions: {}\n"), 0),
        (workflow("pull_request_target", HEAD, "permissions: {contents: read}\n"), 0),
        (workflow("pull_request_target", HEAD, "permissions: write-all\n"), 1),
        (workflow("pull_request_target", "      - uses: actions/checkout@v7\n"), 0),
        (workflow("pull_request", "      - run: echo ${{ github.head_ref }}\n"), 1),
        (workflow("pull_request", "      - run: echo ${{ github.event.pull_request.number }}\n"), 0),
        (workflow("push", "      - run: echo ${{ github.ref_name }}\n"), 0),
        (workflow("issues", "      - run: |\n          echo '${{ github.event.issue.title }}'\n"), 1),
    ],
)
def test_a_workflow_runs_no_strangers_code(files: dict[str, str], count: int) -> None:
    assert len(found("REPO-09", Repo.of(URL, dedented(files)))) == count


PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd}
spec: {sourceRepos: ['*'], destinations: [{name: dev, namespace: shop}]}
"""


def test_a_namespace_that_is_an_object_needs_no_permission() -> None:
    files = {"shop.yaml": APPLICATION, "project.yaml": PROJECT, "shop/settings.yaml": SETTINGS}
    assert expanded_hits("REPO-14", files) == [
        "shop.yaml:8 Application argocd/shop: AppProject shop does not permit to create Namespace shop"
    ]
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    assert expanded_hits("REPO-14", {**files, "shop/namespace.yaml": namespace}) == []
    assert expanded_hits("REPO-14", {name: text for name, text in files.items() if name != "project.yaml"}) == []
