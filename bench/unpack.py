"""What it costs to unpack a layer: our pipeline against GNU tar, in CPU seconds.

    python bench/unpack.py rootfs.tar --scratch /dev/shm/bench

The archive is compressed once (gzip level 6, as most images are; zstd level 3), then unpacked from
and to the scratch directory, which should be a tmpfs: on a disk the kernel's page cache is what is
measured. Ours hashes both the compressed and the plain stream, GNU tar hashes nothing. Every run is
a process of its own; the best of `--runs` counts. CPU seconds include the children.
"""

import argparse
import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from backports import zstd

from lading.storage.layers import Hashing, Prefetch, TarReader, apply_layer, open_compressed

COPY_BYTES = 1 << 20


class Cost(NamedTuple):
    """Seconds of one run: CPU in user and kernel mode, and on the clock."""

    user_s: float
    system_s: float
    wall_s: float

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def measure(work: Callable[[], object]) -> Cost:
    """Run a function in a child process and tell what it cost."""
    begin = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(error)
            os._exit(1)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit("a run failed")
    return Cost(usage.ru_utime, usage.ru_stime, time.monotonic() - begin)


def gnu_tar(flags: str, archive: Path, target: Path) -> None:
    """GNU tar with the numeric owners that a layer has; gzip runs as its child."""
    command = ["tar", flags, str(archive), "--numeric-owner", "-C", str(target)]
    if status := os.spawnvp(os.P_WAIT, "tar", command):
        raise SystemExit(f"tar ended with {status}")


def ours(archive: Path, target: Path, *, ahead: bool = False) -> None:
    """Both digests and the tree; `ahead` decompresses and hashes in a second thread."""
    directory = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    with open(archive, "rb", buffering=0) as file:
        compressed = Hashing(file)
        source = open_compressed(compressed)
        if ahead:
            with Prefetch(source) as prefetched:
                apply_layer(prefetched, directory)
        else:
            apply_layer(source, directory)
        compressed.drain()
    os.close(directory)


def parse_only(archive: Path) -> None:
    """The headers of a plain archive, without touching the file data."""
    with open(archive, "rb", buffering=0) as file:
        reader = TarReader(file)
        while reader.next() is not None:
            pass


def best(runs: int, work: Callable[[Path], object], scratch: Path) -> Cost:
    """The run with the least CPU; the tree is removed outside of the measurement."""
    costs = []
    for _ in range(runs):
        target = scratch / "tree"
        target.mkdir()
        costs.append(measure(lambda target=target: work(target)))  # type: ignore[misc]
        shutil.rmtree(target)
    return min(costs, key=lambda cost: cost.cpu_s)


def compress(archive: Path, scratch: Path) -> tuple[Path, Path]:
    """The archive as gzip and as zstd in the scratch directory, made once."""
    packed = scratch / f"{archive.name}.gz", scratch / f"{archive.name}.zst"
    if not packed[0].exists():
        with archive.open("rb") as source, gzip.open(packed[0], "wb", 6) as file:
            shutil.copyfileobj(source, file, COPY_BYTES)
    if not packed[1].exists():
        with archive.open("rb") as source, zstd.open(packed[1], "wb", level=3) as compressed:
            shutil.copyfileobj(source, compressed, COPY_BYTES)
    return packed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("archive", type=Path, help="a plain tar archive")
    parser.add_argument("--scratch", type=Path, default=Path("/dev/shm/lading-bench"))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    scratch: Path = arguments.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    plain = scratch / "plain.tar"
    shutil.copyfile(arguments.archive, plain)
    gz, zst = compress(arguments.archive, scratch)
    cases: dict[str, Callable[[Path], object]] = {
        "GNU tar -xzp": lambda target: gnu_tar("-xzpf", gz, target),
        "GNU tar -xp": lambda target: gnu_tar("-xpf", plain, target),
        "ours, gzip": lambda target: ours(gz, target),
        "ours, gzip, 2 threads": lambda target: ours(gz, target, ahead=True),
        "ours, zstd": lambda target: ours(zst, target),
        "ours, plain": lambda target: ours(plain, target),
        "ours, headers only": lambda target: parse_only(plain),
    }
    results = {name: best(arguments.runs, work, scratch) for name, work in cases.items()}
    reference = results["GNU tar -xzp"].cpu_s
    print(f"{'':24}{'user':>7}{'system':>8}{'CPU':>7}{'wall':>7}   CPU of GNU tar -xzp")
    for name, cost in results.items():
        ratio = cost.cpu_s / reference
        print(
            f"{name:24}{cost.user_s:7.2f}{cost.system_s:8.2f}{cost.cpu_s:7.2f}{cost.wall_s:7.2f}"
            f"   {ratio:.2f}x"
        )
    plain.unlink()


if __name__ == "__main__":
    main()
