"""Lading against Docker in one run: starts, memory, CPU; prints a table with ratios.

    python -m bench --peer-socket /run/docker.sock [--docker-cli docker] [--rootfs rootfs.tar]

Our engine is started in a network namespace and folders of its own; the peers run already. Both
are asked in turn, by the same `docker` command, on the same image; the medians count. Needs root,
a static busybox, unshare(1), ip(8); for pulls a `docker-registry`, nsenter(1), curl(1).
Rows of images are about memory and CPU, so let `--scratch` and the peers' roots be on a tmpfs: a
disk's page cache costs more than what is compared.
"""

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import measurements
from bench.archive import write_busybox, write_docker_archive
from bench.engines import Engine, default_command, started
from bench.images import IMAGE, archives, transfers
from bench.table import Row, render


def parser() -> argparse.ArgumentParser:
    """The options; BENCH_DOCKER_CLI, BENCH_PEER_SOCKET, BENCH_PEER20_SOCKET preset three."""
    environ = os.environ
    flags = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    flags.add_argument("--docker-cli", default=environ.get("BENCH_DOCKER_CLI", "docker"))
    flags.add_argument("--peer-socket", default=environ.get("BENCH_PEER_SOCKET"))
    flags.add_argument("--peer20-socket", default=environ.get("BENCH_PEER20_SOCKET"))
    flags.add_argument("--lading", default=default_command("lading"), help="our CLI, as a command")
    flags.add_argument("--ladingd", default=default_command("ladingd"), help="our engine")
    flags.add_argument("--busybox", default="/bin/busybox", help="a static one")
    flags.add_argument("--rootfs", type=Path, help="tar of a root, for load and pull")
    flags.add_argument("--registry", help="the program docker-registry, for pulls")
    flags.add_argument("--scratch", help="folder for all that is written (default: TMPDIR)")
    flags.add_argument("--only", choices=("containers", "images"), help="one half of the rows")
    flags.add_argument("--runs", type=int, default=40, help="starts one at a time")
    flags.add_argument("--burst", type=int, default=64, help="starts at 1, 4, 16 in flight")
    flags.add_argument("--idle", type=int, default=20, help="idle containers")
    flags.add_argument("--image-runs", type=int, default=1, help="loads, saves, pushes, pulls")
    flags.add_argument("--pause-ms", type=float, default=50)
    return flags


def main() -> None:
    """Start our engine, measure everything, print the table."""
    options = parser().parse_args()
    with ExitStack() as stack:
        work = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="lading-bench-", dir=options.scratch)
            )
        )
        engines = [stack.enter_context(started(options.ladingd, options.scratch))]
        for socket in (options.peer_socket, options.peer20_socket):
            if socket:
                engines.append(_peer(socket.removeprefix("unix://")))
        rows = measure(options, engines, work)
    print(render([engine.name for engine in engines], rows))


def _peer(socket: str) -> Engine:
    engine = Engine("peer", socket)
    engine.name = "dockerd " + engine.call("GET", "/version")["Version"].partition("+")[0]
    return engine


def measure(options: argparse.Namespace, engines: list[Engine], work: Path) -> list[Row]:
    """All rows, in the order of the table."""
    rows: list[Row] = []
    if options.only != "images":
        rows += _containers(options, engines, work)
    if options.rootfs and options.only != "containers":
        bench = measurements.Bench(options, engines, IMAGE)
        rows += archives(bench, options.rootfs, work)
        if options.registry:
            rows += transfers(bench, options.rootfs, work)
    return rows


def _containers(options: argparse.Namespace, engines: list[Engine], work: Path) -> list[Row]:
    image = "lading-bench/busybox:latest"
    layer, archive = work / "busybox.layer", work / "busybox.tar"
    write_busybox(layer, options.busybox)
    write_docker_archive(archive, layer, image)
    bench = measurements.Bench(options, engines, image)
    bench.docker_all("load", "-i", str(archive))
    try:
        return [*bench.runs(), *bench.bursts(), *bench.idle()]
    finally:
        bench.docker_all("rmi", "-f", image)
