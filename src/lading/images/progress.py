"""Progress as Docker's JSON messages, at most ten numbers a second for each layer.

A message is {"status"}, {"id", "status"} or {"id", "status", "progressDetail": {current, total}};
the texts are those that Docker's clients show and match on (`docker pull`, docker-py).
"""

import time
from collections.abc import Callable

Message = dict[str, object]
Progress = Callable[[Message], None]

INTERVAL_S = 0.1  # between two numbers of one layer

PULLING_FS_LAYER = "Pulling fs layer"
WAITING = "Waiting"
DOWNLOADING = "Downloading"
VERIFYING = "Verifying Checksum"
DOWNLOADED = "Download complete"
EXTRACTING = "Extracting"
PULLED = "Pull complete"
EXISTS = "Already exists"
PREPARING = "Preparing"
PUSHING = "Pushing"
PUSHED = "Pushed"
LAYER_EXISTS = "Layer already exists"
SKIPPED = "Skipped foreign layer"


def ignore(_: Message) -> None:
    """For who does not want to know."""


class LayerProgress:
    """The messages of one layer, to everybody who waits for it."""

    def __init__(self, identity: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.identity = identity
        self._listeners: list[Progress] = []
        self._clock = clock
        self._last_s = 0.0

    def listen(self, listener: Progress) -> None:
        """Send the messages from now on to this listener, too."""
        self._listeners.append(listener)

    def status(self, text: str) -> None:
        """A step was reached."""
        self._send({"status": text, "progressDetail": {}, "id": self.identity})

    def amount(self, text: str, current: int, total: int) -> None:
        """So many of so many bytes; dropped when the last number is younger than INTERVAL_S."""
        now = self._clock()
        if now - self._last_s < INTERVAL_S and current < total:
            return
        self._last_s = now
        detail = {"current": current, "total": total}
        self._send({"status": text, "progressDetail": detail, "id": self.identity})

    def _send(self, message: Message) -> None:
        for listener in list(self._listeners):
            listener(message)
