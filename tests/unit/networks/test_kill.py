"""An engine that is killed at any failpoint leaves nothing that the next one does not clear."""

import signal
from pathlib import Path

import pytest
from tests.unit import killed

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


def places(directory: Path) -> list[str]:
    return [str(directory / "state.db"), str(directory / "run")]


def links() -> list[str]:
    with NetlinkSocket() as socket:
        return sorted(one.name for one in link.dump(socket) if not one.name.startswith("ldg"))


def test_every_failpoint_of_the_room_is_in_the_campaign(tmp_path: Path) -> None:
    passed = killed.points(ENGINE, *places(tmp_path), prefix="networks.", names=tmp_path / "names")
    assert passed == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    sysctl.write("net.ipv4.ip_forward", "0")
    path, run_directory = places(tmp_path)
    assert killed.run(ENGINE, *places(tmp_path), failpoint=failpoint) == -signal.SIGKILL

    database = Database(path, [SCHEMA])
    networks = Networks(database, engine_id="0123abcd", directory=run_directory)
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
