"""A few blocks kept back on the disk, so that what ends when it is full can still be recorded.

Without it an engine on a full disk could neither note an exit nor delete the row of a container,
and the owner could not make room with its help.
"""

import errno
import os
import time
from contextlib import suppress

SIZE = 1 << 20  # bytes: hundreds of records
PAUSE_S = 10.0  # between two attempts to have it again


class Reserve:
    """A file of zeros beside the database."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._tried_s = 0.0
        self.renew()

    def renew(self) -> None:
        """Take the blocks, if they are not ours and the disk has them."""
        if os.path.exists(self._path) or time.monotonic() - self._tried_s < PAUSE_S:
            return
        self._tried_s = time.monotonic()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
        except OSError as error:
            self.release()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EOPNOTSUPP, errno.EINVAL):
                raise
        finally:
            os.close(descriptor)

    def release(self) -> bool:
        """Give the blocks back to the disk; whether there were any."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)
            self._tried_s = time.monotonic()
            return True
        return False
