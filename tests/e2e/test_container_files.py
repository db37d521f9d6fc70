"""docker cp, export, diff and commit on a real engine: every kind of path, running and not.

Names of behaviours: rows 19 to 22 of the list of what re-implementers get wrong (docker cp cases,
kinds of changes, what a commit drops, what an export leaves out).
"""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

SCRIPT = (
    "mkdir -p /d/e; echo hi >/d/f; ln -s f /d/l; ln -s e /d/m; ln -s /nope /d/n; mkfifo /d/p;"
    " ln -s / /d/root; rm -rf /mnt; echo x >/etc/added; chmod 711 /home; echo ready; exec sleep 600"
)


class Box:
    """One container of an engine, and what `docker cp` asks of it."""

    def __init__(self, engine: Engine, **asked: object) -> None:
        self.engine = engine
        document = {"Image": "base", "Cmd": ["sh", "-c", SCRIPT], **asked}
        self.id: str = engine.post("/containers/create", document)["Id"]

    def start(self) -> None:
        self.engine.post(f"/containers/{self.id}/start")
        self.engine.call("POST", f"/containers/{self.id}/attach?logs=1&stdout=1")
        while b"ready" not in self.engine.call("GET", f"/containers/{self.id}/logs?stdout=1")[1]:
            pass

    def stop(self) -> None:
        self.engine.post(f"/containers/{self.id}/kill")

    def url(self, path: str, more: str = "") -> str:
        return f"/containers/{self.id}/archive?path={quote(path)}{more}"

    def stat(self, path: str) -> dict[str, Any]:
        status, headers, body = self.engine.exchange("HEAD", self.url(path))
        assert status == 200, (status, body)
        found: dict[str, Any] = json.loads(
            base64.b64decode(headers["X-Docker-Container-Path-Stat"])
        )
        return found

    def members(self, path: str) -> dict[str, tarfile.TarInfo]:
        status, body = self.engine.call("GET", self.url(path))
        assert status == 200, body
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            return {member.name: member for member in archive.getmembers()}

    def read(self, path: str) -> bytes:
        status, body = self.engine.call("GET", self.url(path))
        assert status == 200, body
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            file = archive.extractfile(archive.getmembers()[0])
            assert file is not None
            return file.read()

    def put(self, path: str, *members: tarfile.TarInfo | tuple[str, bytes], more: str = "") -> Any:
        return self.engine.exchange("PUT", self.url(path, more), archive(*members))

    def changes(self) -> dict[str, int]:
        found = self.engine.get(f"/containers/{self.id}/changes") or []
        return {change["Path"]: change["Kind"] for change in found}

    def remove(self) -> None:
        self.engine.call("DELETE", f"/containers/{self.id}?force=1")


def archive(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar archive of ready members, or of names with content owned by 1234:99."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size, info.uid, info.gid = len(member[1]), 1234, 99
            made.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.fixture(scope="module")
def box(engine: Engine) -> Iterator[Box]:
    """One that runs; tests leave `/d` as it is."""
    made = Box(engine)
    made.start()
    yield made
    made.remove()


@pytest.fixture(params=["running", "stopped", "created"])
def any_box(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Box]:
    made = Box(engine)
    if request.param != "created":
        made.start()
    if request.param == "stopped":
        made.stop()
    yield made
    made.remove()


@pytest.mark.parametrize(
    ("path", "name", "mode", "target"),
    [
        ("/d", "d", 0o755 | 1 << 31, ""),
        ("/d/", "d", 0o755 | 1 << 31, ""),
        ("/d/.", ".", 0o755 | 1 << 31, ""),
        ("d/f", "f", 0o644, ""),
        ("../../d/f", "f", 0o644, ""),
        ("/d/l", "l", 0o777 | 1 << 27, "/d/f"),
        ("/d/m", "m", 0o777 | 1 << 27, "/d/e"),
        ("/d/m/", "m", 0o755 | 1 << 31, ""),
        ("/d/n", "n", 0o777 | 1 << 27, "/nope"),
        ("/d/p", "p", 0o644 | 1 << 25, ""),
        ("/d/root/d/f", "f", 0o644, ""),
        ("/", "/", 0o755 | 1 << 31, ""),
        ("/tmp", "tmp", 0o777 | 1 << 31 | 1 << 20, ""),
    ],
)
def test_row_19_what_is_at_a_path(box: Box, path: str, name: str, mode: int, target: str) -> None:
    found = box.stat(path)
    assert (found["name"], oct(found["mode"]), found["linkTarget"]) == (name, oct(mode), target)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("", 400, "pathcannot be empty"),
        ("/nope", 404, "Could not find the file /nope in container"),
        ("/d/n/", 404, "Could not find the file /d/n/ in container"),
        ("/d/f/", 500, "not a directory"),
        ("/d/f/x", 500, "not a directory"),
    ],
)
def test_row_19_what_is_not_there_is_told(box: Box, path: str, status: int, text: str) -> None:
    answered, body = box.engine.call("GET", box.url(path))
    assert answered == status
    assert text in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/d/f", {"f"}),
        ("/d/l", {"l"}),
        ("/d/e", {"e"}),
        ("/d/m/", {"m"}),
        ("/d/m/.", {"."}),
        ("/d", {"d", "d/e", "d/f", "d/l", "d/m", "d/n", "d/p", "d/root"}),
        ("/d/.", {".", "./e", "./f", "./l", "./m", "./n", "./p", "./root"}),
    ],
)
def test_row_19_an_archive_begins_with_the_last_word_of_the_path(
    box: Box, path: str, names: set[str]
) -> None:
    assert set(box.members(path)) == names


def test_row_19_files_go_in_and_come_out_whatever_the_state(any_box: Box) -> None:
    status, _, body = any_box.put("/tmp", ("new", b"content"), ("sub/deep", b"below"))
    assert (status, body) == (200, b"")
    assert any_box.read("/tmp/new") == b"content"
    assert any_box.members("/tmp/new")["new"].uid == 1234
    assert any_box.read("/tmp/sub/deep") == b"below"
    assert any_box.stat("/etc/passwd")["name"] == "passwd"


def test_row_19_what_was_copied_into_a_created_container_is_there_when_it_runs(
    engine: Engine,
) -> None:
    box = Box(engine, Cmd=["cat", "/root/greeting"])
    box.put("/root", ("greeting", b"hello"))
    engine.post(f"/containers/{box.id}/start")
    assert engine.post(f"/containers/{box.id}/wait")["StatusCode"] == 0
    assert b"hello" in engine.call("GET", f"/containers/{box.id}/logs?stdout=1")[1]
    box.remove()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/nope", 404, "Could not find the file /nope in container"),
        ("/d/n", 404, "Could not find the file"),
        ("/d/f", 400, "extraction point is not a directory"),
        ("", 400, "pathcannot be empty"),
    ],
)
def test_row_19_an_archive_needs_a_directory(box: Box, path: str, status: int, text: str) -> None:
    answered, _, body = box.put(path, ("x", b""))
    assert answered == status
    assert text in json.loads(body)["message"]


def test_row_19_an_archive_goes_through_a_link_and_stays_in_the_container(
    box: Box, tmp_path: Path
) -> None:
    name = f"lading-escape-{tmp_path.name}-{os.getpid()}"
    status, _, _ = box.put("/d/e", ("../x", b""))
    assert status == 400
    link = member("out", tarfile.SYMTYPE, "/tmp")
    assert box.put("/d/root/d/e", link, (f"out/{name}", b"inside"))[0] == 200
    assert box.read(f"/tmp/{name}") == b"inside"
    assert not os.path.exists(f"/tmp/{name}")


def test_row_19_kinds_are_kept_when_it_is_asked(box: Box) -> None:
    more = "&noOverwriteDirNonDir=1"
    status, _, body = box.put("/d", ("e", b""), more=more)
    assert (status, b'cannot overwrite directory \\"e\\" with non-directory' in body) == (500, True)
    status, _, body = box.put("/d", member("f", tarfile.DIRTYPE), more=more)
    assert (status, b'cannot overwrite non-directory \\"f\\"' in body) == (500, True)


def test_row_19_a_read_only_container_takes_no_files(engine: Engine, tmp_path: Path) -> None:
    host = {"ReadonlyRootfs": True, "Binds": [f"{tmp_path}:/data", f"{tmp_path}:/fixed:ro"]}
    box = Box(engine, HostConfig=host)
    status, _, body = box.put("/etc", ("x", b""))
    assert (status, json.loads(body)["message"]) == (400, "container rootfs is marked read-only")
    status, _, body = box.put("/fixed", ("x", b""))
    assert (status, json.loads(body)["message"]) == (400, "mounted volume is marked read-only")
    assert box.put("/data", ("x", b"into the bind"))[0] == 200
    assert (tmp_path / "x").read_bytes() == b"into the bind"
    assert box.read("/fixed/x") == b"into the bind"
    box.remove()


def test_row_19_everything_can_be_given_to_the_containers_user(engine: Engine) -> None:
    box = Box(engine, User="65534:65534")
    box.put("/tmp", ("mine", b""), more="&copyUIDGID=1")
    found = box.members("/tmp/mine")["mine"]
    assert (found.uid, found.gid) == (65534, 65534)
    box.remove()


def test_row_20_changes_have_kinds_and_parents(box: Box) -> None:
    changes = box.changes()
    assert changes["/d"] == changes["/d/e"] == changes["/d/f"] == 1
    assert (changes["/etc"], changes["/etc/added"]) == (0, 1)
    assert changes["/mnt"] == 2
    assert changes["/home"] == 0
    hidden = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/proc", "/sys", "/dev"}
    assert not hidden & changes.keys()


def test_row_20_a_container_that_did_nothing_changed_nothing(engine: Engine) -> None:
    box = Box(engine, Cmd=["true"])
    engine.post(f"/containers/{box.id}/start")
    engine.post(f"/containers/{box.id}/wait")
    assert engine.get(f"/containers/{box.id}/changes") is None
    box.remove()


def test_row_21_a_commit_has_the_changes_and_not_the_engines_own_files(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "bound").write_text("not to be committed")
    asked = {"Env": ["A=1"], "HostConfig": {"Binds": [f"{tmp_path}:/data"]}}
    box = Box(engine, **asked)
    box.start()
    query = f"container={box.id}&repo=committed&tag=t&comment=why&author=me"
    lines = quote("ENV B=2\nCMD cat /etc/added")
    engine.post(f"/commit?{query}&changes={lines}")
    assert engine.get(f"/containers/{box.id}/json")["State"]["Status"] == "running"
    image = engine.get("/images/committed:t/json")
    assert {"A=1", "B=2"} <= set(image["Config"]["Env"])
    made = Box(engine, Image="committed:t", Cmd=None)
    assert made.read("/etc/added") == b"x\n"
    engine.post(f"/containers/{made.id}/start")
    assert engine.post(f"/containers/{made.id}/wait")["StatusCode"] == 0
    status, _ = engine.call("HEAD", made.url("/data/bound"))
    assert status == 404
    assert engine.get(f"/containers/{made.id}/changes") is None
    for each in (made, box):
        each.remove()
    engine.call("DELETE", "/images/committed:t?force=1")


def test_row_22_an_export_has_no_volumes(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "bound").write_text("not to be exported")
    box = Box(engine, HostConfig={"Binds": [f"{tmp_path}:/data"]})
    box.start()
    for _ in range(2):  # running, then stopped
        status, body = engine.call("GET", f"/containers/{box.id}/export")
        assert status == 200
        with tarfile.open(fileobj=io.BytesIO(body)) as exported:
            names = exported.getnames()
        assert {"d/f", "etc/added", "data", "proc"} <= set(names)
        assert "mnt" not in names
        assert not [name for name in names if name.startswith(("data/", "proc/", "sys/"))]
        engine.call("POST", f"/containers/{box.id}/kill")
    box.remove()
