"""What Argo CD's ApplicationSet controller makes: one Application of the template for each element."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.expand.found import Found, Job, Owner
from scaffold.expand.generation import Element, Generator, generate, generators
from scaffold.expand.objects import as_list, as_map, below
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest, Origin
from scaffold.model.repo import Repo
from scaffold.model.yamltext import parse

_TEMPLATED = re.compile(r"\{\{.*\}\}")
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FINALIZER = "resources-finalizer.argocd.argoproj.io"


def open_set(repo: Repo, appset: Manifest) -> Found:
    """Find the Applications of a set; Go templates are jobs, their answers lead on."""
    found = Found()
    template = _Template(appset)
    if not isinstance(appset.get("spec", "template"), Mapping):
        found.faults.append(Hit(appset.place("spec"), f"{appset} has no template"))
        return found
    for kind, generator in generators(appset):
        made = generate(repo, kind, generator)
        found.reached |= made.reached
        found.external += made.external
        found.not_checked += made.not_checked
        found.faults += made.faults
        for element in made.elements:
            _merge(found, _with_values(template, generator, element))
    return found


@dataclass(slots=True)
class _Template:
    """The template of a set. ``names`` are those of the Applications made so far: a second one stops the set."""

    appset: Manifest
    names: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[str, None] = {}
        _collect(self.appset.get("spec", "template"), found)
        if isinstance(patch := self.appset.get("spec", "templatePatch"), str):
            found[patch] = None
        self.texts = list(found)
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
        made = _replaced(self.appset.get("spec", "template"), rendered)
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


def _with_values(template: _Template, generator: Generator, element: Element) -> Found:
    """Add the generator's ``values``, which may refer to its own parameters, then render the template."""
    names, texts = list(generator.values), list(generator.values.values())

    def go_on(answer: list[str] | str) -> Found:
        if isinstance(answer, str):
            return template.fault(element, answer)
        made = dict(zip(names, answer, strict=True))
        added = {"values": made} if template.go_template else {f"values.{name}": text for name, text in made.items()}
        parameters = element.parameters | added if names else element.parameters
        whole = Element(parameters, element.origin)
        return _render(template, whole, template.texts, lambda texts: template.application(whole, texts))

    return _render(template, element, texts, go_on)


def _render(template: _Template, element: Element, texts: list[str], then: Callable[[list[str] | str], Found]) -> Found:
    if template.go_template and texts:
        return Found(jobs=[Job(element.parameters, texts, then)])
    return then([fast_template(text, element.parameters) for text in texts])


def fast_template(text: str, parameters: Mapping[str, Any]) -> str:
    """Fill ``{{ name }}`` as templates without ``goTemplate`` do; an unknown name stays as it is."""

    def fill(tag: re.Match[str]) -> str:
        value = parameters.get(tag[1].strip())
        return value if isinstance(value, str) and tag[1].strip() else tag[0]

    return _TAG.sub(fill, text) if _TEMPLATED.search(text) else text


def _collect(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, str):
        if "{{" in value:
            found[value] = None
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _collect(key, found)
            _collect(item, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found)


def _replaced(value: Any, rendered: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return rendered.get(value, value)
    if isinstance(value, Mapping):
        return {rendered.get(key, key): _replaced(item, rendered) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, rendered) for item in value]
    return value


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
