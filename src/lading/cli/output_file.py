"""Where an archive goes: a file that appears when whole, or stdout unless that is a terminal."""

from __future__ import annotations

import os
import sys

from lading.cli import conversation
from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def check(path: str, verb: str) -> None:
    """Before anything is asked for. Raises Failure."""
    if not path:
        if sys.stdout.isatty():
            raise Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        return
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise Failure(
            f'failed to {verb}: invalid output path: directory "{directory}" does not exist'
        )
    if os.path.isdir(path):
        raise Failure(f'failed to {verb}: invalid output path: "{path}" is a directory')


def write(path: str, chunks: Iterable[bytes]) -> None:
    """A torn archive is not left at `path`. Devices and pipes are written to as they are."""
    if not path:
        for chunk in chunks:
            conversation.write(conversation.STDOUT, chunk)
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as device:
            for chunk in chunks:
                device.write(chunk)
        return
    part = f"{path}.{os.getpid()}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
        os.rename(part, path)
    except BaseException:
        os.unlink(part)
        raise
