"""What attached commands share: the terminal checks, raw mode around a conversation, the wait."""

from __future__ import annotations

import sys
import time

from lading.cli.conversation import STDIN, STDOUT, Conversation
from lading.cli.detach_keys import KeyWatcher
from lading.cli.failures import USAGE_ERROR, Failure
from lading.cli.terminal import RawMode, SizeWatcher
from lading.errors import LadingError
from lading.sdk import containers, json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.cli.session import Session
    from lading.sdk.client import RawStream
    from lading.sdk.request import Call

RESIZE_TRIES = 5


def check_terminal(*, stdin: bool, tty: bool) -> None:
    """A container with a terminal that we type into needs one on our side."""
    if stdin and tty and not sys.stdin.isatty():
        raise Failure("the input device is not a TTY")


class Outcome:
    """How a conversation ended."""

    def __init__(self, watcher: KeyWatcher | None) -> None:
        self._watcher = watcher

    @property
    def is_detached(self) -> bool:
        """The user asked to leave; the container probably goes on."""
        return self._watcher is not None and self._watcher.has_seen_them


def converse(
    stream: RawStream,
    *,
    tty: bool,
    stdin: bool,
    output: bool = True,
    detach_keys: str = "",
    resize: Callable[[int, int], None],
) -> Outcome:
    """Talk until the stream ends; the terminal is raw meanwhile when both sides have one."""
    watcher = KeyWatcher(detach_keys) if tty and stdin else None
    conversation = Conversation(
        stream,
        stdin=STDIN if stdin else None,
        multiplexed=not tty,
        has_output=output,
        watcher=watcher,
    )
    try:
        if not tty:
            conversation.run()
        elif stdin and sys.stdin.isatty():
            with RawMode(STDIN), SizeWatcher(STDOUT, resize):
                conversation.run()
        else:
            with SizeWatcher(STDOUT, resize):
                conversation.run()
    finally:
        stream.close()
    return Outcome(watcher)


def follow(
    session: Session,
    container: str,
    stream: RawStream,
    waiting: RawStream,
    *,
    tty: bool,
    stdin: bool,
    output: bool = True,
    detach_keys: str = "",
) -> int:
    """Talk with a container until it ends or the user detaches; returns the exit code."""
    outcome = converse(
        stream,
        tty=tty,
        stdin=stdin,
        output=output,
        detach_keys=detach_keys,
        resize=resizer(
            session, lambda rows, columns: containers.resize(container, height=rows, width=columns)
        ),
    )
    return 0 if outcome.is_detached else exit_code(waiting)


def resizer(session: Session, call: Callable[[int, int], Call[None]]) -> Callable[[int, int], None]:
    """Tells the engine a size; on a connection of its own, for it runs in a signal handler.

    The terminal inside may come up a moment after the start, so a refusal is tried again; in the
    end a wrong size is no reason to fail.
    """

    def resize(rows: int, columns: int) -> None:
        for attempt in range(RESIZE_TRIES):
            client = session.client.another()
            try:
                return client.run(call(rows, columns))
            except (LadingError, OSError):
                time.sleep(0.01 * (attempt + 1))
            finally:
                client.close()

    return resize


def killer(session: Session, container: str) -> Callable[[int], None]:
    """Passes a signal on; on a connection of its own. A container that is gone needs none."""

    def kill(number: int) -> None:
        client = session.client.another()
        try:
            client.run(containers.kill(container, str(number)))
        except (LadingError, OSError):
            return
        finally:
            client.close()

    return kill


def exit_code(waiting: RawStream) -> int:
    """What the container ended with. Raises Failure when the engine cannot say."""
    try:
        document = json_text.loads(waiting.read())
    except (LadingError, ValueError, OSError) as error:
        raise Failure(f"error waiting for container: {error}", USAGE_ERROR) from error
    finally:
        waiting.close()
    if document.get("Error"):
        message = document["Error"].get("Message") or "unknown error"
        raise Failure(f"error waiting for container: {message}", USAGE_ERROR)
    code: int = document["StatusCode"]
    return code
