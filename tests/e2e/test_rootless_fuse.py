"""A plain user's engine where overlayfs is refused: the data root is itself on an overlay.

Everything is real: the kernel refuses the user's overlay, and Debian's fuse-overlayfs takes over.
"""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest
from tests.e2e.test_rootless import User, eventually
from tests.e2e.test_rootless import pytestmark as needs_of_a_user

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME_ON_OVERLAY = (
    "mkdir $0/lower $0/upper $0/work && chown --reference=$0/home $0/upper &&"
    " mount -t overlay x -o lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work $0/home"
)
DEVICE = "mknod -m {} $0/fuse c 10 229 && mount --bind $0/fuse /dev/fuse"
no_program = not shutil.which("fuse-overlayfs") or not os.path.exists("/dev/fuse")
pytestmark = [
    *needs_of_a_user,
    pytest.mark.skipif(no_program, reason="fuse-overlayfs is not installed, or no /dev/fuse"),
]


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    made = User(f"{HOME_ON_OVERLAY} && {DEVICE.format(666)}")
    yield made
    made.close()


def servers(user: User) -> list[int]:
    return [pid for pid, words in user.processes().items() if "fuse-overlayfs -f" in words]


def test_it_is_chosen_where_the_kernel_refuses(user: User) -> None:
    assert "Storage Driver: fuse-overlayfs" in user.text("info")
    script = "id -u; grep ' / / ' /proc/self/mountinfo"
    found = user.text("run", "--rm", "base", "sh", "-c", script)
    assert found.startswith("0\n")
    assert "- fuse fuse-overlayfs" in found
    eventually(lambda: not servers(user))


def test_files_are_changed_copied_committed_and_seen_again(user: User) -> None:
    remade = "rm -r /usr/share; mkdir /usr/share; rm /etc/group; chown 7:8 /tmp; echo new > /fresh"
    name = user.text("run", "-d", "base", "sh", "-c", f"{remade}; echo ready; sleep 600").strip()
    eventually(lambda: user.text("logs", name) == "ready\n")
    changes = user.text("diff", name).splitlines()
    assert {"A /fresh", "D /etc/group", "C /usr/share"} <= set(changes)
    assert not any(".wh." in change for change in changes)
    look = "ls -A /usr/share | wc -l; test -e /etc/group || echo gone; stat -c %u /tmp; cat /fresh"
    user.text("commit", name, "remade")
    assert user.text("run", "--rm", "remade", "sh", "-c", look) == "0\ngone\n7\nnew\n"
    user.text("stop", "-t", "0", name)
    assert user.text("diff", name).splitlines() == changes
    assert "fresh" in user.text("cp", f"{name}:/fresh", "-")
    user.text("cp", f"{user.place}/subuid", f"{name}:/put")
    user.text("start", name)
    assert "tester" in user.text("exec", name, "cat", "/put")
    user.text("rm", "-f", name)
    user.text("rmi", "remade")
    eventually(lambda: not servers(user))


def test_the_server_survives_the_engine_and_is_ended_with_the_container(user: User) -> None:
    name = user.text("run", "-d", "base", "sleep", "600").strip()
    before = servers(user)
    user.stop_engine(signal.SIGKILL)
    assert user.text("exec", name, "cat", "/etc/hostname").strip() == name[:12]
    assert servers(user) == before
    assert user.text("system", "check") == ""  # nothing found
    user.text("kill", name)
    eventually(lambda: not servers(user))
    user.text("rm", name)


def test_without_the_device_the_engine_says_what_is_missing() -> None:
    user = User(f"{HOME_ON_OVERLAY} && {DEVICE.format(600)}")
    try:
        done = user.daemon()
        assert done.returncode != 0
        assert "overlayfs is refused in " in done.stderr
        assert "/dev/fuse: Permission denied" in done.stderr
        assert "--storage-driver=vfs" in done.stderr
    finally:
        user.leave()
