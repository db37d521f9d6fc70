"""Docker's own command line against the engine: what its users type, and what they get."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pexpect  # type: ignore[import-untyped]  # ships no types
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Until = Callable[[Callable[[], bool]], None]

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
DETACH = "\x10\x11"  # ctrl-p ctrl-q
LOOP = "while :; do sleep 0.1; done"


class Docker:
    """`docker` as a user runs it; what it runs bears the test's label."""

    def __init__(self, address: str, label: str, configuration: Path) -> None:
        self.label = label
        self.environ = os.environ | {
            "DOCKER_HOST": address,
            "DOCKER_CONFIG": str(configuration),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
        }

    def __call__(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["docker", *words], input=stdin, capture_output=True, env=self.environ, timeout=40
        )

    def text(self, *words: str) -> str:
        """The output of a command that must succeed, without the last newline."""
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().rstrip("\n")

    def run_words(self, *words: str) -> list[str]:
        network = [] if "--network" in words else ["--network", "none"]
        return ["run", "--label", self.label, *network, *words]

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self(*self.run_words(*words), stdin=stdin)

    def output(self, *words: str) -> str:
        """What `run --rm` prints."""
        return self.text(*self.run_words("--rm", *words))

    def detached(self, *words: str) -> str:
        """`run -d`; the id."""
        return self.text(*self.run_words("-d", *words))

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["docker", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ,
        )

    def on_terminal(self, *words: str) -> pexpect.spawn:
        return pexpect.spawn(
            "docker",
            list(words),
            env=self.environ,
            encoding="utf-8",
            timeout=20,
            dimensions=(33, 101),
        )

    def field(self, container: str, template: str) -> str:
        return self.text("inspect", "-f", template, container)


@pytest.fixture
def docker(address: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Docker]:
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    docker = Docker(address, f"lading.test={os.getpid()}-{request.node.name}", configuration)
    yield docker
    left = docker.text("ps", "-aq", "--filter", f"label={docker.label}").split()
    if left:
        docker.text("rm", "-f", *left)


def ended(child: pexpect.spawn) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    code: int | None = child.exitstatus
    return code


# --- run: streams and codes -------------------------------------------------------------------


def test_streams_and_exit_code_are_the_containers(docker: Docker, image: str) -> None:
    done = docker.run("--rm", image, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_stdin_goes_in_whole_and_ends(docker: Docker, image: str) -> None:
    data = os.urandom(1 << 20)
    assert docker.run("--rm", "-i", image, "cat", stdin=data).stdout == data


def test_without_i_stdin_is_empty(docker: Docker, image: str) -> None:
    assert docker.run("--rm", image, "cat", stdin=b"unread").stdout == b""


@pytest.mark.parametrize("rm", [[], ["--rm"]])
@pytest.mark.parametrize(("program", "code"), [("nosuch", 127), ("/no/such", 127), ("/etc", 126)])
def test_a_program_that_cannot_run(
    docker: Docker, image: str, program: str, code: int, rm: list[str]
) -> None:
    done = docker.run(*rm, image, program)
    assert done.returncode == code, done.stderr
    assert b"Error response from daemon: " in done.stderr


def test_a_mistake_ends_with_125(docker: Docker, image: str) -> None:
    assert docker.run("--name", "a/b", image).returncode == 125
    assert docker.run("--nosuch", image).returncode == 125
    assert docker.run("--memory", "1k", image, "true").returncode == 125


def test_rm_removes_it_when_it_ends(docker: Docker, image: str) -> None:
    docker.output(image, "true")
    docker.run("--rm", image, "nosuch")
    assert docker.text("ps", "-aq", "--filter", f"label={docker.label}") == ""


def test_a_death_by_signal_is_128_and_the_number(docker: Docker, image: str) -> None:
    assert docker.run("--rm", image, "sh", "-c", "kill -9 $$").returncode in (0, 137)
    container = docker.detached(image, "sleep", "60")
    docker.text("kill", container)
    assert docker.text("wait", container) == "137"


# --- run: what the container is given ----------------------------------------------------------


def test_environment_and_directory(docker: Docker, image: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# comment\nB=from file\nC=3\n")
    flags = ["-e", "A=1", "-e", "C=4", "--env-file", str(file), "-w", "/new/place"]
    script = 'echo "$A,$B,$C"; pwd; echo $HOSTNAME'
    printed = docker.output(*flags, "--hostname", "box", image, "sh", "-c", script)
    assert printed.splitlines() == ["1,from file,4", "/new/place", "box"]


def test_binds(docker: Docker, image: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("hello")
    flags = ["-v", f"{tmp_path}:/there", "-v", f"{tmp_path}:/fixed:ro"]
    script = "cat /there/in; echo new > /there/out; echo no > /fixed/out || echo refused"
    assert docker.output(*flags, image, "sh", "-c", script) == "hellorefused"
    assert (tmp_path / "out").read_text() == "new\n"
    mount = f"type=bind,source={tmp_path}/in,target=/one,readonly"
    assert docker.output("--mount", mount, image, "cat", "/one") == "hello"


def test_users(docker: Docker, image: str) -> None:
    assert docker.output("-u", "1000:1001", image, "sh", "-c", "id -u; id -g") == "1000\n1001"
    done = docker.run("--rm", "-u", "nobody-at-all", image, "true")
    assert done.returncode == 125
    assert b"unable to find user nobody-at-all" in done.stderr


def test_name_entrypoint_and_hostname(docker: Docker, image: str) -> None:
    name = f"named-{os.getpid()}"
    container = docker.detached("--name", name, "--hostname", "box", image, "sleep", "60")
    assert docker.field(name, "{{.Id}}") == container
    again = docker.run("--name", name, image, "true")
    assert again.returncode == 125
    assert b"is already in use by container" in again.stderr
    assert docker.text("exec", name, "hostname") == "box"
    assert docker.output("--entrypoint", "echo", image, "-n", "words") == "words"


def test_networks(docker: Docker, image: str) -> None:
    devices = "cat /proc/net/dev"
    assert "eth0" not in docker.output("--network", "none", image, "sh", "-c", devices)
    assert "eth0" in docker.output("--network", "bridge", image, "sh", "-c", devices)
    host = docker.output("--network", "host", image, "readlink", "/proc/self/ns/net")
    assert host == docker.output("--network", "host", image, "readlink", "/proc/self/ns/net")
    other = docker.output("--network", "none", image, "readlink", "/proc/self/ns/net")
    assert host != other


def test_two_containers_of_the_bridge_reach_each_other(docker: Docker, image: str) -> None:
    script = "echo hello | nc -l -p 80"
    server = docker.detached("--network", "bridge", image, "sh", "-c", script)
    address = docker.field(server, "{{.NetworkSettings.IPAddress}}")
    assert address
    asking = f"for n in 1 2 3 4 5 6 7 8 9; do nc {address} 80 && break; sleep 0.2; done"
    assert docker.output("--network", "bridge", image, "sh", "-c", asking) == "hello"


def test_limits(docker: Docker, image: str) -> None:
    flags = ["-m", "64m", "--cpus", "0.5", "--pids-limit", "20"]
    container = docker.detached(*flags, image, "sleep", "60")
    template = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}"
    assert docker.field(container, template) == f"{64 << 20} 500000000 20"
    script = "for n in $(seq 40); do sleep 9 >/dev/null & done; echo all"
    assert "all" not in docker.text("exec", container, "sh", "-c", f"({script}) 2>/dev/null || true")


def test_too_much_memory_is_an_oom_kill(docker: Docker, image: str) -> None:
    script = "x=x; while :; do x=$x$x; done"
    container = docker.detached("-m", "16m", "--memory-swap", "16m", image, "sh", "-c", script)
    assert docker.text("wait", container) == "137"
    assert docker.field(container, "{{.State.OOMKilled}}") == "true"


def capabilities(docker: Docker, *words: str) -> int:
    line = docker.output(*words, "grep", "CapEff", "/proc/self/status")
    return int(line.split()[1], 16)


def test_capabilities(docker: Docker, image: str) -> None:
    plain = capabilities(docker, image)
    assert plain == 0xA80425FB  # Docker's default set
    assert capabilities(docker, "--cap-add", "SYS_PTRACE", image) == plain | 1 << 19
    assert capabilities(docker, "--cap-drop", "CHOWN", image) == plain & ~1
    assert capabilities(docker, "--cap-drop", "ALL", "--cap-add", "KILL", image) == 1 << 5
    assert capabilities(docker, "--privileged", image) & plain == plain
    assert capabilities(docker, "--privileged", image) & 1 << 21  # SYS_ADMIN


def test_read_only_and_tmpfs(docker: Docker, image: str) -> None:
    script = "echo a > /file || echo refused; echo b > /scratch/file; cat /scratch/file"
    words = ["--read-only", "--tmpfs", "/scratch:size=1m", image, "sh", "-c", script]
    assert docker.output(*words) == "refused\nb"
    mounts = docker.output("--tmpfs", "/scratch:size=1m,noexec", image, "cat", "/proc/mounts")
    [line] = [line for line in mounts.splitlines() if " /scratch " in line]
    assert "size=1024k" in line
    assert "noexec" in line


def test_an_init_program_is_the_first_process(docker: Docker, image: str) -> None:
    done = docker.run("--rm", "--init", image, "sh", "-c", "echo $$; exit 5")
    if b"init" in done.stderr:
        pytest.skip("no init program on this host")
    assert done.returncode == 5
    assert done.stdout != b"1\n"


# --- terminals --------------------------------------------------------------------------------


def test_a_shell_on_a_terminal(docker: Docker, image: str) -> None:
    child = docker.on_terminal(*docker.run_words("--rm", "-it", image, "sh"))
    child.expect("# ")
    child.sendline("stty size; test -t 0 && echo is''terminal")
    child.expect("33 101")
    child.expect("isterminal")
    child.sendline("exit 4")
    assert ended(child) == 4


def test_detach_keys_leave_it_running(docker: Docker, image: str) -> None:
    child = docker.on_terminal(*docker.run_words("-it", image, "sh"))
    child.expect("# ")
    child.send(DETACH)
    assert ended(child) == 0
    container = docker.text("ps", "-q", "--filter", f"label={docker.label}")
    assert container
    child = docker.on_terminal("attach", container)
    child.sendline("echo back $((6*7))")
    child.expect("back 42")
    child.sendline("exit 3")
    assert ended(child) == 3


def test_ctrl_c_goes_to_the_program_on_the_terminal(docker: Docker, image: str) -> None:
    script = "trap 'exit 8' INT; echo be''gun; " + LOOP
    child = docker.on_terminal(*docker.run_words("--rm", "-it", image, "sh", "-c", script))
    child.expect("begun")
    child.sendintr()
    assert ended(child) == 8


def test_exec_has_a_terminal_of_its_own(docker: Docker, image: str) -> None:
    container = docker.detached(image, "sleep", "60")
    child = docker.on_terminal("exec", "-it", container, "sh")
    child.expect("# ")
    child.sendline("stty size")
    child.expect("33 101")
    child.sendline("exit 6")
    assert ended(child) == 6


# --- a running container ----------------------------------------------------------------------


def test_exec_gives_streams_and_codes(docker: Docker, image: str) -> None:
    container = docker.detached(image, "sleep", "60")
    flags = ["-i", "-e", "A=1", "-w", "/tmp", "-u", "1000"]
    done = docker(
        *("exec", *flags, container),
        *("sh", "-c", "cat; echo $A; pwd; id -u; echo e >&2; exit 9"),
        stdin=b"in\n",
    )
    assert (done.returncode, done.stdout, done.stderr) == (9, b"in\n1\n/tmp\n1000\n", b"e\n")
    assert docker("exec", container, "nosuch").returncode == 127
    assert docker("exec", container, "/etc").returncode == 126
    assert docker("exec", "-d", container, "touch", "/made").returncode == 0


def test_logs_follow_until_the_end(docker: Docker, image: str) -> None:
    script = "for n in 1 2 3 4; do echo $n; sleep 0.1; done; echo e >&2"
    container = docker.detached(image, "sh", "-c", script)
    following = docker("logs", "-f", container)
    assert (following.stdout, following.stderr) == (b"1\n2\n3\n4\n", b"e\n")
    assert docker.text("logs", "--tail", "2", container) in ("3\n4", "4")
    [line, *_] = docker.text("logs", "-t", container).splitlines()
    assert line.split()[0].endswith("Z")


def test_wait_returns_with_the_code(docker: Docker, image: str) -> None:
    container = docker.detached(image, "sh", "-c", "sleep 0.5; exit 6")
    assert docker.text("wait", container) == "6"
    assert docker.text("wait", container) == "6"


def test_events_tell_a_life(docker: Docker, image: str) -> None:
    before = time.time()
    docker.output(image, "true")
    window = ["--since", f"{before:.6f}", "--until", f"{time.time() + 0.2:.6f}"]
    flags = ["--filter", f"label={docker.label}", "--format", "{{json .}}"]
    lines = docker.text("events", *window, *flags).splitlines()
    actions = [json.loads(line)["Action"] for line in lines]
    assert [a for a in actions if a != "attach"] == ["create", "start", "die", "destroy"]


def test_signals_reach_the_program(docker: Docker, image: str, until: Until) -> None:
    script = "trap 'echo hup' HUP; trap 'exit 9' TERM; echo ready; " + LOOP
    container = docker.detached(image, "sh", "-c", script)
    until(lambda: "ready" in docker.text("logs", container))
    docker.text("kill", "-s", "HUP", container)
    until(lambda: "hup" in docker.text("logs", container))
    docker.text("stop", container)
    assert docker.field(container, "{{.State.ExitCode}} {{.State.Status}}") == "9 exited"


def test_stop_kills_what_does_not_listen(docker: Docker, image: str, until: Until) -> None:
    container = docker.detached(image, "sh", "-c", "trap '' TERM; echo ready; " + LOOP)
    until(lambda: "ready" in docker.text("logs", container))
    docker.text("stop", "-t", "1", container)
    assert docker.field(container, "{{.State.ExitCode}}") == "137"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_passed_on(docker: Docker, image: str, number: signal.Signals) -> None:
    script = "trap 'echo got; exit 9' INT TERM; echo ready; " + LOOP
    process = docker.popen(*docker.run_words("--rm", image, "sh", "-c", script))
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert (output, process.returncode) == (b"got\n", 9)


def test_pause_restart_rename_and_remove(docker: Docker, image: str) -> None:
    container = docker.detached(image, "sleep", "60")
    docker.text("pause", container)
    assert docker.field(container, "{{.State.Status}}") == "paused"
    docker.text("unpause", container)
    docker.text("restart", "-t", "0", container)
    assert docker.field(container, "{{.State.Running}}") == "true"
    name = f"renamed-{os.getpid()}"
    docker.text("rename", container, name)
    assert docker("rm", name).returncode == 1
    assert docker.text("rm", "-f", name) == name
    assert docker("inspect", name).returncode == 1


def test_created_and_started_by_hand(docker: Docker, image: str) -> None:
    words = ["--network", "none", "--label", docker.label, "-i", image]
    container = docker.text("create", *words, "sh", "-c", "cat; exit 5")
    done = docker("start", "-ai", container, stdin=b"hello")
    assert (done.returncode, done.stdout) == (5, b"hello")
    assert docker.text("ps", "-a", "--filter", f"id={container}", "--format", "{{.State}}") == (
        "exited"
    )
