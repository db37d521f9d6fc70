"""The published ports of each container: a file in the run directory, as endpoints are.

    DIRECTORY/<container id>     a JSON list of `Published`

Ports end with the container's run, at the latest with the boot, so nothing is flushed (decision
0040). A port is published from the rename to the unlink.
"""

import contextlib
import logging
import os
from collections.abc import Sequence

import msgspec

from lading.networks.ports.records import Published

log = logging.getLogger(__name__)
_UNFINISHED = ".new"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Published]).decode


def load(directory: str) -> dict[str, list[Published]]:
    """What is published, by container; a file that cannot be read is logged and removed."""
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
            log.error("published ports of container %s: %s", name, error)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return found


def write(directory: str, container_id: str, published: Sequence[Published]) -> None:
    """Make the container's file say this; without any there is none."""
    path = f"{directory}/{container_id}"
    if not published:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    with open(path + _UNFINISHED, "wb", buffering=0) as file:
        file.write(_encode(list(published)))
    os.rename(path + _UNFINISHED, path)
