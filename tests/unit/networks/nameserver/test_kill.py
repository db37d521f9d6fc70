"""An engine that is killed while names come and go leaves none that nobody has."""

import signal
from pathlib import Path

import pytest
from tests.unit import killed
from tests.unit.networks.nameserver.test_service import host as host

from lading.networks import SCHEMA, Networks
from lading.state import Database

ENGINE = """
import sys
from lading.networks import SCHEMA, EndpointRequest, Networks
from lading.state import Database
from lading.wire.networks import NetworkCreate

networks = Networks(Database(sys.argv[1], [SCHEMA]), engine_id="0123abcd", directory=sys.argv[2])
networks.open()
networks.create(NetworkCreate(name="front"))
networks.attach_all("c1", [EndpointRequest("front", ("web",))])
networks.resolve_for("c1", servers=["192.0.2.1"], options=[])
networks.release("c1")
"""
FAILPOINTS = [
    "resolver.recorded",
    "resolver.served",
    "resolver.named",
    "resolver.before-end",
    "resolver.ended",
]
pytestmark = pytest.mark.usefixtures("host")


def places(directory: Path) -> list[str]:
    return [str(directory / "state.db"), str(directory / "run")]


def test_every_failpoint_of_names_is_in_the_campaign(tmp_path: Path) -> None:
    passed = killed.points(ENGINE, *places(tmp_path), prefix="resolver.", names=tmp_path / "names")
    assert passed == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    assert killed.run(ENGINE, *places(tmp_path), failpoint=failpoint) == -signal.SIGKILL
    database = Database(str(tmp_path / "state.db"), [SCHEMA])
    networks = Networks(database, engine_id="0123abcd", directory=str(tmp_path / "run"))
    networks.open()
    networks.reconcile(set())
    assert networks.nameserver.differences() == []
    assert [*networks.nameserver.containers()] == []
    assert [*(tmp_path / "run-exec" / "resolver").iterdir()] == []
    networks.remove_everything()
    networks.close()
    database.close()
