"""Writes the tables of docs/verification.md from the record of a run of `make e2e`.

Usage: python tools/verification.py RECORD ..., where the records are the JUnit files of the run. A run that failed, or
that left tests out, is refused: the page tells of whole runs only.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "verification.md"
COLUMNS = ("accepted", "reconciled", "behaves")
BEGIN, END = "<!-- Written by tools/verification.py from the last run of `make e2e`. -->", "<!-- End. -->"
NOT_RUN = {("Flux", "reconciled"): "not run", ("Flux", "behaves"): "not run"}


class NotWhole(Exception):
    """The record is not of a whole, green run, or the page has no place for it."""


def tables(*records: ET.Element) -> str:
    """Return the tables for the test cases of the JUnit records of one run."""
    cases = [case for record in records for case in record.iter("testcase")]
    faults = [case for case in cases for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
    if faults or not cases:
        raise NotWhole(f"{len(cases)} tests, {len(faults)} of them failed or left out")
    proofs: Counter[tuple[str, str]] = Counter()
    notes = []
    for case in cases:
        for given in case.iter("property"):
            if given.get("name") == "proves":
                column, _, row = given.get("value", "").partition(": ")
                proofs[row, column] += 1
            elif given.get("name") == "note":
                notes += given.get("value", "").splitlines()
    rows = sorted({row for row, _ in proofs}, key=str.lower)
    lines = ["| component | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    lines += [f"| {row} | " + " | ".join(_cell(proofs, row, column) for column in COLUMNS) + " |" for row in rows]
    figures = [f"- {note}" for note in dict.fromkeys(notes) if not note.startswith(" ")]
    return "\n".join([f"{len(cases)} tests.", "", *lines, "", "Figures of that run:", "", *figures])


def _cell(proofs: Counter[tuple[str, str]], row: str, column: str) -> str:
    count = proofs[row, column]
    if count and (row, column) in NOT_RUN:
        raise NotWhole(f"{row} is said to be never {column}, and {count} tests prove it")
    return f"{count} test{'s' if count > 1 else ''}" if count else NOT_RUN.get((row, column), "—")


def page(text: str, made: str) -> str:
    """Return the page with these tables in their place."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise NotWhole(f"{PAGE.name} has lost the marks around its tables")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def rows(text: str) -> set[str]:
    """Return the components that the page's table tells of."""
    inside = text.partition(BEGIN)[2].partition(END)[0]
    return set(re.findall(r"^\| ([^|]+?) \|", inside, re.MULTILINE)) - {"component"}


def _read(record: Path) -> ET.Element:
    return ET.parse(record).getroot()  # noqa: S314 - pytest wrote it


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("records", type=Path, nargs="+", metavar="RECORD")
    records = parser.parse_args(arguments).records
    try:
        text = page(PAGE.read_text(encoding="utf-8"), tables(*map(_read, records)))
    except (OSError, ET.ParseError, NotWhole) as error:
        print(f"{error}; run `make e2e` first", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
