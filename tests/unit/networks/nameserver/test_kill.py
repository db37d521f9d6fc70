"""An engine that is killed while names come and go leaves none that nobody has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.networks.nameserver.test_service import host as host

import lading
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


def run_engine(directory: Path, failpoint: str) -> int:
    source = str(Path(lading.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source, "LADING_FAILPOINT": failpoint}
    places = [str(directory / "state.db"), str(directory / "run")]
    return subprocess.run([sys.executable, "-c", ENGINE, *places], env=environment).returncode


def test_every_failpoint_of_names_is_in_the_campaign(tmp_path: Path) -> None:
    assert run_engine(tmp_path, f"list:{tmp_path / 'names'}") == 0
    passed = (tmp_path / "names").read_text().split()
    assert sorted(name for name in passed if name.startswith("resolver.")) == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    assert run_engine(tmp_path, failpoint) == -signal.SIGKILL
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
