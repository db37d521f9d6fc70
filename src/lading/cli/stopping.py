"""What `stop` and `restart` share: their flags."""

from __future__ import annotations

from lading.cli.flags import INT, STRING, Flag
from lading.cli.parser import Arguments

FLAGS = (
    Flag("signal", "s", STRING, "Signal to send to the container"),
    Flag("timeout", "t", INT, "Seconds to wait before killing the container", also=("time",)),
)


class StopArguments(Arguments):
    signal: str
    timeout: int

    def timeout_s(self) -> int | None:
        """None leaves it to the container's own timeout."""
        return self.timeout if "timeout" in self.given else None
