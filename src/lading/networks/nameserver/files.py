"""What was said about a container's resolver: a file in the run directory, as endpoints are.

DIRECTORY/<container id>     a JSON `Upstream`
"""

import contextlib
import logging
import os

import msgspec

from lading.networks.nameserver.servers import Upstream

log = logging.getLogger(__name__)
_UNFINISHED = ".new"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Upstream).decode


def load(directory: str) -> dict[str, Upstream]:
    """By container; a file that cannot be read is logged and removed."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    found = {}
    for name in sorted(os.listdir(directory)):
        path = f"{directory}/{name}"
        try:
            if not name.endswith(_UNFINISHED):
                with open(path, "rb") as file:
                    found[name] = _decode(file.read())
                continue
        except (OSError, msgspec.DecodeError) as error:
            log.error("resolver of container %s: %s", name, error)
        remove(directory, name)
    return found


def write(directory: str, container_id: str, upstream: Upstream) -> None:
    """Make the container's file say this."""
    path = f"{directory}/{container_id}"
    with open(path + _UNFINISHED, "wb", buffering=0) as file:
        file.write(_encode(upstream))
    os.rename(path + _UNFINISHED, path)


def remove(directory: str, container_id: str) -> None:
    """Take the container's file away, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{directory}/{container_id}")
