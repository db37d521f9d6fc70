"""What a volume driver does, and in which order it is asked.

    check(name, options)     refuses what makes no sense; changes nothing
    create(name, options)    makes the volume. Idempotent: after a crash it may be asked again
        the service stores the record
    mount(volume, user)      makes the content reachable, for one start of a container; its path
    unmount(volume, user)    that user has ended; `is_last`: nobody uses the volume any more
    remove(volume)           takes the volume away; one that is gone already is no error

A driver keeps no records of users: the service does (`leases`), and after a crash of the engine it
asks for the `unmount` that is missing. Methods are synchronous. They are called by threads of the
driver's own, calls for one volume one after the other, so a driver that hangs delays nobody else;
and when one takes longer than `timeout_s` the caller is told so, and the thread is given up.
Errors are `lading.errors` classes or OSError.

Drivers of strangers are entry points of the group `lading.volumes`: a callable that is given the
directory in which the driver may keep what it wants, and returns a `Driver`.
"""

from collections.abc import Mapping
from typing import Protocol

from lading.volumes.record import Volume


class Driver(Protocol):
    """One kind of volumes."""

    scope: str
    """`local`: of this host, or `global`: the same on every host that has the driver."""
    timeout_s: float
    """How long a call may take."""

    def check(self, name: str, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument."""

    def create(self, name: str, options: Mapping[str, str]) -> None:
        """Make the volume, durably."""

    def remove(self, volume: Volume) -> None:
        """Take the volume away."""

    def path(self, volume: Volume) -> str:
        """Where its content is, or will be when it is mounted; "" if that is not known yet."""

    def needs_mount(self, volume: Volume) -> bool:
        """Whether the content is reachable only between `mount` and `unmount`."""

    def mount(self, volume: Volume, user: str) -> str:
        """Make the content reachable, and say where."""

    def unmount(self, volume: Volume, user: str, *, is_last: bool) -> None:
        """One user has ended; one that was never there is no error."""

    def status(self, volume: Volume) -> dict[str, object]:
        """What `inspect` shows beside the record; {} for nothing."""

    def volumes(self) -> list[str]:
        """The names of volumes that are there though nobody asked us for them; mostly none."""

    def close(self) -> None:
        """Close descriptors; volumes stay as they are."""
