"""What people allow: comments beside a line, and a baseline of what an old repository already has."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from scaffold.model.errors import BadInput
from scaffold.model.hit import Hit
from scaffold.model.outcome import Suppressed
from scaffold.model.repo import Repo
from scaffold.model.rule import Finding, Rule
from scaffold.model.suppression import Suppression, suppressions

BASELINE_VERSION = 1


def by_comments(
    repo: Repo, findings: Iterable[Finding], run: Iterable[Rule], known: Iterable[Rule]
) -> tuple[list[Finding], list[Suppressed], list[Hit]]:
    """Part findings into those that stay and those that a comment allows; the hits are on the comments themselves."""
    ids, ran = {rule.id for rule in known}, {rule.id for rule in run}
    written = [one for path, text in repo.files.items() for one in suppressions(path, text)]
    hits: list[Hit] = []
    valid: list[Suppression] = []
    for one in written:
        if why := _fault(one, ids):
            hits.append(Hit(one.place, why))
        else:
            valid.append(one)
    by_line = {(one.place.path, one.line, name): one for one in valid for name in one.rules}
    kept: list[Finding] = []
    allowed: list[Suppressed] = []
    used: set[tuple[Suppression, str]] = set()
    for finding in findings:
        allowing = by_line.get((finding.place.path, finding.place.line, finding.rule))
        if allowing is None:
            kept.append(finding)
        else:
            allowed.append(Suppressed(finding, allowing.reason))
            used.add((allowing, finding.rule))
    hits += [
        Hit(one.place, f"nothing of {', '.join(unused)} is found on line {one.line}")
        for one in valid
        if (unused := [name for name in one.rules if name in ran and (one, name) not in used])
    ]
    return kept, allowed, hits


def _fault(one: Suppression, ids: set[str]) -> str:
    if not one.rules:
        return "the suppression names no rule"
    if unknown := [name for name in one.rules if name not in ids]:
        return f"no rule is called {', '.join(unknown)}"
    return "" if one.reason else "the suppression has no reason"


def by_baseline(findings: Iterable[Finding], path: Path) -> tuple[list[Finding], int, int]:
    """Leave out what the baseline holds; return what stays, how many were left out, how many of it are gone."""
    left = _read(path)
    kept: list[Finding] = []
    counts = Counter(_key(finding) for finding in findings)
    before = left.total()
    for finding in findings:
        if left[_key(finding)] > 0:
            left[_key(finding)] -= 1
        else:
            kept.append(finding)
    out = counts.total() - len(kept)
    return kept, out, before - out


def write_baseline(findings: Iterable[Finding], path: Path) -> None:
    """Write what is found now, lines left out: they move."""
    counts = Counter(_key(finding) for finding in findings)
    entries = [
        {"rule": rule, "path": file, "message": text, "count": count}
        for (rule, file, text), count in sorted(counts.items())
    ]
    document = {"version": BASELINE_VERSION, "findings": entries}
    try:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--baseline {path} cannot be written: {error.strerror}") from error


def _read(path: Path) -> Counter[tuple[str, str, str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != BASELINE_VERSION:
            raise BadInput(f"--baseline {path}: version {document['version']} is not known, write it anew")
        return Counter({(e["rule"], e["path"], e["message"]): int(e["count"]) for e in document["findings"]})
    except OSError as error:
        raise BadInput(f"--baseline {path} cannot be read: {error.strerror} (--update-baseline writes it)") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"--baseline {path} is no baseline, write it anew with --update-baseline") from error


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.place.path, finding.text
