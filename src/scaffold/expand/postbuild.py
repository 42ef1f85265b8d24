"""``postBuild`` of a Flux Kustomization: variables put into what was built, object by object."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scaffold.expand.envsubst import SubstitutionError, substitute
from scaffold.expand.found import Lookup
from scaffold.expand.objects import as_map, held_texts
from scaffold.model.manifest import Manifest
from scaffold.model.postbuild import SWITCH
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*\Z")
_STARTS_NO_PLAIN = "-?:,[]{}#&*!|>'\"%@` "


def substituted(
    repo: Repo, kustomization: Manifest, cluster: str, lookup: Lookup, built: list[Manifest]
) -> tuple[list[Manifest], str]:
    """Return the objects with variables put in; or as they were built, and why that could not be done."""
    post_build = kustomization.mapping("spec", "postBuild")
    variables: dict[str, str] = {}
    for _, entry in kustomization.items("spec", "postBuild", "substituteFrom"):
        found = _from(repo, kustomization, cluster, lookup, entry)
        if isinstance(found, str):
            return built, found
        variables |= found
    inline = as_map(post_build.get("substitute"))
    variables |= {str(name): value.replace("\n", "") for name, value in inline.items() if isinstance(value, str)}
    if wrong := [name for name in variables if not _NAME.match(name)]:
        return built, f"{wrong[0]} is no name of a variable"
    if not variables and post_build.get("substituteStrategy") != "Always":
        return built, ""
    done: list[Manifest] = []
    for manifest in built:
        if "disabled" in {manifest.labels.get(SWITCH), manifest.annotations.get(SWITCH)}:
            done.append(manifest)
            continue
        try:
            data = _value(manifest.data, variables)
        except SubstitutionError as error:
            return built, f"{manifest.kind} {manifest.name}: {error}"
        namespace = as_map(data.get("metadata")).get("namespace")
        done.append(replace(manifest, data=data, namespace=namespace if isinstance(namespace, str) else ""))
    return done, ""


def _from(
    repo: Repo, kustomization: Manifest, cluster: str, lookup: Lookup, entry: Mapping[str, Any]
) -> dict[str, str] | str:
    """Return the variables of a ConfigMap or Secret, or why they are not known."""
    kind, name = str(entry.get("kind")), str(entry.get("name"))
    source = lookup(cluster, kind, kustomization.namespace, name) or lookup(
        kustomization.cluster, kind, kustomization.namespace, name
    )
    if source is None:
        lying = [
            manifest
            for manifest in repo.raw
            if (manifest.kind, manifest.name) == (kind, name) and manifest.namespace in {"", kustomization.namespace}
        ]
        if not lying and entry.get("optional"):
            return {}
        if len(lying) != 1:
            how = "is not in this repository" if not lying else "lies here more than once"
            return f"{kind} {name} {how}"
        source = lying[0]
    if "sops" in source.data:
        return f"{kind} {name} is encrypted"
    return {key: text.replace("\n", "") for key, text in held_texts(source)}


def _value(value: Any, variables: Mapping[str, str], lead: str = "- ") -> Any:
    if isinstance(value, Mapping):
        return {_key(key, variables): _value(item, variables, "k: ") for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item, variables) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    text = substitute(value, variables)
    return _read_again(lead, text) if _is_plain(value) else text


def _key(key: Any, variables: Mapping[str, str]) -> Any:
    return substitute(key, variables) if isinstance(key, str) else key


def _is_plain(text: str) -> bool:
    """Tell whether a text is written without quotes, as the YAML that variables are put into has it."""
    if not text or "\n" in text or text[0] in _STARTS_NO_PLAIN or text[-1] == " ":
        return False
    return ": " not in text and " #" not in text and not text.endswith(":")


def _read_again(lead: str, text: str) -> Any:
    """Return what a value is after substitution: without quotes ``true`` is no text any more."""
    documents, faults = parse(f"{lead}{text}")
    if faults or len(documents) != 1 or len(documents[0].data) != 1:
        raise SubstitutionError(f"{text[:40]} is no value in YAML")
    return documents[0].data["k" if lead == "k: " else 0]
