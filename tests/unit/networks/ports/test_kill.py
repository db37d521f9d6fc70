"""An engine that is killed while it publishes leaves no port, no element and no file behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.networks.ports.conftest import CONTAINER, until
from tests.unit.networks.ports.test_service import elements, listeners, porter

import lading
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


def run_engine(directory: Path, failpoint: str) -> int:
    source = str(Path(lading.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source, "LADING_FAILPOINT": failpoint}
    places = [str(directory / "state.db"), str(directory / "run"), CONTAINER]
    return subprocess.run([sys.executable, "-c", ENGINE, *places], env=environment).returncode


def test_every_failpoint_of_ports_is_in_the_campaign(tmp_path: Path) -> None:
    assert run_engine(tmp_path, f"list:{tmp_path / 'names'}") == 0
    passed = (tmp_path / "names").read_text().split()
    assert sorted(name for name in passed if name.startswith("ports.")) == sorted(FAILPOINTS)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, failpoint: str) -> None:
    assert run_engine(tmp_path, failpoint) == -signal.SIGKILL
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
