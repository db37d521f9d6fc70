"""What root of a user namespace tries against the host, its neighbours and the engine.

The classes are those of the runtimes' history: kernel settings and release agents that run programs
as the host's root (CVE-2022-0492), devices, processes that enter and can be looked into
(CVE-2016-9962), leaked descriptors (CVE-2024-21626), data roots that a remapped user can enter
(CVE-2021-21284, CVE-2021-41091), and owners that are not translated.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.mapped import POOL, lading, made, output, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

ALL = (
    *("--userns=auto", "--cap-add", "ALL"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined"),
    *("--security-opt", "apparmor=unconfined"),
)


@pytest.fixture(scope="module")
def plain(new_engine: Callable[[], Engine]) -> Iterator[Engine]:
    """An engine with a pool of ids."""
    yield from made(new_engine)


@pytest.fixture
def box(plain: Engine) -> Iterator[str]:
    """A running container whose root has every right that it can have, in its namespace."""
    name = text(plain, "run", "-d", *ALL, "base", "sleep", "600").strip()
    yield name
    plain.call("DELETE", f"/containers/{name}?force=1")


@pytest.mark.parametrize(
    "attempt",
    [
        "echo /tmp/x > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sys/kernel/panic_on_oops",
        "echo h > /proc/sysrq-trigger",
        "mount -t cgroup -o memory none /mnt && echo /x > /mnt/release_agent",
        "mount -t cgroup -o memory none /mnt && echo -1 > /mnt/memory.limit_in_bytes",
        "mkdir /tmp/g && mount -o remount,rw /sys/fs/cgroup && mkdir /sys/fs/cgroup/memory/x",
        "mknod /tmp/disk b 254 0 && head -c1 /tmp/disk",
        "mount -t ext4 /dev/vda /mnt",
        "mount -t devtmpfs none /mnt && test -e /mnt/mem",
        "date -s 2001-01-01",
        "echo -1000 > /proc/self/oom_score_adj",
        "cat /proc/1/root/proc/kcore > /dev/null",
        "echo 0 1 2 > /proc/self/uid_map",
        "chown 70000 /tmp",
        "umount /proc/sys",
        "ip link add outside type veth peer name x netns 1 && ip link set x netns 0",
    ],
)
def test_root_with_all_capabilities_cannot(plain: Engine, attempt: str) -> None:
    done = lading(plain, "run", "--rm", *ALL, "base", "sh", "-c", f"({attempt}) 2>&1")
    assert done.returncode not in (0, 125), (done.stdout, done.stderr)


def test_the_default_profile_keeps_it_from_making_user_namespaces(plain: Engine) -> None:
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    program = os.path.realpath(shutil.which("unshare") or "")
    words = ("--userns=auto", "-v", f"{program}:/bin/unshare:ro", "base")
    done = lading(plain, "run", "--rm", "--network", "none", *words, "unshare", "-U", "true")
    assert done.returncode != 0
    assert b"not permitted" in done.stderr


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_no_descriptor_of_ours_arrives(plain: Engine, box: str, verb: str) -> None:
    script = "ls /proc/self/fd | wc -l; ls -l /proc/$$/fd | grep -v -e pipe: -e /dev/null -e total"
    if verb == "run":
        done = lading(plain, "run", "--rm", *ALL, "base", "sh", "-c", script)
    else:
        done = lading(plain, "exec", box, "sh", "-c", script)
    assert done.stdout.split() == [b"4"], done.stdout  # with the one of ls itself


def test_processes_that_enter_cannot_be_looked_into(plain: Engine, box: str) -> None:
    """Until execve they are ours: their memory, descriptors and program are the engine's."""
    look = (
        "echo ready; for round in $(seq 400); do for p in /proc/[0-9]*; do"
        " [ $p = /proc/1 ] && continue;"
        ' case "$(readlink $p/exe)" in *python*) echo program $p;; esac;'
        ' case "$(readlink $p/fd/* 2>/dev/null)" in *anon_inode*|*socket:*) echo fd $p;; esac;'
        " done; done; echo end"
    )
    watching = subprocess.Popen(
        _command(plain, "exec", box, "sh", "-c", look), stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    assert watching.stdout.readline() == "ready\n"
    while watching.poll() is None:
        text(plain, "exec", box, "true")
    assert watching.stdout.read() == "end\n"
    watching.stdout.close()


def _command(engine: Engine, *words: str) -> list[str]:
    import sys

    source = next(path for path in sys.path if path.endswith("src"))
    boot = f"import sys; sys.path.insert(0, {source!r}); from lading.app.lading import main; main()"
    return [sys.executable, "-c", boot, "-H", engine.address, *words]


def test_neighbours_are_strangers_to_each_other(plain: Engine) -> None:
    place = f"{plain.directory}/meeting"
    os.mkdir(place)
    os.chmod(place, 0o1777)
    bind = ("--userns=auto", "-v", f"{place}:/m", "base", "sh", "-c")
    first = text(plain, "create", *bind, "umask 077; echo secret > /m/file").strip()
    text(plain, "start", "-a", first)
    assert os.stat(f"{place}/file").st_uid == POOL
    done = lading(plain, "run", "--rm", *bind, "id -u; cat /m/file || rm /m/file")
    assert (done.stdout, done.returncode == 0) == (b"0\n", False)
    text(plain, "rm", first)


def test_who_has_the_containers_ids_on_the_host_cannot_enter_the_data_root(
    plain: Engine, box: str
) -> None:
    text(plain, "exec", box, "sh", "-c", "cp /usr/bin/id /suid; chmod 4755 /suid")
    place = f"{plain.directory}/data/snapshots/active/{box}/fs/suid"
    assert os.stat(place).st_mode & 0o4000
    os.chmod(plain.directory, 0o755)
    for uid in (POOL, 65534):
        who: Any = {"user": uid, "group": uid, "extra_groups": []}
        words = ["sh", "-c", f"exec {place}"]  # a shell: it has no capability left
        done = subprocess.run(words, capture_output=True, text=True, cwd="/", **who)
        assert "ermission denied" in done.stderr


def test_an_archive_cannot_give_files_to_ids_of_the_host(plain: Engine, box: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("foreign")
        member.uid = member.gid = 70_000
        archive.addfile(member)
    path = f"/containers/{box}/archive?path=/tmp"
    status, _, _ = plain.exchange("PUT", path, stream.getvalue())
    assert status >= 400
    upper = Path(f"{plain.directory}/data/snapshots/active/{box}/fs/tmp")
    assert all(entry.stat().st_uid != 70_000 for entry in upper.glob("*"))


def test_a_link_in_place_of_a_mount_point_leads_nowhere(plain: Engine) -> None:
    name = text(plain, "create", "--userns=auto", "base", "true").strip()
    upper = Path(f"{plain.directory}/data/snapshots/active/{name}/fs")
    (upper / "proc").symlink_to("/etc")
    done = lading(plain, "start", "-a", name)
    assert b"/proc must be mounted on ordinary directory" in done.stderr
    text(plain, "rm", name)


def test_root_of_a_container_is_nobody_to_the_engines_socket(plain: Engine) -> None:
    bind = f"{plain.socket}:/engine.sock"
    script = "nc -U /engine.sock </dev/null"
    done = lading(plain, "run", "--rm", "--userns=auto", "-v", bind, "base", "sh", "-c", script)
    assert done.returncode != 0
    assert b"ermission denied" in done.stderr


def test_ids_given_back_are_free_of_what_their_last_owner_left(plain: Engine) -> None:
    """The next container with the same ids sees nothing of the one before: its files are gone."""
    script = "echo secret > /tmp/left; cat /proc/self/uid_map"
    first = output(plain, "--userns=auto", "base", "sh", "-c", script)
    second = output(plain, "--userns=auto", "base", "sh", "-c", "ls /tmp; cat /proc/self/uid_map")
    assert first == second
