"""When to try again: five attempts, waiting twice as long each time, or as long as told."""

import random
from collections.abc import Callable
from typing import NamedTuple


class RetryPolicy(NamedTuple):
    """Attempts in all, and the waits between them in seconds."""

    attempts: int = 5  # as dockerd's --max-download-attempts
    first_s: float = 1.0
    longest_s: float = 20.0
    longest_asked_s: float = 120.0  # a Retry-After beyond this is not honoured
    jitter: Callable[[], float] = random.random

    def delay_s(self, failures: int, asked_s: float | None = None) -> float | None:
        """How long to wait after that many failures in a row; None: give up."""
        if failures >= self.attempts:
            return None
        if asked_s is not None:
            return min(asked_s, self.longest_asked_s)
        backoff = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return backoff * (0.75 + 0.5 * self.jitter())  # many pullers must not come back in step
