"""Programs in a container that try to get out of it, or to reach the host's kernel.

They are in Python: the host's, bound read-only into the attacker's root. `chw00t`'s techniques that
a shell cannot do are here, the others in `test_attacks`; what `amicontained` reports is compared
with Docker's defaults.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.box import make_root
from tests.unit.runtime.command.bundle import Bundle, Change

from lading.kernel import capabilities
from lading.kernel.seccomp import numbers
from lading.kernel.seccomp.default_profile import profile

PYTHON = "/usr/bin/python3"
PLACES = ("/usr", "/lib", "/lib64")
pytestmark = pytest.mark.skipif(not os.path.exists(PYTHON), reason="needs /usr/bin/python3")

# of calls that are forbidden: those that would stop more than the probe if they were not, and the
# kernel's own of user probes, which it lets pass before any filter (kernel/seccomp.c)
NEVER_PROBED = frozenset(
    ["vhangup", "reboot", "kexec_load", "kexec_file_load", "uprobe", "uretprobe"]
)

TOOLS = """
import ctypes, errno, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    # the errno of a system call, 0 when it succeeds
    if libc.syscall(number, *[ctypes.c_long(a) for a in arguments]) == -1:
        return ctypes.get_errno()
    return 0

def here():
    found = os.stat("/")
    return f"{found.st_dev}:{found.st_ino}"

def climb(fd):
    # by a descriptor from above the new root, to whatever is the topmost directory
    os.fchdir(fd)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")

os.makedirs("/dev/shm/jail", exist_ok=True)
"""


@pytest.fixture
def evil(tmp_path: Path) -> Iterator[Bundle]:
    bundle = Bundle(tmp_path, make_root(tmp_path / "evil"))
    for place in PLACES:
        (bundle.rootfs / place[1:]).mkdir(exist_ok=True)
    yield bundle
    bundle.close()


def as_docker(spec: dict[str, Any]) -> None:
    """Docker's capabilities and filter, and the host's Python."""
    names = list(capabilities.DEFAULT)
    spec["process"]["capabilities"] = {
        kind: names for kind in ("bounding", "effective", "permitted")
    }
    spec["process"]["noNewPrivileges"] = False
    spec["linux"]["seccomp"] = profile(capabilities.DEFAULT)
    for place in PLACES:
        bind = {"destination": place, "type": "bind", "source": place}
        if os.path.isdir(place):
            spec["mounts"].append(bind | {"options": ["rbind", "ro"]})


def run(evil: Bundle, script: str, change: Change = as_docker) -> str:
    evil.write(PYTHON, "-c", TOOLS + script, change=change)
    done = evil.call("run", "-b", str(evil.path), "c1", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def own_root(evil: Bundle) -> str:
    inside = evil.rootfs.stat()
    return f"{inside.st_dev}:{inside.st_ino}"


def test_a_saved_descriptor_leads_out_of_a_chroot_and_not_out_of_the_container(
    evil: Bundle,
) -> None:
    script = """
fd = os.open("/", os.O_RDONLY)
os.chroot("/dev/shm/jail")
climb(fd)
print(here())
"""
    assert run(evil, script) == own_root(evil)


def test_a_descriptor_that_is_sent_over_a_socket_does_not_either(evil: Bundle) -> None:
    script = """
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    os.chroot("/dev/shm/jail")
    _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
    climb(fds[0])
    print(here(), flush=True)
    os._exit(0)
socket.send_fds(ours, [b"x"], [os.open("/", os.O_RDONLY)])
os.wait()
"""
    assert run(evil, script) == own_root(evil)


def test_every_descriptor_and_root_that_can_be_found_is_tried(evil: Bundle) -> None:
    script = """
found = set()
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    for link in ["root", "cwd", *(f"fd/{n}" for n in os.listdir(f"/proc/{pid}/fd"))]:
        try:
            fd = os.open(f"/proc/{pid}/{link}", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        if os.fork() == 0:
            os.chroot("/dev/shm/jail")
            climb(fd)
            print(here(), flush=True)
            os._exit(0)
        os.wait()
"""
    assert set(run(evil, script).split()) == {own_root(evil)}


def test_nothing_can_be_mounted_or_unshared_or_joined(evil: Bundle) -> None:
    table = numbers.table("x86_64") if os.uname().machine == "x86_64" else {}
    if not table:
        pytest.skip("numbers of x86-64")
    script = f"""
numbers = {json.dumps({n: table[n] for n in ("mount", "unshare", "setns", "ptrace", "clone")})}
jail = ctypes.create_string_buffer(b"/dev/shm/jail")
kind = ctypes.create_string_buffer(b"proc")
space = os.open("/proc/self/ns/mnt", os.O_RDONLY)
print(json.dumps({{
    "mount": call(numbers["mount"], ctypes.addressof(kind), ctypes.addressof(jail),
                  ctypes.addressof(kind), 0, 0),
    "user": call(numbers["unshare"], 0x10000000),
    "mounts": call(numbers["unshare"], 0x20000),
    "join": call(numbers["setns"], space, 0),
    "child": call(numbers["clone"], 0x10000000 | 17, 0, 0, 0, 0),
}}))
"""
    assert set(json.loads(run(evil, script)).values()) == {1}  # EPERM


def test_only_processes_of_the_container_can_be_seen_or_traced(evil: Bundle) -> None:
    script = """
seen = []
for pid in range(1, 70000):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        continue
    seen.append(pid)
print(seen, os.getppid())
"""
    assert run(evil, script) == "[1] 0"


def test_settings_of_the_host_cannot_be_written(evil: Bundle) -> None:
    script = """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/panic_on_oom",
             "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper", "/proc/irq/0/smp_affinity",
             "/sys/fs/cgroup/release_agent", "/proc/kcore", "/proc/1/oom_score_adj"):
    try:
        with open(path, "r+b" if path != "/proc/sysrq-trigger" else "wb", buffering=0) as file:
            if path != "/proc/1/oom_score_adj":
                print(path)
            else:
                file.write(b"-1000")
                print(path)
    except OSError:
        continue
"""
    assert run(evil, script) == ""


def test_a_handle_of_the_hosts_root_cannot_be_opened(evil: Bundle) -> None:
    """The "shocker": inode 2 of the file system that the container's own files are on."""
    table = numbers.table("x86_64") if os.uname().machine == "x86_64" else {}
    if not table:
        pytest.skip("numbers of x86-64")
    script = f"""
handle = ctypes.create_string_buffer(b"\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02" + bytes(7), 16)
fd = os.open("/usr", os.O_RDONLY)
print(call({table["open_by_handle_at"]}, fd, ctypes.addressof(handle), 0))
"""
    assert run(evil, script) == "1"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_the_filter_forbids_what_dockers_profile_forbids(evil: Bundle) -> None:
    """Each call that is not in the profile, made for real: all are refused at once."""
    allowed = {
        name
        for rule in profile(capabilities.DEFAULT)["syscalls"]
        for name in rule["names"]
        if rule["action"] == "SCMP_ACT_ALLOW"
    }
    table = numbers.table("x86_64")
    forbidden = {n: table[n] for n in table if n not in allowed and n not in NEVER_PROBED}
    script = f"""
for name, number in {json.dumps(forbidden)}.items():
    result = call(number, -1, -1, -1, -1, -1, -1)
    if result not in (errno.EPERM, errno.ENOSYS):
        print(name, errno.errorcode.get(result, result))
"""
    assert len(forbidden) > 40
    assert run(evil, script) == ""


def test_a_report_as_amicontaineds_is_that_of_dockers_defaults(evil: Bundle) -> None:
    script = """
lines = [line.split() for line in open("/proc/self/status")]
status = {words[0].rstrip(":"): words[-1] for words in lines}
print(json.dumps({
    "seccomp": status["Seccomp"], "no_new_privs": status["NoNewPrivs"],
    "bounding": status["CapBnd"], "effective": status["CapEff"],
    "inheritable": status["CapInh"], "ambient": status["CapAmb"],
    "pids": sorted(n for n in os.listdir("/proc") if n.isdigit()),
    "root": os.readlink("/proc/1/root"),
}))
"""
    assert json.loads(run(evil, script)) == {
        "seccomp": "2",
        "no_new_privs": "0",
        "bounding": "00000000a80425fb",
        "effective": "00000000a80425fb",
        "inheritable": "0000000000000000",
        "ambient": "0000000000000000",
        "pids": ["1"],
        "root": "/",
    }


def test_sockets_of_the_kernels_ciphers_and_of_virtual_machines_are_refused(evil: Bundle) -> None:
    """AF_ALG wrote to the page cache (CVE-2026-31431); AF_VSOCK talks to the hypervisor."""
    script = """
stream, raw, packet = socket.SOCK_STREAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET
kinds = {"INET": stream, "UNIX": stream, "NETLINK": raw, "ALG": packet, "VSOCK": stream}
for name, kind in kinds.items():
    try:
        socket.socket(getattr(socket, "AF_" + name), kind).close()
    except PermissionError:
        print(name)
"""
    assert run(evil, script).split() == ["ALG", "VSOCK"]
