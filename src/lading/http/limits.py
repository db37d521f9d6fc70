"""What a client may cost us before it is served; numbers only."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes in bytes, times in seconds."""

    head_bytes: int = 256 * 1024  # X-Registry-Config carries a token per registry
    body_bytes: int = 16 * 1024 * 1024  # of a body that is read whole, not of one that is streamed
    buffered_bytes: int = 256 * 1024  # received and not yet asked for; then we stop reading
    head_s: float = 30.0  # from the first byte of a request, or of a TLS handshake, to its last
    idle_s: float = 600.0  # between requests; Go clients drop theirs long before
    linger_s: float = 2.0  # for a client to hear an answer while it is still sending
    drained_bytes: int = 256 * 1024  # of an unread body, to save the connection for another request
    sweep_s: float = 5.0  # how often one timer looks at all of these
