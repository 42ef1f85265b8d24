"""Compare scaffold with the raw tools it stands on: medians of one run, and their ratios. No test asserts a time.

Everything runs from a wheel installed into a virtual environment of its own, as users have it. Pairs run in turn
(A B A B …), so that a machine that slows down slows both.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "7"))
SCRIPT = r"""
set -eu
cd "$1"
yamllint -f parsable $(git ls-files '*.yaml' '*.yml' | grep -v '^charts/.*/templates/')
for service in services/*/; do
  name=$(basename "$service")
  for env in dev staging prod; do
    set -- -f environments/$env/values.yaml -f $service/values.yaml -f $service/envs/$env/values.yaml \
      -f $service/envs/$env/version.yaml
    helm lint --strict charts/service "$@" > /dev/null
    helm template "$name" charts/service --namespace shop "$@" > "$OUT/$name-$env.yaml"
  done
done
# It knows core kinds only and warns of the others. One call for all: it starts slowly.
kubernetes-validate --strict -k 1.36 --quiet --no-warn "$OUT"/*.yaml \
  $(git ls-files 'platform/*.yaml' | grep -v 'kustomization.yaml\|/values\|/tests/')
"""


def main() -> None:
    """Install, run the pairs, print a table."""
    with tempfile.TemporaryDirectory(prefix="scaffold-bench-") as scratch:
        work = Path(scratch)
        tools = install(work / "venv")
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(work)}
        template = work / "template"
        run([str(tools / "python"), "-c", UNPACK, str(template)], environment)
        print(f"medians of {RUNS} runs, in turn; seconds of wall time")
        pair(
            "new with its check | copier copy (repository and service)",
            fresh(
                work,
                lambda dst: run([str(tools / "scaffold"), "new", "shop", str(dst), "--defaults", "-q"], environment),
            ),
            fresh(work, lambda dst: raw_copy(tools, template, dst, environment)),
        )
        repository = work / "shop"
        run([str(tools / "scaffold"), "new", "shop", str(repository), "--defaults", "-q"], environment)
        check = [str(tools / "scaffold"), "check", str(repository), "--strict", "-q"]
        cold = [
            "env",
            f"XDG_CACHE_HOME={work / 'nowhere'}",
            "bash",
            "-c",
            'rm -rf "$XDG_CACHE_HOME"; exec "$@"',
            "-",
            *check,
        ]
        if shutil.which("helm", path=environment["PATH"]):
            pair(
                "check, again | script of helm, kubernetes-validate and yamllint",
                lambda: run(check, environment),
                fresh(work, lambda dst: script(dst, repository, environment)),
            )
            pair(
                "check, nothing cached | the same script",
                lambda: run(cold, environment),
                fresh(work, lambda dst: script(dst, repository, environment)),
            )
        else:
            print("check | script: not run, helm is not on PATH (make tools)")
        pair(
            "--help | empty Typer app",
            lambda: run([str(tools / "scaffold"), "--help"], environment),
            lambda: run([str(tools / "python"), "-c", EMPTY, "--help"], environment),
        )
        print(f"check, peak memory of all its processes together: {peak(check, environment):.0f} MiB")


UNPACK = """
import subprocess, sys
from scaffold import __version__
from scaffold.engines.template_source import embedded_bundle
clone = ["git", "clone", "--quiet", "--branch", f"v{__version__}", embedded_bundle(), sys.argv[1]]
subprocess.run(clone, check=True)
"""
EMPTY = "import typer; app = typer.Typer(); app.command('a')(lambda: None); app.command('b')(lambda: None); app()"


def install(venv: Path) -> Path:
    """Install the project's wheel and the tools to compare with; return the folder of programs."""
    run([sys.executable, "-m", "venv", str(venv)], dict(os.environ))
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, str(ROOT), "kubernetes-validate==1.37.0"], dict(os.environ))
    return venv / "bin"


def run(argv: list[str], environment: dict[str, str]) -> None:
    """Run a program; a failure ends the benchmark with its output, a time of something broken means nothing."""
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{argv[:4]} failed with code {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def raw_copy(tools: Path, template: Path, destination: Path, environment: dict[str, str]) -> None:
    """Make the same repository with plain Copier."""
    copy = [str(tools / "copier"), "copy", "--quiet", "--defaults"]
    run([*copy, "-d", "name=shop", str(template), str(destination)], environment)
    run(
        [
            *copy,
            "-a",
            "services/shop/.copier-answers.yml",
            "-d",
            "scope=service",
            "-d",
            "service=shop",
            str(template),
            str(destination),
        ],
        environment,
    )


def script(out: Path, repository: Path, environment: dict[str, str]) -> None:
    """Check the same repository with the raw tools."""
    out.mkdir()
    run(["bash", "-c", SCRIPT, "bench", str(repository)], {**environment, "OUT": str(out)})


def fresh(work: Path, action: Callable[[Path], None]) -> Callable[[], None]:
    """Give an action a destination that does not exist; removing it is not timed by ``pair``."""

    def act() -> None:
        action(Path(tempfile.mkdtemp(dir=work)) / "out")

    return act


def pair(what: str, ours: Callable[[], None], raw: Callable[[], None]) -> None:
    """Time two actions in turn after one warm-up each and print medians and their ratio."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(RUNS + 1):
        for action, into in ((ours, times[0]), (raw, times[1])):
            started = time.perf_counter()
            action()
            if number:
                into.append(time.perf_counter() - started)
    left, right = map(statistics.median, times)
    ratios = [a / b for a, b in zip(*times, strict=True)]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"{what}\n  {left:.3f} | {right:.3f}   ratio {spread}")


def peak(argv: list[str], environment: dict[str, str]) -> float:
    """Return the highest sum of resident memory of a program and its children, in MiB (Linux only)."""
    child = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    highest = 0.0
    ended = threading.Event()
    threading.Thread(target=lambda: (child.wait(), ended.set()), daemon=True).start()
    while not ended.wait(0.005):
        highest = max(highest, _tree_memory(child.pid))
    return highest


def _tree_memory(root: int) -> float:
    pages = 0
    wanted = [root]
    while wanted:
        pid = wanted.pop()
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
            wanted += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split())
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
