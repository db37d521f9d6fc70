"""Who did what: a line of JSON for each request that could change something.

    {"time":"2026-03-01T12:00:00.123456Z","peer":{"kind":"unix","uid":0,"pid":71},"method":"POST",
     "path":"/v1.51/containers/create","query":"name=web","status":201,"seconds":0.004}

Bodies and headers are left out: they hold passwords.
"""

import datetime
import os

import msgspec

from lading.http import Request


class Audit:
    """An append-only file that `reopen` finds again after it was moved away."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        self._path = path
        self._descriptor = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._path, flags, 0o600)

    def reopen(self) -> None:
        """Raises OSError; then the old file is written on."""
        opened = self._open()
        os.close(self._descriptor)
        self._descriptor = opened

    def write(self, request: Request, status: int, seconds: float) -> None:
        """One write, so that lines of several processes do not mix. Raises OSError."""
        known = request.peer._asdict().items()
        peer = {key: value for key, value in known if value is not None and value != ""}
        line = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            "peer": peer,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "status": status,
            "seconds": round(seconds, 6),
        }
        os.write(self._descriptor, msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)
