"""Syntax: every YAML file can be read, and reads as it looks."""

from collections.abc import Iterator

from scaffold.model.hit import Hit
from scaffold.model.manifest import Place
from scaffold.model.repo import Repo
from scaffold.model.rule import Severity, rule

_SAID_ALREADY = ("syntax error", "(key-duplicates)")


@rule("YAML-01", Severity.ERROR, fix="Correct the syntax, or remove the key that stands twice.")
def yaml_can_be_read(repo: Repo) -> Iterator[Hit]:
    """Every YAML file parses, and no key stands twice in one map.

    Of two equal keys the last one wins in most parsers, and the first is lost without a word; Flux and the API
    server's strict mode refuse the file.
    """
    for path, fault in repo.syntax_faults:
        yield Hit(Place(path, fault.line), f"{fault.message} (column {fault.column})")


@rule("YAML-02", Severity.WARNING, fix="Follow the style, or change the rule in .yamllint.", needs="yamllint")
def yaml_has_one_style(repo: Repo) -> Iterator[Hit]:
    """YAML files that people edit have one style: yamllint has no complaint.

    One style keeps diffs to what changed, and finds octal numbers, `yes` for a text and lines nobody sees the end
    of. The repository's own .yamllint decides.
    """
    faulty = {Place(path, fault.line) for path, fault in repo.syntax_faults}
    for hit in repo.engine_hits.get("yamllint", ()):
        if hit.place not in faulty or not any(words in hit.text for words in _SAID_ALREADY):
            yield hit
