"""What create and run understand of a spec and of their caller's environment."""

import array
import os
import select
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import SOURCE, Bundle, linux

from lading.runtime.command.create import cgroup_path
from lading.runtime.stepping_stone import LINK


@pytest.mark.parametrize(
    ("asked", "systemd", "path"),
    [
        ("", False, "/c1"),
        ("a/../b", False, "/b"),
        ("../../x", False, "/x"),
        ("system.slice:docker:c1", True, "/system.slice/docker-c1.scope"),
        ("a-b.slice:p:c1", True, "/a.slice/a-b.slice/p-c1.scope"),
        (":p:c1", True, "/system.slice/p-c1.scope"),
        ("system.slice:docker:c1", False, "/system.slice:docker:c1"),
    ],
)
def test_a_cgroup_path_is_from_the_root_or_systemds(asked: str, systemd: bool, path: str) -> None:
    assert cgroup_path(asked, "c1", systemd=systemd) == path


def test_a_created_container_holds_nothing_of_the_host(bundle: Bundle) -> None:
    pid = bundle.start("true", verb="create")
    place = Path(f"/proc/{pid}/fd")
    links = {int(entry.name): os.readlink(entry) for entry in place.iterdir()}
    rest = [links[number] for number in links if number > 2 and links[number] != LINK]
    assert [link for link in rest if link != "/" and not link.startswith("socket:")] == []
    assert rest.count("/") == 1  # the container's own root
    inside = os.stat(f"/proc/{pid}/fd/{next(n for n in links if links[n] == '/')}")
    assert os.path.samestat(inside, bundle.rootfs.stat())


def run_with_descriptor(bundle: Bundle, number: int, script: str, *flags: str, **env: str) -> str:
    """The output of a container whose caller has `number` open on the file "given"."""
    bundle.write("sh", "-c", script)
    words = bundle.command("run", "-b", str(bundle.path), *flags, "c1")
    opening = f'exec {number}>"$0"; exec "$@"'
    environment = {"PYTHONPATH": SOURCE, "PATH": "/bin", **env}
    done = subprocess.run(
        ["sh", "-c", opening, str(bundle.path / "given"), *words],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_descriptors_that_the_caller_gave_are_preserved(bundle: Bundle) -> None:
    script = "ls /proc/self/fd; echo here >&9"
    output = run_with_descriptor(bundle, 9, script, "--preserve-fds", "20")
    assert output.split() == ["0", "1", "2", "3", "9"]  # 3 is that of ls
    assert (bundle.path / "given").read_text() == "here\n"


def test_sockets_of_the_service_manager_are_handed_on(bundle: Bundle) -> None:
    script = "echo $LISTEN_FDS $LISTEN_PID $$; echo here >&3"
    assert run_with_descriptor(bundle, 3, script, LISTEN_FDS="1") == "1 1 1\n"
    assert (bundle.path / "given").read_text() == "here\n"


def test_readiness_is_passed_on_with_the_containers_pid(bundle: Bundle) -> None:
    outside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    outside.bind(str(bundle.path / "outside"))
    outside.settimeout(20)

    def change(spec: dict[str, Any]) -> None:
        spec["mounts"].append({"destination": "/run", "type": "tmpfs", "options": ["nosuid"]})

    bundle.write("sleep", "1000", change=change)
    words = bundle.command("run", "-d", "-b", str(bundle.path), "c1")
    environment = {
        "PYTHONPATH": SOURCE,
        "PATH": "/bin",
        "NOTIFY_SOCKET": str(bundle.path / "outside"),
    }
    running = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=environment)
    inside = bundle.state / "c1/notify/notify.sock"
    while not inside.exists():
        assert running.poll() is None
    program = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    program.sendto(b"STATUS=x\nREADY=1\n", str(inside))
    message = outside.recv(1000).decode()
    assert running.wait(20) == 0
    assert message.splitlines()[1] == "READY=1"
    assert message.startswith("MAINPID=")
    program.close()
    outside.close()


def test_the_terminal_goes_to_the_console_socket(bundle: Bundle) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(bundle.path / "console"))
    listener.listen(1)
    masters: list[int] = []
    taker = threading.Thread(target=lambda: masters.append(take(listener)))
    taker.start()

    def change(spec: dict[str, Any]) -> None:
        spec["process"] |= {"terminal": True, "consoleSize": {"height": 20, "width": 70}}

    bundle.write("sh", "-c", "stty size; tty; sleep 1000", change=change)
    flags = ("--console-socket", str(bundle.path / "console"))
    done = bundle.call("run", "-d", "-b", str(bundle.path), *flags, "c1")
    taker.join()
    listener.close()
    assert done.returncode == 0, done.stderr
    printed = b""
    while b"pts" not in printed:
        assert select.select(masters, [], [], 20)[0]
        printed += os.read(masters[0], 1000)
    os.close(masters[0])
    assert printed.split() == [b"20", b"70", b"/dev/pts/0"]


def take(listener: socket.socket) -> int:
    """The descriptor that somebody sends."""
    connection, _ = listener.accept()
    _, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
    connection.close()
    fds = array.array("i")
    fds.frombytes(ancillary[0][2])
    return int(fds[0])


def test_a_terminal_that_nobody_would_hold_is_refused(bundle: Bundle) -> None:
    bundle.write("true", change=lambda spec: spec["process"].update(terminal=True))
    done = bundle.call("create", "-b", str(bundle.path), "c1")
    assert "cannot allocate tty if runc will detach without setting console socket" in done.stderr


def test_the_root_of_a_bundle_may_be_a_link(bundle: Bundle) -> None:
    (bundle.path / "link").symlink_to(bundle.rootfs)
    assert bundle.shell("echo ok", change=lambda spec: spec["root"].update(path="link")) == "ok\n"


def test_mounts_are_found_from_the_bundle_and_put_below_the_root(bundle: Bundle) -> None:
    (bundle.path / "file").write_text("hello\n")

    def change(spec: dict[str, Any]) -> None:
        entry = {"destination": f"{bundle.rootfs}/fresh/place", "source": "file"}
        spec["mounts"].append(entry | {"options": ["bind"]})

    assert bundle.shell("cat /fresh/place", change=change, cwd="/") == "hello\n"


def test_a_foreign_version_of_the_spec_is_refused(bundle: Bundle) -> None:
    done = bundle.run("true", change=lambda spec: spec.update(ociVersion="2.0.0"))
    assert "unsupported spec version: 2.0.0" in done.stderr


def test_a_container_without_a_mount_namespace_leaves_no_mounts(bundle: Bundle) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"] = [{"type": "pid"}]
        del spec["hostname"]

    assert bundle.shell("echo $$", change=change) == "1\n"
    assert str(bundle.path) not in Path("/proc/self/mountinfo").read_text()


def test_the_clocks_of_a_time_namespace_have_their_offsets(bundle: Bundle) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"].append({"type": "time"})
        spec["linux"]["timeOffsets"] = {"boottime": {"secs": 1_000_000, "nanosecs": 0}}

    uptime = float(bundle.shell("cat /proc/uptime", change=change).split()[0])
    with open("/proc/uptime") as file:
        assert uptime > float(file.read().split()[0]) + 999_000


def test_a_pid_namespace_is_joined_by_path(bundle: Bundle) -> None:
    path = f"/proc/{os.getpid()}/ns/pid"
    kinds = ("mount", "ipc", "uts", "network")
    namespaces = [{"type": "pid", "path": path}, *({"type": kind} for kind in kinds)]
    output = bundle.shell("readlink /proc/self/ns/pid", change=linux(namespaces=namespaces))
    assert output.strip() == os.readlink(path)


def test_a_group_that_others_are_in_is_shared_with_a_warning(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    bundle.write("true")
    done = bundle.call("run", "-b", str(bundle.path), "c2")
    assert done.returncode == 0
    assert "container's cgroup is not empty: 1 process(es) found" in done.stderr
    bundle.write("nosuch")
    assert bundle.call("run", "-b", str(bundle.path), "c2").returncode == 1
    assert bundle.status() == "running"


def test_a_container_has_no_state_before_it_has_an_init(bundle: Bundle) -> None:
    bundle.write("true")
    armed = {"LADING_FAILPOINT": "create.cgroup-made"}
    assert bundle.call("create", "-b", str(bundle.path), "c1", env=armed).returncode == -9
    assert "does not exist" in bundle.call("state", "c1").stderr
    assert bundle.call("delete", "c1").returncode == 0
    assert list(bundle.state.iterdir()) == []
