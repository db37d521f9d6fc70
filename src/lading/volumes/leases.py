"""Which start of which container uses which volumes that must be mounted: a file each.

    DIRECTORY/<container id>.<8 hex digits>     the volumes' names, a JSON list

A mount lives at most until the next boot, so the file needs no fsync: what must be survived is the
engine's end. It is written before the mount and unlinked after the unmount; an engine that finds
one of a container that does not run knows what is to be unmounted. Plain directories need none.
"""

import os
import secrets
from typing import NamedTuple

import msgspec

from lading.failpoints import fp

_UNFINISHED = ".new"


class Lease(NamedTuple):
    """One start's hold on its mounted volumes."""

    user: str  # the file's name, and what drivers know the user by
    volumes: tuple[str, ...]

    @property
    def container_id(self) -> str:
        """Whose start it is."""
        return self.user.partition(".")[0]


class Leases:
    """The leases of one engine; called on its event loop, each call is a file or two."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._held: dict[str, Lease] = {}  # by user

    def load(self) -> None:
        """Take over what the files say."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        for name in os.listdir(self._directory):
            path = f"{self._directory}/{name}"
            if name.endswith(_UNFINISHED):
                os.unlink(path)
                continue
            self._held[name] = Lease(name, self._read(name))

    def _read(self, name: str) -> tuple[str, ...]:
        with open(f"{self._directory}/{name}", "rb") as file:
            return msgspec.json.decode(file.read(), type=tuple[str, ...])

    def all(self) -> list[Lease]:
        """Every lease."""
        return list(self._held.values())

    def of_container(self, container_id: str) -> list[Lease]:
        """Those of one container; more than one only while an earlier start is being undone."""
        return [lease for lease in self._held.values() if lease.container_id == container_id]

    def stray(self) -> list[Lease]:
        """Leases that were given back, but whose unmount has failed: their files are there."""
        present = set(os.listdir(self._directory)) - self._held.keys()
        return [Lease(name, self._read(name)) for name in sorted(present)]

    def users_of(self, volume: str) -> list[str]:
        """Who has the volume mounted."""
        return [lease.user for lease in self._held.values() if volume in lease.volumes]

    def add(self, container_id: str, volumes: list[str]) -> Lease:
        """Record a start that is about to mount these."""
        lease = Lease(f"{container_id}.{secrets.token_hex(4)}", tuple(volumes))
        path = f"{self._directory}/{lease.user}"
        with open(path + _UNFINISHED, "wb") as file:
            file.write(msgspec.json.encode(lease.volumes))
        os.rename(path + _UNFINISHED, path)
        self._held[lease.user] = lease
        fp("volume.after-lease")
        return lease

    def forget(self, lease: Lease) -> None:
        """From now on it does not count; the file stays until `drop`."""
        self._held.pop(lease.user, None)

    def drop(self, lease: Lease) -> None:
        """All is unmounted."""
        self.forget(lease)
        if os.path.exists(f"{self._directory}/{lease.user}"):
            os.unlink(f"{self._directory}/{lease.user}")
