"""What must be true of the other side of a TLS connection, and what we show it."""

from typing import NamedTuple


class Trust(NamedTuple):
    """Files are paths; `authorities` come on top of the system's."""

    verify: bool = True
    authorities: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()  # certificate and key


VERIFIED = Trust()
UNVERIFIED = Trust(verify=False)
