"""containerd's hosts.toml: which hosts serve a registry's names, and how each is reached.

    server = "https://registry.example"            asked last; the registry itself when left out
    [host."https://mirror.example:5000"]           asked in the order of the file
      capabilities = ["pull", "resolve", "push"]   all of them when left out
      ca = "ca.pem"                                or a list; relative to the file
      client = [["client.cert", "client.key"]]     or one path of certificate and key
      skip_verify = true
      override_path = true                         the URL has the whole API root, no /v2 is added
      [host."https://mirror.example:5000".header]
        x-token = "value"                          or a list of values

Source: containerd, docs/hosts.md.
"""

import os
import tomllib
from typing import NamedTuple
from urllib.parse import urlsplit

from lading.errors import InvalidArgument
from lading.registry.client.trust import Trust

CAPABILITIES = frozenset({"pull", "resolve", "push"})


class BadHostsFile(InvalidArgument):
    """{0}: {1}"""


class Host(NamedTuple):
    """One table of the file."""

    url: str
    capabilities: frozenset[str] = CAPABILITIES
    trust: Trust = Trust()
    headers: tuple[tuple[str, str], ...] = ()
    has_whole_path: bool = False


def read(path: str) -> list[Host] | None:
    """The hosts of a file in their order, the server last; None without a file.

    Raises BadHostsFile.
    """
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadHostsFile(path, error) from error
    tables = document.get("host", {})
    if not isinstance(tables, dict):
        raise BadHostsFile(path, "host is not a table")
    hosts = [_host(path, url, table) for url, table in tables.items()]
    if "server" in document:
        hosts.append(_host(path, document["server"], document))
    return hosts


def _host(path: str, url: object, table: object) -> Host:
    if not isinstance(table, dict) or not isinstance(url, str):
        raise BadHostsFile(path, f"{url!r} is not a host")
    address = url if "://" in url else f"https://{url}"
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
        raise BadHostsFile(path, f"{url!r} is not a URL of http or https")
    capabilities = frozenset(_texts(path, table.get("capabilities", list(CAPABILITIES))))
    if not capabilities <= CAPABILITIES:
        raise BadHostsFile(path, f"unknown capability of {url}")
    return Host(
        address.rstrip("/"),
        capabilities,
        _trust(path, table),
        _headers(path, table.get("header", {})),
        bool(table.get("override_path", False)),
    )


def _trust(path: str, table: dict[str, object]) -> Trust:
    directory = os.path.dirname(path)

    def full(name: str) -> str:
        return os.path.join(directory, name)

    clients = table.get("client", [])
    pairs = [clients] if isinstance(clients, str) else clients
    if not isinstance(pairs, list):
        raise BadHostsFile(path, "client is not a list")
    found: list[tuple[str, str]] = []
    for pair in pairs:
        names = _texts(path, pair)
        found.append((full(names[0]), full(names[-1])))
    authorities = tuple(full(name) for name in _texts(path, table.get("ca", [])))
    return Trust(not table.get("skip_verify", False), authorities, tuple(found))


def _headers(path: str, table: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(table, dict):
        raise BadHostsFile(path, "header is not a table")
    return tuple((name, ", ".join(_texts(path, value))) for name, value in table.items())


def _texts(path: str, value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise BadHostsFile(path, f"{value!r} is not a text or a list of texts")
    return values
