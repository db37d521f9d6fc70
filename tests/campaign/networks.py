"""Networks made, joined, left and removed without end, while the daemon is killed at any moment.

    PYTHONPATH=src:. python -m tests.campaign.networks --rounds 500 --seed 1

A round does a few random things to three networks and two containers, and somewhere in it the
daemon dies as by kill -9. Started again, the audit must be silent, every running container must
have inside the interfaces and addresses that inspect tells, and no link of the host may be of
nobody. Prints each seventieth round and what was wrong; fails if anything was.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import random
import subprocess
import sys
import threading
import time
from typing import Any

from tests.e2e.conftest import Engine

LOST = (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError, TypeError)
NETWORKS = ("north", "south", "east")
CONTAINERS = ("first", "second")


class Round:
    """A few random operations; what fails because the daemon has died ends it."""

    def __init__(self, engine: Engine, choice: random.Random) -> None:
        self._engine = engine
        self._choice = choice

    def play(self) -> None:
        """Some steps, each of them one request or two."""
        for _ in range(self._choice.randint(3, 8)):
            try:
                self._choice.choice((self._create, self._join, self._join, self._start,
                                     self._remove, self._stop, self._prune))()  # fmt: skip
            except LOST:
                if not self._engine.is_alive():
                    return

    def _create(self) -> None:
        name = self._choice.choice(NETWORKS)
        number = NETWORKS.index(name) + 81
        document = {
            "Name": name,
            "EnableIPv6": self._choice.random() < 0.5,
            "IPAM": {"Config": [{"Subnet": f"10.{number}.0.0/24"}]},
        }
        self._engine.call("POST", "/networks/create", document)

    def _start(self) -> None:
        name = self._choice.choice(CONTAINERS)
        chosen = self._choice.sample(NETWORKS, self._choice.randint(1, 2))
        document: dict[str, Any] = {
            "Image": "base",
            "Cmd": ["sleep", "600"],
            "HostConfig": {"NetworkMode": chosen[0]},
            "NetworkingConfig": {"EndpointsConfig": {each: {} for each in chosen}},
        }
        self._engine.call("POST", f"/containers/create?name={name}", document)
        self._engine.call("POST", f"/containers/{name}/start")

    def _join(self) -> None:
        verb = self._choice.choice(("connect", "disconnect"))
        document = {"Container": self._choice.choice(CONTAINERS)}
        network = self._choice.choice((*NETWORKS, "bridge"))
        self._engine.call("POST", f"/networks/{network}/{verb}", document)

    def _stop(self) -> None:
        name = self._choice.choice(CONTAINERS)
        if self._choice.random() < 0.5:
            self._engine.call("POST", f"/containers/{name}/stop?t=0")
        else:
            self._engine.call("DELETE", f"/containers/{name}?force=1")

    def _remove(self) -> None:
        self._engine.call("DELETE", f"/networks/{self._choice.choice(NETWORKS)}")

    def _prune(self) -> None:
        self._engine.call("POST", "/networks/prune")


class Campaign:
    """One engine, killed in every round."""

    def __init__(self, engine: Engine, choice: random.Random) -> None:
        self._engine = engine
        self._choice = choice
        self.kills = 0
        self.faults: list[str] = []

    def round(self, number: int) -> None:
        """Play, die, look."""
        playing = threading.Thread(target=Round(self._engine, self._choice).play)
        playing.start()
        time.sleep(self._choice.uniform(0.0, 0.6))
        if self._engine.is_alive():
            self._engine.kill9()
            self.kills += 1
        playing.join(60)
        self._engine.revive()
        with contextlib.suppress(*LOST):
            if found := self._engine.findings():
                self.faults.append(f"round {number}: {found}")
        self._look_inside(number)

    def _look_inside(self, number: int) -> None:
        for row in self._engine.get("/containers/json"):
            document = self._engine.get(f"/containers/{row['Id']}/json")
            pid = document["State"]["Pid"]
            told = sorted(
                ip
                for one in document["NetworkSettings"]["Networks"].values()
                for ip in (one["IPAddress"], one["GlobalIPv6Address"])
                if ip
            )
            command = ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-o", "addr"]
            shown = subprocess.run(command, capture_output=True, text=True).stdout
            found = sorted(
                words[3].partition("/")[0]
                for words in map(str.split, shown.splitlines())
                if words[1] != "lo" and not words[3].startswith("fe80")
            )
            if found != told:
                self.faults.append(f"round {number}: {row['Names']} has {found}, told {told}")

    def end(self) -> None:
        """Remove all, and look at the host."""
        self._engine.remove_everything()
        for network in NETWORKS:
            self._engine.call("DELETE", f"/networks/{network}")
        if found := self._engine.findings():
            self.faults.append(f"at the end: {found}")


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    asked = parser.parse_args()
    engine = Engine()
    engine.start()
    campaign = Campaign(engine, random.Random(asked.seed))
    print(f"seed {asked.seed}", flush=True)
    try:
        for number in range(asked.rounds):
            campaign.round(number)
            if number % 70 == 69:
                print(f"{campaign.kills} kills, {len(campaign.faults)} faults", flush=True)
        campaign.end()
    finally:
        engine.close()
    for fault in campaign.faults:
        print(fault)
    print(f"{asked.rounds} rounds, {campaign.kills} kills, {len(campaign.faults)} faults")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
