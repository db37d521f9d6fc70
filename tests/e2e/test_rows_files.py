"""Behaviours that re-implementers get wrong, by their row: files of the engine, and images.

The rows are those of the comparison with moby's integration tests: 11 health checks, 12 the name
files, 13 resolv.conf, 17 binds, 21 commits, 33 removing images.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

Make = Callable[..., str]
Until = Callable[[Callable[[], bool]], None]
MS = 1_000_000  # nanoseconds


def run(engine: Engine, container: str) -> str:
    """Start it and wait; what it printed."""
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/wait")
    data = engine.call("GET", f"/containers/{container}/logs?stdout=1&stderr=1&since=0")[1]
    text = b""
    while data:
        size = int.from_bytes(data[4:8], "big")
        text, data = text + data[8 : 8 + size], data[8 + size :]
    return text.decode()


def execute(engine: Engine, container: str, script: str) -> str:
    asked = {"Cmd": ["sh", "-c", script], "AttachStdout": True, "AttachStderr": True, "Tty": True}
    exec_id = engine.post(f"/containers/{container}/exec", asked)["Id"]
    _, data = engine.call("POST", f"/exec/{exec_id}/start", {"Tty": True})
    return data.decode().replace("\r\n", "\n")


def health(engine: Engine, container: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{container}/json")["State"]["Health"]
    return found


# --- row 11: health checks ----------------------------------------------------------------------


def check(command: str | list[str], **timings: int) -> dict[str, Any]:
    words = ["CMD-SHELL", command] if isinstance(command, str) else command
    return {"Test": words, "Interval": 50 * MS, **timings}


def test_row_11_the_first_probe_comes_after_the_interval(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600", Healthcheck=check("true", Interval=3_600_000 * MS))
    engine.post(f"/containers/{container}/start")
    time.sleep(0.3)
    assert health(engine, container) == {"Status": "starting", "FailingStreak": 0, "Log": []}


def test_row_11_failures_of_the_start_period_do_not_count(
    engine: Engine, make: Make, until: Until
) -> None:
    timings = {"StartPeriod": 3_600_000 * MS, "StartInterval": 50 * MS, "Retries": 1}
    script = "test -e /tmp/well"
    container = make("exec sleep 600", Healthcheck=check(script, **timings))
    engine.post(f"/containers/{container}/start")
    until(lambda: len(health(engine, container)["Log"]) == 5)
    assert health(engine, container)["Status"] == "starting"
    execute(engine, container, "touch /tmp/well")
    until(lambda: health(engine, container)["Status"] == "healthy")
    execute(engine, container, "rm /tmp/well")  # after the first success they do
    until(lambda: health(engine, container)["Status"] == "unhealthy")


def test_row_11_five_results_are_kept_of_4096_bytes_each(
    engine: Engine, make: Make, until: Until
) -> None:
    container = make("exec sleep 600", Healthcheck=check("head -c 9000 /dev/zero | tr '\\0' x"))
    engine.post(f"/containers/{container}/start")
    until(lambda: len(health(engine, container)["Log"]) == 5)
    time.sleep(0.3)
    found = health(engine, container)["Log"]
    assert len(found) == 5
    assert all(result["Output"].startswith("x" * 4096) for result in found)
    assert all(result["Output"].count("x") == 4096 for result in found)


def test_row_11_a_probe_has_the_containers_user_variables_and_directory(
    engine: Engine, make: Make, until: Until
) -> None:
    container = make(
        "exec sleep 600",
        User="1234:5678",
        Env=["A=b"],
        WorkingDir="/tmp",
        Healthcheck=check("echo $(id -u):$(id -g) $A $PWD"),
    )
    engine.post(f"/containers/{container}/start")
    until(lambda: bool(health(engine, container)["Log"]))
    assert health(engine, container)["Log"][0]["Output"] == "1234:5678 b /tmp\n"


def test_row_11_a_probe_that_takes_too_long_is_ended(
    engine: Engine, make: Make, until: Until
) -> None:
    script = check("exec sleep 600", Timeout=100 * MS, Retries=1)
    container = make("exec sleep 600", Healthcheck=script)
    engine.post(f"/containers/{container}/start")
    until(lambda: health(engine, container)["Status"] == "unhealthy")
    result = health(engine, container)["Log"][0]
    assert result["ExitCode"] == -1
    assert result["Output"].startswith("Health check exceeded timeout (100ms)")
    assert "sleep 600\n" * 2 not in execute(engine, container, "ps -o args=")


def test_row_11_a_paused_container_is_not_probed(engine: Engine, make: Make) -> None:
    container = make("exec sleep 600", Healthcheck=check("true"))
    engine.post(f"/containers/{container}/start")
    engine.post(f"/containers/{container}/pause")
    time.sleep(0.2)
    before = health(engine, container)["Log"]
    time.sleep(0.3)
    assert health(engine, container)["Log"] == before
    engine.post(f"/containers/{container}/unpause")


def test_row_11_each_start_begins_anew(engine: Engine, make: Make, until: Until) -> None:
    timings = {"Interval": 400 * MS}
    container = make("exec sleep 600", StopTimeout=0, Healthcheck=check("true", **timings))
    engine.post(f"/containers/{container}/start")
    until(lambda: health(engine, container)["Status"] == "healthy")
    engine.post(f"/containers/{container}/restart?t=0")
    assert health(engine, container)["Status"] == "starting"


# --- row 12: name files -------------------------------------------------------------------------


def test_row_12_name_files_are_written_by_users_and_survive_a_restart(
    engine: Engine, make: Make
) -> None:
    container = make("exec sleep 600", StopTimeout=0, Hostname="here", Domainname="example.org")
    engine.post(f"/containers/{container}/start")
    assert execute(engine, container, "cat /etc/hostname") == "here\n"
    assert "\there.example.org here\n" in execute(engine, container, "cat /etc/hosts")
    for name in ("hosts", "hostname", "resolv.conf"):
        assert f" /etc/{name} " in execute(engine, container, "cat /proc/self/mountinfo")
    execute(engine, container, "echo '# mine' >>/etc/resolv.conf; echo other >/etc/hostname")
    engine.post(f"/containers/{container}/restart?t=0")
    assert execute(engine, container, "tail -n 1 /etc/resolv.conf") == "# mine\n"


def test_row_12_further_hosts_and_the_gateway_are_in_hosts(engine: Engine, make: Make) -> None:
    extra = ["a.example:10.1.2.3", "six:[2001:db8::1]", "gate:host-gateway"]
    container = make("cat /etc/hosts", host={"ExtraHosts": extra})
    printed = run(engine, container)
    assert "10.1.2.3\ta.example\n" in printed
    assert "2001:db8::1\tsix\n" in printed
    gateway = [line.split("\t")[0] for line in printed.splitlines() if line.endswith("\tgate")]
    networks = engine.get("/containers/json?all=1")  # any container of the bridge has had it
    assert networks
    assert len(gateway) == 1
    assert gateway[0].count(".") == 3


def test_row_12_without_a_network_there_is_loopback_alone(engine: Engine, make: Make) -> None:
    container = make("cat /etc/hosts; ls /sys/class/net", host={"NetworkMode": "none"})
    printed = run(engine, container)
    assert printed.startswith("127.0.0.1\tlocalhost\n")
    assert printed.endswith("lo\n")
    assert container[:12] not in printed


# --- row 13: resolv.conf ------------------------------------------------------------------------


def test_row_13_what_is_asked_for_is_written(engine: Engine, make: Make) -> None:
    host = {"Dns": ["10.9.9.9"], "DnsSearch": ["a.example", "b"], "DnsOptions": ["ndots:3"]}
    printed = run(engine, make("cat /etc/resolv.conf", host=host))
    lines = [line for line in printed.splitlines() if line and not line.startswith("#")]
    assert lines == ["nameserver 10.9.9.9", "search a.example b", "options ndots:3"]


def test_row_13_a_search_of_a_dot_is_none(engine: Engine, make: Make) -> None:
    host = {"Dns": ["10.9.9.9"], "DnsSearch": ["."]}
    assert "search" not in run(engine, make("grep -v '^#' /etc/resolv.conf", host=host))


def test_row_13_the_hosts_network_has_the_hosts_file(engine: Engine, make: Make) -> None:
    printed = run(engine, make("cat /etc/resolv.conf", host={"NetworkMode": "host"}))
    with open("/etc/resolv.conf", encoding="utf-8") as file:
        servers = [line.split()[1] for line in file if line.startswith("nameserver ")]
    assert [line.split()[1] for line in printed.splitlines() if line.startswith("nameserver ")] == (
        servers
    )


def test_row_13_loopback_servers_are_no_use_to_a_container(engine: Engine, make: Make) -> None:
    printed = run(engine, make("cat /etc/resolv.conf"))
    assert "nameserver 127." not in printed
    assert "nameserver " in printed


# --- row 17: binds ------------------------------------------------------------------------------


def test_row_17_a_missing_source_of_v_is_made_and_roots(
    engine: Engine, make: Make, tmp_path: Path
) -> None:
    source = tmp_path / "not" / "there"
    container = make("touch /m/x", host={"Binds": [f"{source}:/m"]})
    run(engine, container)
    assert (source / "x").exists()
    found = os.stat(source)
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (0, 0, 0o755)


def test_row_17_a_missing_source_of_mount_is_refused(
    engine: Engine, make: Make, tmp_path: Path
) -> None:
    mount = {"Type": "bind", "Source": f"{tmp_path}/missing", "Target": "/m"}
    asked = {"Image": "base", "HostConfig": {"Mounts": [mount]}}
    status, body = engine.call("POST", "/containers/create", asked)
    text = (
        f'invalid mount config for type "bind": bind source path does not exist: {tmp_path}/missing'
    )
    assert (status, json.loads(body)["message"]) == (400, text)


def test_row_17_a_read_only_bind_is_so_to_its_depth(
    engine: Engine, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    with mounted_tmpfs(tmp_path / "below"):
        script = "touch /m/x; touch /m/below/x; true"
        printed = run(engine, make(script, host={"Binds": [f"{tmp_path}:/m:ro"]}))
    assert printed.count("Read-only file system") == 2


class mounted_tmpfs:
    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __enter__(self) -> None:
        assert os.system(f"mount -t tmpfs tmpfs {self._path}") == 0

    def __exit__(self, *_: object) -> None:
        assert os.system(f"umount {self._path}") == 0


@pytest.mark.parametrize("target", ["/m", "/m/", "//m"])
def test_row_16_a_target_is_given_once(engine: Engine, tmp_path: Path, target: str) -> None:
    binds = [f"{tmp_path}:/m", f"{tmp_path}:{target}"]
    asked = {"Image": "base", "HostConfig": {"Binds": binds}}
    status, body = engine.call("POST", "/containers/create", asked)
    assert (status, json.loads(body)["message"]) == (400, "Duplicate mount point: /m")


def test_row_16_mounts_are_made_by_the_depth_of_their_targets(
    engine: Engine, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "x").write_text("inner\n")
    binds = [f"{tmp_path}/inner:/a/b", f"{tmp_path}/outer:/a"]
    assert run(engine, make("cat /a/b/x", host={"Binds": binds})) == "inner\n"


# --- row 33: removing images --------------------------------------------------------------------


@pytest.fixture
def tagged(engine: Engine, make: Make) -> Iterator[str]:
    """An image of its own with two names, row33:a and row33:b."""
    container = make("true", Labels={"row": "33"})
    image = engine.post(f"/commit?container={container}&repo=row33&tag=a&comment={time.time()}")
    engine.post("/images/row33:a/tag?repo=row33&tag=b")
    yield str(image["Id"])
    for name in ("row33:a", "row33:b", str(image["Id"])):
        engine.call("DELETE", f"/images/{name}?force=1")


def removed(engine: Engine, name: str, query: str = "") -> tuple[int, Any]:
    status, body = engine.call("DELETE", f"/images/{name}{query}")
    return status, json.loads(body)


def test_row_33_a_name_goes_and_the_image_stays_for_the_other(engine: Engine, tagged: str) -> None:
    assert removed(engine, "row33:a") == (200, [{"Untagged": "row33:a"}])
    assert engine.get("/images/row33:b/json")["RepoTags"] == ["row33:b"]
    status, told = removed(engine, "row33:b")
    assert (status, told[0]) == (200, {"Untagged": "row33:b"})
    assert {"Deleted": tagged} in told


def test_row_33_by_id_with_several_names_force_is_needed(engine: Engine, tagged: str) -> None:
    status, told = removed(engine, tagged)
    short = tagged.removeprefix("sha256:")[:12]
    text = (
        f"conflict: unable to delete {short} (must be forced) - image is referenced in multiple "
        "repositories"
    )
    assert (status, told["message"].replace(" in multiple repositories", "")) == (
        409,
        text.replace(" in multiple repositories", ""),
    )
    status, told = removed(engine, tagged, "?force=1")
    assert (status, {"Deleted": tagged} in told) == (200, True)


def test_row_33_an_image_in_use_stays(engine: Engine, make: Make, tagged: str) -> None:
    container = make("exec sleep 600", Image="row33:a")
    engine.call("DELETE", "/images/row33:b")
    status, told = removed(engine, "row33:a")
    short = tagged.removeprefix("sha256:")[:12]
    assert status == 409
    assert told["message"] == (
        f'conflict: unable to remove repository reference "row33:a" (must force) - container '
        f"{container[:12]} is using its referenced image {short}"
    )
    engine.post(f"/containers/{container}/start")
    status, told = removed(engine, tagged, "?force=1")
    assert (status, told["message"]) == (
        409,
        f"conflict: unable to delete {short} (cannot be forced) - image is being used by running "
        f"container {container[:12]}",
    )


def test_row_33_a_prune_keeps_what_is_used_and_what_has_a_name(
    engine: Engine, make: Make, tagged: str
) -> None:
    make("true", Image="row33:a")
    engine.post("/images/prune")
    engine.post('/images/prune?filters={"dangling":["false"]}')
    assert engine.get(f"/images/{tagged}/json")["Id"] == tagged


def test_row_21_an_image_of_a_container_tells_old_clients_of_both(
    engine: Engine, make: Make, tagged: str
) -> None:
    container = make("true", Image="row33:a", Env=["A=b"])
    made = engine.post(f"/commit?container={container}&repo=row21")["Id"]
    try:
        found = engine.get(f"/v1.44/images/{made}/json")
        assert (found["Parent"], found["Container"]) == (tagged, container)
        assert found["ContainerConfig"]["Image"] == "row33:a"
        assert "A=b" in found["ContainerConfig"]["Env"]
        assert engine.get("/v1.44/images/base/json")["ContainerConfig"]["Volumes"] is None
        assert "ContainerConfig" not in engine.get(f"/v1.45/images/{made}/json")
    finally:
        engine.call("DELETE", "/images/row21?force=1")
