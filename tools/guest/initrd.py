"""The first file system: busybox, the modules that reach the disk, and a script of ten lines.

Debian's own takes ten times as long to unpack under emulation. Format: cpio "newc",
Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import lzma
import stat
from pathlib import Path

MODULES = ("virtio_pci", "virtio_blk")  # ext4 is built in
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /root
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /lib/systemd/systemd
"""


def build(tree: Path, release: str) -> bytes:
    """The archive for the kernel `release` in the Debian tree; it needs no compression."""
    directory = tree / "lib/modules" / release
    modules = load_order((directory / "modules.dep").read_text(), MODULES)
    files = {"bin/busybox": (tree / "bin/busybox").read_bytes()}
    for name in modules:
        data = (directory / name).read_bytes()
        data = lzma.decompress(data) if name.endswith(".xz") else data
        files["modules/" + module_name(name)] = data
    files["init"] = INIT.format(modules=" ".join(map(module_name, modules))).encode()
    pieces = [_entry(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "modules")]
    pieces.append(_entry("dev", stat.S_IFDIR | 0o755, b""))
    pieces += [_entry(name, stat.S_IFREG | 0o755, data) for name, data in files.items()]
    return b"".join((*pieces, _entry("TRAILER!!!", 0, b"")))


def module_name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".xz")


def load_order(dependencies: str, wanted: tuple[str, ...]) -> list[str]:
    """Paths of the modules and what they need, each after its needs. man 5 modules.dep."""
    needs = {}
    for line in dependencies.splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    by_name = {module_name(path).removesuffix(".ko"): path for path in needs}
    order: list[str] = []
    for name in wanted:
        path = by_name[name]
        order += [each for each in (*reversed(needs[path]), path) if each not in order]
    return order


def _entry(name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(head + encoded) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
