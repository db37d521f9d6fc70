"""Children in new namespaces, and mounts that only they see."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.kernel import mount, namespaces, pidfd, process, tty

ISOLATED = namespaces.CLONE_NEWNS | namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWPID


def in_child(work: Callable[[], object], flags: int = ISOLATED) -> int:
    """Exit code of a child that runs `work`: 0, or 1 when it raised."""
    pid, descriptor = namespaces.clone3(flags)
    if pid == 0:
        status = 1
        try:
            mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
            work()
            status = 0
        finally:
            os._exit(status)
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def expect(condition: bool) -> None:
    if not condition:
        raise AssertionError


def test_the_child_is_process_one_and_names_only_itself() -> None:
    before = os.uname().nodename

    def work() -> None:
        process.sethostname("inner")
        expect((os.getpid(), os.uname().nodename) == (1, "inner"))

    assert in_child(work) == 0
    assert os.uname().nodename == before


def test_a_detached_tmpfs_gets_its_options_and_is_seen_where_it_is_attached(
    tmp_path: Path,
) -> None:
    def work() -> None:
        tree = mount.detached("tmpfs", {"mode": "700", "size": "64k"}, mount.MOUNT_ATTR_NOEXEC)
        target = os.open(tmp_path, os.O_PATH)
        mount.move_mount(tree, target)
        with open("/proc/self/mountinfo") as table:
            line = next(line for line in table if f" {tmp_path} " in line)
        expect("noexec" in line and "size=64k" in line and "mode=700" in line)

    assert in_child(work) == 0
    assert not os.path.ismount(tmp_path)


def test_a_bind_mount_can_be_made_readonly(tmp_path: Path) -> None:
    def work() -> None:
        tree = mount.open_tree(mount.AT_FDCWD, str(tmp_path))
        mount.mount_setattr(tree, set=mount.MOUNT_ATTR_RDONLY)
        with pytest.raises(OSError, match="Read-only"):
            os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=tree)

    assert in_child(work) == 0


def test_a_file_system_says_why_it_refused() -> None:
    with pytest.raises(OSError, match="tmpfs: e tmpfs: Bad value for 'size'"):
        mount.detached("tmpfs", {"size": "many"})


def test_a_terminal_is_made_in_a_devpts_of_its_own() -> None:
    devpts = mount.detached("devpts", {"ptmxmode": "0666", "mode": "0620"})
    master = tty.open_master(devpts)
    terminal = tty.open_peer(master)
    tty.set_size(master, 12, 34)
    assert (tty.number(master), tty.get_size(terminal)) == (0, (12, 34))
    for descriptor in (terminal, master, devpts):
        os.close(descriptor)


def test_a_process_is_known_by_its_pid_and_start() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "100"], {})
    started = pidfd.start_time(pid)
    with pytest.raises(ProcessLookupError):
        pidfd.open_started(pid, started + 1)
    descriptor = pidfd.open_started(pid, started)
    assert not pidfd.is_dead(descriptor)
    pidfd.pidfd_send_signal(descriptor, 9)
    assert pidfd.wait_dead(descriptor, 5)
    with pytest.raises(ProcessLookupError):  # a zombie is dead
        pidfd.start_time(pid)
    os.waitpid(pid, 0)
    with pytest.raises(ProcessLookupError):
        pidfd.pidfd_send_signal(descriptor, 9)
    os.close(descriptor)


def test_close_range_marks_what_execve_closes() -> None:
    def work() -> None:
        descriptor = os.open("/dev/null", os.O_RDONLY)
        os.set_inheritable(descriptor, True)
        process.close_range(3, process.LAST_DESCRIPTOR, process.CLOSE_RANGE_CLOEXEC)
        expect(not os.get_inheritable(descriptor))

    assert in_child(work, namespaces.CLONE_NEWNS) == 0


def test_signals_ignored_by_a_caller_become_default() -> None:
    def work() -> None:
        process.default_signals()
        with open("/proc/self/status") as status:
            ignored = next(line for line in status if line.startswith("SigIgn"))
        expect(int(ignored.split()[1], 16) == 0)

    assert in_child(work, namespaces.CLONE_NEWNS) == 0


def test_only_in_another_user_namespace_ids_are_mapped() -> None:
    assert not namespaces.in_user_namespace()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            namespaces.unshare(namespaces.CLONE_NEWUSER)
            code = 0 if namespaces.in_user_namespace() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
