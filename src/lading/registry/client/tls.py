"""TLS contexts: the system's authorities, and a registry's own in certs.d.

A directory `HOST[:PORT]` there holds `*.crt` (authorities) and pairs `*.cert` + `*.key` (what we
show). Source: Docker's "Verify repository client with certificates".
"""

import os
import ssl

from lading.errors import InvalidArgument


class MissingKey(InvalidArgument):
    """missing key {1} for client certificate {0}"""


def context(*, verify: bool, directory: str | None = None) -> ssl.SSLContext:
    """A client context. Raises MissingKey, ssl.SSLError for files that are no certificates."""
    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for name in _names(directory):
        path = os.path.join(directory or "", name)
        if name.endswith(".crt"):
            made.load_verify_locations(cafile=path)
        elif name.endswith(".cert"):
            key = path.removesuffix(".cert") + ".key"
            if not os.path.exists(key):
                raise MissingKey(name, os.path.basename(key))
            made.load_cert_chain(path, key)
    return made


def _names(directory: str | None) -> list[str]:
    try:
        return sorted(os.listdir(directory)) if directory else []
    except (FileNotFoundError, NotADirectoryError):
        return []
