"""The certificates of a TLS listener, which can be read again without closing it.

Connections that stand keep what they were made with; new ones get what was read last. Files that
cannot be read leave the old ones in force.
"""

import ssl
from typing import NamedTuple


class Files(NamedTuple):
    """Paths in PEM. `verify`: a client needs a certificate that `ca` signed."""

    ca: str
    cert: str
    key: str
    verify: bool


class Certificates:
    """`context()` is what a new connection is made with."""

    def __init__(self, files: Files) -> None:
        """Raises OSError (ssl.SSLError is one)."""
        self._files = files
        self._context = _read(files)

    def context(self) -> ssl.SSLContext:
        return self._context

    def reload(self) -> None:
        """Raises OSError; then nothing has changed."""
        self._context = _read(self._files)


def _read(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.cert, files.key)
    if files.verify:
        context.load_verify_locations(files.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
