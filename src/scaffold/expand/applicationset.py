"""What Argo CD's ApplicationSet controller makes: one Application of the template for each element."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand.combining import Combining, template_of
from scaffold.expand.filling import collected, fast_template, replaced
from scaffold.expand.found import Found, Job, Owner
from scaffold.expand.generation import Element
from scaffold.expand.objects import as_list, as_map, below
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.ports import GoTemplates
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse

_FINALIZER = "resources-finalizer.argocd.argoproj.io"


def open_set(repo: Repo, appset: Manifest, templates: GoTemplates) -> Found:
    """Find the Applications of a set.

    Parameters are found at once, as one generator may need those of another; the template's own texts are jobs, so
    that those of all sets are rendered together.
    """
    found = Found()
    if not isinstance(appset.get("spec", "template"), Mapping):
        found.faults.append(Hit(appset.place("spec"), f"{appset} has no template"))
        return found
    names: dict[str, str] = {}
    combining = Combining(repo, appset, templates)
    for fields, elements in combining.entries():
        template = _Template(appset, template_of(appset, fields), names)
        for element in elements:
            _merge(found, _render(template, element))
    found.reached |= combining.made.reached
    found.external += combining.made.external
    found.not_checked += combining.made.not_checked
    found.faults = combining.made.faults + found.faults
    return found


@dataclass(slots=True)
class _Template:
    """The template for a generator. ``names`` are those of the Applications that the set has made so far."""

    appset: Manifest
    fields: Mapping[str, Any]
    names: dict[str, str]
    texts: list[str] = field(default_factory=list)
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts = collected(self.fields)
        if isinstance(patch := self.appset.get("spec", "templatePatch"), str) and patch not in self.texts:
            self.texts.append(patch)
        self.lines = below(self.appset.lines, ("spec", "template"))

    @property
    def go_template(self) -> bool:
        return bool(self.appset.get("spec", "goTemplate"))

    def fault(self, element: Element, text: str) -> Found:
        place = self.appset.place("spec", "template")
        return Found(faults=[Hit(place, f"{self.appset}: {text}", f"parameters of {element.origin}")])

    def application(self, element: Element, answer: list[str] | str) -> Found:
        """Make the Application of an element out of the rendered texts."""
        if isinstance(answer, str):
            return self.fault(element, answer)
        rendered = dict(zip(self.texts, answer, strict=True))
        made = replaced(self.fields, rendered)
        metadata = dict(as_map(made.get("metadata")))
        keep = self.appset.get("spec", "syncPolicy", "preserveResourcesOnDeletion")
        if not metadata.get("finalizers") and not keep and element.parameters:
            metadata["finalizers"] = [_FINALIZER]
        data: dict[str, Any] = {"metadata": metadata, "spec": dict(as_map(made.get("spec")))}
        patch = self.appset.get("spec", "templatePatch")
        if isinstance(patch, str):
            documents, faults = parse(rendered[patch])
            if faults or any(not isinstance(document.data, dict) for document in documents):
                return self.fault(element, "templatePatch is no YAML map")
            data = _patched(data, documents[0].data if documents else {})
            # A patch cannot change the project.
            data["spec"] = {**as_map(data.get("spec")), "project": as_map(made.get("spec")).get("project")}
            data["metadata"] = dict(as_map(data.get("metadata")))
        data["metadata"]["namespace"] = self.appset.namespace
        name = data["metadata"].get("name")
        if not isinstance(name, str) or not name:
            return self.fault(element, "the template makes no name")
        if other := self.names.get(name):
            return self.fault(element, f"Application {name} is made twice, first of {other}")
        self.names[name] = element.origin
        data = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"} | data
        owner = Owner(
            f"ApplicationSet {self.appset.namespace}/{self.appset.name}",
            self.appset.cluster, self.appset.namespace, self.appset.place(),
        )  # fmt: skip
        origin = Origin(self.appset.origin.path, self.appset.origin.line)
        return Found(manifests=[owner.brings(Manifest(data, origin, self.lines))])


def _render(template: _Template, element: Element) -> Found:
    if template.go_template and template.texts:
        return Found(jobs=[Job(element.parameters, template.texts, lambda texts: template.application(element, texts))])
    return template.application(element, [fast_template(text, element.parameters) for text in template.texts])


def _patched(value: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a templatePatch: null deletes; of an Application's lists only the finalizers add up."""
    merged = dict(as_map(value))
    for key, item in patch.items():
        if item is None:
            merged.pop(key, None)
        elif key == "finalizers" and isinstance(item, list):
            old = as_list(merged.get(key))
            merged[key] = [*old, *(one for one in item if one not in old)]
        else:
            merged[key] = _patched(merged.get(key), item) if isinstance(item, Mapping) else item
    return merged


def _merge(found: Found, more: Found) -> None:
    found.manifests += more.manifests
    found.jobs += more.jobs
    found.faults += more.faults
