"""An engine is started, awaited, and its end is explained."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from lading.cli import autostart
from lading.cli.failures import Failure
from lading.sdk import address

if TYPE_CHECKING:
    from pathlib import Path

ENGINE = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
connection, _ = listener.accept()
connection.recv(1000)
connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK")
print("session", __import__("os").getsid(0) == __import__("os").getpid(), flush=True)
"""


def test_it_waits_until_the_engine_answers(tmp_path: Path) -> None:
    place = address.parse(f"unix://{tmp_path}/engine.sock")
    log = tmp_path / "run" / "log"
    command = [sys.executable, "-I", "-c", ENGINE, place.path]
    process = autostart.spawn(command, str(log))
    autostart.wait_until_it_answers(place, process, str(log))
    assert os.waitpid(process, 0)[1] == 0
    assert log.read_text() == "session True\n"


def test_an_engine_that_fails_shows_its_log(tmp_path: Path) -> None:
    place = address.parse(f"unix://{tmp_path}/engine.sock")
    log = str(tmp_path / "log")
    code = "import sys; sys.exit('no cgroups here')"
    process = autostart.spawn([sys.executable, "-I", "-c", code], log)
    with pytest.raises(Failure, match=r"(?s)Is the docker daemon running.*  no cgroups here"):
        autostart.wait_until_it_answers(place, process, log)


def test_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autostart, "PATIENCE_S", 0.05)
    place = address.parse(f"unix://{tmp_path}/engine.sock")
    code = "import time; time.sleep(60)"
    process = autostart.spawn([sys.executable, "-I", "-c", code], str(tmp_path / "log"))
    try:
        with pytest.raises(Failure, match="Cannot connect"):
            autostart.wait_until_it_answers(place, process, str(tmp_path / "log"))
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)


def test_the_engine_is_our_own() -> None:
    command = autostart.engine_command()
    assert command[:3] == [sys.executable, "-I", "-c"]
    assert os.path.isdir(os.path.join(command[-1], "lading"))
