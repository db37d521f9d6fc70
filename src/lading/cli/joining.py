"""What `attach` and `start -a` share: a container that exists, its streams, our signals."""

from __future__ import annotations

from lading.cli import attached
from lading.cli.signals import SignalProxy
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.session import Session
    from lading.sdk.client import RawStream
    from lading.sdk.request import Document


def proxy_for(session: Session, document: Document, *, is_wanted: bool = True) -> SignalProxy:
    """Signals go to the container; not to one with a terminal, where Ctrl-C is a key."""
    if document["Config"]["Tty"] or not is_wanted:
        return SignalProxy(None)
    return SignalProxy(attached.killer(session, document["Id"]))


class Joined:
    """Attached to a container; `document` is its inspect."""

    def __init__(
        self, session: Session, document: Document, *, stdin: bool, detach_keys: str
    ) -> None:
        """Attach; stdin only where the container has one. Raises Failure without a terminal."""
        config = document["Config"]
        self._session = session
        self._tty: bool = config["Tty"]
        self._stdin: bool = stdin and config["OpenStdin"]
        self._detach_keys = detach_keys
        self._container: str = document["Id"]
        attached.check_terminal(stdin=self._stdin, tty=self._tty)
        self._stream = session.run(
            containers.attach(
                self._container,
                stdin=self._stdin,
                stdout=True,
                stderr=True,
                detach_keys=detach_keys,
            )
        )

    def follow(self, waiting: RawStream) -> int:
        """Talk until it ends or the user detaches; the exit code."""
        return attached.follow(
            self._session,
            self._container,
            self._stream,
            waiting,
            tty=self._tty,
            stdin=self._stdin,
            detach_keys=self._detach_keys,
        )
