"""What the engine was told gives its containers, seen by the docker command and inside of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
PROFILE = {  # of the engine: everything but making directories
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}
SETTINGS: dict[str, object] = {
    "no-new-privileges": True,
    "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1000, "Soft": 900}},
    "dns": ["9.9.9.9"],
    "dns-search": ["a.b"],
    "dns-opts": ["ndots:3"],
    "default-shm-size": "32M",
    "default-ipc-mode": "shareable",
    "default-cgroupns-mode": "host",
    "host-gateway-ips": ["10.1.1.1", "fd00::1"],
    "runtimes": {"kata": {"path": "/bin/false"}},
}


class Told:
    """An engine that was told, and the docker command at it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def write(self, **changed: object) -> None:
        """Write the file anew, with other values for these keys."""
        document = {**SETTINGS, "seccomp-profile": f"{self.engine.directory}/profile", **changed}
        Path(f"{self.engine.directory}/config").write_text(json.dumps(document))

    def docker(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "-H", self.engine.address, *words],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def sees(self, script: str, *flags: str) -> str:
        """What a container's shell prints."""
        done = self.docker("run", "--rm", *flags, "base", "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def host(self, name: str) -> dict[str, Any]:
        """The HostConfig of a container's inspect."""
        found: dict[str, Any] = json.loads(self.docker("inspect", name).stdout)[0]["HostConfig"]
        return found


@pytest.fixture(scope="module")
def told(new_engine: Callable[[], Engine]) -> Iterator[Told]:
    engine = new_engine()
    Path(f"{engine.directory}/profile").write_text(json.dumps(PROFILE))
    found = Told(engine)
    found.write()
    engine.flags = ["--config-file", f"{engine.directory}/config"]
    engine.start()
    yield found
    engine.close()


def test_nobody_gains_privileges_unless_a_container_says_so(told: Told) -> None:
    script = "grep NoNewPrivs /proc/self/status"
    assert told.sees(script).split() == ["NoNewPrivs:", "1"]
    allowed = told.sees(script, "--security-opt", "no-new-privileges=false")
    assert allowed.split() == ["NoNewPrivs:", "0"]


def test_an_exec_gains_none_either(told: Told) -> None:
    name = told.docker("run", "-d", "base", "sleep", "60").stdout.strip()
    done = told.docker("exec", name, "grep", "NoNewPrivs", "/proc/self/status")
    assert done.stdout.split() == ["NoNewPrivs:", "1"]


def test_the_engines_seccomp_profile_is_for_who_names_none(told: Told) -> None:
    script = "mkdir /x 2>/dev/null && echo made || echo refused"
    assert told.sees(script) == "refused\n"
    assert told.sees(script, "--security-opt", "seccomp=unconfined") == "made\n"
    assert told.sees(script, "--privileged") == "made\n"


def test_info_tells_of_both(told: Told) -> None:
    info = told.engine.get("/info")
    assert f"name=seccomp,profile={told.engine.directory}/profile" in info["SecurityOptions"]
    assert info["SecurityOptions"][-1] == "name=no-new-privileges"
    assert "WARNING: daemon is not using the default seccomp profile" in info["Warnings"]
    assert "no-new-privileges" in told.docker("info").stdout


def test_limits_and_modes_are_written_down_at_create(told: Told) -> None:
    told.docker("create", "--name", "modes", "base", "true")
    host = told.host("modes")
    assert host["Ulimits"] == [{"Name": "nofile", "Hard": 1000, "Soft": 900}]
    assert (host["IpcMode"], host["CgroupnsMode"]) == ("shareable", "host")
    assert host["ShmSize"] == 32 << 20
    assert host["Dns"] in (None, [])


def test_limits_hold_inside(told: Told) -> None:
    assert told.sees("ulimit -Sn; ulimit -Hn").split() == ["900", "1000"]
    assert told.sees("ulimit -Sn", "--ulimit", "nofile=70:80") == "70\n"
    assert told.sees("df -k /dev/shm | tail -n 1").split()[1] == str(32 << 10)


def test_names_are_asked_where_the_engine_was_told(told: Told) -> None:
    text = told.sees("cat /etc/resolv.conf")
    for line in ("nameserver 9.9.9.9", "search a.b", "options ndots:3"):
        assert line in text.splitlines()
    own = told.sees("cat /etc/resolv.conf", "--dns", "1.1.1.1")
    assert "nameserver 1.1.1.1" in own
    assert "9.9.9.9" not in own
    assert "search a.b" in own


def test_host_gateway_is_what_the_engine_was_told(told: Told) -> None:
    lines = told.sees("cat /etc/hosts", "--add-host", "up:host-gateway").splitlines()
    assert {"10.1.1.1\tup", "fd00::1\tup"} <= set(lines)


def test_a_runtime_of_somebody_elses_is_refused_and_told(told: Told) -> None:
    done = told.docker("run", "--runtime", "kata", "base", "true")
    assert done.returncode == 125
    assert "unknown or invalid runtime name: kata" in done.stderr
    assert "runtime kata is refused to containers" in told.engine.log()


@pytest.mark.skipif(not shutil.which("tini"), reason="tini is not installed")
def test_an_init_goes_before_every_program(told: Told, new_engine: Callable[[], Engine]) -> None:
    engine = new_engine()
    engine.flags = ["--init"]
    engine.start()
    try:
        other = Told(engine)
        assert "docker-init" in other.sees("cat /proc/1/cmdline")
        assert "docker-init" not in other.sees("cat /proc/1/cmdline", "--init=false")
    finally:
        engine.close()


def test_a_profile_that_cannot_be_read_ends_the_start(new_engine: Callable[[], Engine]) -> None:
    engine = new_engine()
    engine.flags = ["--seccomp-profile", "/nowhere"]
    engine.launch()
    assert engine.wait_dead() == 1
    assert "opening seccomp profile (/nowhere) failed" in engine.log()
    engine.flags = []
    engine.close()


def test_modes_change_at_the_signal(told: Told, until: Until) -> None:
    told.write(**{"default-shm-size": "16M", "default-ipc-mode": "private", "labels": ["x=y"]})
    told.engine.hang_up()
    until(lambda: told.engine.get("/info")["Labels"] == ["x=y"])
    told.docker("create", "--name", "later", "base", "true")
    assert (told.host("later")["ShmSize"], told.host("later")["IpcMode"]) == (16 << 20, "private")
