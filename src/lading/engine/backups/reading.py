"""Reading a backup: manifest first, volumes into directories of ours, digest last. For a worker
thread. Nothing is put in place here: that is done when the digest was right.
"""

import os
from collections.abc import Mapping

from lading.engine.backups import form
from lading.engine.backups.form import Damaged, HashingSource, Manifest, NotABackup
from lading.errors import InvalidArgument
from lading.storage.layers import TarEntry, TarReader, TreeUnpacker, open_compressed
from lading.storage.layers.source import CHUNK_BYTES, Source
from lading.volumes.copies import LIMITS

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Reading:
    """One backup that is read."""

    def __init__(self, source: Source) -> None:
        self._source = HashingSource(open_compressed(source, LIMITS))
        self._reader = TarReader(self._source, LIMITS)
        self._members = 0
        self.manifest = self._manifest()

    def unpack(self, directories: Mapping[str, str]) -> None:
        """Read the rest; what is below a directory of the manifest goes to the place given for it.

        Raises Damaged, BadTar, HostileArchive, DiskFull.
        """
        unpackers: dict[bytes, TreeUnpacker] = {}
        opened: list[int] = []
        try:
            for name, place in directories.items():
                opened.append(os.open(place, _DIRECTORY))
                unpackers[name.encode()] = TreeUnpacker(self._reader, opened[-1], LIMITS)
            self._read(unpackers)
            for unpacker in unpackers.values():
                unpacker.finish()
        finally:
            for unpacker in unpackers.values():
                unpacker.close()
            for descriptor in opened:
                os.close(descriptor)

    def verify(self) -> int:
        """Read the rest and keep nothing; the number of members. Raises Damaged, BadTar."""
        self._read(None)
        return self._members

    def _manifest(self) -> Manifest:
        try:
            entry = self._reader.next()
        except InvalidArgument as error:
            raise NotABackup(error) from error
        if entry is None or entry.path != form.MANIFEST:
            raise NotABackup(f"it does not begin with {form.MANIFEST.decode()}")
        self._members = 1
        return form.decode_manifest(self._small(entry))

    def _read(self, unpackers: Mapping[bytes, TreeUnpacker] | None) -> None:
        while (entry := self._reader.next()) is not None:
            if entry.path == form.DIGEST:
                self._check(form.decode_digest(self._small(entry)))
                return
            self._members += 1
            if unpackers is not None:
                _route(entry, unpackers)
        raise Damaged("it has no digest: it was cut off")

    def _check(self, told: form.Digest) -> None:
        if self._reader.next() is not None:
            raise Damaged("something follows its digest")
        while self._source.read(CHUNK_BYTES):
            pass
        if self._members != told.members:
            raise Damaged(f"it has {self._members} members, and was written with {told.members}")
        if self._source.hexdigest() != told.sha256:
            raise Damaged("its digest is another one")

    def _small(self, entry: TarEntry) -> bytes:
        if entry.size > form.LARGEST_MANIFEST:
            raise NotABackup("its manifest is too long")
        pieces = []
        while piece := self._reader.read_data():
            pieces.append(bytes(piece))
        return b"".join(pieces)


def _route(entry: TarEntry, unpackers: Mapping[bytes, TreeUnpacker]) -> None:
    for directory, unpacker in unpackers.items():
        inside = _below(entry.path.rstrip(b"/"), directory)
        if inside is None:
            continue
        entry.path = inside or b"."
        if entry.kind == b"1":
            link = _below(entry.link, directory)
            if link is None:
                raise Damaged(f"a hard link leads out of its volume: {entry.link!r}")
            entry.link = link
        unpacker.member(entry)
        return
    raise Damaged(f"a member belongs to no volume: {entry.path!r}")


def _below(path: bytes, directory: bytes) -> bytes | None:
    """The path relative to the directory; None when it is not below it."""
    if path == directory:
        return b""
    return path[len(directory) + 1 :] if path.startswith(directory + b"/") else None
