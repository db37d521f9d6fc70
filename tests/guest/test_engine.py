"""An engine on cgroup v2 alone, by the command line: with cgroups of its own, and of systemd."""

import json
import os
from collections.abc import Callable
from typing import Any

from tests.guest.conftest import Host, systemctl, wait_until

MIB = 1 << 20
Start = Callable[..., str]


def test_limits_are_in_the_files_of_the_container(host: Host, box: Start) -> None:
    flags = "-m 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512"
    name = box(
        *flags.split(),
        "--cpuset-cpus",
        "0",
        "--pids-limit",
        "20",
        "--device-write-bps",
        "/dev/vda:1mb",
    )
    script = (
        "cd /sys/fs/cgroup; cat memory.max memory.swap.max memory.low cpu.max cpu.weight"
        " cpuset.cpus pids.max io.max"
    )
    lines = host.lading("exec", name, "sh", "-c", script).splitlines()
    device = os.stat("/dev/vda").st_rdev
    disk = f"{os.major(device)}:{os.minor(device)} rbps=max wbps={MIB} riops=max wiops=max"
    limits = [str(64 * MIB), str(32 * MIB), str(32 * MIB), "50000 100000", "59", "0", "20", disk]
    assert lines == limits


def test_limits_change_while_it_runs(host: Host, box: Start) -> None:
    name = box("-m", "64m", "--memory-swap", "64m", "--pids-limit", "20")
    flags = "-m 96m --memory-swap 128m --cpu-quota 20000 --cpu-shares 1024 --pids-limit 30"
    host.lading("update", *flags.split(), name)
    script = "cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max cpu.weight pids.max"
    lines = host.lading("exec", name, "sh", "-c", script).splitlines()
    assert lines == [str(96 * MIB), str(32 * MIB), "20000 100000", "100", "30"]


def test_pause_freezes_the_group(host: Host, box: Start) -> None:
    name = box()
    host.lading("pause", name)
    assert "frozen 1" in (host.group(name) / "cgroup.events").read_text()
    assert host.inspect(name, ".State.Status") == "paused"
    host.lading("unpause", name)
    assert "frozen 0" in (host.group(name) / "cgroup.events").read_text()
    assert host.lading("exec", name, "echo", "on") == "on"


def test_stats_are_those_of_the_group(host: Host, box: Start) -> None:
    script = "head -c 9000000 /dev/zero >/dev/shm/x; sleep 600"
    name = box("-m", "64m", program=("sh", "-c", script))

    def stats() -> Any:
        return host.engine.get(f"/containers/{name}/stats?stream=0&one-shot=1")

    wait_until(lambda: stats()["memory_stats"]["stats"]["shmem"] >= 9_000_000)
    found = stats()
    assert found["memory_stats"]["limit"] == 64 * MIB
    assert found["pids_stats"]["current"] == 2
    assert found["cpu_stats"]["cpu_usage"]["total_usage"] > 0


def test_a_container_that_wants_too_much_is_known_to_be_killed_for_it(
    host: Host, box: Start
) -> None:
    name = box("-m", "24m", "--memory-swap", "24m", program=("sh", "-c", "tail /dev/zero"))
    host.lading("wait", name)
    assert host.inspect(name, ".State.OOMKilled") == "true"
    events = host.lading("events", "--since", "10m", "--until", "0s", "--filter", "event=oom")
    assert f"name={name}" in events


def test_an_exec_is_in_the_containers_group(host: Host, box: Start) -> None:
    name = box()
    host.lading("exec", "-d", name, "sleep", "601")
    group = host.group(name)
    wait_until(lambda: len((group / "cgroup.procs").read_text().split()) == 2)
    assert host.lading("exec", name, "cat", "/proc/self/cgroup") == "0::/"


def test_the_whole_group_dies_though_its_pid_namespace_is_the_hosts(host: Host, box: Start) -> None:
    program = "for i in 1 2 3 4 5 6 7 8; do sleep 602 & done; trap '' TERM; wait"
    name = box("--pid", "host", program=("sh", "-c", program))
    group = host.group(name)
    wait_until(lambda: len((group / "cgroup.procs").read_text().split()) == 9)
    pids = [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    host.lading("kill", name)
    host.lading("wait", name)
    wait_until(lambda: not group.exists())
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_devices_are_denied_by_a_program_and_allowed_by_a_rule(host: Host, box: Start) -> None:
    device = os.stat("/dev/vda").st_rdev
    number = f"{os.major(device)}:{os.minor(device)}"
    script = f"mknod /tmp/d b {number.replace(':', ' ')} && head -c 1 /tmp/d >/dev/null"
    done = host.run("exec", box(), "sh", "-c", script)
    assert done.returncode != 0
    assert "ermitted" in done.stderr
    host.lading("exec", box("--device-cgroup-rule", f"b {number} r"), "sh", "-c", script)
    host.lading("exec", box("--device", "/dev/vda"), "head", "-c", "1", "/dev/vda")
    host.lading("exec", box("--privileged"), "sh", "-c", script)


def test_a_restart_finds_the_name_of_its_group_free(host: Host, box: Start) -> None:
    name = box("-m", "64m")
    for _ in range(3):
        host.lading("restart", "-t", "0", name)
    assert (host.group(name) / "memory.max").read_text().strip() == str(64 * MIB)


def test_an_engine_that_is_killed_finds_its_containers_again(host: Host, box: Start) -> None:
    name = box()
    host.engine.kill9()
    host.engine.revive()
    assert host.inspect(name, ".State.Status") == "running"
    host.lading("exec", name, "true")
    assert host.engine.findings() == []


def test_systemd_knows_the_scope_and_its_limits(host: Host, box: Start) -> None:
    if "cgroupfs" in host.flags[-1]:
        assert "lading" in host.group(box()).parts
        return
    assert json.loads(host.lading("info", "-f", "{{json .CgroupDriver}}")) == "systemd"
    name = box("-m", "64m", "--memory-swap", "64m")
    engine = host.engine.get("/info")["ID"]
    unit = f"lading-{engine}-{host.inspect(name, '.Id')}.scope"
    assert host.group(name).name == unit
    host.lading("update", "-m", "80m", "--memory-swap", "80m", name)
    systemctl("daemon-reload")
    assert systemctl("show", "--value", "-p", "MemoryMax", unit) == str(80 * MIB)
    assert (host.group(name) / "memory.max").read_text().strip() == str(80 * MIB)
    host.lading("rm", "-f", name)
    wait_until(lambda: systemctl("show", "--value", "-p", "LoadState", unit) == "not-found")
