"""pause, resume, update, and what containers use."""

import json

import pytest
from tests.unit.runtime.command.bundle import Bundle

from lading.runtime.command.events import seconds, stats
from lading.runtime.command.flags import BadUsage, parse
from lading.runtime.command.limits import asked_resources
from lading.runtime.command.verbs import VERBS


def test_pause_and_resume_are_seen_in_the_state(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    assert "container not paused" in bundle.call("resume", "c1").stderr
    assert bundle.call("pause", "c1").returncode == 0
    assert bundle.status() == "paused"
    assert "cannot exec in a paused container" in bundle.call("exec", "c1", "true").stderr
    assert bundle.call("resume", "c1").returncode == 0
    assert bundle.status() == "running"


def test_a_limit_that_is_updated_is_in_the_usage(bundle: Bundle) -> None:
    bundle.start("sleep", "1000")
    assert bundle.call("update", "--memory", "64m", "--pids-limit", "17", "c1").returncode == 0
    event = json.loads(bundle.call("events", "--stats", "c1").stdout)
    assert (event["type"], event["id"]) == ("stats", "c1")
    assert event["data"]["memory"]["usage"]["limit"] == 64 << 20
    assert event["data"]["pids"] == {"current": 1, "limit": 17}
    resources = json.dumps({"memory": {"limit": 32 << 20}})
    assert bundle.call("update", "-r", "-", "c1", stdin=resources).returncode == 0
    event = json.loads(bundle.call("events", "--stats", "c1").stdout)
    assert event["data"]["memory"]["usage"]["limit"] == 32 << 20


def test_flags_become_resources() -> None:
    words = "--cpu-quota -1 --cpuset-cpus 0-1 --memory 1g --memory-swap -1 --blkio-weight 20 c1"
    options, _ = parse(words.split(), VERBS["update"].flags)
    assert asked_resources(options) == {
        "cpu": {"quota": -1, "cpus": "0-1"},
        "memory": {"limit": 1 << 30, "swap": -1},
        "blockIO": {"weight": 20},
    }


@pytest.mark.parametrize(("text", "value"), [("5s", 5), ("500ms", 0.5), ("1m", 60), ("1.5h", 5400)])
def test_an_interval_is_a_duration(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "0s", "-1s", "1x"])
def test_other_words_are_no_interval(text: str) -> None:
    with pytest.raises(BadUsage):
        seconds(text)


def test_an_unlimited_container_has_the_largest_limit() -> None:
    assert stats({"memory": {"limit": -1}})["memory"]["usage"]["limit"] == (1 << 64) - 1


def test_processes_are_listed_by_ps_of_the_host(bundle: Bundle) -> None:
    pid = bundle.start("sleep", "1000")
    assert json.loads(bundle.call("ps", "-f", "json", "c1").stdout) == [pid]
    lines = bundle.call("ps", "c1", "-eo", "pid,args").stdout.splitlines()
    assert lines[1].split() == [str(pid), "sleep", "1000"]
    listed = json.loads(bundle.call("list", "-f", "json").stdout)
    assert [(found["id"], found["pid"], found["status"]) for found in listed] == [
        ("c1", pid, "running")
    ]
    assert bundle.call("list", "-q").stdout == "c1\n"
