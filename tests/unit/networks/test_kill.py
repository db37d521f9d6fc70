"""An engine that is killed at any failpoint leaves nothing that the next one does not clear."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lading
from lading.kernel import sysctl
from lading.kernel.netlink import NetlinkSocket, link
from lading.networks import SCHEMA, Networks
from lading.state import Database

ENGINE = """
import sys
from lading.networks import SCHEMA, Networks
from lading.state import Database

networks = Networks(Database(sys.argv[1], [SCHEMA]), engine_id="0123abcd", directory=sys.argv[2])
networks.open()
networks.attach("c1")
networks.release("c1")
"""
FAILPOINTS = [
    "networks.completed",
    "networks.bridge-made",
    "networks.filter-replaced",
    "networks.before-lease",
    "networks.leased",
    "networks.joined",
    "networks.before-release",
    "networks.released",
]

pytestmark = pytest.mark.usefixtures("own_namespace")


def run_engine(path: str, failpoint: str) -> int:
    source = str(Path(lading.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source, "LADING_FAILPOINT": failpoint}
    return subprocess.run(
        [sys.executable, "-c", ENGINE, path, f"{os.path.dirname(path)}/run"], env=environment
    ).returncode


def links() -> list[str]:
    with NetlinkSocket() as socket:
        return sorted(one.name for one in link.dump(socket) if not one.name.startswith("ldg"))


def test_every_failpoint_of_the_room_is_in_the_campaign(tmp_path: Path) -> None:
    assert run_engine(str(tmp_path / "state.db"), f"list:{tmp_path / 'names'}") == 0
    passed = (tmp_path / "names").read_text().split()
    assert sorted(name for name in passed if name.startswith("networks.")) == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    sysctl.write("net.ipv4.ip_forward", "0")
    path = str(tmp_path / "state.db")
    assert run_engine(path, failpoint) == -signal.SIGKILL

    database = Database(path, [SCHEMA])
    networks = Networks(database, engine_id="0123abcd", directory=f"{tmp_path}/run")
    networks.open()
    networks.reconcile(set())
    assert networks.endpoints("c1") == []
    assert networks.attach("c1").ip == "172.17.0.2"
    assert links() == ["lading0", "lo"]
    networks.remove_everything()
    assert links() == ["lo"]
    assert sysctl.read("net.ipv4.ip_forward") == "0"
    networks.close()
    database.close()
