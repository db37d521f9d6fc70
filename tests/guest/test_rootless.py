"""A plain user's container in a scope of his own systemd, which has the limits that were asked."""

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guest.conftest import HAS_V2_AND_SYSTEMD, systemctl, wait_until
from tests.unit.runtime.command.bundle import PROGRAM, SOURCE

from lading.runtime.command import documents

pytestmark = pytest.mark.skipif(
    not HAS_V2_AND_SYSTEMD, reason="needs systemd and cgroup v2 alone: scripts/guest-tests"
)
NAME = "lading-test"
MIB = 1 << 20


class User:
    """A user with a systemd of his own, and a bundle."""

    def __init__(self, rootfs: Path) -> None:
        subprocess.run(["useradd", "--create-home", NAME], check=True)
        self.uid = pwd.getpwnam(NAME).pw_uid
        self.above = f"/user.slice/user-{self.uid}.slice/user@{self.uid}.service"
        self.runtime = Path(f"/run/user/{self.uid}")
        systemctl("start", f"user@{self.uid}.service")
        wait_until((self.runtime / "systemd/private").exists)
        self.bundle = Path(f"/home/{NAME}/bundle")
        shutil.copytree(rootfs, self.bundle / "rootfs", symlinks=True)

    def write(self, resources: dict[str, object]) -> None:
        spec = documents.spec(rootless=True)
        spec["process"] |= {"terminal": False, "args": ["sleep", "600"]}
        spec["root"] = {"path": "rootfs"}
        for mount in spec["mounts"]:  # he has one group id only
            mount["options"] = [word for word in mount["options"] if word != "gid=5"]
        linux = spec["linux"]
        for kind in ("uidMappings", "gidMappings"):
            linux[kind] = [{"containerID": 0, "hostID": self.uid, "size": 1}]
        linux |= {"cgroupsPath": ":test:c1", "resources": resources}
        (self.bundle / "config.json").write_text(json.dumps(spec))
        subprocess.run(["chown", "-R", f"{NAME}:", str(self.bundle)], check=True)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A program of his, below his systemd as all that he starts from a session."""
        me = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        place = [f"XDG_RUNTIME_DIR={self.runtime}", f"HOME=/home/{NAME}", "PATH=/usr/bin:/usr/sbin"]
        python = [f"PYTHONPATH={SOURCE}", "python3", "-c", PROGRAM]
        root = ["--root", str(self.runtime / "lading"), "--systemd-cgroup"]
        return subprocess.run(
            [*self._below(), *me, "env", "-i", *place, *python, *root, *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def _below(self) -> list[str]:
        """The start of a command line that is in a group of his systemd's."""
        group = f"/sys/fs/cgroup{self.above}/init.scope/cgroup.procs"
        return ["sh", "-c", f'echo $$ >{group} && exec "$@"', "sh"]

    def close(self) -> None:
        systemctl("stop", f"user@{self.uid}.service")
        subprocess.run(["userdel", "--remove", NAME], check=True, capture_output=True)


@pytest.fixture
def user(rootfs: Path) -> Iterator[User]:
    made = User(rootfs)
    yield made
    made.close()


def test_limits_of_a_plain_users_container_hold(user: User) -> None:
    user.write({"memory": {"limit": 64 * MIB, "swap": 64 * MIB}, "pids": {"limit": 9}})
    done = user.run("run", "-b", str(user.bundle), "--pid-file", f"{user.bundle}/pid", "-d", "c1")
    assert done.returncode == 0, done.stderr
    pid = int((user.bundle / "pid").read_text())
    assert os.stat(f"/proc/{pid}").st_uid == user.uid
    path = Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")
    assert path == f"{user.above}/user.slice/test-c1.scope"
    group = Path(f"/sys/fs/cgroup{path}")
    assert (group / "memory.max").read_text().strip() == str(64 * MIB)
    assert (group / "pids.max").read_text().strip() == "9"
    done = user.run("update", "--pids-limit", "11", "c1")
    assert done.returncode == 0, done.stderr
    assert (group / "pids.max").read_text().strip() == "11"
    done = user.run("delete", "-f", "c1")
    assert done.returncode == 0, done.stderr
    assert not group.exists()
