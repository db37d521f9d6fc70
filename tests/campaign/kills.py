"""Kills without end: the daemon at every failpoint, and any of our processes at any moment.

    PYTHONPATH=src:. python -m tests.campaign.kills --rounds 5 --random 1000

A round kills the daemon once at each pass of a failpoint of everything that `Life` does: create,
start, exec, pause, update, rename, commit, copies in and out, restart, stop, prune, removal; with
networks and volumes of the user's (filled, mounted, copied, backed up, restored), connect and
disconnect, published ports of both protocols. A random kill ends a daemon, spawner, monitor,
starter, porter or resolver while a life is lived. After each kill the engine is started again, and
then the audit must be silent, what is said to run must run, and when all is removed no process,
cgroup or mount may be left, no link but the engine's own, no port, no element of the packet filter,
no lease and no run directory: the kernel and the directories are looked at, too, not only the
audit. Prints what it did, and fails at a leak.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import select
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e.conftest import Engine

NETWORK, SECOND, VOLUME = "red", "blue", "basin"
RUN_DIRECTORIES = ("containers", "networks", "ports", "volumes", "frozen")
SETTLED_S = 3.0
LOST = (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError, TypeError)


class Life:
    """All that happens to a few containers; what fails because somebody died is passed over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_over = False

    def live(self) -> None:
        """Live it to the end, or to the first error of a daemon that has gone."""
        steps = (
            self._begin,
            self._join,
            self._use,
            self._keep,
            self._change,
            self._part,
            self._end,
        )
        for step in steps:
            try:
                step()
            except LOST:
                if not self._engine.is_alive():
                    return

    def _begin(self) -> None:
        post = self._engine.post
        post("/networks/create", {"Name": NETWORK})
        post("/volumes/create", {"Name": VOLUME})
        ports = {"80/tcp": [{"HostPort": ""}], "53/udp": [{"HostPort": ""}]}
        host = {"Memory": 64 << 20, "PortBindings": ports}
        host |= {"NetworkMode": NETWORK, "Binds": [f"{VOLUME}:/data"]}
        script = "trap 'exit 3' TERM; while :; do echo x; sleep 0.02; done"
        document = {"Image": "base", "Cmd": ["sh", "-c", script], "HostConfig": host}
        post("/containers/create?name=one", document)
        post("/containers/one/start")
        removed = {"Image": "base", "Cmd": ["true"], "Volumes": {"/anonymous": {}}}
        removed["HostConfig"] = {"AutoRemove": True, "PortBindings": {"80/tcp": [{}]}}
        post("/containers/create?name=two", removed)
        post("/containers/two/start")

    def _join(self) -> None:
        post = self._engine.post
        post("/networks/create", {"Name": SECOND, "Internal": True})
        post(f"/networks/{SECOND}/connect", {"Container": "one"})
        post("/networks/bridge/connect", {"Container": "one"})
        post(f"/networks/{NETWORK}/disconnect", {"Container": "one"})

    def _use(self) -> None:
        post = self._engine.post
        exec_id = post("/containers/one/exec", {"Cmd": ["true"], "AttachStdout": True})["Id"]
        post(f"/exec/{exec_id}/start", {})
        post("/containers/one/pause")
        post("/containers/one/unpause")
        self._engine.exchange("PUT", "/containers/one/archive?path=/tmp", _archive())
        self._engine.call("GET", "/containers/one/archive?path=/tmp")
        self._engine.call("GET", "/containers/one/changes")

    def _keep(self) -> None:
        """Volumes: made, filled, mounted, copied, backed up, restored, removed."""
        post, call = self._engine.post, self._engine.call
        options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
        post("/volumes/create", {"Name": "memory", "DriverOpts": options})
        host = {"Binds": ["kept:/etc", "memory:/memory"], "NetworkMode": "none"}
        document = {"Image": "base", "Cmd": ["sleep", "60"], "Volumes": {"/x": {}}}
        post("/containers/create?name=keeper", {**document, "HostConfig": host})
        post("/containers/keeper/start")
        post("/lading/volumes/kept/clone?to=copy&pause=1")
        post("/lading/volumes/copy/rename?to=other")
        status, backup = call("POST", "/lading/backups/create?container=keeper")
        if status == 200:
            renames = "volume=kept=again&volume=memory=plain"
            self._engine.exchange("POST", f"/lading/backups/restore?name=twin&{renames}", backup)
        call("DELETE", "/containers/keeper?force=1&v=1")
        call("DELETE", "/containers/twin?v=1")
        post("/volumes/prune?filters=%7B%22all%22%3A%5B%221%22%5D%7D")

    def _change(self) -> None:
        post = self._engine.post
        post("/containers/one/update", {"CpuShares": 512})
        more = {"PublishAdd": {"81/tcp": [{"HostPort": "8081"}]}, "PublishRm": {"80/tcp": []}}
        post("/containers/one/update", more)
        post("/networks/bridge/connect", {"Container": "one"})
        post("/networks/campaign/disconnect", {"Container": "one"})
        post("/containers/one/rename?name=uno")
        image = post("/commit?container=uno&repo=campaign")["Id"]
        post("/containers/create?name=three", {"Image": image, "Cmd": ["true"]})
        post("/containers/uno/restart?t=1")

    def _part(self) -> None:
        post = self._engine.post
        post(f"/networks/{SECOND}/disconnect", {"Container": "uno", "Force": True})
        self._engine.call("DELETE", f"/networks/{SECOND}")
        mount = {"Type": "tmpfs", "Target": "/t"}
        host = {"AutoRemove": True, "Mounts": [mount], "Binds": [f"{VOLUME}:/data"]}
        post("/containers/create?name=four", {"Image": "base", "Cmd": ["true"], "HostConfig": host})
        post("/containers/four/start")

    def _end(self) -> None:
        post = self._engine.post
        for name in ("one", "uno"):
            self._engine.call("POST", f"/containers/{name}/stop?t=1")
        post("/containers/prune")
        post("/networks/prune")
        post("/volumes/prune?filters=" + quote('{"all":["true"]}'))
        self._engine.call("DELETE", "/images/campaign?force=1")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"data"))
    return buffer.getvalue()


class Campaign:
    """One engine, killed again and again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.kills = 0
        self.leaks: list[object] = []

    def names(self) -> list[str]:
        """Every pass of a failpoint in one life: `name`, ..., and then `name:2`, ..."""
        Life(self._engine).live()  # the image is made, the network completed
        _remove_all(self._engine)
        found = Path(f"{self._engine.directory}/names")
        found.touch()
        self._engine.arm(f"list:{found}")
        Life(self._engine).live()
        time.sleep(0.5)
        self._engine.arm("")
        _remove_all(self._engine)
        return sorted(set(found.read_text().split()), key=lambda name: (":" in name, name))

    def kill_at(self, name: str) -> None:
        """The daemon dies at a failpoint, if this life comes by."""
        self._engine.arm(name)
        Life(self._engine).live()
        try:
            self._engine.wait_dead(0.5)
            self.kills += 1
        except subprocess.TimeoutExpired:
            self._engine.arm("")  # a pass that met another one, this time
        self._look(f"failpoint {name}")

    def kill_any(self, choice: random.Random) -> None:
        """Some process of ours dies at some moment."""
        life = threading.Thread(target=Life(self._engine).live)
        life.start()
        time.sleep(choice.uniform(0.0, 0.8))
        ours = self._engine.process_ids()
        victim = choice.choice(ours) if ours else 0
        self.kills += _kill(victim)
        life.join(60)
        self._look(f"random kill of {victim}")

    def _look(self, when: str) -> None:
        """Start again what died, and look whether all fits together."""
        self._engine.revive()
        found: list[object] = self._engine.findings()
        listed = self._engine.get("/containers/json")
        found += [row for row in listed if not _runs(self._engine, row)]
        try:
            _remove_all(self._engine)
        except AssertionError as error:
            found.append(f"cannot be removed: {error}")
            found.append(self._engine.log()[-3000:])
        found += self._engine.findings()
        found += left_over(self._engine)
        if found:
            self.leaks.append((when, found))
            print(f"LEAK after {when}: {json.dumps(found)}", flush=True)


def _remove_all(engine: Engine) -> None:
    """Everything but the base image, as a user would. Raises AssertionError for what stays."""
    engine.remove_everything()
    for network in engine.get("/networks"):
        if network["Name"] in (NETWORK, SECOND):
            status, body = engine.call("DELETE", f"/networks/{network['Id']}")
            assert status in (204, 404), body
    for volume in engine.get("/volumes")["Volumes"] or []:
        status, body = engine.call("DELETE", f"/volumes/{volume['Name']}")
        assert status in (204, 404), body
    engine.call("DELETE", "/images/campaign?force=1")


def left_over(engine: Engine) -> list[object]:
    """What the host has of containers, networks and volumes after all were removed."""
    deadline = time.monotonic() + SETTLED_S
    while (found := _left_now(engine)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _left_now(engine: Engine) -> list[object]:
    found: list[object] = []
    directory = Path(engine.directory)
    for place in RUN_DIRECTORIES:
        path = directory / "exec" / place
        found += [str(entry) for entry in path.iterdir()] if path.is_dir() else []
    for place in ("containers", "volumes"):
        found += [str(entry) for entry in (directory / "data" / place).glob("[!.]*")]
    found += [str(entry) for entry in directory.glob("data/volumes/.trash/*")]
    links = json.loads(engine.in_namespace("ip", "-j", "link").stdout)
    found += [link["ifname"] for link in links if link["ifname"] not in ("lo", "lading0")]
    rules = engine.in_namespace("nft", "list", "ruleset").stdout.decode()
    found += [line for line in rules.splitlines() if "dport" in line and "172." in line]
    found += [line for line in rules.splitlines() if "elements" in line and " : " in line]
    listening = engine.in_namespace("ss", "-Hltnu").stdout.decode()
    found += listening.splitlines()
    held = engine.cgroups()
    found += held
    return found


def _kill(pid: int) -> bool:
    """Whether this process was there to be killed; it is dead afterwards."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], 10)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _runs(engine: Engine, row: dict[str, Any]) -> bool:
    """Whether a container that is said to run has a process (or has just ended)."""
    status, body = engine.call("GET", f"/containers/{row['Id']}/json")
    if status == 404:
        return True
    state = json.loads(body)["State"]
    return not state["Running"] or os.path.exists(f"/proc/{state['Pid']}") or state["Restarting"]


def main() -> int:
    """The exit code: 1 if anything was left behind."""
    parser = argparse.ArgumentParser(description="kill the engine everywhere, see what is left")
    parser.add_argument("--rounds", type=int, default=1, help="kills at each failpoint")
    parser.add_argument("--random", type=int, default=100, help="kills of any process, any time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", help="of the failpoints: 2/3 is the second third")
    options = parser.parse_args()
    engine = Engine()
    engine.start()
    campaign = Campaign(engine)
    begun = time.monotonic()
    part, parts = map(int, options.part.split("/"))
    names = campaign.names()[part - 1 :: parts]
    for _ in range(options.rounds):
        for name in names:
            campaign.kill_at(name)
    at_failpoints = campaign.kills
    choice = random.Random(options.seed)
    for _ in range(options.random):
        campaign.kill_any(choice)
    engine.close()  # asserts that nothing is left on the host
    minutes = (time.monotonic() - begun) / 60
    print(
        f"{len(names)} failpoints, {at_failpoints} kills there, {campaign.kills - at_failpoints} "
        f"random kills, {len(campaign.leaks)} leaks, {minutes:.1f} minutes"
    )
    return 1 if campaign.leaks else 0


if __name__ == "__main__":
    sys.exit(main())
