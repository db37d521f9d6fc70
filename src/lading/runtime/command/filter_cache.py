"""Compiled seccomp filters, kept as files of the root: callers bring the same profile every time.

To load the tables of system calls and compile takes 7 ms, to read 2 KB none. A file's name is the
digest of the profile, the machine and our version; its first bytes are the digest of the rest, so
one that a crash left half written is compiled anew.
"""

from __future__ import annotations

import os
from _blake2 import blake2b  # hashlib is it, and two milliseconds of OpenSSL

from lading.kernel import safepath
from lading.runtime import json_text
from lading.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIX = ".seccomp-"
DIGEST = 16  # bytes
MAX_FILE = 1 << 20
MAX_FILES = 32


def program(root: str, profile: dict[str, Any] | None, machine: str) -> bytes | None:
    """The filter of OCI linux.seccomp, None without one. Raises what the compiler does."""
    if not profile:
        return None
    key = f"{VERSION} {machine} {json_text.encode(profile)}".encode()
    path = f"{root}/{PREFIX}{_digest(key).hex()}"
    found = _read(path)
    if found is None:
        from lading.kernel.seccomp.bpf import compile_filter

        found = compile_filter(profile, machine)
        _keep(root, path, found)
    return found


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST).digest()


def _read(path: str) -> bytes | None:
    """The program in the file, None if there is none that is whole and ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if os.fstat(descriptor).st_uid != os.geteuid():
            os.close(descriptor)
            return None
        data = safepath.read_regular(descriptor, MAX_FILE)
    except (OSError, ValueError):
        return None
    return data[DIGEST:] if _digest(data[DIGEST:]) == data[:DIGEST] else None


def _keep(root: str, path: str, found: bytes) -> None:
    """For the next time, if this can be; the oldest go when there are many."""
    temporary = f"{path}.{os.getpid()}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        os.write(descriptor, _digest(found) + found)
        os.close(descriptor)
        os.rename(temporary, path)
        kept = [entry for entry in os.scandir(root) if entry.name.startswith(PREFIX)]
        kept.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns)
        for entry in kept[:-MAX_FILES]:
            os.unlink(entry.path)
    except OSError:  # a full disk, or somebody else does the same: nothing depends on it
        return
