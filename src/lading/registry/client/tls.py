"""TLS contexts: the system's authorities, and a registry's own in certs.d.

A directory `HOST[:PORT]` there holds `*.crt` (authorities) and pairs `*.cert` + `*.key` (what we
show). Source: Docker's "Verify repository client with certificates".
"""

import os
import ssl

from lading.errors import InvalidArgument
from lading.registry.client.trust import Trust


class MissingKey(InvalidArgument):
    """missing key {1} for client certificate {0}"""


class MissingCertificate(InvalidArgument):
    """missing client certificate {1} for key {0}"""


def context(trust: Trust) -> ssl.SSLContext:
    """A client context. Raises ssl.SSLError, OSError for files that are no certificates."""
    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    if not trust.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for authority in trust.authorities:
        made.load_verify_locations(cafile=authority)
    for certificate, key in trust.clients:
        made.load_cert_chain(certificate, key)
    return made


def of_directory(directory: str, *, verify: bool) -> Trust:
    """What certs.d says of one registry. Raises MissingKey, MissingCertificate."""
    authorities: list[str] = []
    clients: list[tuple[str, str]] = []
    for name in _names(directory):
        path = os.path.join(directory, name)
        stem, extension = os.path.splitext(path)
        if extension == ".crt":
            authorities.append(path)
        elif extension == ".cert":
            if not os.path.exists(f"{stem}.key"):
                raise MissingKey(name, os.path.basename(stem) + ".key")
            clients.append((path, f"{stem}.key"))
        elif extension == ".key" and not os.path.exists(f"{stem}.cert"):
            raise MissingCertificate(name, os.path.basename(stem) + ".cert")
    return Trust(verify, tuple(authorities), tuple(clients))


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
