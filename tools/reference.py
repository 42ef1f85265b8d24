"""Writes docs/questions.md from the questions, docs/rules.md from the rules and their cases, NOTICE from the catalog.

Usage: python tools/reference.py [--check]. With --check nothing is written: a difference is shown, exit code 1.
"""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

from scaffold.model.rule import Rule
from scaffold.rules import RULES

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "rules" / "cases"
CATALOG = ROOT / "src" / "scaffold" / "facts" / "data" / "index.json"
MARK = re.compile(r"\s*# HIT\b.*$")
NOTE = "<!-- Written by tools/reference.py: change the source, not this page. -->"

_CALL = re.compile(r"#\{ (?P<inside>[^{}]*) \}#")
_SCOPE = re.compile(r"scope == '(repo|service)'( and )?")
_SCOPES = {"repo": "repository", "service": "service"}

Question = Mapping[str, Any]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on a difference")
    check = parser.parse_args(arguments).check
    pages = {
        ROOT / "docs" / "questions.md": questions_page(ROOT),
        ROOT / "docs" / "rules.md": rules_page(RULES, CASES),
        ROOT / "NOTICE": notice(json.loads(CATALOG.read_text(encoding="utf-8"))["sources"]),
    }
    changed = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        if check:
            before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            name = str(path.relative_to(ROOT))
            print(
                "\n".join(
                    difflib.unified_diff(before, pages[path].splitlines(), name, f"{name} (generated)", lineterm="")
                )
            )
        else:
            path.write_text(pages[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    if check and changed:
        print("run tools/reference.py and commit the pages", file=sys.stderr)
    return int(check and bool(changed))


def questions_page(root: Path) -> str:
    """Return the page of all questions, one section a theme in the order of copier.yml."""
    lines = [
        "# Questions",
        "",
        NOTE,
        "",
        "What `scaffold new`, `scaffold add service` and plain Copier ask, in this order. `#{ name }#` stands for the",
        "answer `name`. A question of the scope *service* is asked once for each service; of the others a service",
        "takes over what the repository has, where it needs it.",
        "",
    ]
    environment, themes = _template(root)
    answers: dict[str, Any] = {"scope": "repo", "_external_data": {"repo": {}}}
    for title, questions in themes:
        shown = {name: question for name, question in questions.items() if name != "scope"}
        for name, question in shown.items():
            answers[name] = _rendered(environment, question.get("default"), answers, str(question.get("type", "str")))
        shown = {name: question for name, question in shown.items() if question.get("when") is not False}
        if shown:
            lines += [f"## {title}", ""]
        for name, question in shown.items():
            lines += [
                f"### `{name}`",
                "",
                _plain(str(question.get("help", name))) + ".",
                "",
                *_facts(name, question, answers),
                "",
            ]
    lines += ["## Presets", "", "`--preset NAME` answers these; `-d` and `--answers` win over it.", ""]
    for preset in sorted((root / "questions" / "presets").glob("*.yml")):
        lines += [f"### `{preset.stem}`", "", "```yaml", *preset.read_text(encoding="utf-8").splitlines(), "```", ""]
    return "\n".join(lines)


def rules_page(rules: Sequence[Rule], cases: Path) -> str:
    """Return the page of all rules: a table, then reason, remedy and example of each."""
    lines = [
        "# Rules",
        "",
        NOTE,
        "",
        "What `scaffold check` wants of a repository. `--select` and `--ignore` take an id or its beginning (`MESH`).",
        "An example shows what is found (`-`) and the same repaired (`+`).",
        "",
        "| id | severity | what holds |",
        "|---|---|---|",
        *(f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity.value} | {_plain(rule.title)} |" for rule in rules),
        "",
    ]
    for rule in rules:
        lines += [f"## {rule.id}", "", f"**{_plain(rule.title)}** ({rule.severity.value})", ""]
        if rule.reason:
            lines += [_plain(rule.reason), ""]
        lines += [f"*Remedy:* {_plain(rule.fix)}", ""]
        if example := list(_example(cases / rule.id)):
            lines += ["```diff", *example, "```", ""]
    return "\n".join(lines)


def notice(sources: Sequence[Sequence[str]]) -> str:
    """Return the notice: whose APIs the schema catalog describes."""
    width = max(len(project) for project, _, _ in sources)
    return "\n".join(
        [
            "gitops-scaffold",
            "Copyright 2026 the gitops-scaffold contributors",
            "",
            "This product is licensed under the Apache License, Version 2.0 (LICENSE).",
            "",
            "Its schema catalog (src/scaffold/facts/data) holds facts of the APIs that the following projects publish:",
            "names, types, required fields, enumerations, bounds and patterns. It was made from their custom",
            "resource definitions and OpenAPI documents, at these versions and under these licences. None of their",
            "text is in it.",
            "",
            *(f"{project:<{width}}  {version:<16}  {licence}" for project, version, licence in sources),
            "",
        ]
    )


def _template(root: Path) -> tuple[jinja2.Environment, list[tuple[str, dict[str, Question]]]]:
    settings: dict[str, Any] = {}
    themes: list[tuple[str, dict[str, Question]]] = []
    for node in yaml.compose_all((root / "copier.yml").read_text(encoding="utf-8"), Loader=yaml.SafeLoader):
        if node.tag == "!include":
            text = (root / node.value).read_text(encoding="utf-8")
            title = text.splitlines()[0].lstrip("# ").split(". ")[0].rstrip(".")
            themes.append(
                (title, {key: value for key, value in yaml.safe_load(text).items() if not key.startswith("_")})
            )
        else:
            settings |= yaml.safe_load(yaml.serialize(node))
    options = {key: value for key, value in settings["_envops"].items() if key != "undefined"}
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, **options)  # noqa: S701 - no HTML
    environment.filters |= {
        "to_json": json.dumps,
        "regex_search": lambda text, pattern: re.search(pattern, text),
        "regex_replace": lambda text, pattern, replacement: re.sub(pattern, replacement, text),
    }
    return environment, themes


def _rendered(environment: jinja2.Environment, default: object, answers: Mapping[str, Any], kind: str) -> Any:
    if not isinstance(default, str):
        return default
    text = environment.from_string(default).render(**answers)
    return yaml.safe_load(text) if kind == "yaml" else text


def _facts(name: str, question: Question, answers: Mapping[str, Any]) -> Iterator[str]:
    condition = str(question.get("when", question.get("ask", "")))
    scope = _SCOPE.search(condition)
    rest = _SCOPE.sub("", "".join(_CALL.findall(condition))).strip()
    where = _SCOPES[scope[1]] if scope else "both"
    yield f"- scope: {where}" + (f", asked where `{rest}`" if rest else "")
    choices = question.get("choices")
    if choices:
        pairs = choices.items() if isinstance(choices, dict) else [(None, choice) for choice in choices]
        yield "- one of: " + ", ".join(f"`{value}`{_label(label, str(value))}" for label, value in pairs)
    else:
        yield f"- type: {question.get('type', 'str')}"
    default = question.get("default")
    if isinstance(default, str) and ("_external_data" in default or "#%" in default):
        shown = answers[name]
        if isinstance(shown, (list, dict)):
            yield "- default:"
            yield ""
            yield "  ```yaml"
            yield from (f"  {line}" for line in _yaml(shown))
            yield "  ```"
            return
        default = shown
    elif isinstance(default, str) and (only := _CALL.fullmatch(default)) and " if " in only["inside"]:
        default = only["inside"]
    yield f"- default: {f'`{default}`' if default not in {'', None} else 'empty'}"


def _label(label: object, value: str) -> str:
    said = str(label or "").removeprefix(value).strip(" ()")
    return f" ({said})" if said else ""


def _yaml(value: list[Any] | dict[str, Any]) -> list[str]:
    def flow(item: object) -> str:
        return yaml.safe_dump(item, default_flow_style=True, sort_keys=False, width=1000).removesuffix("...\n").strip()

    if isinstance(value, list):
        return [f"- {flow(item)}" for item in value]
    return [f"{key}: {flow(item)}" for key, item in value.items()]


def _example(case: Path) -> Iterator[str]:
    before, after = (_files(case / side) for side in ("bad", "good"))
    for name in sorted({*before, *after}):
        diff = difflib.unified_diff(before.get(name, []), after.get(name, []), name, name, lineterm="", n=4)
        # The two lines that name the file twice become one, the line numbers help nobody.
        body = [line for line in list(diff)[2:] if not line.startswith("@@")]
        if body:
            yield f"  # {name}"
            yield from body


def _files(folder: Path) -> dict[str, list[str]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {
        path.relative_to(folder).as_posix(): [
            MARK.sub("", line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in paths
    }


def _plain(text: str) -> str:
    return text.replace("``", "`").replace("<", "&lt;").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
