"""The events of a container's life, step by step: the same ones, with the same attributes.

Within a step their order is not compared: moby tells `stop` before or after `die`.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.e2e.conformance.conftest import PREFIX

if TYPE_CHECKING:
    from tests.e2e.conformance.conftest import Pair, Side

NAME = f"/containers/{PREFIX}life"
SLEEP = {"Image": "IMAGE", "Cmd": ["sleep", "1000"], "StopSignal": "KILL", "Labels": {"a": "b"}}
STEPS: list[tuple[Any, ...]] = [
    ("POST", f"/containers/create?name={PREFIX}life", SLEEP),
    ("POST", f"{NAME}/start"),
    ("POST", f"{NAME}/pause"),
    ("POST", f"{NAME}/unpause"),
    ("POST", f"{NAME}/update", {"CpuShares": 512}),
    ("POST", f"{NAME}/rename?name={PREFIX}other"),
    ("POST", f"/containers/{PREFIX}other/rename?name={PREFIX}life"),
    ("POST", f"{NAME}/kill?signal=CONT"),
    ("POST", f"{NAME}/restart?t=9"),
    ("GET", f"{NAME}/top"),
    ("HEAD", f"{NAME}/archive?path=/etc/passwd"),
    ("GET", f"{NAME}/archive?path=/etc/passwd"),
    ("PUT", f"{NAME}/archive?path=/tmp", b"\0" * 1024, "application/x-tar"),
    ("GET", f"{NAME}/export"),
    ("GET", f"{NAME}/changes"),
    ("POST", f"/commit?container={PREFIX}life&repo=conf-image&tag=x"),
    ("POST", f"{NAME}/stop?t=9"),
    ("POST", f"{NAME}/start"),
    ("DELETE", f"{NAME}?force=1"),
]


def happened(side: Side, step: tuple[Any, ...]) -> list[tuple[str, str, list[str]]]:
    """(type, action, names of attributes) of what a step brings about, sorted."""
    before = time.time()
    answer = side.ask(*step)
    assert answer.status < 400, (step, answer)
    time.sleep(0.3)  # some are told a moment later
    told = side.ask("GET", f"/events?since={before:.6f}&until={time.time():.6f}").body
    lines = told.splitlines() if isinstance(told, str) else [json.dumps(told)]
    events = [json.loads(line) for line in lines]
    return sorted((e["Type"], e["Action"], sorted(e["Actor"]["Attributes"])) for e in events)


def test_a_life_has_the_same_events(pair: Pair) -> None:
    peer = [(step[:2], happened(pair.peer, step)) for step in STEPS]
    ours = [(step[:2], happened(pair.ours, step)) for step in STEPS]
    pair.ask("DELETE", "/images/conf-image:x")
    assert ours == peer
