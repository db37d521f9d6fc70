"""What a container sees of itself, and what it does not see of the host."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import Boxes

from lading.kernel import capabilities
from lading.kernel.seccomp.bpf import compile_filter
from lading.kernel.seccomp.default_profile import profile


def process(**changes: Any) -> Any:
    return lambda spec: spec["process"].update(changes)


def linux(**changes: Any) -> Any:
    return lambda spec: spec["linux"].update(changes)


def test_the_program_is_process_one_with_its_own_hostname(boxes: Boxes) -> None:
    assert boxes.shell("echo $$; hostname") == "1\nbox\n"


def test_nothing_of_the_hosts_mounts_is_visible(boxes: Boxes) -> None:
    table = boxes.shell("cat /proc/self/mounts").splitlines()
    places = [line.split()[1] for line in table]
    assert places[0] == "/"
    inside = ("/proc", "/dev", "/sys")
    assert [p for p in places[1:] if not p.startswith(inside)] == []
    assert str(boxes.work) not in "".join(places)


def test_no_descriptor_but_stdio_is_inherited(boxes: Boxes) -> None:
    assert boxes.shell("ls /proc/1/fd; true").split() == ["0", "1", "2"]


def test_only_the_given_capabilities_are_held_and_none_is_inheritable(boxes: Boxes) -> None:
    lines = dict(
        line.split(":\t") for line in boxes.shell("grep Cap /proc/self/status").splitlines()
    )
    mask = f"{capabilities.to_mask(capabilities.DEFAULT):016x}"
    assert lines == {
        "CapInh": "0" * 16,
        "CapPrm": mask,
        "CapEff": mask,
        "CapBnd": mask,
        "CapAmb": "0" * 16,
    }


def test_the_seccomp_filter_is_loaded(boxes: Boxes, tmp_path: Path) -> None:
    path = tmp_path / "default.bpf"
    path.write_bytes(compile_filter(profile(capabilities.DEFAULT)))
    script = "grep Seccomp: /proc/self/status"
    assert boxes.shell(script, seccomp_filter=str(path)) == "Seccomp:\t2\n"


def test_the_seccomp_filter_is_loaded_after_no_new_privs(boxes: Boxes, tmp_path: Path) -> None:
    path = tmp_path / "default.bpf"
    path.write_bytes(compile_filter(profile(capabilities.DEFAULT)))
    script = "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status"
    output = boxes.shell(script, seccomp_filter=str(path), spec=process(noNewPrivileges=True))
    assert output == "NoNewPrivs:\t1\nSeccomp:\t2\n"


def test_masked_paths_hide_their_content(boxes: Boxes) -> None:
    assert boxes.shell("wc -c < /proc/keys; ls /sys/firmware | wc -l") == "0\n0\n"


def test_readonly_paths_cannot_be_written(boxes: Boxes) -> None:
    code, output = boxes.run("sh", "-c", "echo 1 > /proc/sys/kernel/printk")
    assert (code, "Read-only file system" in output) == (1, True)


def test_dev_has_the_standard_nodes_and_links(boxes: Boxes) -> None:
    output = boxes.shell("cd /dev; ls; echo x > null; head -c2 /dev/zero | wc -c; readlink fd")
    expected = "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert output.split() == [*expected.split(), "2", "/proc/self/fd"]


def test_the_cgroup_view_is_readonly_and_shows_the_own_group_as_root(boxes: Boxes) -> None:
    output = boxes.shell("cat /proc/self/cgroup; touch /sys/fs/cgroup/x 2>&1 || true")
    lines = output.splitlines()
    assert "Read-only file system" in lines[-1]
    assert {line.split(":", 2)[2] for line in lines[:-1]} == {"/"}


def test_limits_are_in_the_containers_cgroup(boxes: Boxes) -> None:
    resources = {"memory": {"limit": 64 << 20}, "pids": {"limit": 20}}
    files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max"
    if not os.path.exists("/sys/fs/cgroup/memory"):
        files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
    assert boxes.shell(f"cat {files}", spec=linux(resources=resources)) == "67108864\n20\n"


def test_a_container_out_of_memory_is_killed_and_said_to_be(boxes: Boxes) -> None:
    limit = {"memory": {"limit": 16 << 20, "swap": 16 << 20}}
    script = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    event = boxes.start("sh", "-c", f"{script}; exit 9", spec=linux(resources=limit)).ended()
    assert event["oom_killed"] is True


def test_the_root_can_be_readonly_with_a_new_working_directory(boxes: Boxes) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["root"] = {"readonly": True}
        spec["process"]["cwd"] = "/srv/deep"

    output = boxes.shell("pwd; touch x 2>&1 || true", spec=change)
    assert output.splitlines() == ["/srv/deep", "touch: x: Read-only file system"]


def test_a_user_is_looked_up_in_the_root(boxes: Boxes) -> None:
    output = boxes.shell("id; echo $HOME", spec=process(user={"username": "bob"}))
    expected = "uid=1000(bob) gid=1001(bob) groups=29(audio),1001(bob)\n/home/bob\n"
    assert output == expected


def test_a_user_other_than_root_may_reopen_its_stdout(boxes: Boxes) -> None:
    output = boxes.shell("echo hi > /dev/stdout", spec=process(user={"username": "bob"}))
    assert output == "hi\n"


def test_an_unknown_user_fails_the_start_with_dockers_words(boxes: Boxes) -> None:
    container = boxes.start("true", spec=process(user={"username": "eve"}))
    error = container.wait("failed")["error"]
    assert error["message"] == "unable to find user eve: no matching entries in passwd file"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], 'exec: "nosuch": executable file not found in $PATH'),
        (["/x/y"], 'exec: "/x/y": stat /x/y: no such file or directory'),
        (["/etc/passwd"], 'exec: "/etc/passwd": permission denied'),
        (["/etc"], 'exec: "/etc": is a directory'),
    ],
)
def test_a_program_that_cannot_run_is_named_in_dockers_words(
    boxes: Boxes, arguments: list[str], message: str
) -> None:
    assert boxes.start(*arguments).wait("failed")["error"]["message"] == message


def test_a_failed_start_leaves_no_cgroup_and_no_monitor(boxes: Boxes) -> None:
    container = boxes.start("nosuch")
    container.wait("failed")
    while container.receive()[0] is not None:
        continue
    assert not os.path.exists(f"/sys/fs/cgroup/pids{container.cgroup}")
    assert os.listdir(f"{boxes.exec_root}/containers/{container.name}") == []


def test_rlimits_are_set_and_what_may_not_be_raised_is_a_warning(boxes: Boxes) -> None:
    limits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    change = process(rlimits=limits)
    assert boxes.shell("ulimit -Sn; ulimit -Hn", spec=change) == "100\n200\n"


def test_binds_reach_files_and_directories_of_the_host(boxes: Boxes, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("hello\n")

    def change(spec: dict[str, Any]) -> None:
        for source, destination, mode in (("data", "/new/place", "rw"), ("data/file", "/f", "ro")):
            spec["mounts"].append(
                {
                    "destination": destination,
                    "type": "bind",
                    "source": str(tmp_path / source),
                    "options": ["rbind", "rprivate", mode],
                }
            )

    script = "cat /new/place/file; echo more >> /new/place/file"
    script += "; (echo x > /f) 2> /dev/null || cat /f"
    output = boxes.shell(script, spec=change)
    assert output.splitlines()[0] == "hello"
    assert output.splitlines()[-2:] == ["hello", "more"]


def test_a_link_in_the_image_cannot_lead_a_mount_out_of_the_root(
    boxes: Boxes, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    upper = tmp_path / "evil"
    upper.mkdir()
    (upper / "data").symlink_to(f"../../../../../..{outside}")
    (upper / str(outside)[1:]).mkdir(parents=True)  # the same path, as the container sees it

    def change(spec: dict[str, Any]) -> None:
        spec["mounts"].append({"destination": "/data/x", "type": "tmpfs", "options": []})

    overlay = {
        "lower": [str(upper), str(boxes.root)],
        "upper": str(tmp_path / "u9"),
        "work": str(tmp_path / "w9"),
    }
    for key in ("u9", "w9"):
        (tmp_path / key).mkdir()
    assert boxes.run("true", spec=change, overlay=overlay)[0] == 0
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_proc_is_refused(boxes: Boxes, tmp_path: Path) -> None:
    upper = tmp_path / "evil"
    upper.mkdir()
    (upper / "proc").symlink_to("tmp")
    overlay = {"lower": [str(upper), str(boxes.root)], "upper": None, "work": None}
    error = boxes.start("true", overlay=overlay).wait("failed")["error"]
    assert "mount proc on /proc" in error["step"]


def test_sysctls_of_the_containers_namespaces_are_set(boxes: Boxes) -> None:
    change = linux(sysctl={"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"})
    script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"
    assert boxes.shell(script, spec=change) == "1\n4096\n"


def test_loopback_is_up_in_a_new_network_namespace(boxes: Boxes) -> None:
    assert "lo" in boxes.shell("cat /proc/net/route /proc/net/dev; cat /sys/class/net/lo/flags")
    assert boxes.shell("cat /sys/class/net/lo/flags") == "0x9\n"


def test_a_given_network_namespace_is_joined(boxes: Boxes) -> None:
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        link = boxes.shell("readlink /proc/self/ns/net", fds={"netns": 0}, descriptors=[own])
    finally:
        os.close(own)
    assert link.strip() == os.readlink("/proc/self/ns/net")


def test_signals_are_at_their_defaults(boxes: Boxes) -> None:
    _, output = boxes.run("grep", "-E", "SigBlk|SigIgn", "/proc/self/status")
    assert output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
