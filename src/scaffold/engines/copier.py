"""Copier: asks the questions and renders the template, exactly as plain ``copier copy`` does.

Two things of Copier's are replaced because they cost a third of its time and change nothing in a fresh folder: a
``git config`` call for every file written, and compiling the same path segment again for every file. A test holds
the result byte for byte against the ``copier`` command. What Copier offers in public (``run_copy``) has no place
for that, so its Worker is subclassed and its minor version pinned. This module is imported only by what renders: it
costs 350 ms.
"""

import difflib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from copier._jinja_ext import SandboxedEnvironment, get_yield_context
from copier._main import Worker
from copier._template import Template
from copier.errors import CopierAnswersInterrupt, CopierError, InteractiveSessionError, MissingFileWarning
from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError
from plumbum import ProcessExecutionError

from scaffold.engines import git
from scaffold.engines.template_source import CANONICAL_URL, TemplateSource
from scaffold.model.errors import BadInput, ToolFailed

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a render recorded: the answers of its answers file."""

    answers: Mapping[str, Any]


class _CarriedTemplate(Template):
    """The template of this program, cloned by ourselves: one plain git call."""

    def __init__(self, url: str, ref: str | None, clone: Path) -> None:
        super().__init__(url=url, ref=ref)
        self._clone = clone

    @cached_property
    def local_abspath(self) -> Path:
        return self._clone.resolve()


class _Worker(Worker):
    """A Worker whose destination is a fresh folder that no git repository tracks."""

    carried: Template
    """The template, cloned once and shared by all renders of a call; who opened it cleans it up."""

    @property
    def template(self) -> Template:
        return self.carried

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        environment = super().jinja_env
        compiled = lru_cache(maxsize=None)(environment.from_string)

        def from_string(source: str) -> JinjaTemplate:
            # Compiling forgets the last `yield` tag, and so must a text that is compiled already.
            context = get_yield_context(environment)
            context.yield_name = context.yield_iterable = None
            return compiled(source)

        environment.from_string = from_string  # type: ignore[method-assign,assignment]
        return environment

    def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
        """Leave the index alone: there is none yet."""


class Questionnaire:
    """An opened template: its questions, its presets, and rendering it."""

    def __init__(self, template: Template, source: TemplateSource) -> None:
        self._template = template
        self._source = source

    @cached_property
    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """All questions by name, those that are only computed left out."""
        return {
            name: details for name, details in self._template.questions_data.items() if details.get("when") is not False
        }

    @property
    def has_services(self) -> bool:
        """Tell whether the template has a scope for services of their own."""
        return "service" in (self.questions.get("scope") or {}).get("choices", ())

    def preset(self, name: str) -> Answers:
        """Return the answers of a preset; raises BadInput for an unknown one."""
        folder = self._template.local_abspath / "questions" / "presets"
        known = sorted(path.stem for path in folder.glob("*.yml"))
        if name not in known:
            raise BadInput(f"--preset {name}: unknown{_nearest(name, known)}; choose from {', '.join(known) or 'none'}")
        answers: Answers = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8")) or {}
        return answers

    def examine(self, answers: Mapping[str, Any], where: str) -> None:
        """Raise BadInput for an unknown key, a wrong type or an unknown choice, before anything is rendered."""
        for name, value in answers.items():
            if name not in self.questions:
                raise BadInput(f"{where}: unknown answer {name}{_nearest(name, self.questions)}")
            _examine(name, self.questions[name], value)

    def unanswered(self, answers: Mapping[str, Any]) -> list[str]:
        """Return the questions that a person would be asked beyond these answers, in their order."""
        given = dict(answers)
        asked: list[str] = []
        for scope in ("repo", "service") if self.has_services else ("repo",):
            with (
                TemporaryDirectory(prefix="scaffold-ask-") as nowhere,
                self._worker(
                    Path(nowhere), {**given, "scope": scope} if self.has_services else given, ask=False
                ) as worker,
            ):
                worker._ask()  # noqa: SLF001
                hidden = set(worker.answers.hidden)
                given = {**worker._answers_to_remember(), **given}  # noqa: SLF001
            asked += [
                name
                for name, question in self.questions.items()
                if name not in answers and name not in hidden and name not in asked and question.get("ask") is not False
            ]
        return asked

    def render(
        self, destination: Path, answers: Mapping[str, Any], *, ask: bool, answers_file: str | None = None
    ) -> Rendered:
        """Render into a folder. ``ask`` asks at the terminal what ``answers`` leaves open, else defaults are taken.

        Raises BadInput with the question's name for a refused answer; nothing of the folder is to be used then.
        """
        with self._worker(destination, answers, ask=ask, answers_file=answers_file) as worker:
            worker.run_copy()
            rendered = Rendered(dict(worker._answers_to_remember()))  # noqa: SLF001
        refuse_traps(destination)
        return rendered

    @contextmanager
    def _worker(
        self, destination: Path, answers: Mapping[str, Any], *, ask: bool, answers_file: str | None = None
    ) -> Iterator[_Worker]:
        with _one_line(), warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingFileWarning)
            worker = _Worker(
                src_path=self._source.url,
                dst_path=destination,
                vcs_ref=self._source.ref,
                answers_file=Path(answers_file) if answers_file else None,
                data=dict(answers),
                defaults=not ask,
                quiet=True,
                overwrite=True,
            )
            worker.carried = self._template
            with worker:
                yield worker


@contextmanager
def opened(source: TemplateSource) -> Iterator[Questionnaire]:
    """Open a template for reading its questions and rendering it."""
    if source.url != CANONICAL_URL:
        with _one_line():
            template = Template(url=source.url, ref=source.ref)
            try:
                template.questions_data  # noqa: B018 - clones it and reads its configuration
                yield Questionnaire(template, source)
            finally:
                template._cleanup()  # noqa: SLF001
        return
    with TemporaryDirectory(prefix="scaffold-clone-") as scratch:
        clone = Path(scratch) / "template"
        options = ["--quiet", "--branch", source.ref] if source.ref else ["--quiet"]
        try:
            git.git(
                "-c", "advice.detachedHead=false", "-c", "init.templateDir=", "clone", *options, source.url, str(clone)
            )
        except ToolFailed as error:
            said = " ".join(str(error).splitlines()[-1:])
            raise BadInput(
                f"version {source.ref} of the template is not embedded and could not be had: {said}"
            ) from error
        yield Questionnaire(_CarriedTemplate(source.url, source.ref, clone), source)


def refuse_traps(destination: Path) -> None:
    """Raise BadInput where a render left something that a repository must not hold.

    A template could plant hooks that run at the next git command (Copier 9.19 lets it write ``.git/hooks``), or
    links that lead out of the repository.
    """
    root = destination.resolve()
    for path in destination.rglob("*"):
        if path.name.lower() == ".git":
            raise BadInput(f"the template writes {path.relative_to(destination)}: a template must not touch .git")
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise BadInput(
                f"the template makes the link {path.relative_to(destination)} that leads out of the repository"
            )


def _nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {near[0]}?" if near else ""


def _examine(name: str, question: Mapping[str, Any], value: Any) -> None:
    kind = question.get("type", "str")
    if kind in {"int", "float"}:
        number = int if kind == "int" else float
        try:
            if isinstance(value, bool) or (kind == "int" and isinstance(value, float) and value != int(value)):
                raise ValueError  # noqa: TRY301 - one message for all that is no number
            number(value)
        except (TypeError, ValueError, OverflowError) as error:
            what = "a whole number" if kind == "int" else "a number"
            raise BadInput(f"{name}: {json.dumps(value, ensure_ascii=False, default=str)} is not {what}") from error
    elif kind == "str" and (isinstance(value, bool) or not isinstance(value, (str, int, float))):
        raise BadInput(
            f"{name}: {json.dumps(value, ensure_ascii=False, default=str)} is not a text, put it into quotes"
        )
    elif kind == "yaml" and isinstance(value, str):
        try:
            yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadInput(f"{name}: no YAML, {' '.join(str(error).split())}") from error
    choices = question.get("choices")
    if isinstance(choices, (list, dict)):
        allowed = [str(choice) for choice in (choices.values() if isinstance(choices, dict) else choices)]
        if str(value) not in allowed:
            raise BadInput(
                f"{name}: {value} is no choice{_nearest(str(value), allowed)}; choose from {', '.join(allowed)}"
            )


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what leaves Copier as a traceback into one line of ours."""
    try:
        yield
    except (CopierAnswersInterrupt, KeyboardInterrupt) as error:
        raise BadInput("interrupted: nothing was written") from error
    except InteractiveSessionError as error:
        raise BadInput("no terminal to ask in: give --answers FILE or -d key=value, or take --defaults") from error
    except ProcessExecutionError as error:
        said = " ".join(str(error.stderr or error.stdout).split())
        raise ToolFailed(f"git failed on the template: {said}") from error
    except TemplateError as error:
        raise BadInput(f"the template is faulty: {error}") from error
    except OSError:
        raise
    except (CopierError, ValueError, TypeError) as error:
        raise BadInput(_readable(error)) from error


def _readable(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    marker = "Validation error for question '"
    if text.startswith(marker):
        name, _, message = text.removeprefix(marker).partition("': ")
        return f"{name}: {message.rstrip(';')}"
    return text
