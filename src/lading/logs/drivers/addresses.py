"""Where a receiver is: the URLs of address options, read as Go reads them."""

from typing import NamedTuple
from urllib.parse import urlsplit

from lading.errors import InvalidArgument

LARGEST_PORT = 65535


class BadPort(InvalidArgument):
    """parse "{0}": invalid port ":{1}" after host"""


class PortOutOfRange(InvalidArgument):
    """invalid port: strconv.ParseUint: parsing "{0}": value out of range"""


class MissingScheme(InvalidArgument):
    """parse "{0}": missing protocol scheme"""


class Address(NamedTuple):
    """What a driver connects to; of a unix socket `host` is the path."""

    network: str
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{self.network}://{self.host}" + (f":{self.port}" if self.port else "")


class Url(NamedTuple):
    """What an option says; what it leaves out is empty."""

    scheme: str
    host: str
    port: int
    path: str


def parse(text: str) -> Url:
    """`tcp://host:514`, `unix:///path`. Raises MissingScheme, BadPort, PortOutOfRange."""
    if text.startswith(":"):
        raise MissingScheme(text)
    url = urlsplit(text)
    _, colon, port = url.netloc.rpartition("]" if url.netloc.endswith("]") else ":")
    if not colon or url.netloc.endswith("]"):
        port = ""
    if port and not (port.isascii() and port.isdigit()):
        raise BadPort(text, port)
    if port and int(port) > LARGEST_PORT:
        raise PortOutOfRange(port)
    return Url(url.scheme, url.hostname or "", int(port or 0), url.path)
