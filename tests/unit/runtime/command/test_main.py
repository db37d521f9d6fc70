"""The life of a bundle, as containerd and podman walk it."""

import json
import os
import re

from tests.unit.runtime.command.bundle import Bundle


def test_the_life_of_a_container(bundle: Bundle) -> None:
    pid = bundle.start("sleep", "1000", verb="create")
    assert bundle.status() == "created"
    assert os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("python")
    assert bundle.call("start", "c1").returncode == 0
    assert bundle.status() == "running"
    assert bundle.call("exec", "--cwd", "/tmp", "c1", "pwd").stdout == "/tmp\n"
    assert bundle.call("exec", "c1", "sh", "-c", "exit 5").returncode == 5
    assert "that is not stopped: running" in bundle.call("delete", "c1").stderr
    assert bundle.call("kill", "c1", "KILL").returncode == 0
    bundle.wait_for("stopped")
    assert "container not running" in bundle.call("kill", "c1", "KILL").stderr
    assert bundle.call("delete", "c1").returncode == 0
    assert "does not exist" in bundle.call("delete", "c1").stderr
    assert bundle.call("delete", "--force", "c1").returncode == 0


def test_init_is_left_to_the_caller_to_reap(bundle: Bundle) -> None:
    pid = bundle.start("sleep", "1000")
    with open(f"/proc/{pid}/status") as status:
        parent = next(line for line in status if line.startswith("PPid:"))
    with open(f"/proc/{parent.split()[1]}/cmdline") as command:
        assert "lading_runtime" not in command.read()


def test_run_keeps_stdio_and_the_exit_code(bundle: Bundle) -> None:
    done = bundle.run("cat; echo err >&2; exit 7", stdin="hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "err\n")
    assert os.listdir(bundle.state) == []


def test_a_program_that_is_missing_fails_at_create_and_is_logged(bundle: Bundle) -> None:
    bundle.write("nosuch")
    log = bundle.path / "log"
    flags = ("--log", str(log), "--log-format", "json")
    done = bundle.call(*flags, "create", "-b", str(bundle.path), "c1")
    assert done.returncode == 1
    message = 'exec: "nosuch": executable file not found in $PATH'
    assert json.loads(log.read_text())["msg"] == message
    assert os.listdir(bundle.state) == []


def test_a_failure_after_start_is_told_by_start(bundle: Bundle) -> None:
    def landlock(spec: dict[str, object]) -> None:
        spec["linux"]["landlock"] = {"paths": [{"path": "/proc", "access": "r"}]}  # type: ignore[index]

    bundle.start("true", verb="create", change=landlock)
    done = bundle.call("start", "c1")
    assert (done.returncode, "permission denied" in done.stderr) == (1, True)


def test_a_config_that_changes_after_create_is_not_heeded(bundle: Bundle) -> None:
    bundle.start("sleep", "1000", verb="create")
    bundle.write("nosuch")
    assert bundle.call("start", "c1").returncode == 0
    assert bundle.status() == "running"


def test_a_plan_is_printed_without_doing_anything(bundle: Bundle) -> None:
    bundle.write("sleep", "1000")
    lines = bundle.call("plan", str(bundle.path)).stdout.splitlines()
    assert lines[-1] == "execute sleep 1000"
    assert "make root read-only" in lines
    assert not bundle.state.exists()


def test_version_and_features_are_what_callers_parse(bundle: Bundle) -> None:
    first, _, spec = bundle.call("--version").stdout.splitlines()
    assert re.search(r"runc version \d+\.\d+\.\d+$", first)  # name and version, for dockerd
    assert spec == "spec: 1.2.0"
    found = json.loads(bundle.call("features").stdout)
    assert found["ociVersionMin"] == "1.0.0"
    kinds = "cgroup ipc mount network pid time user uts"
    assert " ".join(found["linux"]["namespaces"]) == kinds


def test_a_verb_that_is_not_known_is_answered_as_by_runc(bundle: Bundle) -> None:
    done = bundle.call("fly")
    assert (done.returncode, done.stderr) == (3, "No help topic for 'fly'\n")


def test_every_verb_has_its_help(bundle: Bundle) -> None:
    assert "--console-socket value" in bundle.call("create", "--help").stdout
    assert "--image-path value" in bundle.call("checkpoint", "--help").stdout  # podman's probe


def test_a_second_start_changes_nothing(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    done = bundle.call("start", "c1")
    assert "cannot start a container that has already started" in done.stderr
    (bundle.state / "c1/start.sock").touch()  # as after a start that was killed half-way
    assert "has been started already" in bundle.call("start", "c1").stderr
    assert bundle.status() == "running"


def test_debug_tells_the_stages_of_a_start(bundle: Bundle) -> None:
    bundle.write("true")
    done = bundle.call("--debug", "run", "-b", str(bundle.path), "c1")
    assert (done.returncode, done.stdout) == (0, "")
    stages = [line.partition("msg=")[2] for line in done.stderr.splitlines()]
    assert stages[0] == f'"run -b {bundle.path} c1"'
    assert stages[1].startswith('"nsexec container setup: namespaces pid network')


def test_the_images_before_a_checkpoint_are_looked_for(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    images = ("--image-path", str(bundle.path / "images"))
    for path, message in (("/absolute", "must be relative"), ("missing", "no such directory")):
        done = bundle.call("checkpoint", *images, "--parent-path", path, "c1")
        assert (done.returncode, "--parent-path" in done.stderr) == (1, True)
        assert message in done.stderr
    assert bundle.status() == "running"
