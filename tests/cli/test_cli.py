"""The program as a person runs it: exit codes, one clear line for an error, help, nothing half done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scaffold import __version__


def scaffold(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scaffold", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **env},
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    done = scaffold("new", "shop", "--defaults", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Made {Path('shop')} for Argo CD: 3 environments (dev, staging, prod)" in done.stdout
    assert "kubectl apply -f bootstrap/root.yaml" in done.stdout
    return root / "shop"


def test_version_and_help(tmp_path: Path) -> None:
    assert scaffold("--version", cwd=tmp_path).stdout == f"scaffold {__version__}\n"
    shown = scaffold("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for command in ("new", "add", "check", "render", "explain", "diff", "doctor"):
        assert f"\n  {command} " in shown.stdout


def test_wrong_use_is_two(tmp_path: Path) -> None:
    assert scaffold("chek", cwd=tmp_path).returncode == 2
    assert scaffold("check", "--format", "xml", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["check", "gone"], 2, "scaffold: gone is not a folder: name the root of a GitOps repository"),
        (["check", "--select", "MASH"], 2, "scaffold: MASH names no rule"),
        (
            ["check", "--kube-version", "1.20"],
            2,
            "scaffold: Kubernetes 1.20 is not in the catalog: choose from 1.35, 1.36, 1.37",
        ),
        (["check", "--helm", "docker"], 2, "scaffold: --helm docker: choose auto, embedded or binary"),
        (["new"], 2, "scaffold: NAME is missing: scaffold new my-service (or give the answer name)"),
        (["new", "web"], 2, "scaffold: no terminal to ask in, and no answer for description"),
        (["new", "Web", "--defaults"], 2, 'scaffold: name: "Web" is not a DNS-1123 label'),
        (["new", "web", "--defaults", "--answers", "gone.yml"], 2, "scaffold: gone.yml cannot be read: No such file"),
        (["new", "web", "--defaults", "-d", "x"], 2, "scaffold: -d x: write it as key=value"),
        (["add", "service", "web", "--defaults"], 2, "scaffold: .copier-answers.yml is missing"),
    ],
)
def test_bad_input_is_one_clear_line(args: list[str], code: int, message: str, tmp_path: Path) -> None:
    done = scaffold(*args, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert done.stderr.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_clean_repository_checks_with_zero(repository: Path) -> None:
    done = scaffold("check", str(repository), "--strict", "--format", "json", cwd=repository.parent)
    report = json.loads(done.stdout)
    assert (done.returncode, report["findings"], report["notChecked"]) == (0, [], [])
    assert report["summary"]["objects"] > 100
    assert any("kyverno" in item["what"] for item in report["external"])


def test_a_finding_is_one_and_names_file_line_and_remedy(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "shop"
    subprocess.run(["cp", "-r", str(repository), str(broken)], check=True)
    file = broken / "services/shop/envs/dev/values.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "nonsense: true\n", encoding="utf-8")
    done = scaffold("check", str(broken), cwd=tmp_path)
    assert done.returncode == 1
    assert "nonsense" in done.stdout
    assert "HELM-02" in done.stdout


def test_render_prints_a_stream_that_other_tools_read(repository: Path, tmp_path: Path) -> None:
    done = scaffold("render", str(repository), "--env", "dev", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    assert all({"apiVersion", "kind", "metadata"} <= set(item) for item in objects)
    assert "Deployment" in {item["kind"] for item in objects}
    assert done.stdout.count("\n# ") >= len(objects) - 1
    assert "staging" not in done.stdout.replace("env staging", "")


def test_render_writes_a_folder_and_refuses_a_full_one(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = scaffold("render", str(repository), "-o", str(out), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(out.rglob("*.yaml"))
    again = scaffold("render", str(repository), "-o", str(out), cwd=tmp_path)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)


def test_render_of_an_unknown_environment_names_the_known_ones(repository: Path, tmp_path: Path) -> None:
    done = scaffold("render", str(repository), "--env", "qa", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "scaffold: --env qa: no such environment, choose from dev, prod, staging\n",
    )


def test_doctor_shows_every_tool(tmp_path: Path) -> None:
    done = scaffold("doctor", cwd=tmp_path)
    assert done.returncode == 0
    for what in ("scaffold", "git", "template", "helm (embedded)", "yamllint", "schemas"):
        assert what in done.stdout


def test_a_broken_pipe_is_quiet(repository: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m scaffold render {repository} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def on_a_mount(folder: Path, options: str) -> subprocess.CompletedProcess[str]:
    """Run ``scaffold new`` on a small file system of its own, in a mount namespace of the test."""
    script = f"""
        mount -t tmpfs -o {options} none {folder} || exit 77
        cd {folder} && {sys.executable} -m scaffold new web --defaults
        echo "code $?"; ls -A {folder}
    """
    argv = ["unshare", "--mount", "--map-root-user", "bash", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this machine does not let a test mount a small file system (unshare --mount)")
    return done


def test_on_a_full_disk_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    done = on_a_mount(tmp_path, "size=64k")
    assert done.stderr.startswith("scaffold: no space left on the disk of ")
    assert done.stdout == "code 3\n"


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    done = on_a_mount(tmp_path, "ro")
    assert done.stderr.startswith(f"scaffold: {tmp_path} is not writable: choose another destination")
    assert done.stderr.count("\n") == 1
    assert done.stdout == "code 2\n"


def test_without_a_network_everything_works(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--net", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a test cut its own network (unshare --net)")
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", sys.executable, "-m", "scaffold", "new", "web", "--defaults"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
