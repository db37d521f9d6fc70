"""What a host can limit is seen in its hierarchies."""

from pathlib import Path

from lading.kernel.cgroup import Hierarchies, abilities, hierarchies


def test_a_v1_host_shows_it_by_its_files(tmp_path: Path) -> None:
    for name in ("memory.memsw.limit_in_bytes", "memory.swappiness", "blkio.bfq.io_serviced"):
        (tmp_path / name).write_text("")
    (tmp_path / "cpuset.cpus").write_text("0-3\n")
    trees = Hierarchies(dict.fromkeys(("memory", "blkio", "cpuset"), str(tmp_path)), None)
    assert abilities.read(trees) == abilities.Abilities(
        memory=True,
        swap=True,
        swappiness=True,
        cpuset=True,
        blkio_weight=True,
        blkio_weight_device=True,
        cpus="0-3",
    )


def test_a_v2_host_shows_it_by_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory pids cpuset")
    (tmp_path / "cpuset.cpus.effective").write_text("0-1\n")
    found = abilities.read(Hierarchies({}, str(tmp_path)))
    assert (found.memory, found.pids, found.cpuset, found.cpus) == (True, True, True, "0-1")
    assert not any((found.cpu_cfs, found.blkio_weight, found.oom_kill_disable, found.swappiness))


def test_this_host_can_limit_memory_and_processes() -> None:
    found = abilities.read(hierarchies())
    assert found.memory
    assert found.pids
    assert found.cpus
