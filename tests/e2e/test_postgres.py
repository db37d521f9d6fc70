"""A real database: PostgreSQL of the host in a container, its volume backed up while it is written
to, and restored. No row that a client was told of is lost, and every page's checksum is right.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import pwd
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

PROGRAMS = max(glob.glob("/usr/lib/postgresql/*/bin"), default="")
DATA = "/var/lib/pg"
TABLE = "CREATE TABLE rows (writer int, n int, filling text, PRIMARY KEY (writer, n))"
WRITERS = 3
ROUNDS = 3

pytestmark = pytest.mark.skipif(
    not PROGRAMS or os.geteuid() != 0, reason="postgresql is not installed"
)


class Database:
    """A server in a container; clients reach it by a socket in a directory that is bound."""

    def __init__(self, engine: Engine, name: str, sockets: Path, volume: str) -> None:
        self.engine = engine
        self.name = name
        self.sockets = sockets
        self.volume = volume

    def create(self, command: list[str], name: str = "") -> None:
        """A container with the volume, whose files are postgres's own from the start."""
        owner = pwd.getpwnam("postgres")
        binds = [f"{self.volume}:{DATA}:uid={owner.pw_uid},gid={owner.pw_gid},mode=0700"]
        binds += [f"{path}:{path}:ro" for path in ("/etc/passwd", "/etc/group")]
        binds += [f"{path}:{path}:ro" for path in ("/usr/lib/postgresql", "/usr/share/postgresql")]
        binds += ["/usr/share/zoneinfo:/usr/share/zoneinfo:ro", f"{self.sockets}:/sockets"]
        host = {"Binds": binds, "NetworkMode": "none", "ShmSize": 256 << 20}
        asked: dict[str, Any] = {
            "Image": "postgres-of-host",
            "Cmd": command,
            "User": "postgres",
            "Env": ["LC_ALL=C", "TZ=UTC"],
            "StopSignal": "SIGINT",
            "HostConfig": host,
        }
        self.engine.post(f"/containers/create?name={name or self.name}", asked)

    def initialise(self) -> None:
        self.create([f"{PROGRAMS}/initdb", "-k", "-D", DATA, "-A", "trust"], "initdb")
        self.run("initdb")
        self.create([f"{PROGRAMS}/postgres", "-D", DATA, "-k", "/sockets", "-h", ""])

    def run(self, name: str) -> None:
        """Start a container and wait for its end, which must be a good one."""
        self.engine.post(f"/containers/{name}/start")
        code = self.engine.post(f"/containers/{name}/wait")["StatusCode"]
        _, log = self.engine.call("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
        assert code == 0, log
        self.engine.call("DELETE", f"/containers/{name}")

    def start(self) -> None:
        self.engine.post(f"/containers/{self.name}/start")
        deadline = time.monotonic() + 60
        while subprocess.run(self.client("-c", "SELECT 1"), capture_output=True).returncode:
            if time.monotonic() > deadline:
                _, log = self.engine.call("GET", f"/containers/{self.name}/logs?stdout=1&stderr=1")
                raise TimeoutError(log.decode(errors="replace")[-3000:])
            time.sleep(0.1)

    def client(self, *words: str) -> list[str]:
        return [f"{PROGRAMS}/psql", "-h", str(self.sockets), "-U", "postgres", "-qAtX", *words]

    def ask(self, query: str) -> str:
        return subprocess.run(
            self.client("-c", query), check=True, capture_output=True, text=True
        ).stdout.strip()


class Writer(threading.Thread):
    """A client that inserts rows, each a transaction, and knows how many were acknowledged."""

    def __init__(self, database: Database, number: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self._number = number
        self._is_over = threading.Event()
        self._client = subprocess.Popen(
            database.client(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self) -> None:
        requests, answers = self._client.stdin, self._client.stdout
        assert requests
        assert answers
        assert isinstance(requests, io.TextIOBase)
        while not self._is_over.is_set():
            following = self.acknowledged + 1
            values = f"({self._number}, {following}, repeat('x', 500))"
            requests.write(f"INSERT INTO rows VALUES {values} RETURNING n;\n")
            if answers.readline().strip() != str(following):
                return
            self.acknowledged = following

    def end(self) -> int:
        self._is_over.set()
        self.join(30)
        self._client.kill()
        with self._client:  # closes its pipes, and waits
            pass
        return self.acknowledged


@pytest.fixture
def database(fragile_engine: Engine, tmp_path: Path) -> Iterator[Database]:
    fragile_engine.revive()
    programs = [f"{PROGRAMS}/{name}" for name in ("initdb", "postgres", "pg_checksums")]
    document = {"tag": "postgres-of-host", "tools": ["sh", *programs]}
    status, body = fragile_engine.call("POST", "/lading/images/from-host", document, 120)
    assert status == 200, body
    os.chmod(tmp_path, 0o777)
    yield Database(fragile_engine, "database", tmp_path, "pg")
    fragile_engine.remove_everything()
    for volume in fragile_engine.get("/volumes")["Volumes"]:
        fragile_engine.call("DELETE", f"/volumes/{volume['Name']}")
    assert fragile_engine.findings() == []


def test_no_acknowledged_row_is_lost_by_a_backup_under_load(
    database: Database, tmp_path: Path
) -> None:
    engine = database.engine
    database.initialise()
    database.start()
    database.ask(TABLE)
    writers = [Writer(database, number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    saved: list[tuple[list[int], bytes]] = []
    with contextlib.ExitStack() as stack:
        for writer in writers:
            stack.callback(writer.end)
        for _ in range(ROUNDS):
            time.sleep(1.5)
            acknowledged = [writer.acknowledged for writer in writers]
            path = "/lading/backups/create?container=database"
            status, archive = engine.call("POST", path, timeout_s=120)
            assert status == 200
            saved.append((acknowledged, archive))
        time.sleep(0.5)
        assert all(w.acknowledged > n for w, n in zip(writers, saved[-1][0], strict=True))
    engine.post("/containers/database/stop")
    for number, (acknowledged, archive) in enumerate(saved):
        name = f"restored{number}"
        path = f"/lading/backups/restore?name={name}&volume=pg={name}"
        status, _, body = engine.exchange("POST", path, archive)
        assert status == 201, body
        restored = Database(engine, name, tmp_path, name)
        restored.start()
        counts = restored.ask("SELECT writer, count(*), max(n) FROM rows GROUP BY 1 ORDER BY 1")
        for line, least in zip(counts.splitlines(), acknowledged, strict=True):
            _, count, last = map(int, line.split("|"))
            assert count == last >= least > 0
        engine.post(f"/containers/{name}/stop")
        restored.create([f"{PROGRAMS}/pg_checksums", "--check", "-D", DATA], f"check{number}")
        restored.run(f"check{number}")
        engine.call("DELETE", f"/containers/{name}")
