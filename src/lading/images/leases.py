"""Leases: blobs and snapshots that work under way relies on, though no row tells of them yet.

A pull that finds a layer "already there" must not lose it to a removal before its own row is
written. It leases the digest first and looks afterwards; the collector holds the lock while it asks
and deletes. Leases live in memory: work does not outlive the process either.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class Lease:
    """What one piece of work relies on."""

    def __init__(self, leases: "Leases") -> None:
        self._leases = leases
        self.names: set[str] = set()

    def add(self, *names: str) -> None:
        """Keep these digests and chain ids until the lease ends; call before looking for them."""
        with self._leases.lock:
            new = set(names) - self.names
            self.names |= new
            self._leases.held.update(new)


class Leases:
    """All leases of one engine."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: Counter[str] = Counter()

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """A lease for the time of the block."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            with self.lock:
                self.held.subtract(lease.names)
                self.held += Counter()  # drops what came down to zero

    @contextmanager
    def excluding(self, candidates: Collection[str]) -> Iterator[list[str]]:
        """Which candidates nobody leases; nobody can begin to until the block ends."""
        with self.lock:
            yield [name for name in candidates if name not in self.held]
