"""Load, save, push and pull of a whole distribution: what the engine spends, and how long it takes.

CPU seconds are those of the engine and of what it started; the peak is of the engine's own process
(VmHWM: the page cache is not in it).
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench import costs, registry
from bench.archive import write_docker_archive
from bench.engines import Engine
from bench.measurements import Bench
from bench.table import Row

IMAGE = "lading-bench/rootfs:latest"
COMPRESSIONS = ("gzip", "zstd")


class _Spent(NamedTuple):
    cpu_s: float
    wall_s: float
    peak_mib: float


def archives(bench: Bench, rootfs: Path, work: Path) -> list[Row]:
    """`docker load` of the root as an archive of one plain layer, and `docker save` of it."""
    archive, saved = work / "rootfs.tar", work / "saved.tar"
    write_docker_archive(archive, rootfs, IMAGE)
    load, save = ["load", "-i", str(archive)], ["save", "-o", str(saved), IMAGE]
    try:
        return _cycle(bench, [("load", load), ("save", save)], IMAGE)
    finally:
        archive.unlink()
        saved.unlink(missing_ok=True)


def transfers(bench: Bench, rootfs: Path, work: Path) -> list[Row]:
    """`docker pull` of the same, as gzip and as zstd, from a registry on loopback; and `push`."""
    archive = work / "rootfs.tar"
    rows: list[Row] = []
    with registry.served(bench.options.registry, bench.engines, bench.options.scratch) as address:
        write_docker_archive(archive, rootfs, IMAGE)
        with _loaded(bench, archive, f"{address}/pushed:latest") as remote:
            rows += _cycle(bench, [("push", ["push", remote])], None, 1)  # the next finds it there
        archive.unlink()
        for compression in COMPRESSIONS:
            remote = f"{address}/{compression}:latest"
            _publish(bench.engines[0], registry.compress(rootfs, work, compression), remote)
            rows += _cycle(bench, [(f"pull ({compression})", ["pull", remote])], remote)
    return rows


@contextmanager
def _loaded(bench: Bench, archive: Path, remote: str) -> Iterator[str]:
    """The image in every engine, each under a name of its own in the registry."""
    bench.docker_all("load", "-i", str(archive))
    bench.docker_all("tag", IMAGE, remote)
    try:
        yield remote
    finally:
        bench.docker_all("rmi", "-f", IMAGE, remote)


def _publish(engine: Engine, blob: registry.Layer, remote: str) -> None:
    """Put an image of one layer into the registry, by curl: nobody compresses it again."""
    address, _, name = remote.removesuffix(":latest").partition("/")
    base = f"http://{address}/v2/{name}"
    inside = ["nsenter", "--net", "-t", str(engine.pid), "curl", "-fsS"]
    config = blob.path.with_suffix(".json")
    config.write_bytes(blob.config)
    manifest = blob.path.with_suffix(".manifest")
    manifest.write_bytes(blob.manifest)
    for path, digest in ((config, blob.config_digest), (blob.path, blob.digest)):
        begun = [*inside, "-X", "POST", "-D", "-", "-o", "/dev/null", f"{base}/blobs/uploads/"]
        head = subprocess.run(begun, check=True, capture_output=True, text=True).stdout
        location = next(
            line.split(":", 1)[1].strip()
            for line in head.splitlines()
            if line.lower().startswith("location:")
        )
        put = ["-X", "PUT", "-T", str(path), f"{location}&digest={digest}"]
        subprocess.run([*inside, *put], check=True)
    kind = ["-H", f"Content-Type: {registry.MANIFEST}"]
    put = ["-X", "PUT", *kind, "--data-binary", f"@{manifest}", f"{base}/manifests/latest"]
    subprocess.run([*inside, *put], check=True)


def _cycle(
    bench: Bench,
    commands: Sequence[tuple[str, list[str]]],
    image: str | None,
    runs: int | None = None,
) -> list[Row]:
    """Run the commands, some times in each engine; `image` is removed after each time."""
    spent: dict[str, list[list[_Spent]]] = {
        title: [[] for _ in bench.engines] for title, _ in commands
    }
    for _ in range(runs or bench.options.image_runs):
        for index, engine in enumerate(bench.engines):
            for title, command in commands:
                spent[title][index].append(_run(bench, engine, command))
            if image:
                bench.docker(engine, "rmi", "-f", image)
    return bench.note([row for title, _ in commands for row in _rows(title, spent[title])])


def _rows(title: str, spent: Sequence[Sequence[_Spent]]) -> list[Row]:
    title = f"{title} of the rootfs"
    return [
        Row(f"{title}: CPU of the engine", "s", [[each.cpu_s for each in one] for one in spent]),
        Row(f"{title}: on the clock", "s", [[each.wall_s for each in one] for one in spent]),
        Row(f"{title}: peak memory", "MiB", [[each.peak_mib for each in one] for one in spent]),
    ]


def _run(bench: Bench, engine: Engine, command: Sequence[str]) -> _Spent:
    """The engine's CPU, its children included, and the command's time on the clock."""
    costs.forget_peak(engine.pid)
    before = costs.group_cpu_s(engine.pid)
    wall = bench.docker(engine, *command).wall_s
    return _Spent(costs.group_cpu_s(engine.pid) - before, wall, costs.peak_mib(engine.pid))
