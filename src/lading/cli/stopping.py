"""What `stop` and `restart` share: their flags, and all but the call."""

from __future__ import annotations

from lading.cli.each import for_each
from lading.cli.flags import INT, STRING, Flag
from lading.cli.parser import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from lading.cli.session import Session
    from lading.sdk.request import Call

    class Verb(Protocol):
        """`containers.stop` or `containers.restart`."""

        def __call__(self, name: str, *, signal: str, timeout_s: int | None) -> Call[None]: ...


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


def each(session: Session, args: StopArguments, verb: Verb) -> int:
    """Ask it for each container that was named."""

    def ask(name: str) -> None:
        session.run(verb(name, signal=args.signal, timeout_s=args.timeout_s()))

    return for_each(args.words, ask)
