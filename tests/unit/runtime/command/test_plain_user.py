"""The OCI command in the hands of a plain user: one id is mapped, theirs, and nothing else."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import make_root
from tests.unit.runtime.command.bundle import SOURCE, Bundle, Done

from lading.kernel import namespaces
from lading.runtime.command import documents, store

UID = 42421
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root makes the user of the test")


class Own(Bundle):
    """A bundle of the user's, where they may go, called by them."""

    def write(self, *arguments: str, change: Any = None) -> None:
        spec = documents.spec(rootless=True)
        for key in ("uidMappings", "gidMappings"):
            spec["linux"][key] = [{"containerID": 0, "hostID": UID, "size": 1}]
        spec["process"] |= {"terminal": False, "args": list(arguments), "env": ["PATH=/bin"]}
        spec["root"] = {"path": str(self.rootfs), "readonly": False}
        if change is not None:
            change(spec)
        (self.path / "config.json").write_text(json.dumps(spec))

    def call(self, *arguments: str, stdin: str = "", **more: Any) -> Done:
        return super().call(
            *arguments, stdin=stdin, user=UID, group=UID, extra_groups=[], cwd="/", **more
        )


@pytest.fixture
def own() -> Iterator[Own]:
    place = Path(tempfile.mkdtemp(prefix="lading-plain-", dir="/tmp"))
    place.chmod(0o755)
    bundle = Own(place, make_root(place / "root"))
    bundle.state.mkdir()
    for directory, _, files in os.walk(place):
        for name in (".", *files):
            os.chown(f"{directory}/{name}", UID, UID, follow_symlinks=False)
    yield bundle
    bundle.close()
    shutil.rmtree(place)


def test_a_container_runs_and_its_root_is_the_user(own: Own) -> None:
    script = "id -u; cat /proc/self/uid_map; echo x > /tmp/made"
    assert own.shell(script).split() == ["0", "0", str(UID), "1"]
    assert os.stat(own.rootfs / "tmp/made").st_uid == UID


def test_another_process_joins_it(own: Own) -> None:
    own.write("sleep", "1000")
    words = own.command("run", "-d", "-b", str(own.path), "c1")
    environment = {"PYTHONPATH": SOURCE, "PATH": os.environ["PATH"]}
    with open(os.devnull, "r+b") as null:  # a container that goes on keeps what it is given
        stdio: Any = {"stdin": null, "stdout": null, "stderr": null, "cwd": "/"}
        who: Any = {"user": UID, "group": UID, "extra_groups": []}
        assert subprocess.run(words, env=environment, **stdio, **who).returncode == 0
    joined = own.call("exec", "c1", "sh", "-c", "id -u; readlink /proc/self/ns/user")
    pid = json.loads(own.call("state", "c1").stdout)["pid"]
    expected = ["0", os.readlink(f"/proc/{pid}/ns/user")]
    assert joined.stdout.split() == expected, joined.stderr
    own.call("kill", "c1", "KILL")
    own.wait_for("stopped")
    assert own.call("delete", "c1").returncode == 0


def test_the_hosts_files_stay_out_of_reach(own: Own) -> None:
    secret = own.path / "secret"
    secret.write_text("of root")
    secret.chmod(0o600)

    def change(spec: dict[str, Any]) -> None:
        bind = {"destination": "/tmp/s", "type": "bind", "source": str(secret)}
        spec["mounts"].append(bind | {"options": ["bind"]})

    done = own.run("cat /tmp/s", change=change)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ermission denied" in done.stderr


@pytest.mark.parametrize(
    ("environment", "uid", "is_nested", "expected"),
    [
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, 0, False, "/run/lading/oci"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, 7, False, "/run/user/7/lading/oci"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, 0, True, "/run/user/7/lading/oci"),
        ({"XDG_RUNTIME_DIR": "/run/user/7", "USER": "root"}, 0, True, "/run/lading/oci"),
        ({}, 7, False, "/run/lading/oci"),
    ],
)
def test_containers_are_written_down_where_the_caller_may(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    uid: int,
    is_nested: bool,
    expected: str,
) -> None:
    monkeypatch.setattr(namespaces, "in_user_namespace", lambda: is_nested)
    assert store.default_root(environment, uid) == expected
