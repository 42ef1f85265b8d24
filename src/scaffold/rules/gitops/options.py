"""Options: what is said to Argo CD about comparing and syncing are words that it knows and objects that there are."""

import json
from collections.abc import Iterator
from functools import cache

from scaffold.facts.schemas import KUBERNETES, Catalog
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule
from scaffold.model.yamltext import Path
from scaffold.rules.reading.applications import (
    SYNC_OPTIONS,
    Brought,
    applications,
    brought,
    brought_by,
    carriers,
    is_whole,
    options,
    words,
)
from scaffold.rules.reading.hits import at

_BOTH = frozenset({"true", "false"})
_SYNC_OPTIONS = {
    "ApplyOutOfSyncOnly": _BOTH,
    "ClientSideApplyMigration": _BOTH,
    "CreateNamespace": _BOTH,
    "Delete": _BOTH | {"confirm"},
    "DisableClientSideApplyMigration": _BOTH,
    "FailOnSharedResource": _BOTH,
    "Force": _BOTH,
    "Prune": _BOTH | {"confirm"},
    "PruneLast": _BOTH,
    "PrunePropagationPolicy": frozenset({"background", "foreground", "orphan"}),
    "Replace": _BOTH,
    "RespectIgnoreDifferences": _BOTH,
    "ServerSideApply": _BOTH,
    "SkipDryRunOnMissingResource": _BOTH,
    "Validate": _BOTH,
}
_WORDS = {
    "argocd.argoproj.io/compare-options": frozenset({
        "IgnoreExtraneous", "IncludeMutationWebhook=false", "IncludeMutationWebhook=true", "ServerSideDiff=false",
        "ServerSideDiff=true",
    }),
    "argocd.argoproj.io/hook": frozenset({
        "PostDelete", "PostSync", "PreDelete", "PreSync", "Skip", "Sync", "SyncFail",
    }),
    "argocd.argoproj.io/hook-delete-policy": frozenset({"BeforeHookCreation", "HookFailed", "HookSucceeded"}),
    SYNC_OPTIONS: frozenset(f"{name}={value}" for name, values in _SYNC_OPTIONS.items() for value in values),
}  # fmt: skip
_LARGEST_ANNOTATIONS = 262_144
_MAY_BE_LARGE = frozenset({("apiextensions.k8s.io", "CustomResourceDefinition"), ("", "ConfigMap")})
_NO_ANNOTATION = frozenset({"ServerSideApply=true", "Replace=true"})


@rule("GITOPS-08", Severity.WARNING, fix="Name group and kind as the object has them, or remove the entry.")
def ignored_differences_exist(repo: Repo) -> Iterator[Hit]:
    """Every entry of ignoreDifferences names a kind in its own API group, and an object that the Application brings.

    An entry that matches nothing is no mistake to Argo CD: the difference stays, and self-healing fights about it.
    Without a group the core group is meant. Whether there is such an object is judged only where all of the
    Application's sources are here.
    """
    by_owner = brought(repo)
    for carrier, above in carriers(repo):
        for index, entry in carrier.items(*above, "spec", "ignoreDifferences"):
            keys: Path = (*above, "spec", "ignoreDifferences", index)
            group, kind = str(entry.get("group") or ""), str(entry.get("kind") or "")
            if not kind or any(set("*?[{") & set(text) for text in (group, kind)):
                continue
            if groups := _other_groups(group, kind):
                named = f"group {group}" if group else "the core group (no group is named)"
                yield at(carrier, (*keys, "kind"), f"{carrier}: {named} has no {kind}, {' and '.join(groups)} has")
            elif not above and is_whole(repo, carrier, by_owner) and not _hits(carrier, dict(entry), by_owner):
                name = f" {entry['name']}" if entry.get("name") else ""
                yield at(carrier, keys, f"{carrier} brings no {kind}{name} whose differences could be ignored")


@rule("GITOPS-15", Severity.ERROR, fix="Set the sync option ServerSideApply=true.")
def large_objects_are_applied_by_the_server(repo: Repo) -> Iterator[Hit]:
    """An object that does not fit into an annotation is applied with ServerSideApply=true.

    Client-side apply keeps the whole object in an annotation, and the server refuses annotations of more than
    262144 bytes: the object is never applied. CustomResourceDefinitions and ConfigMaps are looked at.
    """
    by_owner = brought(repo)
    for app in applications(repo):
        if options(app) & _NO_ANNOTATION:
            continue
        for manifest in brought_by(app, by_owner):
            if (manifest.group, manifest.kind) not in _MAY_BE_LARGE or _NO_ANNOTATION & {
                *words(manifest, SYNC_OPTIONS)
            }:
                continue
            if (size := _size(manifest)) > _LARGEST_ANNOTATIONS:
                yield at(manifest, (), f"{manifest} has {size} bytes, and {app} applies it client-side")


@rule("GITOPS-17", Severity.WARNING, fix="Write the option as Argo CD knows it, upper and lower case included.")
def options_are_known(repo: Repo) -> Iterator[Hit]:
    """Sync options, compare options and hooks are words that Argo CD knows, in exact case.

    It ignores all others without a word: the object is pruned after all, or the namespace is not created.
    """
    for carrier, above in carriers(repo):
        keys: Path = (*above, "spec", "syncPolicy", "syncOptions")
        listed = carrier.get(*keys)
        for index, option in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(option, str) and "{{" not in option and option not in _WORDS[SYNC_OPTIONS]:
                hint = _hint(option, SYNC_OPTIONS)
                yield at(carrier, (*keys, index), f"{carrier}: Argo CD knows no sync option {option}{hint}")
    for manifest in repo.manifests:
        yield from _unknown_words(manifest, ())
        if (manifest.group, manifest.kind) == ("argoproj.io", "ApplicationSet"):
            yield from _unknown_words(manifest, ("spec", "template"))


def _unknown_words(manifest: Manifest, above: Path) -> Iterator[Hit]:
    annotations = manifest.mapping(*above, "metadata", "annotations")
    for annotation in _WORDS.keys() & annotations.keys():
        value = annotations[annotation]
        for word in value.split(",") if isinstance(value, str) else ():
            if word.strip() and "{{" not in value and word.strip() not in _WORDS[annotation]:
                keys: Path = (*above, "metadata", "annotations", annotation)
                what = f"{annotation.rpartition('/')[2]} {word.strip()}{_hint(word.strip(), annotation)}"
                yield at(manifest, keys, f"{manifest}: Argo CD knows no {what}")


def _hint(word: str, annotation: str) -> str:
    meant = next((known for known in sorted(_WORDS[annotation]) if known.lower() == word.lower()), "")
    return f", did you mean {meant}?" if meant else ""


def _other_groups(group: str, kind: str) -> list[str]:
    """Return the API groups of Kubernetes that have a kind, if the named one of them has not."""
    by_kind, kubernetes = _groups()
    own = by_kind.get(kind, set())
    if group in own or group not in kubernetes:
        return []
    return sorted(f"group {name}" if name else "the core group" for name in own)


@cache
def _groups() -> tuple[dict[str, set[str]], set[str]]:
    """Return the API groups of each kind, and those that are Kubernetes' own."""
    by_kind: dict[str, set[str]] = {}
    for kind in Catalog.builtin().kinds():
        by_kind.setdefault(kind.kind, set()).add(kind.group)
    return by_kind, {kind.group for kind in Catalog.builtin().kinds() if kind.project == KUBERNETES}


def _hits(app: Manifest, entry: dict[str, object], by_owner: Brought) -> bool:
    return any(
        manifest.group == str(entry.get("group") or "")
        and manifest.kind == entry.get("kind")
        and entry.get("name") in {None, "", manifest.name}
        and entry.get("namespace") in {None, "", manifest.namespace}
        for manifest in brought_by(app, by_owner)
    )


def _size(manifest: Manifest) -> int:
    try:
        return len(json.dumps(manifest.data, separators=(",", ":"), ensure_ascii=False, default=str).encode())
    except (ValueError, RecursionError, TypeError):
        return 0
