"""What the readers of one run's log have still to read, told to its monitor.

A log with a quota loses its oldest segments while it is written. As long as a reader is at work the
monitor keeps what that reader has not read (up to a limit of its own), so that a follower which is
slower than the program misses nothing. A log without a quota needs none of this.
"""

from collections.abc import Callable


class Holds:
    """The oldest segment that each reader needs. `tell` is given the oldest of all, 0 for none."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._wanted: dict[object, int] = {}
        self.told = 0

    def set(self, reader: object, segment: int) -> None:
        """The reader needs this segment and all after it; one that has read nothing needs all."""
        self._wanted[reader] = max(segment, 1)
        self.update()

    def release(self, reader: object) -> None:
        """The reader has gone."""
        self._wanted.pop(reader, None)
        self.update()

    @property
    def is_empty(self) -> bool:
        """Whether nobody reads."""
        return not self._wanted

    def update(self) -> None:
        """Say so, if there is something new to say."""
        oldest = min(self._wanted.values(), default=0)
        if oldest != self.told:
            self.told = oldest
            self._tell(oldest)
