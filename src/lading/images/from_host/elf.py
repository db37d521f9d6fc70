"""What the dynamic loader reads of an ELF file: interpreter, needed libraries, search paths.

Only the program headers and the dynamic section are read, as the loader does: section headers may
be stripped. Layouts: System V gABI chapters 4 and 5 (`elf.h`); both classes, both byte orders.
"""

import os
import struct
from typing import NamedTuple

from lading.errors import InvalidArgument

MAGIC = b"\x7fELF"
EI_CLASS, EI_DATA = 4, 5
ELFCLASS32, ELFCLASS64 = 1, 2
ELFDATA2LSB, ELFDATA2MSB = 1, 2
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ = 0, 1, 5, 10
DT_RPATH, DT_RUNPATH, DT_FLAGS_1 = 15, 29, 0x6FFFFFFB
DF_1_NODEFLIB = 0x800

LARGEST_TABLE = 64 * 1024 * 1024  # bytes of a header table or string table that are believed
LARGEST_PATH = 4096  # PATH_MAX


class NotElf(InvalidArgument):
    """{0}: not an ELF file that can be read: {1}"""


class Kind(NamedTuple):
    """Files of one kind can be loaded together: class (1: 32 bit, 2: 64), byte order, machine."""

    elf_class: int
    byte_order: int
    machine: int


class ElfFile(NamedTuple):
    """The dynamic facts of one file; names and paths exactly as written there."""

    kind: Kind
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    is_nodeflib: bool = False  # DF_1_NODEFLIB: the default directories are not searched


class _Segment(NamedTuple):
    type: int
    offset: int
    address: int
    file_size: int


def read(path: str) -> ElfFile:
    """Read the file. Raises NotElf, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return _Reader(descriptor, path).read()
    except struct.error as error:
        raise NotElf(path, "truncated") from error
    finally:
        os.close(descriptor)


def is_elf(path: str) -> bool:
    """Whether the file begins like one."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _Reader:
    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        head = self._bytes(0, 20)
        if head[:4] != MAGIC or head[EI_CLASS] not in (1, 2) or head[EI_DATA] not in (1, 2):
            raise NotElf(path, "no ELF header")
        self._is_64 = head[EI_CLASS] == ELFCLASS64
        self._order = "<" if head[EI_DATA] == ELFDATA2LSB else ">"
        (machine,) = self._unpack("H", head[18:20])
        self._kind = Kind(head[EI_CLASS], head[EI_DATA], machine)

    def read(self) -> ElfFile:
        segments = self._segments()
        dynamic = next((s for s in segments if s.type == PT_DYNAMIC), None)
        facts = ElfFile(self._kind, interpreter=self._interpreter(segments))
        return self._with_dynamic(facts, dynamic, segments) if dynamic else facts

    def _segments(self) -> list[_Segment]:
        """Elf32_Phdr and Elf64_Phdr differ in the order of their fields, not in meaning."""
        header = self._bytes(0, 64 if self._is_64 else 52)
        if self._is_64:
            (offset,) = self._unpack("Q", header[32:40])
            size, count = self._unpack("HH", header[54:58])
            layout = "IIQQQQ"  # type flags offset vaddr paddr filesz
        else:
            (offset,) = self._unpack("I", header[28:32])
            size, count = self._unpack("HH", header[42:46])
            layout = "IIIII"  # type offset vaddr paddr filesz
        table = self._bytes(offset, size * count)
        used = struct.calcsize(self._order + layout)
        found = []
        for position in range(0, size * count, size or 1):
            fields = self._unpack(layout, table[position : position + used])
            type_, *rest = (fields[0], *fields[2:]) if self._is_64 else fields
            found.append(_Segment(type_, rest[0], rest[1], rest[3]))
        return found

    def _interpreter(self, segments: list[_Segment]) -> str | None:
        for segment in segments:
            if segment.type == PT_INTERP:
                data = self._bytes(segment.offset, min(segment.file_size, LARGEST_PATH))
                return os.fsdecode(data.partition(b"\0")[0])
        return None

    def _with_dynamic(self, facts: ElfFile, dynamic: _Segment, segments: list[_Segment]) -> ElfFile:
        entries = self._entries(dynamic)
        values = dict(entries)
        if DT_STRTAB not in values:
            return facts
        start = self._file_offset(values[DT_STRTAB], segments)
        strings = self._bytes(start, values.get(DT_STRSZ, 0))

        def text(offset: int) -> str:
            return os.fsdecode(strings[offset : strings.find(b"\0", offset)])

        def paths(tag: int) -> tuple[str, ...]:
            return tuple(filter(None, text(values[tag]).split(":"))) if tag in values else ()

        return facts._replace(
            needed=tuple(text(value) for tag, value in entries if tag == DT_NEEDED),
            rpath=paths(DT_RPATH),
            runpath=paths(DT_RUNPATH),
            is_nodeflib=bool(values.get(DT_FLAGS_1, 0) & DF_1_NODEFLIB),
        )

    def _entries(self, dynamic: _Segment) -> list[tuple[int, int]]:
        data = self._bytes(dynamic.offset, dynamic.file_size)
        layout = struct.Struct(self._order + ("QQ" if self._is_64 else "II"))
        whole = data[: len(data) // layout.size * layout.size]
        entries: list[tuple[int, int]] = []
        for tag, value in layout.iter_unpack(whole):
            if tag == DT_NULL:
                break
            entries.append((tag, value))
        return entries

    def _file_offset(self, address: int, segments: list[_Segment]) -> int:
        for segment in segments:
            within = address - segment.address
            if segment.type == PT_LOAD and 0 <= within < segment.file_size:
                return segment.offset + within
        raise NotElf(self._path, f"address {address:#x} is in no segment")

    def _bytes(self, offset: int, size: int) -> bytes:
        if size > LARGEST_TABLE or offset >= 1 << 63:
            raise NotElf(self._path, "impossible table size")
        data = os.pread(self._descriptor, size, offset)
        if len(data) < size:
            raise NotElf(self._path, "truncated")
        return data

    def _unpack(self, layout: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(self._order + layout, data)
