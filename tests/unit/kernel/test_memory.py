"""Where the code of a process is, and having it mapped."""

import ctypes
import mmap
import resource
from pathlib import Path

from lading.kernel import memory

MAPS = """\
00400000-00420000 r--p 00000000 08:01 77  /usr/bin/python3.11
00420000-00700000 r-xp 00020000 08:01 77  /usr/bin/python3.11
7f0000000000-7f0000001000 rwxp 00000000 00:00 0
7f0000002000-7f0000004000 r-xp 00000000 08:01 78  /usr/lib/a library (deleted)
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0  [vdso]
"""


def test_code_is_what_is_read_and_executed_but_not_the_kernels(tmp_path: Path) -> None:
    path = tmp_path / "maps"
    path.write_text(MAPS)
    assert memory.code(str(path)) == [(0x420000, 0x2E0000), (0x7F0000002000, 0x2000)]


def test_what_is_populated_causes_no_faults_later() -> None:
    size = 256 * mmap.PAGESIZE
    area = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    memory.populate([(address, size)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    sum(area[offset] for offset in range(0, size, mmap.PAGESIZE))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 64


def test_a_kernel_that_cannot_is_no_error() -> None:
    memory.populate([(1, 1)])
