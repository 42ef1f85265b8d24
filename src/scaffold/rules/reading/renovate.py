"""Renovate's configuration, as far as it says which files are updated and which updates merge by themselves."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Path, parse
from scaffold.rules.reading import patterns

_FILES = tuple(
    f"{folder}{name}"
    for name, folders in (
        ("renovate.json", ("", ".github/", ".gitlab/")),
        ("renovate.json5", ("", ".github/", ".gitlab/")),
        (".renovaterc", ("",)),
        (".renovaterc.json", ("",)),
        (".renovaterc.json5", ("",)),
    )
    for folder in folders
)
_COMMENT = re.compile(r"(?m)(^|[\s,{\[])//[^\n]*$|/\*.*?\*/", re.DOTALL)
_DEFAULTS: Mapping[str, tuple[str, ...]] = {"flux": (r"(?:^|/)gotk-components\.ya?ml$",)}
_CUSTOM = ("customManagers", "regexManagers")


@dataclass(frozen=True)
class Renovate:
    """The configuration file. ``whole`` tells whether nothing is brought by presets of others."""

    path: str
    data: Mapping[str, Any] = field(repr=False)
    lines: Mapping[Path, int] = field(repr=False)
    whole: bool

    def place(self, *keys: str | int) -> Place:
        """Return the place of a value, or of the nearest parent that has a line."""
        ends = (keys[:end] for end in range(len(keys), -1, -1))
        return Place(self.path, next((self.lines[end] for end in ends if end in self.lines), 1))

    def reads(self, manager: str) -> Callable[[str], bool]:
        """Return a matcher for the files that a manager, or any custom one, reads."""
        enabled = _texts(self.data.get("enabledManagers"))
        options = self.data.get(manager)
        found: list[Callable[[str], bool] | None] = []
        if not enabled or manager in enabled:
            own = _of_manager(options)
            found += own or [patterns.regular(expression) for expression in _DEFAULTS.get(manager, ())]
        for name in _CUSTOM:
            listed = self.data.get(name)
            for one in listed if isinstance(listed, list) else ():
                found += _of_manager(one)
        # A pattern that is not understood may match anything.
        return lambda path: any(matches is None or matches(path) for matches in found)

    def rules(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and fields of every package rule, in the order in which they count."""
        listed = self.data.get("packageRules")
        for index, one in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(one, Mapping):
                yield index, one


def configuration(repo: Repo) -> Renovate | None:
    """Return Renovate's configuration; None where there is none that can be read."""
    path = next((name for name in _FILES if name in repo.files), "")
    documents, faults = parse(_COMMENT.sub(r"\1", repo.files.get(path, "")))
    if not path or faults or not documents or not isinstance(documents[0].data, dict):
        return None
    data = documents[0].data
    presets = _texts(data.get("extends"))
    whole = not any(">" in preset or preset.startswith(("http", "@")) or "/" in preset for preset in presets)
    return Renovate(path, data, documents[0].lines, whole)


def file_matcher(rule: Mapping[str, Any]) -> Callable[[str], bool] | None:
    """Return a matcher for the files a package rule is about; None where it does not say, or says it in exceptions."""
    named = rule.get("matchFileNames", rule.get("matchPaths"))
    found = [patterns.renovate(text) for text in _texts(named)]
    if not found or None in found:
        return None
    return lambda path: any(matches is not None and matches(path) for matches in found)


def _of_manager(options: Any) -> list[Callable[[str], bool] | None]:
    if not isinstance(options, Mapping):
        return []
    found = [patterns.renovate(text) for text in _texts(options.get("managerFilePatterns"))]
    return found + [patterns.regular(text) for text in _texts(options.get("fileMatch"))]


def _texts(value: Any) -> list[str]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, str)]
