"""Usage: python -m tests.cluster.oracle [--seed N] [--count N] [--kinds KIND ...] [--json FILE].

Starts a control plane of its own, breaks good objects at random and prints what the API server and ``scaffold check``
say of them: a table by kind, false alarms, and all that the check misses, by cause, the most frequent first.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.cluster.conftest import CRDS
from tests.cluster.harness.control_plane import control_plane
from tests.cluster.oracle import judgement, table
from tests.cluster.oracle.verdicts import Outcome, Verdict
from tests.conftest import ROOT, SHARED


def main() -> int:
    """Run the oracle; the exit code is 1 where the check calls something an error that the server takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.oracle", description=__doc__.splitlines()[2])
    parser.add_argument("--seed", type=int, default=judgement.SEED)
    parser.add_argument("--count", type=int, default=judgement.COUNT, help="how many mutants, about")
    parser.add_argument("--kinds", nargs="+", default=(), metavar="KIND", help="only these kinds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict there")
    options = parser.parse_args()
    needed = ("etcd", "kube-apiserver", "kubectl", "generate-cert")
    command = [sys.executable, str(ROOT / "tools" / "cluster" / "build.py"), "--print", *needed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip())
    programs = Path(done.stdout.strip())
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        folder = Path(scratch)
        with control_plane(programs, folder / "plane", workloads=False) as plane:
            plane.apply_crds(*(SHARED / "crds" / name for name in CRDS))
            with judgement.prepared(plane):
                good, broken = judgement.chosen(
                    plane, folder, seed=options.seed, count=options.count, kinds=options.kinds
                )
                verdicts = judgement.judged(plane, [*good, *broken])
    if options.json:
        options.json.write_text(json.dumps([record(one) for one in verdicts], indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(report(verdicts)) + "\n")
    return 1 if any(one.outcome is Outcome.FALSE for one in verdicts) else 0


def report(verdicts: list[Verdict]) -> Iterable[str]:
    """Yield the report: the table, the sums, and every cause of a miss with its kinds."""
    yield table.table(verdicts)
    yield str(table.share(verdicts))
    for outcome in (Outcome.FALSE, Outcome.MISSED, Outcome.OTHER):
        yield f"\n{outcome}:"
        for (field, message), some in table.causes(verdicts, outcome):
            kinds = ", ".join(
                f"{kind} {count}" for kind, count in Counter(one.mutant.kind for one in some).most_common(4)
            )
            said = f" / {some[0].said[0].text}" if some[0].said else ""
            yield f"{len(some):5}  {field}: {message}{said}  ({kinds})"


def record(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as data."""
    mutant, answer = verdict.mutant, verdict.answer
    return {
        "apiVersion": mutant.api_version,
        "kind": mutant.kind,
        "change": mutant.change,
        "path": list(mutant.path),
        "outcome": verdict.outcome.value,
        "server": {"fields": answer.fields, "lines": answer.lines, "messages": answer.messages},
        "check": [{"rule": one.rule, "line": one.line, "text": one.text} for one in verdict.said or ()],
        "text": mutant.text,
    }


if __name__ == "__main__":
    sys.exit(main())
