"""Templates: what a chart renders depends on its values alone, and can be installed at once."""

import re
from collections.abc import Iterator

from scaffold.facts.schemas import Catalog
from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.applications import applications, brought, words
from scaffold.rules.reading.chartfiles import ChartFile, own_charts, template_files
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import sources

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{(?P<code>.*?)\}\}", re.DOTALL)
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_RANDOM = (
    "bcrypt|encryptAES|genCA|genCAWithKey|genPrivateKey|genSelfSignedCert|genSelfSignedCertWithKey|genSignedCert"
    "|genSignedCertWithKey|htpasswd|now|randAlpha|randAlphaNum|randAscii|randBytes|randInt|randNumeric|shuffle|uuidv4"
)
_VARIES = re.compile(rf"(?<![\w.$-])(?P<word>{_RANDOM})(?![\w.:=-])")
_ASKS = re.compile(r"(?<![\w.$-])(?P<word>lookup|getHostByName)(?![\w.:=-])|(?P<api>\.Capabilities\.APIVersions)")
_HOOKS = frozenset({
    "post-delete", "post-install", "post-rollback", "post-upgrade", "pre-delete", "pre-install", "pre-rollback",
    "pre-upgrade", "test", "test-failure", "test-success", "crd-install",
})  # fmt: skip
_POLICIES = frozenset({"before-hook-creation", "hook-failed", "hook-succeeded"})
_SHARED = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_LONGEST_RELEASE = 53


@rule("HELM-03", Severity.WARNING, fix="Take it from a value: a Secret that exists, a flag, a fixed date.")
def charts_render_the_same_everywhere(repo: Repo) -> Iterator[Hit]:
    """A chart that a controller renders gives the same every time: no random values, no time, no question to a cluster.

    Argo CD renders without a cluster: lookup finds nothing and passwords change with every render. Helm under Flux
    may ask, so there only random values are found, in charts without a lookup that would keep them. Which APIs a
    cluster has is better said by a value: a check in CI sees other ones.
    """
    rendered: dict[str, set[str]] = {}
    for one in repo.charts:
        rendered.setdefault(one.path, set()).add(one.owner.partition(" ")[0])
    for chart in own_charts(repo):
        owners = rendered.get(chart.folder, set())
        if owners.isdisjoint({"Application", "HelmRelease"}):
            continue
        found = list(_calls(repo, chart))
        asks = any(word == "lookup" for _, word, _ in found)
        for place, word, random in found:
            if "Application" in owners or (random and not asks):
                why = "is another with every render" if random else "depends on the cluster"
                yield Hit(place, f"chart {chart.folder}: {word} {why}")


@rule("HELM-06", Severity.ERROR, fix="Move the CustomResourceDefinition into crds/ or into a chart of its own.")
def definitions_are_not_in_templates(repo: Repo) -> Iterator[Hit]:
    """A chart that Helm installs does not hold a CustomResourceDefinition and objects of it in its templates.

    Helm asks the server for every kind before it applies anything, and stops with "resource mapping not found".
    Argo CD sorts them, so it is not judged there; nor are hooks, which are applied later.
    """
    for objects in brought(repo).values():
        if objects[0].origin.owner.startswith("Application "):
            continue
        defined = {
            (m.origin.chart, m.get("spec", "group"), m.get("spec", "names", "kind")): m
            for m in objects
            if m.origin.chart
            and m.kind == "CustomResourceDefinition"
            and not m.origin.path.startswith(f"{m.origin.chart}/crds/")
        }
        for manifest in objects if defined else ():
            definition = defined.get((manifest.origin.chart, manifest.group, manifest.kind))
            if definition and "helm.sh/hook" not in {*manifest.annotations, *definition.annotations}:
                what = f"its definition is in the templates of the same chart ({definition.origin.path})"
                yield at(manifest, (), f"{manifest}: {what}")


@rule("HELM-07", Severity.ERROR, fix="Write the hook, its delete policy and its weight as Helm knows them.")
def hooks_are_known_to_helm(repo: Repo) -> Iterator[Hit]:
    """Hooks, their delete policies and weights are words and integers that Helm knows.

    An object with an unknown hook is not applied at all, and nobody is told. Under Argo CD rollback and test hooks
    never run.
    """
    for manifest in repo.manifests:
        if not manifest.origin.chart:
            continue
        for annotation, known in (("helm.sh/hook", _HOOKS), ("helm.sh/hook-delete-policy", _POLICIES)):
            for word in words(manifest, annotation):
                if word.lower() not in known:
                    keys = ("metadata", "annotations", annotation)
                    yield at(manifest, keys, f"{manifest}: Helm knows no {annotation.partition('/')[2]} {word}")
        weight = manifest.annotations.get("helm.sh/hook-weight")
        if isinstance(weight, str) and not re.fullmatch(r"[-+]?\d+", weight.strip()):
            keys = ("metadata", "annotations", "helm.sh/hook-weight")
            yield at(manifest, keys, f"{manifest}: hook-weight {weight} is no integer")


@rule("HELM-09", Severity.ERROR, fix="Set helm.releaseName to a name of at most 53 characters.")
def release_names_are_short(repo: Repo) -> Iterator[Hit]:
    """A release has a name of at most 53 characters.

    Argo CD takes the name of the Application where no releaseName is set, and Helm renders nothing under a longer
    one. What a chart adds to it is checked where it is rendered.
    """
    for app in applications(repo):
        for keys, source in sources(app):
            helm = source.get("helm")
            named = helm.get("releaseName") if isinstance(helm, dict) else None
            folder = str(source.get("path") or "").strip("./")
            is_chart = source.get("chart") or (isinstance(helm, dict) and source.get("path"))
            if not is_chart and folder not in repo.chart_folders:
                continue
            name = named if isinstance(named, str) and named else app.name
            if len(name) > _LONGEST_RELEASE:
                where = (*keys, "helm", "releaseName") if named else ("metadata", "name")
                yield at(app, where, f"{app}: the release name {name} has {len(name)} characters")


@rule("HELM-12", Severity.WARNING, fix="Write `namespace: {{ .Release.Namespace }}`, or leave it out.")
def charts_name_no_namespace(repo: Repo) -> Iterator[Hit]:
    """A chart's objects are in the namespace of its release: no namespace is written into a template.

    With a name that is written there, a second release overwrites the first one's object, and a project or a
    service account that may only write to its own namespace refuses it. Kubernetes' own namespaces are passed over, and
    what a controller reads in its own.
    """
    namespaces = {(chart.path, chart.owner): chart.namespace for chart in repo.charts}
    seen: set[tuple[str, str]] = set()
    for manifest in repo.manifests:
        origin = manifest.origin
        own = manifest.get("metadata", "namespace")
        release = namespaces.get((origin.chart, origin.owner))
        if not origin.chart or not isinstance(own, str) or own in {release, *_SHARED} or (origin.path, own) in seen:
            continue
        at_home = manifest.group == "argoproj.io" or manifest.group.endswith(".toolkit.fluxcd.io")
        if at_home or Catalog.builtin().scope(manifest.api_version, manifest.kind) == "Cluster":
            continue
        literal = re.compile(rf"^\s+namespace:\s+[\"']?{re.escape(own)}[\"']?\s*(?:#.*)?$")
        for number, line in enumerate(repo.files.get(origin.path, "").splitlines(), start=1):
            if literal.match(line):
                seen.add((origin.path, own))
                yield Hit(Place(origin.path, number), f"{manifest}: namespace {own} is written into the template")
                break


def _calls(repo: Repo, chart: ChartFile) -> Iterator[tuple[Place, str, bool]]:
    """Yield place and word of every call whose answer is another each time (true) or depends on the cluster."""
    for path, text in template_files(repo, chart):
        plain = _COMMENT.sub(_blank, text)
        for action in _ACTION.finditer(plain):
            code = _TEXT.sub(_blank, action["code"])
            for pattern, random in ((_VARIES, True), (_ASKS, False)):
                for call in pattern.finditer(code):
                    line = plain.count("\n", 0, action.start("code") + call.start()) + 1
                    yield Place(path, line), call.group(0).strip("."), random


def _blank(match: re.Match[str]) -> str:
    """Return spaces in the place of what is passed over, so that lines stay where they are."""
    return re.sub(r"[^\n]", " ", match.group(0))
