"""Where the loader looks by default: /etc/ld.so.cache, and the directories of /etc/ld.so.conf.

Cache format: glibc, `sysdeps/generic/dl-cache.h` (struct cache_file_new, magic
"glibc-ld.so.cache1.1"), which may follow an old-format cache. Configuration: man 8 ldconfig.
"""

import glob
import os
import struct

OLD_MAGIC = b"ld.so-1.7.0"
NEW_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("=20sII4sI12x")  # magic, nlibs, len_strings, flags and padding, extension
_ENTRY = struct.Struct("=iIIIQ")  # flags, key, value, osversion, hwcap
_OLD_ENTRY_SIZE = 12
DEEPEST_INCLUDE = 16


def parse_cache(data: bytes) -> dict[str, list[str]]:
    """Library name -> paths in the order of preference; entries for special hardware left out.

    What cannot be read gives fewer entries, never an error: the loader falls back as well.
    """
    start = _new_format_start(data)
    if start is None or len(data) < start + _HEADER.size:
        return {}
    _, count, *_ = _HEADER.unpack_from(data, start)
    found: dict[str, list[str]] = {}
    for number in range(count):
        position = start + _HEADER.size + number * _ENTRY.size
        if position + _ENTRY.size > len(data):
            break
        _, key, value, _, hwcap = _ENTRY.unpack_from(data, position)
        if not hwcap:
            found.setdefault(_text(data, start + key), []).append(_text(data, start + value))
    return found


def read_cache(path: str) -> dict[str, list[str]]:
    """`parse_cache` of a file; nothing when there is none."""
    try:
        with open(path, "rb") as file:
            return parse_cache(file.read())
    except FileNotFoundError:
        return {}


def read_configuration(path: str, *, root: str = "/", depth: int = 0) -> list[str]:
    """The directories that ld.so.conf names, in order, with its `include` patterns followed."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.partition("#")[0].strip() for line in file]
    except (FileNotFoundError, IsADirectoryError):
        return []
    directories: list[str] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "include" and depth < DEEPEST_INCLUDE:
            for pattern in rest.split():
                directories += _include(pattern, path, root, depth)
        elif word and word not in {"include", "hwcap"}:
            directories += [part.partition("=")[0] for part in line.replace(",", ":").split(":")]
    return list(dict.fromkeys(filter(None, map(str.strip, directories))))


def _include(pattern: str, path: str, root: str, depth: int) -> list[str]:
    if os.path.isabs(pattern):
        pattern = os.path.join(root, pattern.lstrip("/"))
    else:
        pattern = os.path.join(os.path.dirname(path), pattern)
    found: list[str] = []
    for name in sorted(glob.glob(pattern)):
        found += read_configuration(name, root=root, depth=depth + 1)
    return found


def _new_format_start(data: bytes) -> int | None:
    if data.startswith(NEW_MAGIC):
        return 0
    if not data.startswith(OLD_MAGIC) or len(data) < 16:
        return None
    (count,) = struct.unpack_from("=I", data, 12)
    end = 16 + count * _OLD_ENTRY_SIZE
    start = (end + 7) & ~7  # the new format begins aligned for its 64-bit field
    return start if data.startswith(NEW_MAGIC, start) else None


def _text(data: bytes, offset: int) -> str:
    return os.fsdecode(data[offset : data.find(b"\0", offset)])
