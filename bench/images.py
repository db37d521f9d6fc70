"""Load and pull of a whole distribution: what the engine spends, and how long it takes."""

from pathlib import Path

from bench import costs
from bench.archive import write_docker_archive
from bench.engines import Engine
from bench.measurements import Bench
from bench.registry import served
from bench.table import Row

IMAGE = "lading-bench/rootfs:latest"


def loads(bench: Bench, rootfs: Path, work: Path) -> list[Row]:
    """`docker load` of the root as an archive of one plain layer."""
    archive = work / "rootfs.tar"
    write_docker_archive(archive, rootfs, IMAGE)
    try:
        return _cycle(bench, "load", ["load", "-i", str(archive)], IMAGE)
    finally:
        archive.unlink()


def pulls(bench: Bench, rootfs: Path, work: Path) -> list[Row]:
    """`docker pull` of the same, gzipped by the last engine's push, from a registry on loopback."""
    archive = work / "rootfs.tar"
    with served(bench.options.registry, bench.engines, bench.options.scratch) as address:
        remote = f"{address}/rootfs:latest"
        write_docker_archive(archive, rootfs, remote)
        pusher = bench.engines[-1]
        bench.docker(pusher, "load", "-i", str(archive))
        archive.unlink()
        bench.docker(pusher, "push", remote)
        bench.docker(pusher, "rmi", "-f", remote)
        return _cycle(bench, "pull", ["pull", remote], remote)


def _cycle(bench: Bench, title: str, command: list[str], image: str) -> list[Row]:
    """Bring the image in and remove it again, some times in each engine."""
    cpu: list[list[float]] = [[] for _ in bench.engines]
    wall: list[list[float]] = [[] for _ in bench.engines]
    for _ in range(bench.options.image_runs):
        for index, engine in enumerate(bench.engines):
            taken = _spent(bench, engine, command)
            cpu[index].append(taken.cpu_s)
            wall[index].append(taken.wall_s)
            bench.docker(engine, "rmi", "-f", image)
    title = f"{title} of the rootfs, docker"
    return bench.note(
        [Row(f"{title}: CPU of the engine", "s", cpu), Row(f"{title}: on the clock", "s", wall)]
    )


def _spent(bench: Bench, engine: Engine, command: list[str]) -> costs.Cost:
    """The engine's CPU, its children included, and the command's time on the clock."""
    before = costs.group_cpu_s(engine.pid)
    wall = bench.docker(engine, *command).wall_s
    return costs.Cost(wall, costs.group_cpu_s(engine.pid) - before)
