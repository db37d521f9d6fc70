"""Containers whose root is nobody on the host: --userns-remap and --userns, as users see them."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.mapped import POOL, REMAPPED, TABLE, error, lading, made, output, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine


@pytest.fixture(scope="module")
def remapped(new_engine: Callable[[], Engine]) -> Iterator[Engine]:
    """An engine with --userns-remap=default."""
    yield from made(new_engine, "--userns-remap", "default")


@pytest.fixture(scope="module")
def plain(new_engine: Callable[[], Engine]) -> Iterator[Engine]:
    """An engine without, but with a pool of ids."""
    yield from made(new_engine)


@pytest.fixture
def box(plain: Engine) -> Iterator[str]:
    """A running container with ids of its own."""
    words = ("run", "-d", "--userns=auto", "base", "sh", "-c", "echo ready; exec sleep 600")
    name = text(plain, *words).strip()
    yield name
    plain.call("DELETE", f"/containers/{name}?force=1")


def pid_of(engine: Engine, name: str) -> int:
    return int(engine.get(f"/containers/{name}/json")["State"]["Pid"])


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive.getmembers()}


def archive_of(name: str, uid: int, gid: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.uid, member.gid, member.size = uid, gid, 2
        archive.addfile(member, io.BytesIO(b"x\n"))
    return stream.getvalue()


# --- --userns-remap -------------------------------------------------------------------------------


def test_containers_of_a_remapped_engine_are_root_inside_and_nobody_outside(
    remapped: Engine,
) -> None:
    script = "cat /proc/self/uid_map; touch /etc/mine; stat -c %u:%g / /etc/mine /etc/hosts"
    words = output(remapped, "base", "sh", "-c", script).split()
    assert words == ["0", str(REMAPPED), "65536", "0:0", "0:0", "0:0"]


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_dockers_client_knows_no_mode_but_the_hosts(remapped: Engine) -> None:
    environ = os.environ | {"DOCKER_HOST": remapped.address}
    for flags, first in (((), str(REMAPPED)), (("--userns", "host"), "0")):
        command = ["docker", "run", "--rm", *flags, "base", "cat", "/proc/self/uid_map"]
        done = subprocess.run(command, capture_output=True, env=environ, timeout=60)
        assert done.stdout.split()[1:2] == [first.encode()], done.stderr


def test_info_says_that_ids_are_remapped(remapped: Engine, plain: Engine) -> None:
    assert "name=userns" in remapped.get("/info")["SecurityOptions"]
    assert "name=userns" not in plain.get("/info")["SecurityOptions"]


def test_userns_host_gives_the_hosts_ids_and_what_goes_with_them(remapped: Engine) -> None:
    words = ("--userns=host", "--privileged", "base", "cat", "/proc/self/uid_map")
    assert output(remapped, *words).split()[:2] == ["0", "0"]


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        (
            ("--privileged",),
            "privileged mode is incompatible with user namespaces.  You must run the container "
            "in the host namespace when running privileged mode",
        ),
        (
            ("--network", "host"),
            "cannot share the host's network namespace when user namespaces are enabled",
        ),
        (
            ("--pid", "host"),
            "cannot share the host PID namespace when user namespaces are enabled",
        ),
    ],
)
def test_what_dockerd_refuses_with_user_namespaces_is_refused_in_its_words(
    remapped: Engine, flags: tuple[str, ...], refusal: str
) -> None:
    assert refusal in error(remapped, "create", *flags, "base", "true")


def test_an_unknown_mode_is_refused_at_create(plain: Engine) -> None:
    document = {"Image": "base", "HostConfig": {"UsernsMode": "moon"}}
    status, body = plain.call("POST", "/containers/create", document)
    assert (status, json.loads(body)["message"]) == (400, "invalid USER mode: moon")


# --- --userns=auto and its kin --------------------------------------------------------------------


def test_auto_gives_each_container_ids_of_its_own_until_it_is_removed(plain: Engine) -> None:
    names = []
    for _ in range(3):
        names.append(text(plain, "create", "--userns=auto", "base", "true").strip())
    firsts = []
    for name in names:
        text(plain, "start", "-a", name)
        found = output(plain, "--userns=auto:size=7", "base", "cat", "/proc/self/uid_map")
        firsts.append(int(found.split()[1]))
    assert firsts == [POOL + 3 * 65536] * 3
    for name in names:
        text(plain, "rm", name)
    found = output(plain, "--userns=auto", "base", "cat", "/proc/self/uid_map")
    assert int(found.split()[1]) == POOL


def test_keep_id_runs_as_who_is_kept_and_owns_its_binds(plain: Engine) -> None:
    place = f"{plain.directory}/kept"
    os.mkdir(place)
    os.chown(place, 1234, 1235)
    words = ("--userns=keep-id:uid=1234,gid=1235", "-v", f"{place}:/data", "base")
    assert output(plain, *words, "sh", "-c", "id -u; id -g; touch /data/x") == "1234\n1235\n"
    status = os.stat(f"{place}/x")
    assert (status.st_uid, status.st_gid) == (1234, 1235)


def test_layers_are_not_copied_for_other_ids(plain: Engine, box: str) -> None:
    """One copy serves every range: the image's files have their own owners on disk."""
    text(plain, "exec", box, "sh", "-c", "touch /fresh; chown 7:8 /fresh")
    place = f"{plain.directory}/data/snapshots/active/{box}/fs"
    status = os.stat(f"{place}/fresh")
    assert (status.st_uid, status.st_gid) == (7, 8)
    assert os.listdir(place) != os.listdir("/")
    assert not os.path.exists(f"{place}/usr/bin")


def test_exec_is_in_the_user_namespace_too(plain: Engine, box: str) -> None:
    script = "id -u; readlink /proc/self/ns/user; echo out > /dev/stdout"
    words = text(plain, "exec", box, "sh", "-c", script).split()
    there = os.readlink(f"/proc/{pid_of(plain, box)}/ns/user")
    assert words == ["0", there, "out"]
    assert there != os.readlink("/proc/self/ns/user")
    assert text(plain, "exec", "-u", "1000:1001", box, "id", "-g") == "1001\n"


def test_the_network_is_the_containers_own(plain: Engine) -> None:
    script = "ip link set lo down && ip -o link show lo"
    words = ("run", "--rm", "--userns=auto", "--cap-add", "NET_ADMIN", "base", "sh", "-c", script)
    assert "state DOWN" in text(plain, *words)


def test_who_joins_a_network_joins_the_user_namespace(plain: Engine, box: str) -> None:
    script = "readlink /proc/self/ns/user /proc/self/ns/net; ls /sys/class/net"
    words = ("run", "--rm", "--userns=auto", "--network", f"container:{box}", "base")
    found = text(plain, *words, "sh", "-c", script).split()
    pid = pid_of(plain, box)
    assert found[:2] == [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("user", "net")]
    assert "eth0" in found


def test_processes_can_be_shared_with_a_network_of_ones_own(plain: Engine, box: str) -> None:
    words = ("run", "--rm", "--userns=auto", "--pid", f"container:{box}", "base")
    assert "sleep" in text(plain, *words, "ps", "ax")


def test_a_container_of_other_ids_cannot_be_joined(plain: Engine) -> None:
    name = text(plain, "run", "-d", "base", "sleep", "600").strip()
    words = ("run", "--rm", "--userns=auto", "--network", f"container:{name}", "base", "true")
    assert "is not in the same user namespace" in error(plain, *words)
    plain.call("DELETE", f"/containers/{name}?force=1")


def test_limits_and_scores_are_set_from_outside(plain: Engine) -> None:
    flags = ("--userns=auto", "-m", "64m", "--oom-score-adj", "500", "--read-only", "--init")
    found = output(plain, *flags, "base", "sh", "-c", "cat /proc/self/oom_score_adj; touch /x; id")
    assert found.startswith("500\nuid=0")


def test_a_volume_has_the_same_owners_for_every_range_of_ids(plain: Engine) -> None:
    script = "chown 5:6 /v; touch /v/x; chown 7:8 /v/x"
    output(plain, "--userns=auto", "-v", "shared:/v", "base", "sh", "-c", script)
    for mode in ("host", "auto:size=100"):
        words = (f"--userns={mode}", "-v", "shared:/v", "base", "stat", "-c", "%u:%g", "/v", "/v/x")
        assert output(plain, *words).split() == ["5:6", "7:8"]
    text(plain, "volume", "rm", "shared")


def test_an_image_mount_and_a_part_of_a_volume_have_ids_of_inside(plain: Engine) -> None:
    output(plain, "-v", "parts:/v", "base", "sh", "-c", "mkdir /v/part; touch /v/part/x")
    image, part = "type=image,source=base,target=/img", "type=volume,source=parts,target=/part"
    mounts = ("--mount", image, "--mount", f"{part},volume-subpath=part")
    script = "stat -c %u /img/etc /part/x; touch /part/mine; touch /img/mine 2>&1 | wc -l"
    found = output(plain, "--userns=auto", *mounts, "base", "sh", "-c", script)
    assert found.split() == ["0", "0", "1"]
    text(plain, "volume", "rm", "parts")


def test_binds_show_the_hosts_files_as_nobodys_unless_they_are_given_to_somebody(
    plain: Engine,
) -> None:
    place = f"{plain.directory}/given"
    os.mkdir(place)
    words = ("base", "stat", "-c", "%u:%g", "/x")
    assert output(plain, "--userns=auto", "-v", f"{place}:/x", *words) == "65534:65534\n"
    bind = f"{place}:/x:uid=1000,gid=1001"
    assert output(plain, "--userns=auto", "-v", bind, *words) == "1000:1001\n"


# --- cp, diff, export, commit ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_cp_and_export_tell_owners_as_inside(plain: Engine, box: str, state: str) -> None:
    text(plain, "exec", box, "sh", "-c", "touch /fresh; chown 7:8 /fresh")
    if state == "stopped":
        text(plain, "stop", "-t", "0", box)
    one = lading(plain, "cp", f"{box}:/fresh", "-").stdout
    all_ = lading(plain, "export", box).stdout
    for found in (members(one), members(all_)):
        assert (found["fresh"].uid, found["fresh"].gid) == (7, 8)
    assert members(all_)["etc"].uid == 0


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_cp_gives_files_to_ids_of_inside(plain: Engine, box: str, state: str) -> None:
    if state == "stopped":
        text(plain, "stop", "-t", "0", box)
    archive = archive_of("given", 11, 12)
    status, _, answer = plain.exchange("PUT", f"/containers/{box}/archive?path=/opt/..", archive)
    assert status == 200, answer
    if state == "stopped":
        text(plain, "start", box)
    assert text(plain, "exec", box, "stat", "-c", "%u:%g", "/given") == "11:12\n"


def test_commit_and_diff_are_the_same_as_without(plain: Engine, box: str) -> None:
    text(plain, "exec", box, "sh", "-c", "touch /fresh; chown 7:8 /fresh; rm -r /mnt")
    changes = plain.get(f"/containers/{box}/changes")
    assert {(c["Path"], c["Kind"]) for c in changes} >= {("/fresh", 1), ("/mnt", 2)}
    text(plain, "commit", box, "remade")
    for mode in ("host", "auto"):
        script = "stat -c %u:%g /fresh; ls /mnt 2>&1 | wc -l"
        found = output(plain, f"--userns={mode}", "remade", "sh", "-c", script)
        assert found.split() == ["7:8", "1"]
    text(plain, "rmi", "remade")


def test_stat_of_a_path_answers_while_it_runs(plain: Engine, box: str) -> None:
    status, headers, _ = plain.exchange("HEAD", f"/containers/{box}/archive?path=/etc/passwd")
    document: dict[str, Any] = json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))
    assert (status, document["name"]) == (200, "passwd")


# --- life -----------------------------------------------------------------------------------------


def test_a_restart_of_container_and_daemon_keeps_the_ids(plain: Engine, box: str) -> None:
    pid = pid_of(plain, box)
    before = Path(f"/proc/{pid}/uid_map").read_text()
    plain.kill9()
    plain.start()
    assert text(plain, "exec", box, "cat", "/proc/self/uid_map") == before
    text(plain, "restart", "-t", "0", box)
    assert text(plain, "exec", box, "cat", "/proc/self/uid_map") == before
    assert plain.findings() == []


@pytest.mark.parametrize(
    "point", ["starter.v1_created", "starter.mounts_made", "starter.init_cloned"]
)
def test_a_starter_that_dies_in_the_middle_leaves_nothing(
    new_engine: Callable[[], Engine], point: str
) -> None:
    engine = new_engine()
    engine.subids = TABLE
    engine.start(failpoint=point)
    try:
        assert lading(engine, "run", "--userns=auto", "base", "true").returncode == 125
        assert engine.findings() == []
    finally:
        engine.stop()
        engine.start()
        engine.close()
