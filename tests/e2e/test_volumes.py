"""Volumes of a whole engine: made, used by containers, shown, removed.

Tests of rows 15 and 16 of the comparison with moby's integration tests have the row in their name.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

Until = "Callable[[Callable[[], bool]], None]"


def filtered(**filters: list[str]) -> str:
    return "filters=" + quote(json.dumps(filters))


def create(engine: Engine, image: str, *command: str, **asked: Any) -> str:
    document = {"Image": image, "Cmd": list(command) or ["true"], **asked}
    return str(engine.post("/containers/create", document)["Id"])


def run(engine: Engine, image: str, script: str, **asked: Any) -> str:
    """What a shell prints; the container and its anonymous volumes are removed."""
    container = create(engine, image, "sh", "-c", script, Tty=True, **asked)
    engine.post(f"/containers/{container}/start")
    code = engine.post(f"/containers/{container}/wait")["StatusCode"]
    _, output = engine.call("GET", f"/containers/{container}/logs?stdout=1&stderr=1")
    engine.call("DELETE", f"/containers/{container}?v=1&force=1")
    text = output.decode().replace("\r\n", "\n")
    assert code == 0, text
    return text


def binds(*texts: str) -> dict[str, Any]:
    return {"HostConfig": {"Binds": list(texts)}}


def mounts(*documents: dict[str, Any]) -> dict[str, Any]:
    return {"HostConfig": {"Mounts": list(documents)}}


def names(engine: Engine, query: str = "") -> list[str]:
    return [volume["Name"] for volume in engine.get(f"/volumes?{query}")["Volumes"]]


@pytest.fixture(autouse=True)
def _no_volume_is_left(engine: Engine) -> Iterator[None]:
    yield
    engine.remove_everything()
    engine.post("/volumes/prune?" + filtered(all=["true"]))
    assert names(engine) == []
    assert engine.findings() == []


@pytest.fixture(scope="module")
def filled(engine: Engine) -> str:
    """An image with a directory that is a volume, with owners, modes, links and attributes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name: str, kind: bytes, mode: int, data: bytes = b"", link: str = "") -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.uid, member.gid = kind, mode, 33, 44
            member.mtime, member.size, member.linkname = 1_000_000_000, len(data), link
            if name.endswith("file"):
                member.pax_headers = {"SCHILY.xattr.user.tag": "kept"}
            archive.addfile(member, io.BytesIO(data))

        for program in ("bin", "data", "real"):
            add(program, tarfile.DIRTYPE, 0o755 if program == "bin" else 0o2751)
        add("data/file", tarfile.REGTYPE, 0o640, b"from the image")
        add("data/hard", tarfile.LNKTYPE, 0o640, link="data/file")
        add("data/soft", tarfile.SYMTYPE, 0o777, link="/etc/passwd")
        add("real/inside", tarfile.REGTYPE, 0o644, b"inside")
        add("linked", tarfile.SYMTYPE, 0o777, link="/real")
        add("outside", tarfile.SYMTYPE, 0o777, link="../../../../../../etc")
        add("plain", tarfile.REGTYPE, 0o644, b"a file")
    change = quote("VOLUME /data")
    query = f"fromSrc=-&repo=filled&changes={change}&changes={quote('CMD /data/file')}"
    status, _, body = engine.exchange("POST", f"/images/create?{query}", buffer.getvalue())
    assert status == 200, body
    return "filled"


def content(engine: Engine, name: str) -> Path:
    return Path(engine.get(f"/volumes/{name}")["Mountpoint"])


# --- the API ----------------------------------------------------------------------------------


def test_a_volume_is_made_told_and_removed(engine: Engine) -> None:
    asked = {"Name": "mine", "Labels": {"a": "b"}, "Driver": "local"}
    made = engine.post("/volumes/create", asked)
    created = made.pop("CreatedAt")
    assert created.endswith("Z")
    assert made == {
        "Driver": "local",
        "Labels": {"a": "b"},
        "Mountpoint": f"{engine.directory}/data/volumes/mine/_data",
        "Name": "mine",
        "Options": None,
        "Scope": "local",
    }
    assert engine.get("/volumes/mine") == made | {"CreatedAt": created}
    assert engine.call("DELETE", "/volumes/mine") == (204, b"")
    status, body = engine.call("GET", "/volumes/mine")
    assert (status, json.loads(body)) == (404, {"message": "get mine: no such volume"})


def test_making_a_volume_again_tells_of_the_first(engine: Engine) -> None:
    first = engine.post("/volumes/create", {"Name": "mine", "Labels": {"a": "b"}})
    assert engine.post("/volumes/create", {"Name": "mine", "Labels": {"c": "d"}}) == first


def test_a_volume_without_a_name_is_anonymous(engine: Engine) -> None:
    made = engine.post("/volumes/create", {})
    assert len(made["Name"]) == 64
    assert made["Labels"] == {"com.docker.volume.anonymous": ""}


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"Name": "a b"}, 400, '"a b" includes invalid characters for a local volume name'),
        ({"Name": "a"}, 400, "create a: volume name is too short"),
        ({"Name": "x" * 256}, 400, "too long"),
        ({"Name": "mine", "Driver": "nope"}, 404, 'plugin "nope" not found'),
        ({"Name": "mine", "DriverOpts": {"x": "y"}}, 400, 'create mine: invalid option: "x"'),
        ({"DriverOpts": {"type": "tmpfs"}}, 400, 'missing required option: "device"'),
        ({"DriverOpts": {"size": "1g"}}, 400, "quota size requested but no quota support"),
        ({"DriverOpts": {"uid": "me"}}, 400, "invalid uid: 'me'"),
        ({"ClusterVolumeSpec": {}}, 503, "This node is not a swarm manager."),
    ],
)
def test_a_volume_that_makes_no_sense_is_refused(
    engine: Engine, asked: dict[str, Any], status: int, message: str
) -> None:
    code, body = engine.call("POST", "/volumes/create", asked)
    assert code == status
    assert message in json.loads(body)["message"]


def test_the_filters_of_the_list(engine: Engine, image: str) -> None:
    engine.post("/volumes/create", {"Name": "one", "Labels": {"a": "b"}})
    engine.post("/volumes/create", {"Name": "two", "Labels": {"a": "c"}})
    create(engine, image, **binds("two:/data"))
    assert names(engine, filtered(dangling=["true"])) == ["one"]
    assert names(engine, filtered(dangling=["0"])) == ["two"]
    assert names(engine, filtered(label=["a"])) == ["one", "two"]
    assert names(engine, filtered(label=["a=c"])) == ["two"]
    assert names(engine, filtered(name=["wo", "x"])) == ["two"]
    assert names(engine, filtered(driver=["other"])) == []
    assert engine.call("GET", "/volumes?" + filtered(dangling=["maybe"]))[0] == 400


def test_a_prune_takes_anonymous_volumes_and_before_api_1_42_all(engine: Engine) -> None:
    engine.post("/volumes/create", {"Name": "named"})
    anonymous = engine.post("/volumes/create", {})["Name"]
    (content(engine, anonymous) / "file").write_bytes(b"x" * 5000)
    pruned = engine.post("/volumes/prune")
    assert pruned == {"VolumesDeleted": [anonymous], "SpaceReclaimed": 5000}
    assert names(engine) == ["named"]
    assert engine.post("/v1.41/volumes/prune")["VolumesDeleted"] == ["named"]


def test_a_prune_heeds_labels_and_users(engine: Engine, image: str) -> None:
    for name in ("kept", "used", "gone"):
        engine.post("/volumes/create", {"Name": name, "Labels": {name: ""}})
    create(engine, image, **binds("used:/data"))
    asked = {"all": ["1"], "label!": ["kept"]}
    pruned = engine.post("/volumes/prune?" + filtered(**asked))
    assert pruned["VolumesDeleted"] == ["gone"]


def test_a_volume_that_a_container_has_is_not_removed(engine: Engine, image: str) -> None:
    container = create(engine, image, **binds("mine:/data"))
    for force in ("", "?force=1"):
        status, body = engine.call("DELETE", f"/volumes/mine{force}")
        assert status == 409
        message = f"remove mine: volume is in use - [{container}]"
        assert json.loads(body)["message"] == message
    assert engine.call("DELETE", "/volumes/nope?force=1")[0] == 204


def test_the_events_of_a_volume(engine: Engine, image: str) -> None:
    since = engine.get("/info")["SystemTime"]
    container = create(engine, image, **binds("mine:/data:ro"))
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    engine.call("DELETE", f"/containers/{container}")
    engine.call("DELETE", "/volumes/mine")
    until = engine.get("/info")["SystemTime"]
    _, body = engine.call("GET", f"/events?since={_seconds(since)}&until={_seconds(until)}&"
                          + filtered(type=["volume"], volume=["mine"]))  # fmt: skip
    events = [json.loads(line) for line in body.splitlines()]
    assert [e["Action"] for e in events] == ["create", "mount", "unmount", "destroy"]
    assert events[1]["Actor"]["Attributes"] == {
        "driver": "local",
        "container": container,
        "destination": "/data",
        "read/write": "false",
        "propagation": "",
    }


def _seconds(moment: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(moment[:26] + '+00:00').timestamp():.6f}"


def test_the_disk_usage_of_volumes(engine: Engine, image: str) -> None:
    create(engine, image, **binds("mine:/data"))
    (content(engine, "mine") / "file").write_bytes(b"x" * 7000)
    [volume] = engine.get("/system/df?type=volume")["Volumes"]
    assert volume["UsageData"] == {"RefCount": 1, "Size": 7000}


# --- in containers ----------------------------------------------------------------------------


def test_row_16_a_named_volume_outlives_its_containers(engine: Engine, image: str) -> None:
    run(engine, image, "echo kept > /data/file", **binds("mine:/data"))
    assert run(engine, image, "cat /data/file", **binds("mine:/data:ro")) == "kept\n"
    assert names(engine) == ["mine"]


def test_row_16_a_read_only_volume_cannot_be_written(engine: Engine, image: str) -> None:
    run(engine, image, "! touch /data/file 2>/dev/null", **binds("mine:/data:ro"))


def test_row_16_rm_v_takes_anonymous_volumes_and_leaves_named(engine: Engine, image: str) -> None:
    asked = {"Volumes": {"/anonymous": {}}, **binds("mine:/data")}
    kept, gone = create(engine, image, **asked), create(engine, image, **asked)
    assert len(names(engine)) == 3
    engine.call("DELETE", f"/containers/{gone}?v=1")
    assert len(names(engine)) == 2
    engine.call("DELETE", f"/containers/{kept}")
    assert len(names(engine, filtered(dangling=["true"]))) == 2


def test_rm_takes_anonymous_volumes_with_a_container_that_removes_itself(
    engine: Engine, image: str
) -> None:
    asked = {"Volumes": {"/x": {}}, "HostConfig": {"AutoRemove": True, "Binds": ["mine:/data"]}}
    container = create(engine, image, **asked)
    waiting = engine.call
    engine.post(f"/containers/{container}/start")
    waiting("POST", f"/containers/{container}/wait?condition=removed")
    assert names(engine) == ["mine"]


def test_an_anonymous_volume_stays_as_long_as_one_container_has_it(
    engine: Engine, image: str
) -> None:
    first = create(engine, image, Volumes={"/x": {}})
    second = create(engine, image, HostConfig={"VolumesFrom": [first]})
    engine.call("DELETE", f"/containers/{first}?v=1")
    assert len(names(engine)) == 1
    engine.call("DELETE", f"/containers/{second}?v=1")
    assert names(engine) == []


def test_row_16_volumes_from_shares_what_another_container_has(engine: Engine, image: str) -> None:
    owner = create(engine, image, "sh", "-c", "echo shared > /data/file", **binds("mine:/data"))
    engine.post(f"/containers/{owner}/start")
    engine.post(f"/containers/{owner}/wait")
    shared = {"HostConfig": {"VolumesFrom": [f"{owner}:ro"]}}
    assert run(engine, image, "cat /data/file; ! touch /data/x 2>/dev/null", **shared) == "shared\n"


def test_row_15_a_volume_begins_with_what_the_image_has_there(engine: Engine, filled: str) -> None:
    create(engine, filled, **binds("mine:/data"))
    root = content(engine, "mine")
    found = {p.name: p.lstat() for p in root.iterdir()}
    owner = {(s.st_uid, s.st_gid) for s in [*found.values(), root.stat()]}
    assert owner == {(33, 44)}
    assert root.stat().st_mode & 0o7777 == 0o2751
    assert found["file"].st_mode & 0o7777 == 0o640
    assert found["file"].st_mtime == 1_000_000_000
    assert found["file"].st_ino == found["hard"].st_ino
    assert os.readlink(root / "soft") == "/etc/passwd"
    assert os.getxattr(root / "file", "user.tag") == b"kept"
    assert (root / "file").read_text() == "from the image"


def test_row_15_a_volume_with_content_is_not_filled(engine: Engine, filled: str) -> None:
    engine.post("/volumes/create", {"Name": "mine"})
    (content(engine, "mine") / "own").write_text("")
    create(engine, filled, **binds("mine:/data"))
    assert os.listdir(content(engine, "mine")) == ["own"]


def test_row_15_a_bind_is_not_filled(engine: Engine, filled: str, tmp_path: Path) -> None:
    container = create(engine, filled, **binds(f"{tmp_path}:/data"))
    engine.call("POST", f"/containers/{container}/start")
    assert os.listdir(tmp_path) == []


def test_row_16_a_tmpfs_is_there_in_place_of_the_images_volume(engine: Engine, filled: str) -> None:
    container = create(engine, filled, HostConfig={"Tmpfs": {"/data": "size=1m"}})
    assert names(engine) == []
    assert engine.get(f"/containers/{container}/json")["Mounts"] == []


def test_row_15_nocopy_leaves_a_volume_empty(engine: Engine, filled: str) -> None:
    create(engine, filled, **binds("mine:/data:nocopy"))
    assert os.listdir(content(engine, "mine")) == []


def test_row_15_an_anonymous_volume_of_the_image_is_filled(engine: Engine, filled: str) -> None:
    container = create(engine, filled)
    [mount] = engine.get(f"/containers/{container}/json")["Mounts"]
    assert (mount["Type"], mount["Destination"]) == ("volume", "/data")
    assert (Path(mount["Source"]) / "file").read_text() == "from the image"


@pytest.mark.parametrize(("place", "found"), [("/linked", ["inside"]), ("/outside", [])])
def test_row_15_links_of_the_image_do_not_lead_out_of_it(
    engine: Engine, filled: str, place: str, found: list[str]
) -> None:
    create(engine, filled, **binds(f"mine:{place}"))
    assert os.listdir(content(engine, "mine")) == found


def test_row_15_over_a_file_is_refused_and_nothing_is_left(engine: Engine, filled: str) -> None:
    asked = {"Image": filled, **binds("mine:/plain")}
    status, body = engine.call("POST", "/containers/create", asked)
    assert status == 400
    assert "cannot mount volume over existing file" in json.loads(body)["message"]
    assert names(engine) == []


def test_owners_may_be_asked_for(engine: Engine, image: str) -> None:
    script = "stat -c '%u %g %a' /data"
    found = run(engine, image, script, **binds("mine:/data:uid=33,gid=44,mode=0750"))
    assert found == "33 44 750\n"


def test_a_part_of_a_volume_is_mounted(engine: Engine, image: str) -> None:
    run(engine, image, "mkdir -p /d/in/side && echo yes > /d/in/side/file", **binds("mine:/d"))
    part = {
        "Type": "volume",
        "Source": "mine",
        "Target": "/part",
        "VolumeOptions": {"Subpath": "in/side"},
    }
    assert run(engine, image, "cat /part/file", **mounts(part)) == "yes\n"


def test_a_part_that_is_a_link_to_the_outside_is_refused(engine: Engine, image: str) -> None:
    run(engine, image, "ln -s /etc /d/out; ln -s ../../.. /d/up", **binds("mine:/d"))
    for subpath in ("out", "up", "gone"):
        part = {
            "Type": "volume",
            "Source": "mine",
            "Target": "/part",
            "VolumeOptions": {"Subpath": subpath},
        }
        container = create(engine, image, **mounts(part))
        status, body = engine.call("POST", f"/containers/{container}/start")
        assert status == 404
        assert "cannot access path" in json.loads(body)["message"]


def test_an_image_is_mounted_read_only(engine: Engine, image: str, filled: str) -> None:
    whole = {"Type": "image", "Source": filled, "Target": "/img"}
    part = {
        "Type": "image",
        "Source": filled,
        "Target": "/part",
        "ImageOptions": {"Subpath": "real"},
    }
    script = "cat /img/data/file; echo; cat /part/inside; ! touch /img/x 2>&- && ! touch /part/x"
    found = run(engine, image, script, **mounts(whole, part))
    assert found.startswith("from the image\ninside")


def test_an_image_that_is_mounted_is_in_use(engine: Engine, image: str, filled: str) -> None:
    container = create(
        engine, image, **mounts({"Type": "image", "Source": filled, "Target": "/img"})
    )
    status, body = engine.call("DELETE", f"/images/{filled}")
    assert status == 409
    assert container[:12] in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("modes", "expected"), [("", "writable"), (":ro", "read-only"), (":ro,rslave", "read-only")]
)
def test_read_only_binds_reach_what_is_mounted_below(
    engine: Engine, image: str, tmp_path: Path, modes: str, expected: str
) -> None:
    (tmp_path / "below").mkdir()
    script = "touch /src/below/x 2>/dev/null && echo writable || echo read-only"
    with mounted_tmpfs(tmp_path / "below"), shared(tmp_path):
        assert run(engine, image, script, **binds(f"{tmp_path}:/src{modes}")) == f"{expected}\n"


def test_a_bind_may_leave_out_what_is_mounted_below(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    bind = {"Type": "bind", "Source": str(tmp_path), "Target": "/src"}
    with mounted_tmpfs(tmp_path / "below"):
        (tmp_path / "below/file").write_text("")
        flat = bind | {"BindOptions": {"NonRecursive": True}}
        assert run(engine, image, "ls /src/below", **mounts(flat)) == ""
        top = bind | {"ReadOnly": True, "BindOptions": {"ReadOnlyNonRecursive": True}}
        script = "! touch /src/x 2>/dev/null && touch /src/below/x && ls /src/below"
        assert run(engine, image, script, **mounts(top)).split() == ["file", "x"]


def mounted_tmpfs(path: Path) -> Any:
    import contextlib

    from lading.kernel import mount

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        mount.mount("tmpfs", str(path), "tmpfs")
        try:
            yield
        finally:
            mount.umount2(str(path), mount.MNT_DETACH)

    return around()


def shared(path: Path) -> Any:
    """The directory is a mount of its own that is shared, and all below it."""
    import contextlib

    from lading.kernel import mount

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        mount.mount(str(path), str(path), "", mount.MS_BIND | mount.MS_REC)
        mount.mount("none", str(path), "", mount.MS_SHARED | mount.MS_REC)
        try:
            yield
        finally:
            mount.umount2(str(path), mount.MNT_DETACH)

    return around()


def test_a_mount_that_the_host_makes_later_arrives_by_rslave(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    with shared(tmp_path):
        container = create(engine, image, "sleep", "60", **binds(f"{tmp_path}:/src:rslave"))
        engine.post(f"/containers/{container}/start")
        with mounted_tmpfs(tmp_path / "below"):
            pid = engine.get(f"/containers/{container}/json")["State"]["Pid"]
            assert " /src/below " in Path(f"/proc/{pid}/mountinfo").read_text()


def test_a_bind_is_refused_a_propagation_that_its_source_has_not(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    from lading.kernel import mount

    with mounted_tmpfs(tmp_path):
        mount.mount("none", str(tmp_path), "", mount.MS_PRIVATE)
        container = create(engine, image, **binds(f"{tmp_path}:/src:rshared"))
        status, body = engine.call("POST", f"/containers/{container}/start")
    assert status == 500
    assert f"path {tmp_path} is mounted on {tmp_path} but" in json.loads(body)["message"]


# --- mounted volumes --------------------------------------------------------------------------


def tmpfs_volume(engine: Engine, name: str = "memory") -> str:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=33"}
    made = engine.post("/volumes/create", {"Name": name, "DriverOpts": options})
    return str(made["Mountpoint"])


def is_mounted(path: str) -> bool:
    return f" {path} " in Path("/proc/self/mountinfo").read_text()


def test_a_volume_is_mounted_from_its_first_user_to_its_last(
    engine: Engine, image: str, until: Callable[[Callable[[], bool]], None]
) -> None:
    path = tmpfs_volume(engine)
    first = create(engine, image, "sleep", "60", **binds("memory:/data"))
    second = create(engine, image, "sleep", "60", **binds("memory:/data"))
    assert not is_mounted(path)
    for container in (first, second):
        engine.post(f"/containers/{container}/start")
    assert is_mounted(path)
    engine.post(f"/containers/{first}/kill")
    assert is_mounted(path)
    engine.post(f"/containers/{second}/kill")
    until(lambda: not is_mounted(path))


def test_a_volume_that_cannot_be_mounted_fails_the_start_alone(engine: Engine, image: str) -> None:
    options = {"type": "none", "device": "/does/not/exist", "o": "bind"}
    engine.post("/volumes/create", {"Name": "broken", "DriverOpts": options})
    container = create(engine, image, **binds("broken:/data"))
    status, body = engine.call("POST", f"/containers/{container}/start")
    assert status == 500
    assert "failed to mount local volume: mount /does/not/exist" in json.loads(body)["message"]


def test_a_bind_of_what_the_host_has_mounted_read_only_stays_so(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    from lading.kernel import mount

    with mounted_tmpfs(tmp_path):
        mount.mount("none", str(tmp_path), "", mount.MS_REMOUNT | mount.MS_BIND | mount.MS_RDONLY)
        run(engine, image, "! touch /src/x 2>/dev/null", **binds(f"{tmp_path}:/src:rw"))


def test_a_bind_volume_and_an_overlay_volume(engine: Engine, image: str, tmp_path: Path) -> None:
    for name in ("lower", "upper", "work", "plain"):
        (tmp_path / name).mkdir()
    (tmp_path / "plain/file").write_text("bound")
    (tmp_path / "lower/file").write_text("lower")
    bind = {"type": "none", "device": f"{tmp_path}/plain", "o": "bind,ro"}
    places = [f"{word}dir={tmp_path}/{word}" for word in ("lower", "upper", "work")]
    overlay = {"type": "overlay", "device": "overlay", "o": ",".join(places)}
    for name, options in (("bound", bind), ("stacked", overlay)):
        engine.post("/volumes/create", {"Name": name, "DriverOpts": options})
    script = "cat /b/file; echo; cat /o/file; echo new > /o/new; ! touch /b/x 2>/dev/null"
    assert run(engine, image, script, **binds("bound:/b", "stacked:/o")) == "bound\nlower"
    assert (tmp_path / "upper/new").read_text() == "new\n"


# --- files ------------------------------------------------------------------------------------


def archive_of(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("is_mounted", [False, True])
def test_files_are_copied_into_and_out_of_volumes_of_containers_that_rest(
    engine: Engine, image: str, filled: str, is_mounted: bool, tmp_path: Path
) -> None:
    if is_mounted:
        options = {"type": "none", "device": str(tmp_path), "o": "bind"}
        engine.post("/volumes/create", {"Name": "mine", "DriverOpts": options})
    container = create(engine, filled, **binds("mine:/data"))
    path = f"/containers/{container}/archive?path=/data"
    status, _, body = engine.exchange("PUT", path, archive_of("new", b"put"))
    assert status == 200, body
    status, _, body = engine.exchange("GET", f"/containers/{container}/archive?path=/data/new")
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        found = archive.extractfile("new")
        assert found
        assert found.read() == b"put"
    place = tmp_path if is_mounted else content(engine, "mine")
    assert (place / "new").read_bytes() == b"put"


def test_nothing_is_copied_into_a_read_only_volume(engine: Engine, filled: str) -> None:
    container = create(engine, filled, **binds("mine:/data:ro"))
    path = f"/containers/{container}/archive?path=/data"
    assert engine.exchange("PUT", path, archive_of("new", b"put"))[0] == 400


def test_export_and_commit_leave_volumes_out(engine: Engine, image: str) -> None:
    container = create(engine, image, "sh", "-c", "echo x > /data/file", **binds("mine:/data"))
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    _, _, body = engine.exchange("GET", f"/containers/{container}/export")
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert "data/file" not in archive.getnames()
    engine.post(f"/commit?container={container}&repo=committed")
    assert run(engine, "committed", "ls /data") == ""
    engine.call("DELETE", "/images/committed")


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ("uid=33,gid=44", "33 44\n"),
        ("idmap=uids=70-5-10;gids=80-6-10,ro", "5 6\n"),
    ],
)
def test_the_files_of_a_bind_seem_to_be_whose_they_shall_be(
    engine: Engine, image: str, tmp_path: Path, modes: str, expected: str
) -> None:
    os.chown(tmp_path, 70, 80)
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 70, 80)
    assert run(engine, image, "stat -c '%u %g' /b/file", **binds(f"{tmp_path}:/b:{modes}")) == (
        expected
    )
    if "ro" not in modes:
        run(engine, image, "touch /b/new", User="33:44", **binds(f"{tmp_path}:/b:{modes}"))
        status = (tmp_path / "new").stat()
        assert (status.st_uid, status.st_gid) == (70, 80)
