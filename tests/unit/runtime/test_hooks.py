"""Hooks: which, when, with what, and what happens when one fails."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import Bundle

from lading.runtime import hooks

ENV = ["PATH=/bin:/usr/bin"]


def hook(script: str, **more: Any) -> Any:
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ENV, **more}


def test_a_hook_gets_the_state_and_only_its_own_environment(tmp_path: Path) -> None:
    script = "cat > state; env | grep -v -E '^(PWD|_|SHLVL|OLDPWD)=' > env"
    hooks.run([hook(script)], "prestart", b'{"id": "x"}', str(tmp_path))
    assert json.loads((tmp_path / "state").read_text()) == {"id": "x"}
    assert (tmp_path / "env").read_text().split() == ENV


def test_a_hook_that_reads_nothing_is_no_error(tmp_path: Path) -> None:
    hooks.run([hook("exec true")], "prestart", b" " * 200_000, str(tmp_path))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo bad; exit 3", "exit status 3, output: bad"),
        ("kill -9 $$", "signal: killed, output: "),
    ],
)
def test_a_hook_that_fails_says_how(script: str, reason: str) -> None:
    with pytest.raises(hooks.HookFailed) as failure:
        hooks.run([hook("true"), hook(script)], "prestart", b"{}", "/")
    assert str(failure.value) == f"error running prestart hook #1: error running hook: {reason}"


def test_a_hook_that_takes_too_long_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(hooks.HookFailed, match=r"hook ran past specified timeout of 1\.0s"):
        hooks.run([hook("exec sleep 60", timeout=1)], "prestart", b"{}", "/")
    assert time.monotonic() - began < 30


def test_a_program_that_is_missing_is_named() -> None:
    missing: Any = {"path": "/nosuch"}
    problems = hooks.run_tolerantly([missing, hook("exit 1")], "poststop", b"{}", "/")
    assert problems == [
        "error running poststop hook #0: error running hook: exit status 127, "
        "output: exec /nosuch: No such file or directory",
        "error running poststop hook #1: error running hook: exit status 1, output: ",
    ]


def test_all_six_kinds_run_in_their_order_with_the_status_of_the_time(bundle: Bundle) -> None:
    log = bundle.path / "log"

    def change(spec: dict[str, Any]) -> None:
        outside = [kind for kind in hooks.KINDS if kind != "startContainer"]
        spec["hooks"] = {
            kind: [hook(f"(echo {kind} $(readlink /proc/self/ns/net); cat; echo) >> {log}")]
            for kind in outside
        }
        inside = {
            "path": "/bin/sh",
            "args": ["sh", "-c", "cat > /dev/shm/state"],
            "env": ["PATH=/bin"],
        }
        spec["hooks"]["startContainer"] = [inside]
        spec["annotations"] = {"a": "b"}

    output = bundle.shell("cat /dev/shm/state", change=change)
    inside = json.loads(output)
    assert (inside["status"], inside["pid"]) == ("created", 1)
    lines = log.read_text().splitlines()
    kinds, states = lines[::2], [json.loads(line) for line in lines[1::2]]
    order = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    assert [line.split()[0] for line in kinds] == order
    spaces = [line.split()[1] for line in kinds]
    assert spaces[0] == spaces[1] == spaces[3] != spaces[2]
    statuses = [state["status"] for state in states]
    assert statuses == ["creating", "creating", "creating", "running", "stopped"]
    assert states[0]["pid"] > 1
    assert states[0]["bundle"] == str(bundle.path)
    assert states[0]["annotations"] == {"a": "b"}


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer", "startContainer"])
def test_a_container_whose_hook_fails_is_not_started(bundle: Bundle, kind: str) -> None:
    failing = {"path": "/bin/sh", "args": ["sh", "-c", "exit 3"], "env": ["PATH=/bin"]}
    done = bundle.run("echo ran", change=lambda spec: spec.update(hooks={kind: [failing]}))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error running {kind} hook #0: error running hook: exit status 3" in done.stderr
    assert list(bundle.state.iterdir()) == []


def test_a_hook_before_the_pivot_runs_in_the_containers_root(bundle: Bundle) -> None:
    found = bundle.path / "found"
    script = f"pwd -P > {found}; test -e ./bin/busybox && test -e ./proc/self/status"
    bundle.shell("true", change=lambda spec: spec.update(hooks={"createContainer": [hook(script)]}))
    assert found.read_text().startswith("/")


def test_hooks_find_the_mounts_below_the_bundles_root(bundle: Bundle) -> None:
    script = f"test -e {bundle.rootfs}/proc/self"
    bundle.shell("true", change=lambda spec: spec.update(hooks={"createContainer": [hook(script)]}))
