"""The way out of the nest's network: pasta, or else slirp4netns; both run beside the nest.

Neither lets the nest reach what listens on the host's loopback alone: containers would get at every
local service of the user. Without either the network is an island, and the engine says so.
"""

import os
import shutil
import signal
import time
from contextlib import suppress

from lading.app.rootless import beside
from lading.app.rootless.needs import TUN
from lading.errors import SystemFault

START_S = 10.0
NAME = "uplink"
LOG = "uplink.log"
INTERFACE = "tap0"


class UplinkFailed(SystemFault):
    """{0} did not connect the network: {1}"""


def command(pid: int) -> list[str] | None:
    """What connects the network of a process; None when nothing is installed."""
    if path := shutil.which("pasta"):
        words = ["--config-net", "--quiet", "--foreground", "--ns-ifname", INTERFACE]
        words += ["--no-map-gw", "-t", "none", "-u", "none", "-T", "none", "-U", "none"]
        return [path, *words, str(pid)]
    if path := shutil.which("slirp4netns"):
        return [path, "--configure", "--mtu=65520", "--disable-host-loopback", str(pid), INTERFACE]
    return None


def problem() -> str:
    """Why there is no way out, "" if there is."""
    if command(0) is None:
        return "neither pasta nor slirp4netns is installed (Debian: apt install passt)"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"{TUN} cannot be opened (as root: chmod 666 {TUN})"
    return ""


def start(nest: int, directory: str) -> None:
    """Connect the nest's network; returns when it is. Raises UplinkFailed, and leaves nothing."""
    words = command(nest)
    assert words is not None  # `problem` was asked before
    log = os.open(f"{directory}/{LOG}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, log, 1),
        (os.POSIX_SPAWN_DUP2, log, 2),
    ]
    try:
        # Python ignores SIGPIPE, and pasta 2023-03 takes it for an error when somebody has before
        pid = os.posix_spawn(
            words[0],
            words,
            os.environ,
            file_actions=actions,
            setsid=True,
            setsigdef=[signal.SIGPIPE],
        )
    finally:
        os.close(log)
    with suppress(ProcessLookupError):  # it has ended already: that is seen below
        beside.write(directory, NAME, pid)
    deadline = time.monotonic() + START_S
    while not _is_up(nest):
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        if ended or time.monotonic() > deadline:
            if not ended:
                stop(directory)
            with open(f"{directory}/{LOG}", encoding="utf-8", errors="replace") as file:
                text = "; ".join(file.read().split("\n")).strip("; ")
            raise UplinkFailed(os.path.basename(words[0]), text or "it ended without a word")
        time.sleep(0.01)


def _is_up(nest: int) -> bool:
    """Whether the network has a route to somewhere."""
    with open(f"/proc/{nest}/net/route", encoding="ascii") as file:
        return any(line.split()[:2] == [INTERFACE, "00000000"] for line in file)


def stop(directory: str) -> None:
    """End what `start` started, if it is still there."""
    beside.end(directory, NAME, signal.SIGTERM)
