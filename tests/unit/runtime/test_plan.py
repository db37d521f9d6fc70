"""Plans are compared as text; nothing is executed here."""

from typing import Any

import pytest
from tests.unit.runtime.box import spec_of

from lading.errors import InvalidArgument
from lading.kernel import lsm
from lading.kernel.cgroup.hierarchy import Hierarchies
from lading.runtime import plan

V1 = Hierarchies({"memory": "/cg/memory", "cpu": "/cg/cpu", "cpuacct": "/cg/cpu"}, "/cg/unified")
V2 = Hierarchies({}, "/sys/fs/cgroup")


def describe(spec: dict[str, Any], trees: Hierarchies = V1, **request: Any) -> list[str]:
    host = plan.Host(trees, 0)
    asked: Any = {"id": "c1", "directory": "/run/c1", "spec": spec, **request}
    return plan.describe(plan.compile(asked, host, [7])).splitlines()


def test_a_dockerlike_spec_becomes_these_steps() -> None:
    spec = spec_of(["echo", "hi"])
    spec["linux"]["cgroupsPath"] = "/lading/c1"
    spec["linux"]["resources"] = {"memory": {"limit": 1}, "pids": {}}
    overlay = {"lower": ["/b", "/a"], "upper": "/u", "work": "/w"}
    nodes = "null=c1:3 zero=c1:5 full=c1:7 random=c1:8 urandom=c1:9 tty=c5:0"
    assert describe(spec, overlay=overlay) == [
        "bring lo up",
        "make / rslave",
        "mount overlay (2 lower, upper /u) on /run/c1",
        "wait for cgroup /lading/c1 limiting memory",
        "join cgroup /lading/c1",
        "unshare cgroup namespace",
        "mount proc on /proc nosuid,noexec,nodev",
        f"mount tmpfs on /dev nosuid,strictatime,mode=755,size=65536k with {nodes}",
        "mount devpts on /dev/pts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
        "mount sysfs on /sys nosuid,noexec,nodev,ro",
        "mount cgroup v1 (memory cpu,cpuacct) on /sys/fs/cgroup ro",
        "mount tmpfs on /dev/shm nosuid,noexec,nodev,mode=1777,size=67108864",
        "set hostname box",
        "mask /proc/kcore /proc/keys /proc/acpi /sys/firmware",
        "make read-only /proc/sys /proc/irq",
        "pivot root, detach the host's",
        "new session with keyring _ses.c1",
        "resolve user 0:0",
        "set 1 environment variables",
        "stdio from the monitor",
        "change directory to /",
        "find program echo",
        "report to the monitor",
        "close descriptors, reset signals",
        "become the user: bounding a80425fb permitted a80425fb effective a80425fb umask 022",
        "execute echo hi",
    ]


def test_on_a_unified_host_the_child_is_born_in_its_cgroup() -> None:
    spec = spec_of(["true"])
    spec["linux"]["cgroupsPath"] = "/lading/c1"
    spec["root"] = {"path": "/root"}
    steps = describe(spec, V2)
    assert [step for step in steps if "for cgroup" in step or "join" in step] == []
    assert "mount cgroup2 on /sys/fs/cgroup nosuid,noexec,nodev,ro" in steps


def test_seccomp_comes_before_the_rights_go_unless_no_new_privs_allows_it_later() -> None:
    spec: Any = spec_of(["true"])
    spec["root"] = {"path": "/r"}
    asked: Any = {"id": "c", "directory": "/d", "spec": spec}
    host = plan.Host(V1, 0)
    steps = plan.describe(plan.compile(asked, host, [], seccomp=bytes(16))).splitlines()
    assert steps[-3] == "load seccomp filter of 2 instructions"
    spec["process"]["noNewPrivileges"] = True
    steps = plan.describe(plan.compile(asked, host, [], seccomp=bytes(16))).splitlines()
    assert steps[-3:-1] == ["set no_new_privs", "load seccomp filter of 2 instructions"]


def test_a_network_namespace_by_descriptor_is_joined_and_not_made() -> None:
    spec = spec_of(["true"])
    spec["root"] = {"path": "/r"}
    steps = describe(spec, fds={"netns": 0})
    assert "join network namespace by descriptor" in steps
    assert "bring lo up" not in steps


def test_devices_of_the_spec_win_over_the_default_ones() -> None:
    spec = spec_of(["true"])
    spec["root"] = {"path": "/r"}
    spec["linux"]["devices"] = [
        {"path": "/dev/null", "type": "c", "major": 9, "minor": 9, "fileMode": 0o600},
        {"path": "/dev/net/tun", "type": "c", "major": 10, "minor": 200},
    ]
    dev = next(step for step in describe(spec) if "on /dev " in step)
    assert "null=c9:9" in dev
    assert "net/tun=c10:200" in dev


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["process"].update(args=[]), "process.args must not be empty"),
        (
            lambda s: s.update(hooks={"prestart": [{"path": "/x"}]}),
            "hooks are for lading-runtime only",
        ),
        (
            lambda s: s["linux"]["namespaces"].append({"type": "user"}),
            "user namespaces enabled, but no mapping found",
        ),
        (
            lambda s: s["linux"]["namespaces"].append({"type": "moon"}),
            "namespace 'moon' does not exist",
        ),
        (
            lambda s: s["process"].update(scheduler={"policy": "SCHED_X"}),
            "invalid scheduler policy: 'SCHED_X'",
        ),
        (
            lambda s: s["linux"].update(sysctl={"kernel.core_pattern": "|/x"}),
            'sysctl "kernel.core_pattern" is not in a separate kernel namespace',
        ),
        (
            lambda s: s["linux"].update(sysctl={"net.x": "1\n2"}),
            'sysctl "net.x": control characters in the value',
        ),
        (
            lambda s: s["mounts"].append(
                {"destination": "/x", "type": "tmpfs", "options": ["idmap"]}
            ),
            "mount /x: only bind mounts can be id-mapped",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(change: Any, message: str) -> None:
    spec = spec_of(["true"])
    spec["root"] = {"path": "/r"}
    change(spec)
    with pytest.raises(InvalidArgument) as refusal:
        describe(spec)
    assert str(refusal.value) == message


def test_a_mount_label_is_that_of_all_files_of_the_containers_own() -> None:
    label = "system_u:object_r:container_file_t:s0:c1,c2"
    spec = spec_of(["true"])
    spec["linux"]["mountLabel"] = label
    overlay = {"lower": ["/a"], "upper": "/u", "work": "/w"}
    found = describe(spec, overlay=overlay)
    labelled = [line.split(" ")[3] for line in found if f"context={label}" in line]
    assert labelled == ["/dev", "/dev/pts", "/dev/shm"]
    assert f"mount overlay (1 lower, upper /u) on /run/c1 labelled {label}" in found


def test_a_process_label_is_its_keyrings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsm, "has_selinux", lambda: True)
    spec = spec_of(["true"])
    spec["process"]["selinuxLabel"] = "u:r:container_t:s0"
    found = describe(spec, overlay={"lower": ["/a"], "upper": "/u", "work": "/w"})
    first, then, last = (
        found.index(line)
        for line in (
            "label keyrings u:r:container_t:s0",
            "new session with keyring _ses.c1",
            "set selinux label u:r:container_t:s0",
        )
    )
    assert first < then < last
