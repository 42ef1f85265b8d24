"""Nothing of a test environment can be reached from another machine."""

import sys
from pathlib import Path

import pytest

from tests.cluster.harness.bootstrap import Synced
from tests.cluster.harness.control_plane import ControlPlane
from tests.cluster.harness.processes import Processes, listening, listens_beyond_loopback


def test_the_control_plane_listens_on_loopback_alone(plane: ControlPlane) -> None:
    assert {name for name, _ in listening(plane.processes)} >= set(plane.processes.started)
    assert listens_beyond_loopback(plane.processes) == set()


@pytest.mark.argo
@pytest.mark.parametrize("synced", ["standard"], indirect=True)
def test_argo_cd_and_the_servers_around_it_listen_on_loopback_alone(synced: Synced) -> None:
    found = listening(synced.plane.processes)
    # This process serves git, charts and metrics.
    assert {name for name, _ in found} >= {*synced.plane.processes.started, "tests"}
    assert listens_beyond_loopback(synced.plane.processes) == set()


# A child of the started program listens, as git and helm are children of Argo CD.
_OPEN = "import socket, time; one = socket.create_server(({!r}, 0), family=socket.{}); time.sleep(600)"
_WITH_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"


@pytest.mark.parametrize(("address", "family"), [("0.0.0.0", "AF_INET"), ("::", "AF_INET6")])  # noqa: S104 - the fault
def test_a_program_that_listens_on_every_address_is_found(tmp_path: Path, address: str, family: str) -> None:
    with Processes(tmp_path / "logs") as processes:
        program = _WITH_CHILD.format(_OPEN.format(address, family))
        processes.start("open-to-all", [sys.executable, "-c", program])
        found = processes.until("it listens", lambda: listens_beyond_loopback(processes))
    assert [(name, place.rpartition(":")[0]) for name, place in found] == [("open-to-all", address)]
