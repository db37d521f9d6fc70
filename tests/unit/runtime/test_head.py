"""The head of a spawn request is all that a starter needs, and leaves the rest undecoded."""

from typing import Any

import pytest
from tests.unit.runtime.box import spec_of

from lading.kernel import namespaces as ns
from lading.runtime import head, messages


def request_with(*kinds: Any, **fields: Any) -> Any:
    spec = spec_of(["true"])
    spec["linux"]["namespaces"] = [
        kind if isinstance(kind, dict) else {"type": kind} for kind in kinds
    ]
    return {"id": "c1", "directory": "/run/c1", "spec": spec, **fields}


def test_head_and_request_come_back() -> None:
    request = request_with("pid", log={"directory": "/log\nnews", "quota": 7})
    picked, body = head.split(head.join(head.head_of(request), request))
    assert (picked["log"], picked["log_quota"]) == ("/log\nnews", 7)
    assert messages.decode(body) == request


@pytest.mark.parametrize(
    ("kinds", "flags"),
    [
        (["pid", "uts"], ns.CLONE_NEWPID | ns.CLONE_NEWUTS),
        (["cgroup", "ipc"], ns.CLONE_NEWIPC),  # the child unshares it when it has joined its group
        ([{"type": "network", "path": "/proc/1/ns/net"}], 0),
        (["nonsense"], 0),  # the plan refuses it
    ],
)
def test_what_is_joined_is_not_made(kinds: list[Any], flags: int) -> None:
    assert head.head_of(request_with(*kinds))["flags"] == flags


def test_a_network_namespace_by_descriptor_is_not_made() -> None:
    assert head.head_of(request_with("network", fds={"netns": 0}))["flags"] == 0


def test_a_pid_namespace_by_path_is_for_the_starter_to_enter() -> None:
    joined = {"type": "pid", "path": "/proc/1/ns/pid"}
    assert head.head_of(request_with(joined))["pid_namespace"] == "/proc/1/ns/pid"
