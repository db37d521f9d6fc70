"""The container's cgroup as the runtime sees it; a container without a path gets none."""

from __future__ import annotations

import errno
import os
import time

from lading.runtime.plan import Host

V1 = "/sys/fs/cgroup"


class ContainerCgroup:
    """Directories of one container in every hierarchy."""

    __slots__ = ("_path", "_roots", "warnings")

    def __init__(self, path: str, roots: list[str]) -> None:
        self._path = path
        self._roots = roots if path else []
        self.warnings: list[str] = []

    def create(self, resources: dict[str, object]) -> None:
        for root in self._roots:
            at = root
            for part in self._path.strip("/").split("/"):
                at = f"{at}/{part}"
                try:
                    os.mkdir(at)
                except FileExistsError:
                    continue
                if root.endswith("cpuset"):
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        with open(f"{at}/../{name}") as a, open(f"{at}/{name}", "w") as b:
                            b.write(a.read())

    def join_files(self) -> list[int]:
        flags = os.O_WRONLY | os.O_CLOEXEC
        return [os.open(f"{root}{self._path}/tasks", flags) for root in self._roots]

    def v2_directory_fd(self) -> int | None:
        return None

    def kill(self) -> None:
        return

    def oom_killed(self) -> bool:
        return False

    def remove(self) -> None:
        for root in self._roots:
            _rmdir(root + self._path)


def _rmdir(path: str) -> None:
    for _ in range(100):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(0.005)
        else:
            return


def open_cgroup(path: str) -> ContainerCgroup:
    """The cgroup at that path below every mounted hierarchy; nothing is made yet."""
    roots = []
    if path:
        roots = [f"{V1}/{name}" for name in os.listdir(V1) if name != "unified"]
    return ContainerCgroup(path, roots)


def read_host() -> Host:
    """What plans depend on. Read once by the spawner."""
    with open("/proc/self/oom_score_adj") as file:
        value = int(file.read())
    mounts = [(name, f"{V1}/{name}") for name in sorted(os.listdir(V1)) if name != "unified"]
    return Host(cgroup_mounts=mounts, cgroup_links=[], has_cgroup2=False, oom_score_adj=value)
