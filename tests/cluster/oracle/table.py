"""The two-by-two table per kind, and what the check misses by cause."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scaffold.facts.schemas import KUBERNETES, Catalog
from tests.cluster.oracle.verdicts import Outcome, Verdict

_POD = re.compile(r"^(spec\.jobTemplate)?\.?spec\.template\.spec\.|^spec\.(?=(initC|c)ontainers|volumes|affinity)")
_ITEM = re.compile(r"\[[^\]]*\]")
_VALUE = re.compile(r'"[^"]*"|\d+|\{.*\}|\[.*\]|\(e\.g\..*', re.DOTALL)
_SHOWN = re.compile(r"^(Invalid|Unsupported) value: .*?: (?=[a-zA-Z`])", re.DOTALL)
_COLUMNS = (
    Outcome.SAME,
    Outcome.OTHER,
    Outcome.MISSED,
    Outcome.FALSE,
    Outcome.FINE,
    Outcome.PURPOSE,
    Outcome.UNKNOWN,
    Outcome.BESIDE,
)
_HEADS = ("same field", "elsewhere", "missed", "false", "taken", "on purpose", "unknown", "beside")
_CORE = {(kind.api_version, kind.kind) for kind in Catalog.builtin().kinds() if kind.project == KUBERNETES}


@dataclass(frozen=True)
class Share:
    """How often the check agrees with the server: of what is refused, and of what is taken."""

    refused: int
    found: int
    same: int
    taken: int
    false: int

    def __str__(self) -> str:
        found, same = (100 * part / max(1, self.refused) for part in (self.found, self.same))
        return (
            f"of {self.refused} refused {found:.1f}% found, {same:.1f}% at the same field; "
            f"of {self.taken} taken {self.false} called an error"
        )


def share(verdicts: Iterable[Verdict]) -> Share:
    """Count; what is not about the object, or of a kind without schema, is left out."""
    count = Counter(verdict.outcome for verdict in verdicts)
    found = count[Outcome.SAME] + count[Outcome.OTHER]
    taken = count[Outcome.FALSE] + count[Outcome.FINE]
    return Share(found + count[Outcome.MISSED], found, count[Outcome.SAME], taken, count[Outcome.FALSE])


def is_core(verdict: Verdict) -> bool:
    """Tell whether a mutant is of one of Kubernetes' own kinds."""
    return (verdict.mutant.api_version, verdict.mutant.kind) in _CORE


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the table: a line a kind, Kubernetes' own first, and the sums."""
    width = max(len(verdict.mutant.kind) for verdict in verdicts)
    heads = f"{'':{width}}  {'refused by the server':^31}  {'taken':^15}"
    lines = [heads, f"{'kind':{width}}  " + " ".join(f"{head:>10}" for head in _HEADS) + "   found"]
    kinds = dict.fromkeys((not is_core(one), one.mutant.kind, one.mutant.api_version) for one in verdicts)
    for _, kind, version in sorted(kinds):
        own = [one for one in verdicts if (one.mutant.kind, one.mutant.api_version) == (kind, version)]
        lines.append(_row(kind, width, own))
    for name, own in (
        ("Kubernetes' own", [one for one in verdicts if is_core(one)]),
        ("custom resources", [one for one in verdicts if not is_core(one)]),
        ("all", verdicts),
    ):
        lines.append(_row(name, width, own))
    return "\n".join(lines)


def _row(name: str, width: int, verdicts: Sequence[Verdict]) -> str:
    count = Counter(verdict.outcome for verdict in verdicts)
    counted = share(verdicts)
    found = f"{100 * counted.found / counted.refused:6.1f}%" if counted.refused else "      -"
    return f"{name:{width}}  " + " ".join(f"{count[column]:>10}" for column in _COLUMNS) + f" {found}"


def causes(verdicts: Iterable[Verdict], *outcomes: Outcome) -> list[tuple[tuple[str, str], list[Verdict]]]:
    """Return verdicts of these outcomes by cause (field, kind of message), the most frequent first."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.outcome in outcomes:
            found.setdefault(cause(verdict), []).append(verdict)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def cause(verdict: Verdict) -> tuple[str, str]:
    """Return the field and the words of the server without the values in them."""
    fields = verdict.answer.fields or (".".join(map(str, verdict.mutant.path)),)
    field = _POD.sub("POD.", _ITEM.sub("[]", fields[0]).lstrip("."))
    text = _VALUE.sub("…", _SHOWN.sub(r"\1 value: ", verdict.answer.messages[0] if verdict.answer.messages else ""))
    return field, re.sub(r"…[…\s,]*", "…", text)[:110]
