"""Charts that lie in the repository: their Chart.yaml, their dependencies, and the text of their templates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.yamltext import Document, Path


@dataclass(frozen=True, slots=True)
class ChartFile:
    """A chart's folder and its Chart.yaml."""

    folder: str
    path: str
    data: Mapping[str, Any] = field(repr=False)
    lines: Mapping[Path, int] = field(repr=False)

    def place(self, *keys: str | int) -> Place:
        """Return the place of a value, or of the nearest parent that has a line."""
        ends = (keys[:end] for end in range(len(keys), -1, -1))
        return Place(self.path, next((self.lines[end] for end in ends if end in self.lines), 1))

    def text(self, name: str) -> str:
        """Return a text field, empty if it is missing."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def dependencies(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and fields of every dependency."""
        listed = self.data.get("dependencies")
        for index, dependency in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(dependency, Mapping):
                yield index, dependency


def own_charts(repo: Repo) -> list[ChartFile]:
    """Return the charts of the repository; those that are vendored in another one's ``charts`` are not its own."""
    found: list[ChartFile] = []
    for folder in sorted(repo.chart_folders):
        above = [str(parent) for parent in PurePosixPath(folder).parents]
        if any(("" if parent == "." else parent) in repo.chart_folders for parent in above if parent != folder):
            continue
        path = f"{folder}/Chart.yaml".lstrip("/")
        document = next(iter(repo.documents(path)), Document({}, 1, {}))
        if isinstance(document.data, dict):
            found.append(ChartFile(folder, path, document.data, document.lines))
    return found


def template_files(repo: Repo, chart: ChartFile) -> Iterator[tuple[str, str]]:
    """Yield path and text of a chart's own templates; NOTES.txt is no part of what is applied."""
    for path in repo.below(f"{chart.folder}/templates".lstrip("/")):
        if path.endswith((".yaml", ".yml", ".tpl", ".txt")) and not path.endswith("NOTES.txt"):
            yield path, repo.files[path]
