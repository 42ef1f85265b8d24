"""``scaffold new`` and ``scaffold add service``: from answers to files, in one step or not at all."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.engines import disk, git
from scaffold.engines.answers_file import read_answers, read_pairs
from scaffold.engines.copier import Questionnaire, opened
from scaffold.engines.template_source import open_source
from scaffold.model.errors import BadInput

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for: the layers of answers (``pairs`` over ``file`` over ``preset``) and the template."""

    pairs: tuple[str, ...] = ()
    file: Path | None = None
    preset: str = ""
    template: str = ""
    ref: str | None = None
    defaults: bool = False
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the root, the recorded answers of the repository and of its first service."""

    root: Path
    answers: Mapping[str, Any]
    service: Mapping[str, Any] = field(default_factory=dict)


def new(name: str, destination: Path | None, wanted: Wanted) -> Made:
    """Make a repository with its first commit.

    The destination does not exist afterwards, or is complete: all is made beside it and renamed. Raises BadInput
    or ToolFailed in one line.
    """
    git.require()
    git.forget_surroundings()
    # What can be refused without the template is refused before anything is opened.
    given = _given(wanted)
    root = (destination or Path(_name(name, given.answers))).expanduser()
    disk.refuse_occupied(root)
    with open_source(wanted.template, wanted.ref) as source, opened(source) as template:
        answers = _layered(template, wanted, given)
        if name:
            answers["name"] = name
        template.examine({"name": answers.get("name", "")}, "NAME")
        ask = _asks(template, answers, wanted)
        with disk.beside(root) as staging:
            made = template.render(staging, answers, ask=ask)
            service: Mapping[str, Any] = {}
            if template.has_services:
                service = _service(
                    template,
                    staging,
                    {**answers, "service": answers.get("service", made.answers["name"])},
                    made.answers,
                    ask=ask,
                )
            with disk.told_apart(root):
                git.first_commit(staging, str(made.answers.get("repo_branch", "main")), "Start from the golden path")
    return Made(root, made.answers, service)


def add_service(name: str, root: Path, wanted: Wanted) -> Made:
    """Add a service to a repository that the template made; existing files are never touched."""
    git.require()
    git.forget_surroundings()
    file = root / ANSWERS_FILE
    if not file.is_file():
        raise BadInput(f"{file} is missing: {root} was not made by this template, or you are not at its root")
    repository = read_answers(file)
    given = _given(wanted)
    with open_source(wanted.template, wanted.ref) as source, opened(source) as template:
        if not template.has_services:
            raise BadInput("this template has no scope for services of their own")
        answers = {**_layered(template, wanted, given), "service": name}
        template.examine({"service": name}, "NAME")
        ask = _asks(template, {**repository, **answers}, wanted)
        with tempfile.TemporaryDirectory(prefix="scaffold-add-") as scratch:
            staging = Path(scratch)
            shutil.copy2(file, staging / ANSWERS_FILE)
            service = _service(template, staging, answers, repository, ask=ask)
            (staging / ANSWERS_FILE).unlink()
            _move_in(staging, root)
    return Made(root, repository, service)


def service_answers_file(engine: str, service: str) -> str:
    """Return where the answers of a service are kept: in its folder, or (Flux: it spans folders) at the root."""
    return f".copier-answers.{service}.yml" if engine == "flux" else f"services/{service}/.copier-answers.yml"


def _service(
    template: Questionnaire, root: Path, answers: Mapping[str, Any], repository: Mapping[str, Any], *, ask: bool
) -> Mapping[str, Any]:
    service = str(answers["service"])
    template.examine({"service": service}, "service")
    file = service_answers_file(str(repository.get("engine", "")), service)
    # Answers of the repository alone mean nothing to a service: left out, they cannot be refused twice.
    alone = set(repository) - {"scope"}
    own = {key: value for key, value in answers.items() if key not in alone or key == "service"}
    return template.render(root, {**own, "scope": "service"}, ask=ask, answers_file=file).answers


def _name(name: str, given: Mapping[str, Any]) -> str:
    chosen = name or str(given.get("name", ""))
    if not chosen:
        raise BadInput("NAME is missing: scaffold new my-service (or give the answer name)")
    # It becomes a folder before the template's own validator has seen it.
    if "/" in chosen or chosen in {".", ".."} or "\0" in chosen:
        raise BadInput(f'name: "{chosen}" is not a DNS-1123 label: use lower-case letters, digits and "-"')
    return chosen


@dataclass(frozen=True, slots=True)
class _Given:
    """The answers that the person wrote, by where they stand; what comes from ``pairs`` wins."""

    file: Mapping[str, Any]
    pairs: Mapping[str, Any]

    @property
    def answers(self) -> dict[str, Any]:
        return {**self.file, **self.pairs}


def _given(wanted: Wanted) -> _Given:
    return _Given(read_answers(wanted.file) if wanted.file else {}, read_pairs(wanted.pairs))


def _layered(template: Questionnaire, wanted: Wanted, given: _Given) -> dict[str, Any]:
    preset = template.preset(wanted.preset) if wanted.preset else {}
    template.examine(preset, f"preset {wanted.preset}")
    template.examine(given.file, str(wanted.file))
    template.examine(given.pairs, "-d")
    return {**preset, **given.answers}


def _asks(template: Questionnaire, answers: Mapping[str, Any], wanted: Wanted) -> bool:
    if wanted.defaults:
        return False
    missing = template.unanswered(answers)
    if missing and not wanted.terminal:
        raise BadInput(
            f"no terminal to ask in, and no answer for {', '.join(missing)}: "
            "give --answers FILE or -d key=value, or take --defaults"
        )
    return bool(missing)


def _move_in(staging: Path, root: Path) -> None:
    files = sorted(path.relative_to(staging) for path in staging.rglob("*") if not path.is_dir())
    taken = [str(path) for path in files if (root / path).exists()]
    if taken:
        raise BadInput(f"{taken[0]} exists already: choose another name for the service, nothing was written")
    with disk.told_apart(root):
        for path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(staging / path, root / path)
