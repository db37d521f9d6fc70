"""Running one command in the guest: what goes in, qemu, and what comes out."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from tools.guest.image import Image

QEMU = "qemu-system-x86_64"
MEMORY_MB = 2048
SWAP_MB = 256
MARK = b"guest: exit status "
BOOT = "root=/dev/vda rw console=ttyS0 quiet loglevel=3 mitigations=off random.trust_cpu=on"


def archive(path: Path, trees: dict[str, Path], command: str, skipped: Iterable[str] = ()) -> None:
    """The second disk: trees by their names in the guest's /guest, and the command as a file."""
    left_out = frozenset(skipped)

    def keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if left_out & set(member.name.split("/")) else member

    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, tree in trees.items():
            tar.add(tree, name, filter=keep)
        data = command.encode()
        member = tarfile.TarInfo("command")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))


def arguments(image: Image, payload: Path, console: Path, swap: Path, extra: str = "") -> list[str]:
    """qemu's command line. The guest's second serial line is our standard output."""
    drive = "if=virtio,format=raw"
    return [
        *(QEMU, "-machine", "pc", "-cpu", "max", "-smp", str(os.cpu_count() or 1)),
        *("-accel", "tcg,thread=multi"),  # a virtual machine's /dev/kvm is often there and useless
        *("-m", str(MEMORY_MB), "-display", "none", "-nic", "none", "-no-reboot"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        *("-append", f"{BOOT} {extra}".strip()),
        *("-drive", f"file={image.disk},snapshot=on,{drive}"),
        *("-drive", f"file={payload},readonly=on,{drive}"),
        *("-drive", f"file={swap},{drive}"),
        *("-serial", f"file:{console}", "-serial", "stdio", "-monitor", "none"),
    ]


def run(
    image: Image, trees: dict[str, Path], command: str, *, skipped: Iterable[str], timeout_s: float
) -> int:
    """Boot, run, show the output while it comes; returns the command's exit status.

    A guest that ends without a word, or is ended after `timeout_s`, gives 125, and its console is
    shown.
    """
    with tempfile.TemporaryDirectory(prefix="lading-guest-") as name:
        directory = Path(name)
        payload, console, swap = (directory / n for n in ("payload.tar", "console", "swap"))
        archive(payload, trees, command, skipped)
        with swap.open("wb") as file:
            file.truncate(SWAP_MB << 20)
        console.touch()
        process = subprocess.Popen(
            arguments(image, payload, console, swap),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        clock = threading.Timer(timeout_s, process.kill)
        clock.start()
        try:
            status = _relay(process)
        finally:
            clock.cancel()
            process.kill()
            process.wait()
        if status is None:
            shutil.copyfileobj(console.open("rb"), sys.stderr.buffer)
            return 125
    return status


def _relay(process: "subprocess.Popen[bytes]") -> int | None:
    """Copy lines to our standard output until the one that tells the exit status."""
    assert process.stdout is not None
    status = None
    for line in process.stdout:
        if line.startswith(MARK):
            status = int(line.removeprefix(MARK))
            continue
        sys.stdout.buffer.write(line.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()
    return status
