"""Layers that are being fetched: whoever needs one that is under way waits for it.

The first to claim a layer works; the others hear its progress and wait. When the first gives up
(its client went away), one of the others claims the layer and goes on where the bytes stopped.
"""

import threading

from lading.images.progress import LayerProgress
from lading.registry.client import Cancellation

POLL_S = 0.2  # how soon a waiting pull notices that its own client went away


class Flight:
    """One layer under way."""

    def __init__(self, key: str, progress: LayerProgress) -> None:
        self.key = key
        self.progress = progress
        self._landed = threading.Event()

    def wait(self, cancellation: Cancellation) -> None:
        """Until the layer is published or given up. Raises Cancelled."""
        while not self._landed.wait(POLL_S):
            cancellation.check()

    def land(self) -> None:
        """Published or given up; everybody looks again."""
        self._landed.set()


class Flights:
    """All layers under way in one engine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Flight] = {}

    def claim(self, key: str, progress: LayerProgress) -> tuple[Flight, bool]:
        """The flight of this layer, and whether it is the caller's to fly and to `end`."""
        with self._lock:
            known = self._flights.get(key)
            if known:
                return known, False
            flight = self._flights[key] = Flight(key, progress)
            return flight, True

    def end(self, flight: Flight) -> None:
        """The owner is done with it, one way or the other; calling it again changes nothing."""
        with self._lock:
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
        flight.land()
