"""The files around the manifests: owners, Renovate, workflows, the catalog entry, README and runbooks."""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import promql_parser
import pytest
import yaml

from scaffold import __version__
from scaffold.commands.ahead import Options, begun
from scaffold.commands.check import expanded, known
from scaffold.commands.new import Wanted, add_service
from scaffold.facts.schemas import Catalog
from tests.template.rendering import make, tree

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "argocd": {},
    "flux": {"engine": "flux", "ci": "gitlab", "secrets": "external-secrets", "language": "zh"},
    "flux-backup": {"engine": "flux", "metrics": "none", "policy": "none", "mesh": "none"},
    "argocd-alone": {"mesh": "none", "policy": "none", "metrics": "none", "backup": "none", "ci": "none"},
    "one-environment": {
        "mesh": "none",
        "secrets": "external-secrets",
        "environments": [
            {"name": "live", "cluster": "live", "server": "https://live.example.com", "region": "eu-west-1"}
        ],
    },
}
COPIER_DEFAULT = r"(^|/)\.copier-answers(\..+)?\.ya?ml"
"""What Renovate 44 looks for without being told."""
EXPRESSIONS = re.compile(r"#[{%|]|[}%|]#")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One repository a variant, each with one service of every kind."""
    folder = tmp_path_factory.mktemp("repositories")
    made = {}
    for name, answers in VARIANTS.items():
        root = made[name] = make(folder / name, dict(answers)).root
        numbers = {item: {"min": 1, "max": 1} for item in environments(root)}
        volume = (f"replicas={json.dumps(numbers)}", "volume_size=1Gi")
        add_service("store", root, Wanted(pairs=("kind=worker", *volume), defaults=True))
        add_service("night", root, Wanted(pairs=("kind=cron",), defaults=True))
    return made


@pytest.fixture(params=list(VARIANTS))
def root(request: pytest.FixtureRequest, roots: dict[str, Path]) -> Path:
    return roots[request.param]


def answers(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / ".copier-answers.yml").read_text(encoding="utf-8"))


def environments(root: Path) -> list[str]:
    return [item["name"] for item in answers(root)["environments"]]


def documents(text: bytes) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]


def renovate(root: Path) -> dict[str, Any]:
    return json.loads((root / "renovate.json").read_text(encoding="utf-8"))


def matched(root: Path, patterns: list[str]) -> set[str]:
    """Return the files that Renovate's patterns (``/regex/``) name."""
    return {path for path in tree(root) for pattern in patterns if re.search(pattern.strip("/"), path)}


def versions(root: Path) -> set[str]:
    return {path for path in tree(root) if path.endswith("/version.yaml")}


def glob(pattern: str, path: str) -> bool:
    """Match as Renovate does where ``**`` stands at the end or nowhere."""
    if pattern.endswith("/**"):
        return path.startswith(pattern.removesuffix("**"))
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def test_renovate_looks_at_every_file_with_an_upstream_chart_and_at_no_other(root: Path) -> None:
    config = renovate(root)
    engine = answers(root)["engine"]
    for path, text in tree(root).items():
        if not path.endswith(".yaml") or path.startswith("charts/"):
            continue
        pinned = [
            document["metadata"]["name"]
            for document in documents(text)
            for chart in charts(document)
            if not chart.startswith("./")
        ]
        if pinned:
            assert path in matched(root, config["argocd" if engine == "argocd" else "flux"]["managerFilePatterns"])
    if engine == "argocd":
        found = matched(root, config["argocd"]["managerFilePatterns"])
        assert found == {path for path in tree(root) if path.startswith("platform/environments/")}
        assert all(
            document["kind"] == "Application" for path in found for document in documents((root / path).read_bytes())
        )
        values = matched(root, config["helm-values"]["managerFilePatterns"])
        assert values == {path for path in tree(root) if re.match(r"platform/[^/]+/values", path)}
        assert "flux" not in config
    else:
        found = matched(root, config["flux"]["managerFilePatterns"])
        folders = ("platform/crds/base/", "platform/controllers/base/")
        assert found == {path for path in tree(root) if path.startswith(folders)}
        assert {"argocd", "helm-values"}.isdisjoint(config)


def charts(document: Mapping[str, Any]) -> Iterator[str]:
    spec = document.get("spec", {})
    if document.get("kind") == "Application":
        yield from (source["chart"] for source in spec.get("sources", [spec.get("source", {})]) if "chart" in source)
    if document.get("kind") == "HelmRelease":
        yield spec["chart"]["spec"]["chart"]


def test_renovate_finds_every_answers_file_by_its_default(root: Path) -> None:
    assert "copier" not in renovate(root)
    found = matched(root, [COPIER_DEFAULT])
    assert len(found) == 4
    for path in found:
        recorded = yaml.safe_load((root / path).read_bytes())
        assert recorded["_src_path"] in next(
            rule["matchPackageNames"] for rule in renovate(root)["packageRules"] if rule.get("groupName") == "scaffold"
        )


def test_renovate_raises_the_command_that_checks(root: Path) -> None:
    managers = renovate(root).get("customManagers", [])
    if answers(root)["ci"] == "none":
        assert managers == []
        return
    [manager] = managers
    [path] = matched(root, manager["managerFilePatterns"])
    pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
    [found] = re.finditer(pattern, (root / path).read_text(encoding="utf-8"))
    assert found.groupdict() == {"depName": "gitops-scaffold", "currentValue": __version__}


def test_renovate_merges_nothing_by_itself_that_production_uses(root: Path) -> None:
    last = environments(root)[-1]
    config = renovate(root)
    automatic = [
        pattern for rule in config["packageRules"] if rule.get("automerge") for pattern in rule["matchFileNames"]
    ]
    assert "automerge" not in config
    assert all(
        set(rule) >= {"matchFileNames", "matchUpdateTypes"} for rule in config["packageRules"] if rule.get("automerge")
    )
    merged = {path for path in tree(root) for pattern in automatic if glob(pattern, path)}
    assert not {path for path in merged if last in PurePosixPath(path).parts}
    assert bool(merged) == (answers(root)["engine"] == "argocd" and len(environments(root)) > 1)
    assert all(re.match(r"platform/environments/[^/]+/", path) for path in merged)


def test_renovate_never_raises_what_is_promoted(root: Path) -> None:
    off = [
        pattern
        for rule in renovate(root)["packageRules"]
        if rule.get("enabled") is False
        for pattern in rule.get("matchFileNames", [])
    ]
    files = versions(root)
    assert len(files) == 3 * len(environments(root))
    assert all(any(glob(pattern, path) for pattern in off) for path in files)


def test_every_path_has_an_owner_and_every_line_a_path(root: Path) -> None:
    lines = [line.split() for line in (root / "CODEOWNERS").read_text(encoding="utf-8").splitlines()]
    rules = [(pattern, owners) for pattern, *owners in filter(None, lines) if not pattern.startswith("#")]
    assert rules[0] == ("*", ["@example/platform"])
    assert all(owners for _, owners in rules)
    for pattern, _ in rules[1:]:
        assert any(owned(pattern, path) for path in tree(root)), f"{pattern} names nothing"
    last = environments(root)[-1]
    for path in tree(root):
        parts = PurePosixPath(path).parts
        deciding = [pattern for pattern, _ in rules[1:] if owned(pattern, path)]
        if last in parts[:-1] or path in {"CODEOWNERS", "renovate.json"} or parts[0] == ".github":
            assert deciding, f"{path} falls to the general line"
        if last in parts[:-1]:
            assert f"/{last}/" in f"{deciding[-1]}/", f"{path} is not a path of production"


def owned(pattern: str, path: str) -> bool:
    wanted = pattern.strip("/").split("/")
    parts = path.split("/")
    folder = pattern.endswith("/")
    fits = len(parts) > len(wanted) if folder else len(parts) == len(wanted)
    return fits and all(map(fnmatchcase, parts, wanted))


def test_the_workflow_runs_pinned_actions_with_no_more_rights_than_it_needs(roots: dict[str, Path]) -> None:
    text = (roots["argocd"] / ".github/workflows/check.yaml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert set(workflow["on"]) == {"pull_request", "merge_group", "push"}
    assert workflow["on"]["push"]["branches"] == ["main"]
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["cancel-in-progress"]
    assert all(job["timeout-minutes"] <= 10 and job["runs-on"] == "ubuntu-24.04" for job in workflow["jobs"].values())
    assert workflow["jobs"]["scaffold"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["gate"]["if"] == "${{ always() }}"
    assert set(workflow["jobs"]["gate"]["needs"]) == set(workflow["jobs"]) - {"gate"}
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line) for line in uses)
    steps = workflow["jobs"]["scaffold"]["steps"]
    assert steps[0]["with"] == {"persist-credentials": False}
    assert steps[-1]["run"] == "scaffold check --strict --report github=- ."


def test_the_pipeline_runs_a_pinned_image(roots: dict[str, Path]) -> None:
    pipeline = yaml.safe_load((roots["flux"] / ".gitlab-ci.yml").read_bytes())
    job = pipeline["scaffold-check"]
    assert re.fullmatch(r"docker\.io/library/python:3\.14\.\d+-trixie@sha256:[0-9a-f]{64}", job["image"]["name"])
    assert job["script"][-1].split() == [
        *("scaffold", "check", "--strict"),
        *("--report", "gitlab=gl-code-quality.json", "--report", "junit=scaffold.xml", "."),
    ]
    assert job["artifacts"]["reports"] == {"codequality": "gl-code-quality.json", "junit": "scaffold.xml"}
    assert job["interruptible"] is True
    assert job["timeout"] == "10m"


def test_only_the_chosen_ci_is_there(root: Path) -> None:
    ci = answers(root)["ci"]
    assert (root / ".github").exists() == (ci == "github")
    assert (root / ".gitlab-ci.yml").exists() == (ci == "gitlab")


def test_the_catalog_entry_names_what_is_rendered(root: Path) -> None:
    given = answers(root)
    system, component = documents((root / "catalog-info.yaml").read_bytes())
    assert (system["kind"], component["kind"]) == ("System", "Component")
    assert component["spec"]["system"] == system["metadata"]["name"] == given["name"]
    owners = {item["spec"]["owner"] for item in (system, component)}
    assert owners == {f"group:default/{given['owner_team']}"}
    notes = component["metadata"]["annotations"]
    selector = f"app.kubernetes.io/part-of={given['name']}"
    assert notes["backstage.io/kubernetes-label-selector"] == selector
    assert notes["backstage.io/kubernetes-namespace"] == given["namespace"]
    assert notes["backstage.io/source-location"] == "url:https://github.com/example/web/"
    if given["engine"] == "argocd":
        key, value = notes["argocd/app-selector"].split("=")
        sets = [
            document
            for path, text in tree(root).items()
            if path.startswith("bootstrap/services-")
            for document in documents(text)
        ]
        assert sets
        assert all(item["spec"]["template"]["metadata"]["labels"][key] == value for item in sets)
    else:
        assert "argocd/app-selector" not in notes


def test_every_alert_has_a_runbook_and_every_runbook_an_alert(root: Path) -> None:
    with begun(root, Options(), style=False) as repository:
        repo = expanded(root, known(repository), repository.engine)
    alerts = {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for manifest in repo.manifests
        if manifest.kind == "PrometheusRule"
        for group in manifest.data["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    given = answers(root)
    assert bool(alerts) == (given["metrics"] == "prometheus")
    base = (
        "https://github.com/example/web/" + ("-/blob" if given["ci"] == "gitlab" else "blob") + "/main/docs/runbooks/"
    )
    assert {alert: url for alert, url in alerts.items() if url != f"{base}{slug(alert)}.md"} == {}
    wanted = {f"docs/runbooks/{slug(alert)}.md" for alert in alerts}
    wanted |= {"docs/runbooks/restore.md"} if given["backup"] == "velero" else set()
    assert {path for path in tree(root) if path.startswith("docs/")} == wanted
    for alert in alerts:
        text = (root / "docs/runbooks" / f"{slug(alert)}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {alert}\n")
        headings = (
            ("含义。", "影响。", "诊断。", "处理。")
            if given["language"] == "zh"
            else ("Meaning.", "Impact.", "Diagnosis.", "Remedy.")
        )
        assert re.findall(r"^\*\*(.*?)\*\*", text, re.MULTILINE) == list(headings)


def test_what_a_runbook_asks_and_creates_is_valid(roots: dict[str, Path]) -> None:
    catalog = Catalog.builtin()
    queries, objects = set(), set()
    for root in roots.values():
        for path in (path for path in tree(root) if path.startswith("docs/runbooks/")):
            text = (root / path).read_text(encoding="utf-8")
            for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
                for query in re.split(r"\n(?=[a-z])", block.strip()):
                    promql_parser.parse(query)
                    queries.add(query)
            for block in re.findall(r"<<'YAML'\n(.*?)\n *YAML", text, re.DOTALL):
                data = yaml.safe_load(block.replace("<service>", "web").replace("<backup>", "daily-1"))
                assert catalog.validate(data, data["apiVersion"], data["kind"], "1.36") == [], path
                objects.add(data["kind"])
    assert objects == {"Restore", "NetworkPolicy"}
    assert len(queries) > 5


def slug(alert: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"-\1", alert).lower()


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    for path in (path for path in tree(root) if path.endswith(".md")):
        text = (root / path).read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (root / path).parent.joinpath(link).exists(), f"{path}: {link}"


def test_documents_hold_no_trace_of_the_template(root: Path) -> None:
    for path in ("CODEOWNERS", *(path for path in tree(root) if path.endswith(".md"))):
        text = (root / path).read_text(encoding="utf-8")
        assert not EXPRESSIONS.search(text), path
        assert "\n\n\n" not in text, path
        assert text == text.strip() + "\n", path


def test_the_readme_names_only_paths_that_are_there(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    table = text.split("\n## ")[1]
    named = [path for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for path in re.findall(r"`([^`]+)`", row)]
    assert len(named) > 4
    for path in named:
        pattern = re.sub(r"<[a-z]+>", "*", path).rstrip("/")
        assert list(root.glob(pattern)), f"README.md names {path}"


def test_a_description_stays_the_text_that_was_typed(tmp_path: Path) -> None:
    said = '**bold** <b>&amp; "quotes" {{ x }} #{ y }#\n--- # no: comment 中文 🚀'
    root = make(tmp_path / "repo", {"description": said}).root
    entry = documents((root / "catalog-info.yaml").read_bytes())
    assert [item["metadata"]["description"] for item in entry] == [said, said]
    readme = (root / "README.md").read_text(encoding="utf-8")
    line = r"\*\*bold\*\* \<b\>\&amp; \"quotes\" \{\{ x \}\} \#\{ y \}\#" + "\\\n" + r"\-\-\- \# no: comment 中文 🚀"
    assert f"\n\n{line}\n\n" in readme
