"""An engine that is killed while it publishes leaves no port, no element and no file behind."""

import signal
from pathlib import Path

import pytest
from tests.unit import killed
from tests.unit.networks.ports.conftest import CONTAINER, until
from tests.unit.networks.ports.test_service import elements, listeners, porter

from lading.networks import SCHEMA, Networks
from lading.state import Database

ENGINE = """
import sys
from lading.networks import SCHEMA, Networks
from lading.networks.ports import Wish
from lading.state import Database

networks = Networks(Database(sys.argv[1], [SCHEMA]), engine_id="0123abcd", directory=sys.argv[2])
networks.open()
networks.attach(sys.argv[3])
networks.publish(sys.argv[3], "web", [Wish("tcp", 80, "", 8080, 8080)])
networks.release(sys.argv[3])
"""
FAILPOINTS = [
    "ports.recorded",
    "ports.held",
    "ports.redirected",
    "ports.before-release",
    "ports.shut",
    "ports.dropped",
    "ports.released",
]
pytestmark = pytest.mark.usefixtures("host")


def places(directory: Path) -> list[str]:
    return [str(directory / "state.db"), str(directory / "run"), CONTAINER]


def test_every_failpoint_of_ports_is_in_the_campaign(tmp_path: Path) -> None:
    passed = killed.points(ENGINE, *places(tmp_path), prefix="ports.", names=tmp_path / "names")
    assert passed == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    assert killed.run(ENGINE, *places(tmp_path), failpoint=failpoint) == -signal.SIGKILL
    database = Database(str(tmp_path / "state.db"), [SCHEMA])
    networks = Networks(database, engine_id="0123abcd", directory=str(tmp_path / "run"))
    networks.open()
    networks.reconcile(set())
    assert listeners() == set()
    assert elements() == []
    assert [*(tmp_path / "run-exec" / "ports").iterdir()] == []
    networks.remove_everything()
    networks.close()
    database.close()
    until(lambda: porter() is None)
