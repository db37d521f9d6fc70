"""The other ends of log drivers that are programs of Debian, and our own file.

Each is a context manager with the `options` that lead to it, and gives back what has arrived.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.logs.lines import joined, until_enough

from lading.logs.drivers import journald
from lading.runtime.segments import STDERR, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.logs.lines import Line

WAIT_S = 20.0
JOURNALD = "/lib/systemd/systemd-journald"


class JsonLines:
    """dockerd's own file."""

    driver = "json-lines"
    carries_empty = carries_control = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.options: dict[str, str] = {}

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def lines(self, count: int) -> list[Line]:
        found = []
        for text in (self._directory / f"{'a' * 64}-json.log").read_text().splitlines():
            record = json.loads(text)
            stream = STDOUT if record["stream"] == "stdout" else STDERR
            found.append((stream, record["log"].removesuffix("\n").encode()))
        return found


class _Program:
    """A receiver that is a process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, *words: str, until: Callable[[], bool]) -> None:
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait(until)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Rsyslog(_Program):
    """Debian's rsyslogd, which parses what it gets."""

    driver = "syslog"
    carries_empty = True
    carries_control = False  # it takes NUL bytes away

    def __init__(self, directory: Path, network: str, form: str) -> None:
        super().__init__()
        self._directory = directory / "rsyslog"
        self._network, self._form = network, form
        self.options: dict[str, str] = {}

    def __enter__(self) -> Rsyslog:
        if not shutil.which("rsyslogd"):
            pytest.skip("rsyslogd is not installed")
        self._directory.mkdir()
        path, port = self._directory / "sock", free_port()
        inputs = {
            "tcp": f'input(type="imtcp" port="{port}" address="127.0.0.1")',
            "udp": f'input(type="imudp" port="{port}" address="127.0.0.1" rcvbufSize="8m")',
            "unixgram": f'input(type="imuxsock" socket="{path}" CreatePath="on")',
        }
        self.options = {
            "syslog-address": f"unixgram://{path}"
            if self._network == "unixgram"
            else f"{self._network}://localhost:{port}",
            "syslog-format": self._form,
        }
        config, ready = self._directory / "conf", self._directory / "pid"
        config.write_text(_RSYSLOG % {"directory": self._directory, **inputs})
        command = ("rsyslogd", "-n", "-f", str(config), "-i", str(ready))
        self._run(*command, until=lambda: ready.exists() and _is_open(self._network, port, path))
        return self

    def lines(self, count: int) -> list[Line]:
        file = self._directory / "out"

        def read() -> list[Line]:
            found = []
            for text in file.read_text(errors="replace").splitlines() if file.exists() else ():
                record = json.loads(text)
                message = record["msg"] if "rfc5424" in self._form else record["msg"][1:]
                stream = STDERR if int(record["pri"]) % 8 == 3 else STDOUT
                found.append((stream, message.encode()))
            return joined(found)

        return until_enough(read, count)


_RSYSLOG = """
global(workDirectory="%(directory)s" parser.escapeControlCharactersOnReceive="off"
       maxMessageSize="64k")
module(load="imtcp") module(load="imudp") module(load="imuxsock" SysSock.Use="off")
template(name="json" type="list" option.jsonf="on") {
  property(outname="pri" name="pri" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}
%(tcp)s
%(udp)s
%(unixgram)s
action(type="omfile" file="%(directory)s/out" template="json")
"""


class Journal(_Program):
    """systemd's journald in a mount namespace of its own."""

    driver = "journald"
    carries_empty = carries_control = True

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.options: dict[str, str] = {}

    def __enter__(self) -> Journal:
        if os.geteuid() or not os.path.exists(JOURNALD):
            pytest.skip("systemd-journald is not there, or we are not root")
        script = f"""
            mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal
            if ! [ -s /etc/machine-id ]; then
                echo {"0" * 31}1 >/run/id && touch /etc/machine-id
                mount --bind /run/id /etc/machine-id
            fi
            exec {JOURNALD}"""
        self._own = journald.SOCKET
        self._run("unshare", "-m", "sh", "-c", script, until=self._is_ready)
        assert self._process is not None
        journald.SOCKET = f"/proc/{self._process.pid}/root/run/systemd/journal/socket"
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None
        return os.path.exists(f"/proc/{self._process.pid}/root/run/systemd/journal/socket") and (
            self._process.pid in _journald_pids()
        )

    def __exit__(self, *_: object) -> None:
        journald.SOCKET = self._own
        super().__exit__()

    def lines(self, count: int) -> list[Line]:
        def read() -> list[Line]:
            found = []
            for entry in self.entries():
                stream = STDERR if entry["PRIORITY"] == "3" else STDOUT
                text = entry["MESSAGE"]
                found.append((stream, bytes(text) if isinstance(text, list) else text.encode()))
            return joined(found)

        return until_enough(read, count)

    def entries(self) -> list[dict[str, Any]]:
        """The journal of our container."""
        assert self._process is not None
        enter = ["nsenter", f"--target={self._process.pid}", "--mount", "journalctl"]
        words = [*enter, "-o", "json", "--all", "--no-pager", f"CONTAINER_ID_FULL={'a' * 64}"]
        text = subprocess.run(words, capture_output=True, check=True).stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith(b"{")]


def _journald_pids() -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if entry.read_text().startswith("systemd-journal"):
                found.add(int(entry.parent.name))
    return found


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "the receiver does not start"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _is_open(network: str, port: int, path: Path) -> bool:
    if network == "unixgram":
        return path.exists()
    kind = socket.SOCK_DGRAM if network == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as end:
        if network == "udp":  # taken: rsyslogd has it
            try:
                end.bind(("127.0.0.1", port))
            except OSError:
                return True
            return False
        return end.connect_ex(("127.0.0.1", port)) == 0
