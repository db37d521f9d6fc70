"""Kills without end: the daemon at every failpoint, and any of our processes at any moment.

    PYTHONPATH=src:. python -m tests.campaign.kills --rounds 5 --random 1000

A round kills the daemon once at each pass of a failpoint of everything that `Life` does: create,
start, exec, pause, update, rename, commit, copies in and out, restart, stop, prune, removal, with
published ports, two networks, and volumes: filled, mounted, copied, backed up, restored. A random
kill ends a daemon, spawner, monitor, starter, porter or resolver while a life is lived. After each
kill the engine is started again, and then the audit must be silent, what is said to run must run,
and when all is removed no process, cgroup or mount may be left. Prints what it did, and fails at a
leak.
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

from tests.e2e.conftest import Engine

LOST = (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError, TypeError)


class Life:
    """All that happens to a few containers; what fails because somebody died is passed over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_over = False

    def live(self) -> None:
        """Live it to the end, or to the first error of a daemon that has gone."""
        for step in (self._begin, self._use, self._keep, self._change, self._end):
            try:
                step()
            except LOST:
                if not self._engine.is_alive():
                    return

    def _begin(self) -> None:
        post = self._engine.post
        self._engine.call("POST", "/networks/create", {"Name": "campaign"})  # or it is there
        bindings = {"80/tcp": [{"HostPort": "8080"}], "53/udp": [{}]}
        host = {"Memory": 64 << 20, "PortBindings": bindings, "NetworkMode": "campaign"}
        script = "trap 'exit 3' TERM; while :; do echo x; sleep 0.02; done"
        document = {"Image": "base", "Cmd": ["sh", "-c", script], "HostConfig": host}
        post("/containers/create?name=one", document)
        post("/containers/one/start")
        removed = {"Image": "base", "Cmd": ["true"], "HostConfig": {"AutoRemove": True}}
        post("/containers/create?name=two", removed)
        post("/containers/two/start")

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

    def _end(self) -> None:
        post = self._engine.post
        for name in ("one", "uno"):
            self._engine.call("POST", f"/containers/{name}/stop?t=1")
        post("/containers/prune")
        self._engine.call("DELETE", "/networks/campaign")
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
        """Every pass of a failpoint in one life: `name`, `name:2`, ..."""
        Life(self._engine).live()  # the image is made, the network completed
        self._engine.remove_everything()
        found = Path(f"{self._engine.directory}/names")
        found.touch()
        self._engine.arm(f"list:{found}")
        Life(self._engine).live()
        time.sleep(0.5)
        self._engine.arm("")
        self._engine.remove_everything()
        return sorted(set(found.read_text().split()))

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
            self._engine.remove_everything()
        except AssertionError as error:
            found.append(f"cannot be removed: {error}")
            found.append(self._engine.log()[-3000:])
        found += self._engine.findings()
        self._engine.call("DELETE", "/images/campaign?force=1")
        self._engine.post("/volumes/prune?filters=%7B%22all%22%3A%5B%221%22%5D%7D")
        found += self._engine.get("/volumes")["Volumes"]
        found += self._engine.findings()
        if found:
            self.leaks.append((when, found))
            print(f"LEAK after {when}: {json.dumps(found)}", flush=True)


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
    options = parser.parse_args()
    engine = Engine()
    engine.start()
    campaign = Campaign(engine)
    begun = time.monotonic()
    names = campaign.names()
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
