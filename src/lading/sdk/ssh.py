"""An engine on another host, through the system's ssh and `system dial-stdio` there.

ssh's stdin and stdout are one end of a pair of sockets, so the client has a socket like any other:
ending its write side ends the remote stdin, as half-close asks.
"""

from __future__ import annotations

import _socket
import os

from lading.sdk.errors import AddressError, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.address import Address

# whichever command the host has speaks for the engine that is there
_REMOTE = (
    "if command -v lading >/dev/null 2>&1; then exec lading {0}system dial-stdio; "
    "else exec docker {0}system dial-stdio; fi"
)
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/@%+=:,")


def command(address: Address, program: str = "ssh") -> list[str]:
    """The words to run. Raises AddressError for what a shell would take apart."""
    words = [program, "-o", "ConnectTimeout=30", "-T"]
    if address.user:
        words += ["-l", address.user]
    if address.port:
        words += ["-p", str(address.port)]
    if address.path and not _SAFE.issuperset(address.path):
        raise AddressError(f"invalid path in {address.text}")
    host = f"--host unix://{address.path} " if address.path else ""
    # -- so that a host's name can never be an option
    return [*words, "--", address.host, _REMOTE.format(host)]


def connect(address: Address) -> _socket.socket:
    """Start ssh. Raises ConnectionFailed when there is none; ssh itself says what goes wrong."""
    words = command(address)
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), 1),
    ]
    try:
        os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    except OSError as error:
        ours.close()
        raise ConnectionFailed(address.text, error) from error
    finally:
        theirs.close()
    return ours
