"""Starts an engine when none listens at the default socket, so that `lading run` just works.

Root starts the host's, a plain user one of their own. The engine is a detached process of the same
Python; its output goes to a log that is shown when it does not come up. Two commands at once may
both start one: the engine that finds the socket taken ends, and both commands find the other.
"""

from __future__ import annotations

import os
import sys
import time

from lading.cli.failures import Failure
from lading.sdk import client
from lading.sdk.errors import ConnectionFailed, ConnectionRefusedByMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping

    from lading.sdk.address import Address

EXEC_ROOT = "/run/lading"
LOG = EXEC_ROOT + "/autostart.log"
PATIENCE_S = 30.0  # a busy host, and an engine that has containers to find again
_BOOT = (
    # away from the user's directory, which a daemon would keep busy
    "import os, sys; os.chdir('/'); os.umask(0o022); "
    "sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'ladingd'; "
    "from lading.app.ladingd import main; sys.exit(main())"
)


def connect(address: Address) -> _socket.socket:
    """As `client.connect`, but starts the engine when nobody listens and we may."""
    try:
        return client.connect(address)
    except ConnectionRefusedByMode:
        raise
    except ConnectionFailed:
        if os.geteuid() != 0 and not is_own(address, os.environ):
            raise
    start(address)
    return client.connect(address)


def is_own(address: Address, environ: Mapping[str, str]) -> bool:
    """Whether the engine there is one that a plain user starts."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    return bool(runtime) and address.text == f"unix://{runtime}/lading.sock"


def start(address: Address) -> None:
    """Start an engine and wait until it answers. Raises Failure with the end of its log."""
    log = LOG
    if os.geteuid() != 0:
        log = f"{os.environ['XDG_RUNTIME_DIR']}/lading/autostart.log"
    process = spawn(engine_command(), log)
    wait_until_it_answers(address, process, log)
    sys.stderr.write(
        f"lading: no engine was listening on {address.text}, started one (pid {process})\n"
    )


def engine_command() -> list[str]:
    import lading

    source = os.path.dirname(os.path.dirname(os.path.abspath(lading.__file__)))
    # -I: nothing of the user's environment reaches the engine but what it is told
    return [sys.executable, "-I", "-c", _BOOT, source]


def spawn(command: list[str], log: str) -> int:
    """A process in its own session that holds no descriptor of ours; returns its pid."""
    os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    # 0, 1, 2 by dup2 (which drops close-on-exec); Python opens all others close-on-exec
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    try:
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
    finally:
        os.close(output)


def wait_until_it_answers(address: Address, process: int, log: str = LOG) -> None:
    """Returns when `_ping` does. Raises Failure when the process ends or patience does."""
    from lading.sdk import system

    deadline = time.monotonic() + PATIENCE_S
    ended = False
    while time.monotonic() < deadline:
        asking = client.Client(address)
        try:
            return asking.run(system.ping())
        except Exception as error:
            problem: Exception = error
        finally:
            asking.close()
        if ended:  # it ended before this last try: no other engine took its place
            break
        ended = os.waitpid(process, os.WNOHANG)[0] == process
        time.sleep(0.02)
    raise Failure(f"{problem}\nhint: the engine that was started failed, {log} ends:\n{tail(log)}")


def tail(path: str, lines: int = 10) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(f"  {line}" for line in file.readlines()[-lines:]).rstrip("\n")
    except OSError as error:
        return f"  ({error})"
