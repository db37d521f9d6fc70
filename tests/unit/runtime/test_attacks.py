"""Every class of attack that has broken a container runtime, tried on this one.

Each test names what it tries; CVE numbers are of runtimes that fell for it. The attacker is the
image (files in the root), the spec's user-controlled parts, or a program in the container.
"""

import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import Boxes, make_root
from tests.unit.runtime.command.bundle import Bundle, Change, linux

MANY = ["CAP_SYS_PTRACE", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_SETUID"]
TOOLS = ("find", "mkdir", "mknod", "chroot", "sort", "mv", "rm")


@pytest.fixture
def evil(tmp_path: Path) -> Iterator[Bundle]:
    """A bundle whose root belongs to the attacker alone."""
    bundle = Bundle(tmp_path, make_root(tmp_path / "evil"))
    for tool in TOOLS:
        (bundle.rootfs / "bin" / tool).symlink_to("busybox")
    yield bundle
    bundle.close()


def capable(*names: str) -> Change:
    sets = {kind: list(names) for kind in ("bounding", "effective", "permitted")}
    return lambda spec: spec["process"].update(capabilities=sets)


def mount(destination: str, kind: str, *options: str, source: str = "") -> Change:
    entry = {"destination": destination, "type": kind, "source": source or kind}
    return lambda spec: spec["mounts"].append(entry | {"options": list(options)})


def writable(spec: dict[str, Any]) -> None:
    spec["root"]["readonly"] = False


# -- redirected /proc, labels and sysctls: CVE-2019-16884, -19921, 2023-27561, 2025-52881 ----------


@pytest.mark.parametrize("place", ["proc", "sys", "dev"])
def test_a_link_in_place_of_a_kernels_directory_is_refused(evil: Bundle, place: str) -> None:
    (evil.rootfs / place).rmdir()
    (evil.rootfs / place).symlink_to("tmp")
    done = evil.run("true")
    message = f"/{place} must be mounted on ordinary directory"
    assert (done.returncode, message in done.stderr) == (1, True)


def test_a_sysctl_is_written_to_the_kernel_and_not_to_what_covers_it(evil: Bundle) -> None:
    fake = evil.rootfs / "fake"
    (fake / "kernel").mkdir(parents=True)
    (fake / "kernel/msgmax").touch()

    def change(spec: dict[str, Any]) -> None:
        mount("/proc/sys", "bind", "bind", source=str(fake))(spec)
        spec["linux"]["sysctl"] = {"kernel.msgmax": "4096"}
        spec["linux"]["readonlyPaths"] = []

    assert evil.shell("cat /proc/sys/kernel/msgmax", change=change) == ""
    assert (fake / "kernel/msgmax").read_text() == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kernel.core_pattern", "|/x"),
        ("kernel.msgmax", "1\n2"),  # CVE-2022-0811: "+" and line feeds join settings
        ("net.ipv4.ip_forward/../../kernel/core_pattern", "x"),
        ("net/../kernel/core_pattern", "x"),
        ("kernel.sysrq", "1"),
    ],
)
def test_a_sysctl_of_the_host_is_refused(evil: Bundle, key: str, value: str) -> None:
    done = evil.run("true", change=linux(sysctl={key: value}))
    assert (done.returncode, "sysctl" in done.stderr) == (1, True)


# -- masked paths: CVE-2025-31133, -52565, 2026-41579 ----------------------------------------------


def test_masks_are_the_hosts_null_whatever_the_image_calls_so(evil: Bundle) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/dev")]
        spec["linux"]["maskedPaths"] = ["/proc/keys", "/bin/secret"]

    (evil.rootfs / "bin/secret").write_text("secret")
    (evil.rootfs / "dev/null").symlink_to("/bin/secret")
    output = evil.shell("stat -c %F:%t:%T /proc/keys /bin/secret; cat /bin/secret", change=change)
    assert output.split("\n") == ["character special file:1:3"] * 2 + [""]


def test_a_masked_directory_is_empty_and_cannot_be_filled(evil: Bundle) -> None:
    (evil.rootfs / "etc/secret").mkdir()
    (evil.rootfs / "etc/secret/key").touch()
    change = linux(maskedPaths=["/etc/secret"])
    output = evil.shell("ls /etc/secret; touch /etc/secret/x 2>&1 || true", change=change)
    assert output == "touch: /etc/secret/x: Read-only file system\n"


def test_the_console_is_a_terminal_even_if_the_image_has_links_there(evil: Bundle) -> None:
    target = evil.path / "target"
    target.touch()

    def change(spec: dict[str, Any]) -> None:
        spec["process"]["terminal"] = True
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] not in ("/dev", "/dev/pts")]

    (evil.rootfs / "dev/pts").mkdir()
    (evil.rootfs / "dev/pts/ptmx").symlink_to("/etc/passwd")
    done = evil.run("true", change=change)
    assert (done.returncode, "not a terminal multiplexer" in done.stderr) == (1, True)


# -- mount targets: CVE-2021-30465, 2024-45310, 2026-42306 -----------------------------------------


def test_a_link_cannot_lead_a_mount_or_a_directory_out_of_the_root(evil: Bundle) -> None:
    outside = evil.path / "outside"
    outside.mkdir()
    (evil.rootfs / "a").symlink_to("/../../../../../../.." + str(outside))
    (evil.rootfs / "b").symlink_to(str(outside))

    def change(spec: dict[str, Any]) -> None:
        writable(spec)
        for name in ("a", "b"):
            mount(f"/{name}/x/y", "tmpfs")(spec)

    evil.run("true", change=change)
    assert list(outside.iterdir()) == []


def test_targets_that_are_exchanged_meanwhile_stay_inside(evil: Bundle) -> None:
    """While containers start, a directory is swapped with a link to the host, again and again."""
    outside = evil.path / "outside"
    outside.mkdir()
    (evil.rootfs / "swap").mkdir()
    link = evil.rootfs / "link"
    link.symlink_to(f"/../../../../../..{outside}")
    over = threading.Event()

    def exchange() -> None:
        while not over.is_set():
            for first, second in (("swap", "tmp2"), ("link", "swap"), ("tmp2", "link")):
                try:
                    os.rename(evil.rootfs / first, evil.rootfs / second)
                except OSError:
                    continue

    swapper = threading.Thread(target=exchange)
    swapper.start()

    def change(spec: dict[str, Any]) -> None:
        writable(spec)
        mount("/swap/deep/er", "tmpfs")(spec)

    try:
        for _ in range(8):
            evil.run("true", change=change)
    finally:
        over.set()
        swapper.join()
    assert list(outside.iterdir()) == []
    assert str(outside) not in Path("/proc/self/mountinfo").read_text()


def test_a_bind_source_is_the_hosts_path_and_not_the_images(evil: Bundle) -> None:
    (evil.rootfs / "etc/hostname").symlink_to(str(evil.path / "victim"))
    (evil.path / "victim").write_text("untouched")
    (evil.path / "given").write_text("given")
    change = mount("/etc/hostname", "bind", "bind", source=str(evil.path / "given"))

    def both(spec: dict[str, Any]) -> None:
        writable(spec)
        change(spec)

    evil.run("echo x > /etc/hostname", change=both)
    assert (evil.path / "victim").read_text() == "untouched"


# -- descriptors and working directory: CVE-2016-9962, 2024-21626 ----------------------------------


@pytest.mark.parametrize("number", [3, 5, 7, 8, 9])
def test_a_working_directory_is_never_a_descriptor_of_ours(evil: Bundle, number: int) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["process"]["cwd"] = f"/proc/self/fd/{number}"

    assert evil.run("pwd; ls -d ../../..", change=change).returncode == 1
    evil.start("sleep", "1000")
    done = evil.call("exec", "--cwd", f"/proc/self/fd/{number}", "c1", "pwd")
    assert done.returncode == 255


def test_no_descriptor_of_ours_arrives_in_a_program(evil: Bundle) -> None:
    assert evil.shell("ls /proc/self/fd").split() == ["0", "1", "2", "3"]  # 3 is that of ls
    evil.start("sleep", "1000")
    assert evil.call("exec", "c1", "ls", "/proc/self/fd").stdout.split() == ["0", "1", "2", "3"]


def test_a_program_of_the_container_cannot_look_into_an_exec_that_enters(evil: Bundle) -> None:
    """It tries to open memory, root and program of every new process it sees."""
    spy = """
    while :; do for p in /proc/[0-9]*; do
      [ $p = /proc/1 ] && continue
      case $(readlink $p/exe 2>/dev/null) in *busybox|'') ;; *) echo "$p $(readlink $p/exe)";; esac
    done; done > /dev/shm/seen 2>/dev/null
    """
    evil.start("sh", "-c", spy)
    for _ in range(5):
        assert evil.call("exec", "c1", "true").returncode == 0
    assert evil.call("exec", "c1", "cat", "/dev/shm/seen").stdout == ""


# -- the runtime's own program: CVE-2019-5736 ------------------------------------------------------


def test_the_interpreter_cannot_be_written_to_through_proc_self_exe(evil: Bundle) -> None:
    """The program is /proc/self/exe itself, and a script that names it as its interpreter."""
    (evil.rootfs / "bin/evil").write_text("#!/proc/self/exe\n")
    (evil.rootfs / "bin/evil").chmod(0o755)
    python = Path(os.path.realpath("/proc/self/exe"))
    before = (python.stat().st_ino, python.stat().st_mtime_ns)
    for program in ("/proc/self/exe", "/bin/evil"):
        evil.write(program, "-c", "raise SystemExit(open('/proc/self/exe', 'r+b'))")
        assert evil.call("run", "-b", str(evil.path), "c1").returncode != 0
    assert (python.stat().st_ino, python.stat().st_mtime_ns) == before


def in_the_hosts_pid_namespace(spec: dict[str, Any]) -> None:
    spaces = spec["linux"]["namespaces"]
    spec["linux"]["namespaces"] = [one for one in spaces if one["type"] != "pid"]


def test_what_others_see_enter_a_container_has_nothing_to_write_to(evil: Bundle) -> None:
    pid = evil.start("true", verb="create", change=in_the_hosts_pid_namespace)
    with pytest.raises(OSError, match=r"Read-only file system|Text file busy"):
        os.open(f"/proc/{pid}/exe", os.O_WRONLY)
    host = os.stat(os.path.realpath("/proc/self/exe"))
    assert not os.path.samestat(os.stat(f"/proc/{pid}/exe"), host)


def test_an_exec_cannot_trace_an_init_that_waits_unsealed(evil: Bundle) -> None:
    evil.start("true", verb="create", change=capable("CAP_SYS_PTRACE"))
    done = evil.call("exec", "c1", "true")
    assert (done.returncode, "with CAP_SYS_PTRACE" in done.stderr) == (255, True)
    evil.close()
    evil.start("true", verb="create")
    assert evil.call("exec", "c1", "true").returncode == 0


def test_the_engines_containers_are_sealed_as_well(boxes: Boxes) -> None:
    """All that enters them is forked from the spawner, and has its program."""
    assert boxes.run("true") == (0, "")
    host = os.stat(os.path.realpath(sys.executable))
    spawner = boxes.spawner.pid
    assert not os.path.samestat(os.stat(f"/proc/{spawner}/exe"), host)
    with pytest.raises(OSError, match=r"Read-only file system|Text file busy"):
        os.open(f"/proc/{spawner}/exe", os.O_WRONLY)


def test_no_code_of_the_container_is_imported(evil: Bundle) -> None:
    """The image has Python modules where the interpreter would look for its own."""
    source = Path(os.__file__).parent
    for place in (source, Path("/usr/lib/python3.11"), Path("/usr/lib/python3/dist-packages")):
        inside = evil.rootfs / str(place)[1:]
        inside.mkdir(parents=True, exist_ok=True)
        for name in ("_strptime", "stringprep", "locale", "traceback", "linecache", "errno"):
            (inside / f"{name}.py").write_text("open('/dev/shm/owned', 'w')")
    change: Change = lambda spec: spec["process"].update(args=["nosuch\udcff"])  # noqa: E731
    evil.run("true", change=change)
    evil.start("sleep", "1000")
    evil.call("exec", "--cwd", "/nosuch", "c1", "true")
    evil.call("exec", "c1", "nosuch")
    assert evil.call("exec", "c1", "ls", "/dev/shm").stdout == ""


# -- capabilities, cgroups, keyrings, terminals ----------------------------------------------------


def test_nothing_is_inheritable_unless_asked(evil: Bundle) -> None:
    """CVE-2022-24769, 2022-29162."""
    assert "CapInh:\t0000000000000000" in evil.shell("grep CapInh /proc/self/status")


def test_the_release_agent_cannot_be_reached(evil: Bundle) -> None:
    """CVE-2022-0492: by mounting a cgroup v1 tree, or by the one that is there."""
    script = """
    mkdir /dev/shm/c; mount -t cgroup -o memory x /dev/shm/c 2>/dev/null && echo mounted
    cd /sys/fs/cgroup; find . -name release_agent; n=0
    for f in $(find . -name cgroup.procs); do
      n=$((n + 1)); (echo 1 > $f) 2>/dev/null && echo moved
    done
    [ $n -gt 0 ]
    """
    assert evil.shell(script, change=capable(*MANY)) == ""


def test_the_callers_keys_are_out_of_reach(evil: Bundle) -> None:
    output = evil.shell("cat /proc/self/status > /dev/null; cat /proc/keys")
    assert output == ""


def test_the_terminal_of_the_caller_is_not_the_containers(evil: Bundle) -> None:
    """TIOCSTI needs the controlling terminal: a session of its own has none."""
    done = evil.run("cat /proc/self/stat; (: > /dev/tty) 2>&1 || true")
    assert done.stdout.splitlines()[0].split()[6] == "0"  # tty_nr
    assert "/dev/tty" in done.stdout.splitlines()[1]


@pytest.mark.parametrize("user", ["0x0", "-1", "1:", "1:-1", "٣", "a", "1:2:3", " 1"])
def test_a_user_that_is_no_number_is_not_taken_for_root(evil: Bundle, user: str) -> None:
    """CVE-2026-30892."""
    evil.start("sleep", "1000")
    done = evil.call("exec", f"--user={user}", "c1", "id")
    assert (done.returncode, done.stdout) == (255, "")


# -- ways out of a root, as chw00t tries them ------------------------------------------------------


def test_a_second_chroot_does_not_lead_out(evil: Bundle) -> None:
    script = "mkdir -p /dev/shm/j; chroot /dev/shm/j true 2>/dev/null; cd /; "
    script += "for i in 1 2 3 4 5 6 7 8 9; do cd ..; done; stat -c %d:%i ."
    output = evil.shell(script, change=capable(*MANY))
    inside = evil.rootfs.stat()
    assert output.strip() == f"{inside.st_dev}:{inside.st_ino}"


def test_the_roots_of_other_processes_are_the_containers_own(evil: Bundle) -> None:
    script = (
        "for r in /proc/[0-9]*/root /proc/[0-9]*/cwd; do stat -L -c %d:%i $r/. ; done | sort -u"
    )
    output = evil.shell(script, change=capable(*MANY))
    inside = evil.rootfs.stat()
    assert output.strip() == f"{inside.st_dev}:{inside.st_ino}"


def test_a_device_node_that_is_made_inside_cannot_be_opened(evil: Bundle) -> None:
    host = os.stat("/").st_dev
    script = f"mknod /dev/shm/disk b {os.major(host)} {os.minor(host)}; "
    script += f"mknod /disk b {os.major(host)} {os.minor(host)} && head -c1 /disk | wc -c"

    def change(spec: dict[str, Any]) -> None:
        writable(spec)
        capable(*MANY)(spec)

    done = evil.run(script, change=change)
    assert (done.returncode, done.stdout) == (0, "0\n")
    assert "Operation not permitted" in done.stderr


def test_the_old_root_is_gone_from_the_table_of_mounts(evil: Bundle) -> None:
    lines = evil.shell("cat /proc/self/mountinfo").splitlines()
    parents = {line.split()[1] for line in lines} - {line.split()[0] for line in lines}
    assert len(parents) == 1  # only the root's own parent is out of sight
    assert lines[0].split()[4] == "/"


def test_file_handles_of_the_hosts_files_are_filtered(evil: Bundle) -> None:
    """open_by_handle_at takes CAP_DAC_READ_SEARCH in the host's user namespace ("shocker")."""
    output = evil.shell("grep CapEff /proc/self/status")
    assert int(output.split()[1], 16) >> 2 & 1 == 0


def test_a_directory_that_is_moved_out_of_the_root_shows_nothing_of_the_host(evil: Bundle) -> None:
    """A process stands in a directory that the host then moves away from under the root."""
    (evil.rootfs / "srv/deep").mkdir(parents=True)
    script = "cd /srv/deep; touch /dev/shm/ready; while [ ! -e /dev/shm/go ]; do :; done; "
    script += "stat -c %i ../../..; ls ../../.. > /dev/shm/listing; sleep 1000"
    evil.start("sh", "-c", script)
    while "ready" not in evil.call("exec", "c1", "ls", "/dev/shm").stdout:
        time.sleep(0.01)
    shutil.move(evil.rootfs / "srv/deep", evil.path / "moved")
    evil.call("exec", "c1", "touch", "/dev/shm/go")
    deadline = time.monotonic() + 30
    while "listing" not in (seen := evil.call("exec", "c1", "ls", "/dev/shm").stdout):
        assert time.monotonic() < deadline, seen
    listing = evil.call("exec", "c1", "cat", "/dev/shm/listing").stdout
    assert "config.json" in listing or listing == ""  # what the host itself moved it into
    assert "root" not in listing.split()


def test_the_image_cannot_make_lookups_hang_or_swell(evil: Bundle) -> None:
    """/etc/passwd is a FIFO, a link to a device, or endless."""
    passwd = evil.rootfs / "etc/passwd"
    passwd.unlink()
    os.mkfifo(passwd)
    assert evil.shell("echo ok") == "ok\n"
    for target in ("/dev/zero", "/proc/self/mem"):
        passwd.unlink()
        passwd.symlink_to(target)
        assert evil.shell("echo ok") == "ok\n"
    assert stat.S_ISLNK(passwd.lstat().st_mode)
