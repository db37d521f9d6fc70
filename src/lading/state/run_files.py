"""Small records that end with the run or the boot: a file of JSON each, in the run directory.

    DIRECTORY/<name>     one value, whole or absent; `<name>.new` is one that a kill left unfinished

What must be survived is the engine's end, not the machine's, and a rename is seen by the next
engine: so nothing is flushed, and nobody waits for a disk (docs/decisions/0040).
"""

import contextlib
import logging
import os
from typing import Generic, TypeVar

import msgspec

log = logging.getLogger(__name__)
T = TypeVar("T")
_UNFINISHED = ".new"


class RunFiles(Generic[T]):
    """The files of one kind. Synchronous; a call is a file or two on a tmpfs."""

    def __init__(self, directory: str, kind: type[T], *, of: str) -> None:
        """`of` says what they are, in the log: "endpoints of container"."""
        self._directory = directory
        self._of = of
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(kind).decode

    def load(self) -> dict[str, T]:
        """All, by name; a file that cannot be read is logged and removed. Raises OSError."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        found = {}
        for name in self.names():
            try:
                if not name.endswith(_UNFINISHED):
                    found[name] = self.read(name)
                    continue
            except (OSError, msgspec.MsgspecError) as error:
                log.error("%s %s: %s", self._of, name, error)
            self.remove(name)
        return found

    def names(self) -> list[str]:
        """The files that are there, in order."""
        return sorted(os.listdir(self._directory))

    def read(self, name: str) -> T:
        """Raises FileNotFoundError, OSError, msgspec.MsgspecError."""
        with open(self._path(name), "rb") as file:
            return self._decode(file.read())

    def write(self, name: str, value: T) -> None:
        """Make the file say this; a value without anything in it has no file. Raises OSError."""
        if not value:
            self.remove(name)
            return
        path = self._path(name)
        with open(path + _UNFINISHED, "wb", buffering=0) as file:
            file.write(self._encode(value))
        os.rename(path + _UNFINISHED, path)

    def remove(self, name: str) -> None:
        """Take the file away, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"
