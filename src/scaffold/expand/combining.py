"""The parameters of an ApplicationSet: generators alone, and those that combine others, matrix and merge."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scaffold.expand import values
from scaffold.expand.filling import collected, filled, replaced
from scaffold.expand.generation import Element, Generated, Generator, fits, generate
from scaffold.expand.objects import as_list, as_map
from scaffold.model.hit import Hit
from scaffold.model.manifest import Manifest
from scaffold.model.merged import merge
from scaffold.model.ports import GoTemplates
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path

_COMBINE = frozenset({"matrix", "merge"})
_NESTED = 2
"""Generators that combine may be nested once; Argo CD knows no field for more."""


@dataclass(slots=True)
class Combining:
    """The generators of one ApplicationSet at work; ``made`` is what they read, and what they could not."""

    repo: Repo
    appset: Manifest
    templates: GoTemplates
    made: Generated = field(default_factory=lambda: Generated([], set(), [], [], []))

    @property
    def go_template(self) -> bool:
        """Tell whether Go templates are used; they take part only where something is a template."""
        return bool(self.appset.get("spec", "goTemplate"))

    def entries(self) -> Iterator[tuple[Mapping[str, Any], list[Element]]]:
        """Yield the fields and elements of each generator of the set that could be evaluated."""
        for index, entry in self.appset.items("spec", "generators"):
            for kind, fields in entry.items():
                if kind != "selector" and isinstance(fields, Mapping):
                    elements = self._elements(kind, fields, entry, ("spec", "generators", index, kind), 0)
                    if elements is not None:
                        yield fields, elements

    def _elements(
        self, kind: str, fields: Mapping[str, Any], entry: Mapping[str, Any], keys: Path, depth: int
    ) -> list[Element] | None:
        """Return the elements of a generator, None where they cannot be known."""
        if kind in _COMBINE:
            if depth >= _NESTED:
                self._fault(keys, f"{kind} is nested too deep")
                return None
            found = self._matrix(fields, keys, depth) if kind == "matrix" else self._merge(fields, keys, depth)
        else:
            found = self._alone(kind, fields, keys)
        if found is None or not entry.get("selector"):
            return found
        selector = as_map(entry["selector"])
        return [element for element in found if fits(selector, values.flatten(element.parameters))]

    def _alone(self, kind: str, fields: Mapping[str, Any], keys: Path) -> list[Element] | None:
        made = generate(self.repo, kind, Generator(self.appset, keys, fields, self.go_template))
        self.made.reached |= made.reached
        self.made.external += made.external
        self.made.not_checked += made.not_checked
        self.made.faults += made.faults
        if made.external or made.not_checked:
            return None
        return self._with_values(fields, made.elements)

    def _with_values(self, fields: Mapping[str, Any], elements: list[Element]) -> list[Element]:
        """Add the generator's ``values``, which may refer to its own parameters but not to each other."""
        texts = {key: text for key, text in as_map(fields.get("values")).items() if isinstance(text, str)}
        if not texts:
            return elements
        answers = self._filled(list(texts.values()), elements)
        found: list[Element] = []
        for element, answer in zip(elements, answers, strict=True):
            if isinstance(answer, str):
                self._fault_of(element, answer)
                continue
            made = dict(zip(texts, answer, strict=True))
            added = {"values": made} if self.go_template else {f"values.{key}": text for key, text in made.items()}
            found.append(replace(element, parameters=element.parameters | added))
        return found

    def _nested(self, fields: Mapping[str, Any], keys: Path, depth: int) -> list[Element] | None:
        """Return the elements of an entry of ``generators`` of a generator that combines."""
        kinds = [(kind, inner) for kind, inner in fields.items() if kind != "selector" and isinstance(inner, Mapping)]
        if len(kinds) != 1:
            self._fault(keys, "an entry of generators needs one generator")
            return None
        kind, inner = kinds[0]
        return self._elements(kind, inner, fields, (*keys, kind), depth + 1)

    def _matrix(self, fields: Mapping[str, Any], keys: Path, depth: int) -> list[Element] | None:
        children = [as_map(child) for child in as_list(fields.get("generators"))]
        if len(children) != 2:
            self._fault(keys, f"a matrix combines two generators, not {len(children)}")
            return None
        left = self._nested(children[0], (*keys, "generators", 0), depth)
        if left is None:
            return None
        found: list[Element] = []
        for outer, child in self._for_each(children[1], left):
            right = self._nested(child, (*keys, "generators", 1), depth)
            if right is None:
                return None
            found += [both for inner in right if (both := self._both(outer, inner)) is not None]
        return found

    def _for_each(self, child: Mapping[str, Any], left: list[Element]) -> Iterator[tuple[Element, Mapping[str, Any]]]:
        """Yield the second generator as each element of the first fills it in."""
        # What a `values` of the generator takes from the generator itself is filled in later.
        own = collected([as_map(fields).get("values") for fields in child.values()])
        texts = [text for text in collected(child) if text not in own]
        if not texts and not own:
            yield from ((outer, child) for outer in left)
            return
        for outer, answer in zip(left, self._filled(texts, left), strict=True):
            if isinstance(answer, str):
                self._fault_of(outer, answer)
                continue
            rendered = dict(zip(texts, answer, strict=True))
            for text in own:
                [tried] = self._filled([text], [outer])
                if isinstance(tried, list):
                    rendered[text] = tried[0]
            yield outer, replaced(child, rendered)

    def _both(self, outer: Element, inner: Element) -> Element | None:
        origin = f"{outer.origin}, {inner.origin}"
        if self.go_template:
            return Element(_over(inner.parameters, outer.parameters), origin)
        for key, value in inner.parameters.items():
            if outer.parameters.get(key, value) != value:
                self._fault_of(
                    Element({}, origin), f"both generators set {key}, to {outer.parameters[key]} and {value}"
                )
                return None
        return Element(outer.parameters | inner.parameters, origin)

    def _merge(self, fields: Mapping[str, Any], keys: Path, depth: int) -> list[Element] | None:
        children = [as_map(child) for child in as_list(fields.get("generators"))]
        names = list(dict.fromkeys(str(name) for name in as_list(fields.get("mergeKeys"))))
        if len(children) < 2 or not names:
            self._fault(keys, "a merge needs two generators or more, and mergeKeys")
            return None
        base: dict[str, Element] = {}
        for index, child in enumerate(children):
            elements = self._nested(child, (*keys, "generators", index), depth)
            if elements is None:
                return None
            by_key = self._by_key(elements, names, keys)
            if by_key is None:
                return None
            if not index:
                base = by_key
            for key, other in by_key.items() if index else ():
                if (one := base.get(key)) is not None:
                    combine = _over if self.go_template else dict.__or__
                    base[key] = Element(combine(one.parameters, other.parameters), f"{one.origin}, {other.origin}")
        return list(base.values())

    def _by_key(self, elements: list[Element], names: list[str], keys: Path) -> dict[str, Element] | None:
        found: dict[str, Element] = {}
        for element in elements:
            key = json.dumps([element.parameters.get(name) for name in names], sort_keys=True, default=str)
            if key in found:
                shown = ", ".join(f"{name} {element.parameters.get(name)}" for name in names)
                self._fault(keys, f"two elements of a generator have the same mergeKeys, {shown}")
                return None
            found[key] = element
        return found

    def _filled(self, texts: list[str], elements: Iterable[Element]) -> list[list[str] | str]:
        engine = self.templates if self.go_template else None
        return filled(engine, texts, [element.parameters for element in elements])

    def _fault(self, keys: Path, text: str) -> None:
        self.made.faults.append(Hit(self.appset.place(*keys), f"{self.appset}: {text}"))

    def _fault_of(self, element: Element, text: str) -> None:
        place = self.appset.place("spec", "generators")
        self.made.faults.append(Hit(place, f"{self.appset}: {text}", f"parameters of {element.origin}"))


def template_of(appset: Manifest, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template for a generator: its own one, filled up by that of the set."""
    return _filled_up(as_map(fields.get("template")), appset.mapping("spec", "template"))


def _filled_up(own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(own)
    for key, value in other.items():
        mine = found.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            found[key] = _filled_up(mine, value)
        elif not mine:
            found[key] = value
    return found


def _over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge deeply; an empty list of ``over`` takes nothing away."""
    return merge(base, {key: value for key, value in over.items() if value != [] or not base.get(key)})
