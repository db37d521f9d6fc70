"""What a backup is: a tar archive, compressed with zstd, that GNU tar can open.

    lading-backup.json        the container and its volumes, as they were asked (`Manifest`)
    volumes/0/...             the content of the first volume, and so on
    lading-digest.json        {"sha256": of every byte before this member, "members": how many}

The digest is the last member, so that a backup can be written to a pipe; its member and the end
mark always take TAIL bytes, and whoever reads hashes all but the last TAIL bytes. An archive that
was cut off, or changed in one bit, is so known before anything of it is put in place.
"""

import hashlib

import msgspec
from msgspec import Struct

from lading.containers.mountpoints.record import MountRecord
from lading.errors import InvalidArgument
from lading.storage.layers.source import Source
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

FORMAT = "lading-backup/1"
MANIFEST, DIGEST = b"lading-backup.json", b"lading-digest.json"
TAIL = 4 * 512  # header and data of the digest, and two blocks of zeros
LARGEST_MANIFEST = 16 << 20


class NotABackup(InvalidArgument):
    """this is no backup: {0}"""


class Damaged(InvalidArgument):
    """the backup is damaged: {0}"""


class SavedVolume(Struct, frozen=True):
    """A volume as it was; what was in it is below `directory` in the archive."""

    name: str
    driver: str
    directory: str
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class SavedContainer(Struct, frozen=True):
    """A container as it was asked."""

    name: str
    image: str
    image_id: str
    config: ContainerConfig
    host_config: HostConfig
    networking: NetworkingConfig
    mounts: list[MountRecord]


class Manifest(Struct, frozen=True):
    """The first member."""

    format: str
    created_ns: int
    was_frozen: bool  # so that all volumes are of one instant
    container: SavedContainer
    volumes: list[SavedVolume]


class Digest(Struct, frozen=True):
    """The last member."""

    sha256: str
    members: int


def encode(document: Manifest | Digest) -> bytes:
    """JSON."""
    return msgspec.json.encode(document)


def decode_manifest(data: bytes) -> Manifest:
    """Raises NotABackup."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise NotABackup(error) from error
    if manifest.format != FORMAT:
        raise NotABackup(f"its format is {manifest.format}, and {FORMAT} is known")
    return manifest


def decode_digest(data: bytes) -> Digest:
    """Raises Damaged."""
    try:
        return msgspec.json.decode(data, type=Digest)
    except msgspec.MsgspecError as error:
        raise Damaged(error) from error


class HashingWriter:
    """Passes bytes on, and knows their sha256."""

    def __init__(self, write: "object") -> None:
        assert callable(write)
        self._write = write
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Take some bytes."""
        self._hash.update(data)
        self._write(data)

    def hexdigest(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()


class HashingSource:
    """Passes bytes through, and knows the sha256 of all but the last TAIL ones."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._tail = b""

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._tail += data
        if len(self._tail) > TAIL:
            self._hash.update(self._tail[:-TAIL])
            self._tail = self._tail[-TAIL:]
        return data

    def hexdigest(self) -> str:
        """After everything was read."""
        return self._hash.hexdigest()
