"""Answers as people write them: a YAML file, and ``key=value`` on the command line."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from scaffold.model.errors import BadInput
from scaffold.model.yamltext import parse

_MERGE_MARKER = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


def read_answers(path: Path) -> dict[str, Any]:
    """Return the answers of a file. Raises BadInput with the line where it is no YAML map of answers.

    Keys that start with ``_`` (Copier's own, in the answers file of another repository) are passed over.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: no UTF-8 text") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if found := _MERGE_MARKER.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"{path}:{line}: holds a merge conflict marker ({found[1]}), resolve the conflict first")
    documents, faults = parse(text)
    if faults:
        raise BadInput(f"{path}:{faults[0].line}: no YAML, {faults[0].message}")
    if len(documents) > 1:
        raise BadInput(f"{path}:{documents[1].line}: a second YAML document, answers are one map")
    if not documents:
        return {}
    try:
        # The same reading as `copier copy --data-file`: what is a text there is one here.
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{path}: no YAML, {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise BadInput(f"{path}:{documents[0].line}: answers are a map of question to answer")
    return {str(name): value for name, value in data.items() if not str(name).startswith("_")}


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Return the answers of ``key=value`` texts; a later one wins."""
    answers: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"-d {pair}: write it as key=value")
        answers[name.strip()] = value
    return answers
