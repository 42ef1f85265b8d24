"""Substitution: what Flux puts in the place of ``${name}`` after the build is defined."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.postbuild import NOT_EVALUATED, SWITCH
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.rules.reading.fluxtree import KUSTOMIZE, brought_by_title
from scaffold.rules.reading.hits import at
from scaffold.rules.reading.owners import flux_cluster, title
from scaffold.rules.reading.texts import texts_below

_OPERATORS = frozenset(":=,^/#%")


@rule("GITOPS-35", Severity.ERROR, fix="Define it, give a default as in ${name:=text}, or escape it with $${name}.")
def variables_are_defined(repo: Repo) -> Iterator[Hit]:
    """With postBuild every ``${name}`` that is applied is defined or has a default.

    Flux is strict: one that is not defined fails the whole Kustomization, also in a script or a dashboard that means
    something else by it. Those need ``$${name}``, ``$name``, or the annotation
    ``kustomize.toolkit.fluxcd.io/substitute: disabled``. Where a variable may come from a ConfigMap or Secret that
    is not in the repository, only what is no variable at all is found.
    """
    unevaluated = {one.what for one in repo.not_checked if one.reason.startswith(NOT_EVALUATED)}
    by_title = brought_by_title(repo)
    sources = _variable_sources(repo)
    for owner in repo.each(KUSTOMIZE, "Kustomization"):
        post_build = owner.mapping("spec", "postBuild")
        if not post_build or title(owner) not in unevaluated:
            continue
        defined, open_ended = _defined(sources, owner)
        if not defined and not open_ended and post_build.get("substituteStrategy") != "Always":
            continue
        for manifest in by_title.get((flux_cluster(owner), title(owner)), []):
            if "disabled" not in {manifest.labels.get(SWITCH), manifest.annotations.get(SWITCH)}:
                yield from _undefined(manifest, owner, None if open_ended else defined)


def _variable_sources(repo: Repo) -> dict[tuple[str, str], list[Manifest]]:
    """Return ConfigMaps and Secrets by kind and name, applied or not."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in (*repo.raw, *repo.manifests):
        if manifest.group == "" and manifest.kind in {"ConfigMap", "Secret"}:
            found.setdefault((manifest.kind, manifest.name), []).append(manifest)
    return found


def _defined(sources: dict[tuple[str, str], list[Manifest]], owner: Manifest) -> tuple[set[str], bool]:
    """Return the names that a Kustomization defines, and whether there may be more of them."""
    names = {name for name, value in owner.mapping("spec", "postBuild", "substitute").items() if isinstance(value, str)}
    open_ended = False
    for _, entry in owner.items("spec", "postBuild", "substituteFrom"):
        named = sources.get((str(entry.get("kind")), str(entry.get("name"))), [])
        found = [manifest for manifest in named if manifest.namespace in {"", owner.namespace}]
        open_ended = open_ended or not found
        for manifest in found:
            names |= {*manifest.mapping("data"), *manifest.mapping("stringData")}
    return names, open_ended


def _undefined(manifest: Manifest, owner: Manifest, defined: set[str] | None) -> Iterator[Hit]:
    seen: set[str] = set()
    for keys, text in texts_below(manifest.data):
        for name, why in _variables(text):
            if name in seen or (not why and (defined is None or name in defined)):
                continue
            seen.add(name)
            yield at(
                manifest, keys, f"{manifest}: {name if why else f'${{{name}}}'} {why or f'is not defined by {owner}'}"
            )


def _variables(text: str) -> Iterator[tuple[str, str]]:
    """Yield every variable without a default, and what looks like one and is none with the reason.

    Read as envsubst reads it: ``$$`` is a dollar, a name is letters, digits and ``_``.
    """
    at_end = len(text)
    start = text.find("$")
    while 0 <= start < at_end - 1:
        if text[start + 1] != "{":
            start = text.find("$", start + (2 if text[start + 1] == "$" else 1))
            continue
        end = start + 2
        while end < at_end and (text[end].isalnum() or text[end] == "_"):
            end += 1
        name, following = text[start + 2 : end], text[end : end + 1]
        shown = text[start : start + 24].partition("\n")[0]
        if following == "}" and name:
            yield name, ""
        elif not name and following != "#":
            yield shown, "is no variable, and nothing of the Kustomization is applied"
        elif name and following not in _OPERATORS:
            yield shown, "is not closed after its name, and nothing of the Kustomization is applied"
        else:
            end = _closed(text, end)
        start = text.find("$", end)


def _closed(text: str, start: int) -> int:
    """Return where the braces that are open here are closed."""
    depth = 1
    for position in range(start, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if not depth:
                return position + 1
    return len(text)
