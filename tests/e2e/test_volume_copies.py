"""Volumes copied as a whole, and containers backed up with them; also when the engine dies."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

SOURCE = str(Path(lading.__file__).parent.parent)
LADING = "import sys; from lading.app.lading import main; sys.exit(main())"


def command(engine: Engine, *words: str, data: bytes = b"", code: int = 0) -> str:
    """What `lading` says."""
    done = subprocess.run(
        [sys.executable, "-c", LADING, "-H", engine.address, *words],
        env=os.environ | {"PYTHONPATH": SOURCE},
        input=data,
        capture_output=True,
        timeout=120,
    )
    text = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == code, text
    return text


@pytest.fixture
def crashing(fragile_engine: Engine) -> Iterator[Engine]:
    fragile_engine.revive()
    fragile_engine.post("/volumes/create", {"Name": "data"})
    root = place(fragile_engine)
    (root / "sub").mkdir()
    (root / "sub/file").write_text("content")
    os.link(root / "sub/file", root / "hard")
    os.setxattr(root / "hard", "user.tag", b"kept")
    os.chown(root, 33, 44)
    os.chmod(root, 0o2750)
    yield fragile_engine
    fragile_engine.revive()
    clear(fragile_engine)


def place(engine: Engine, name: str = "data") -> Path:
    return Path(engine.get(f"/volumes/{name}")["Mountpoint"])


def clear(engine: Engine) -> None:
    engine.remove_everything()
    for name in names(engine):
        engine.call("DELETE", f"/volumes/{name}")
    assert names(engine) == []
    assert engine.findings() == []


def names(engine: Engine) -> list[str]:
    return [volume["Name"] for volume in engine.get("/volumes")["Volumes"]]


def told(root: Path) -> dict[str, object]:
    """All about a tree but its inodes' numbers."""
    first: dict[int, str] = {}
    found: dict[str, object] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        s, name = path.lstat(), str(path.relative_to(root))
        same = first.setdefault(s.st_ino, name)
        names = {key: os.getxattr(path, key) for key in os.listxattr(path)}
        data = path.read_bytes() if path.is_file() else b""
        found[name] = (s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, same, names, data)
    return found


def run_writer(engine: Engine, name: str, *more: str) -> str:
    """A container that counts in two volumes at once, the second never behind the first."""
    write = "echo $n > /{0}/t; mv /{0}/t /{0}/n"
    script = f"n=0; while :; do n=$((n+1)); {write.format('a')}; {write.format('b')}; done"
    host = {"Binds": ["data:/a", "other:/b", *more], "NetworkMode": "none"}
    asked = {"Image": "base", "Cmd": ["sh", "-c", script], "HostConfig": host}
    identity = engine.post(f"/containers/create?name={name}", asked)["Id"]
    engine.post(f"/containers/{name}/start")
    return str(identity)


# --- copies -----------------------------------------------------------------------------------


def test_an_export_and_an_import_keep_everything(crashing: Engine, tmp_path: Path) -> None:
    archive = tmp_path / "data.tar"
    command(crashing, "volume", "export", "data", "-o", str(archive))
    assert command(crashing, "volume", "import", "new", str(archive)) == "new\n"
    assert told(place(crashing, "new")) == told(place(crashing))
    with tarfile.open(archive) as opened:
        assert opened.getmember(".").uid == 33


def test_an_import_takes_compressed_archives_from_a_pipe(crashing: Engine) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("file")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"data"))
    command(crashing, "volume", "import", "new", "-", data=buffer.getvalue())
    assert (place(crashing, "new") / "file").read_text() == "data"


def test_an_import_never_goes_over_what_is_there(crashing: Engine) -> None:
    text = command(crashing, "volume", "import", "data", data=b"", code=1)
    assert "volume data is not empty" in text


def test_an_archive_that_is_damaged_leaves_no_volume(crashing: Engine) -> None:
    archive = command(crashing, "volume", "export", "data").encode("latin-1", errors="replace")
    command(crashing, "volume", "import", "new", data=archive[:1500], code=1)
    assert names(crashing) == ["data"]


def test_a_clone_is_a_copy_with_the_labels(crashing: Engine) -> None:
    crashing.post("/volumes/create", {"Name": "marked", "Labels": {"a": "b"}})
    command(crashing, "volume", "clone", "data", "copy")
    assert told(place(crashing, "copy")) == told(place(crashing))
    command(crashing, "volume", "clone", "marked", "too")
    assert crashing.get("/volumes/too")["Labels"] == {"a": "b"}
    assert "exists already" in command(crashing, "volume", "clone", "data", "copy", code=1)


def test_a_snapshot_is_of_one_instant_and_says_of_which(crashing: Engine) -> None:
    run_writer(crashing, "writer")
    time.sleep(0.2)
    name = command(crashing, "volume", "snapshot", "--pause", "data").strip()
    assert name.startswith("data-20")
    assert crashing.get(f"/volumes/{name}")["Labels"] == {"lading.snapshot.of": "data"}
    assert crashing.get("/containers/writer/json")["State"]["Status"] == "running"
    assert (place(crashing, name) / "n").read_text().strip().isdigit()


def test_a_renamed_volume_keeps_its_content(crashing: Engine) -> None:
    before = told(place(crashing))
    command(crashing, "volume", "rename", "data", "new")
    assert names(crashing) == ["new"]
    assert told(place(crashing, "new")) == before
    crashing.post("/volumes/create", {"Name": "data"})  # the old name is free
    assert list(place(crashing).iterdir()) == []


def test_a_volume_that_a_container_has_is_not_renamed(crashing: Engine) -> None:
    asked = {"Image": "base", "HostConfig": {"Binds": ["data:/data"]}}
    crashing.post("/containers/create", asked)
    text = command(crashing, "volume", "rename", "data", "new", code=1)
    assert "volume is in use" in text


def test_files_go_into_and_out_of_a_volume(crashing: Engine, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("put")
    command(crashing, "volume", "cp", str(tmp_path / "new"), "data:/sub/")
    assert (place(crashing) / "sub/new").read_text() == "put"
    command(crashing, "volume", "cp", "data:/sub", str(tmp_path / "out"))
    assert (tmp_path / "out/file").read_text() == "content"


def test_links_in_a_volume_lead_nowhere_else(crashing: Engine, tmp_path: Path) -> None:
    (place(crashing) / "out").symlink_to("/etc")
    (place(crashing) / "up").symlink_to("../../../../../../etc")
    (tmp_path / "new").write_text("put")
    for name in ("out", "up"):
        command(crashing, "volume", "cp", "-L", f"data:/{name}/passwd", "-", code=1)
        command(crashing, "volume", "cp", str(tmp_path / "new"), f"data:/{name}/", code=1)
    assert not Path("/etc/new").exists()


# --- backups ----------------------------------------------------------------------------------


def test_a_backup_of_a_writer_is_of_one_instant_for_all_its_volumes(
    crashing: Engine, tmp_path: Path
) -> None:
    run_writer(crashing, "writer")
    for number in range(3):
        time.sleep(0.2)
        file = tmp_path / f"{number}.tar.zst"
        command(crashing, "backup", "create", "writer", "-o", str(file))
        renames = [f"data=a{number}", f"other=b{number}"]
        words = [word for rename in renames for word in ("--volume", rename)]
        command(crashing, "backup", "restore", "--name", f"copy{number}", *words, str(file))
        first, second = (
            int((place(crashing, f"{name}{number}") / "n").read_text()) for name in "ab"
        )
        assert first - 1 <= second <= first
    assert crashing.get("/containers/writer/json")["State"]["Status"] == "running"


def test_a_restored_container_is_what_was_saved(crashing: Engine, tmp_path: Path) -> None:
    host = {"Binds": ["data:/data:ro"], "Memory": 64 << 20, "NetworkMode": "none"}
    asked: dict[str, Any] = {
        "Image": "base",
        "Cmd": ["cat", "/data/sub/file"],
        "Env": ["A=b"],
        "Labels": {"c": "d"},
        "Volumes": {"/anonymous": {}},
        "HostConfig": host,
    }
    crashing.post("/containers/create?name=saved", asked)
    file = tmp_path / "saved.tar.zst"
    command(crashing, "backup", "create", "saved", "-o", str(file))
    before = told(place(crashing))
    clear(crashing)
    identity = command(crashing, "backup", "restore", str(file)).strip()
    assert told(place(crashing)) == before
    found = crashing.get(f"/containers/{identity}/json")
    assert found["Name"] == "/saved"
    assert found["Config"]["Labels"] == {"c": "d"}
    assert "A=b" in found["Config"]["Env"]
    assert found["HostConfig"]["Memory"] == 64 << 20
    mounts = {mount["Destination"]: mount for mount in found["Mounts"]}
    assert (mounts["/data"]["Name"], mounts["/data"]["RW"]) == ("data", False)
    crashing.post(f"/containers/{identity}/start")
    crashing.post(f"/containers/{identity}/wait")
    _, logs = crashing.call("GET", f"/containers/{identity}/logs?stdout=1")
    assert logs[8:] == b"content"
    crashing.call("DELETE", f"/containers/{identity}?v=1")
    assert names(crashing) == ["data"]  # the anonymous one went with it


def test_a_backup_is_encrypted_checked_and_restored(crashing: Engine, tmp_path: Path) -> None:
    crashing.post("/containers/create?name=saved", {"Image": "base", "HostConfig": {
        "Binds": ["data:/data"]}})  # fmt: skip
    secret, file = tmp_path / "secret", tmp_path / "saved.age"
    secret.write_text("correct horse\n")
    words = ["--passphrase-file", str(secret)]
    command(crashing, "backup", "create", *words, "-o", str(file), "saved")
    assert b"content" not in file.read_bytes()
    assert "The backup is whole" in command(crashing, "backup", "verify", *words, str(file))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad.age").write_bytes(data)
    text = command(crashing, "backup", "verify", *words, str(tmp_path / "bad.age"), code=1)
    assert "cannot decrypt" in text
    clear(crashing)
    command(crashing, "backup", "restore", *words, str(file))
    assert (place(crashing) / "sub/file").read_text() == "content"


def test_hooks_run_around_a_backup(crashing: Engine, tmp_path: Path) -> None:
    run_writer(crashing, "writer", "hooks:/h")
    words = ["--pre", "echo pre >> /h/log", "--post", "echo post >> /h/log"]
    file = str(tmp_path / "file")
    command(crashing, "backup", "create", *words, "-o", file, "writer")
    assert (place(crashing, "hooks") / "log").read_text() == "pre\npost\n"
    text = command(crashing, "backup", "create", "--pre", "exit 3", "-o", file, "writer", code=1)
    assert "ended with 3" in text


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_damaged_backup_restores_nothing(crashing: Engine, tmp_path: Path, part: float) -> None:
    (place(crashing) / "noise").write_bytes(os.urandom(300_000))
    asked = {"Image": "base", "HostConfig": {"Binds": ["data:/data"]}}
    crashing.post("/containers/create?name=saved", asked)
    file = tmp_path / "file"
    command(crashing, "backup", "create", "-o", str(file), "saved")
    clear(crashing)
    data = bytearray(file.read_bytes())
    file.write_bytes(data[: int(len(data) * part)])
    command(crashing, "backup", "restore", str(file), code=1)
    command(crashing, "backup", "verify", str(file), code=1)
    data[int(len(data) * part)] ^= 0xFF
    file.write_bytes(data)
    command(crashing, "backup", "restore", str(file), code=1)
    assert names(crashing) == []
    assert crashing.get("/containers/json?all=1") == []
    assert crashing.findings() == []


# --- crashes ----------------------------------------------------------------------------------


def look(engine: Engine) -> object:
    found = {}
    for volume in engine.get("/volumes")["Volumes"]:
        root = Path(volume["Mountpoint"])
        found[volume["Name"]] = sorted(str(p.relative_to(root)) for p in root.rglob("*"))
    return found, sorted(c["Names"][0] for c in engine.get("/containers/json?all=1"))


def met(engine: Engine, tmp_path: Path, do: Callable[[], object]) -> list[str]:
    """The failpoints of our own that an operation passes."""
    passed = tmp_path / "passed"
    passed.touch()
    engine.arm(f"list:{passed}")
    do()
    time.sleep(0.2)
    engine.arm("")
    ours = ("volume.", "backup.", "freeze.", "create.after")
    return [p for p in dict.fromkeys(passed.read_text().split()) if p.startswith(ours)]


@pytest.mark.parametrize("verb", ["import", "clone", "rename", "restore"])
def test_a_crash_leaves_a_copy_done_or_absent(crashing: Engine, tmp_path: Path, verb: str) -> None:
    engine = crashing
    archive = tmp_path / "archive"
    if verb == "restore":
        asked = {"Image": "base", "HostConfig": {"Binds": ["data:/data"]}}
        engine.post("/containers/create?name=saved", asked)
        command(engine, "backup", "create", "-o", str(archive), "saved")
        words = ["backup", "restore", "--name", "new", "--volume", "data=new", str(archive)]
    elif verb == "import":
        command(engine, "volume", "export", "data", "-o", str(archive))
        words = ["volume", "import", "new", str(archive)]
    else:
        words = ["volume", verb, "data", "new"]
    before = look(engine)
    points = met(engine, tmp_path, lambda: command(engine, *words))
    after = look(engine)
    assert points
    undo(engine, verb)
    assert look(engine) == before
    for point in points:
        engine.arm(point)
        with contextlib.suppress(AssertionError):
            command(engine, *words)
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert engine.wait_dead(3) == -signal.SIGKILL, point
        engine.revive()
        assert look(engine) in (before, after), point
        assert engine.findings() == [], point
        undo(engine, verb)


def undo(engine: Engine, verb: str) -> None:
    if verb == "rename":
        engine.call("POST", "/lading/volumes/new/rename?to=data")
        return
    engine.call("DELETE", "/containers/new?v=1")
    engine.call("DELETE", "/volumes/new")


def test_a_crash_in_a_backup_leaves_nobody_frozen(crashing: Engine, tmp_path: Path) -> None:
    engine = crashing
    run_writer(engine, "writer")
    words = ("POST", "/lading/backups/create?container=writer")
    points = met(engine, tmp_path, lambda: engine.call(*words))
    assert "freeze.after-pause" in points
    for point in points:
        engine.arm(point)
        with contextlib.suppress(OSError, http.client.HTTPException):
            engine.call(*words)
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert engine.wait_dead(3) == -signal.SIGKILL, point
        engine.revive()
        assert engine.get("/containers/writer/json")["State"]["Status"] == "running", point
        assert engine.findings() == [], point
        assert os.listdir(f"{engine.directory}/data/backups") == []


def test_what_its_user_has_paused_stays_so(crashing: Engine) -> None:
    run_writer(crashing, "writer")
    crashing.post("/containers/writer/pause")
    status, _ = crashing.call("POST", "/lading/backups/create?container=writer")
    assert status == 200
    assert crashing.get("/containers/writer/json")["State"]["Status"] == "paused"


def test_a_client_that_goes_away_leaves_nothing(crashing: Engine) -> None:
    asked = {"Image": "base", "HostConfig": {"Binds": ["data:/data"]}}
    crashing.post("/containers/create?name=saved", asked)
    (place(crashing) / "noise").write_bytes(os.urandom(20 << 20))
    from tests.e2e.conftest import UnixConnection

    with contextlib.closing(UnixConnection(crashing.socket, 30)) as connection:
        connection.request("POST", "/lading/backups/create?container=saved")
        answer = connection.getresponse()
        answer.read(1000)
    with contextlib.closing(UnixConnection(crashing.socket, 30)) as connection:
        connection.putrequest("POST", "/lading/backups/restore?volume=data=new")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(b"3e8\r\n" + bytes(100))
    assert crashing.findings() == []
    assert names(crashing) == ["data"]
    assert json.loads(crashing.call("GET", "/_ping")[1].decode().replace("OK", "1")) == 1
