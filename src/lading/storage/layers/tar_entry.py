"""TarEntry: one member of an archive, the same for the reader and the writer."""

REGULAR = b"0"  # POSIX.1-2017, pax, ustar interchange format: typeflag
HARDLINK = b"1"
SYMLINK = b"2"
CHARACTER = b"3"
BLOCK = b"4"
DIRECTORY = b"5"
FIFO = b"6"


class TarEntry:
    """Name, kind and attributes of a member; paths and xattrs are bytes, as in the kernel.

    Slots and no validation: an image has tens of thousands of these. `size` is the number of bytes
    that `TarReader.iter_data` yields; a sparse file's own size is `real_size`, and `sparse` says
    where the data goes: (offset, length) pairs in ascending order.
    """

    __slots__ = (
        "device", "gid", "kind", "link", "mode", "mtime_ns", "path", "real_size", "size",
        "sparse", "uid", "xattrs",
    )  # fmt: skip

    def __init__(
        self,
        path: bytes,
        kind: bytes = REGULAR,
        *,
        size: int = 0,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        mtime_ns: int = 0,
        link: bytes = b"",
        device: tuple[int, int] = (0, 0),
        xattrs: dict[bytes, bytes] | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.size = size
        self.mode = mode  # permission bits only
        self.uid = uid
        self.gid = gid
        self.mtime_ns = mtime_ns
        self.link = link  # target of a symlink, or path in the archive of a hardlink's file
        self.device = device  # major, minor
        self.xattrs = xattrs or {}
        self.real_size = size
        self.sparse: list[tuple[int, int]] | None = None

    def __repr__(self) -> str:
        link = f" -> {self.link!r}" if self.link else ""
        return f"<TarEntry {self.kind.decode()} {self.mode:o} {self.path!r}{link} {self.size}>"
