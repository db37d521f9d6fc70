"""Which start of which container uses which volumes that must be mounted: a file each.

    DIRECTORY/<container id>.<8 hex digits>     the volumes' names, a JSON list

A mount lives at most until the next boot, so the file needs no fsync (`state/run_files.py`). It is
written before the mount and unlinked after the unmount; an engine that finds one of a container
that does not run knows what is to be unmounted. Plain directories need none.
"""

import secrets
from typing import NamedTuple

from lading.failpoints import fp
from lading.state import RunFiles


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
        self._files = RunFiles(directory, tuple[str, ...], of="mounted volumes of container")
        self._held: dict[str, Lease] = {}  # by user

    def load(self) -> None:
        """Take over what the files say."""
        for name, volumes in self._files.load().items():
            self._held[name] = Lease(name, volumes)

    def all(self) -> list[Lease]:
        """Every lease."""
        return list(self._held.values())

    def of_container(self, container_id: str) -> list[Lease]:
        """Those of one container; more than one only while an earlier start is being undone."""
        return [lease for lease in self._held.values() if lease.container_id == container_id]

    def stray(self) -> list[Lease]:
        """Leases that were given back, but whose unmount has failed: their files are there."""
        present = set(self._files.names()) - self._held.keys()
        return [Lease(name, self._files.read(name)) for name in sorted(present)]

    def users_of(self, volume: str) -> list[str]:
        """Who has the volume mounted."""
        return [lease.user for lease in self._held.values() if volume in lease.volumes]

    def add(self, container_id: str, volumes: list[str]) -> Lease:
        """Record a start that is about to mount these."""
        lease = Lease(f"{container_id}.{secrets.token_hex(4)}", tuple(volumes))
        self._files.write(lease.user, lease.volumes)
        self._held[lease.user] = lease
        fp("volume.after-lease")
        return lease

    def forget(self, lease: Lease) -> None:
        """From now on it does not count; the file stays until `drop`."""
        self._held.pop(lease.user, None)

    def drop(self, lease: Lease) -> None:
        """All is unmounted."""
        self.forget(lease)
        self._files.remove(lease.user)
