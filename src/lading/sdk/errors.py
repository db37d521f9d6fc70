"""What can go wrong between a client and its engine.

ApiError          the engine answered, and said no
ConnectionFailed  nobody answered
ProtocolError     what answered does not speak HTTP, or stopped in the middle
"""

from __future__ import annotations

from lading.errors import LadingError


class ApiError(LadingError):
    """Error response from daemon: {0}"""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class ConnectionFailed(LadingError):
    """Cannot connect to the Docker daemon at {0}. Is the docker daemon running?"""

    # Docker's sentence: scripts wait for a daemon by looking for it.

    def __init__(self, address: str, error: OSError) -> None:
        super().__init__(address)
        self.address = address
        self.error = error


class ConnectionRefusedByMode(ConnectionFailed):
    """permission denied while trying to connect to the Docker daemon socket at {0}"""


class TlsFailed(LadingError):
    """error during connect: {0}"""


class ProtocolError(LadingError):
    """{0}"""


class AddressError(LadingError):
    """{0}"""
