"""`lading system dial-stdio`: stdin and stdout become a connection to the engine.

This is how another client reaches this engine over ssh: it starts this command on the host and
speaks HTTP with it. The end of stdin closes the write side only, so answers still come.
"""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.conversation import STDIN, Conversation
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "system dial-stdio",
    "",
    "Proxy the stdio stream to the engine: what is run over ssh, not by hand",
    most=0,
)


def run(session: Session, words: Sequence[str]) -> int:
    parse(words, COMMAND, Arguments())
    stream = session.client.dial()
    try:
        Conversation(stream, stdin=STDIN, multiplexed=False).run()
    finally:
        stream.close()
    return 0
