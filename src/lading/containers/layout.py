"""Where the files of containers are: the durable ones below data-root, the living below exec-root.

DATA/containers/ID/{hosts,hostname,resolv.conf,log/}   until the container is removed
EXEC/containers/ID/{monitor.sock,state.json,exit.json} from start until the exit is recorded
EXEC/seccomp/DIGEST.bpf                                compiled filters, shared by containers
"""

import os
import shutil
from contextlib import suppress
from typing import NamedTuple

from lading.kernel.cgroup import systemd

_REMOVED = ".removed"  # of the durable directory of a container that is removed just now


class Layout(NamedTuple):
    """The places of one engine; `engine_id` is 8 hex digits and marks what it owns on the host."""

    data_root: str
    exec_root: str
    engine_id: str
    cgroup_parent: str = ""
    uses_systemd: bool = False  # who makes the cgroups: systemd, or we ourselves

    def files(self, container_id: str) -> str:
        """The durable directory of a container."""
        return f"{self.data_root}/containers/{container_id}"

    def log(self, container_id: str) -> str:
        """The directory of its log segments."""
        return f"{self.files(container_id)}/log"

    def run(self, container_id: str) -> str:
        """The directory of its run: exists only while a monitor does, or its exit is unread."""
        return f"{self.exec_root}/containers/{container_id}"

    def cgroup(self, container_id: str, parent: str = "") -> str:
        """The cgroup path of a container, below the root of every hierarchy.

        `parent` is what the container asked for: a path, or a slice where systemd makes cgroups.
        """
        parent = parent or self.cgroup_parent
        if self.uses_systemd:
            return systemd.path_of(f"{parent}:lading-{self.engine_id}:{container_id}")
        if not parent:
            return f"/lading/{self.engine_id}/{container_id}"
        return f"{os.path.normpath('/' + parent.lstrip('/'))}/{container_id}".replace("//", "/")

    def container_of(self, name: str) -> str:
        """The id in a cgroup's name, or "" if it is none that we make.

        Scopes of all engines may be in one slice; theirs tell whose they are.
        """
        if self.uses_systemd:
            mark, end = f"lading-{self.engine_id}-", ".scope"
            if not (name.startswith(mark) and name.endswith(end)):
                return ""
            name = name.removeprefix(mark).removesuffix(end)
        return name if len(name) == 64 else ""

    def make_roots(self) -> None:
        """Create both roots, closed to everybody else (CVE-2021-41091)."""
        for path in (f"{self.data_root}/containers", f"{self.exec_root}/containers"):
            os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(self.data_root, 0o710)
        os.chmod(self.exec_root, 0o700)

    def make_files(self, container_id: str) -> None:
        """Create the durable directory of a container."""
        os.makedirs(self.log(container_id), mode=0o700, exist_ok=True)

    def make_run(self, container_id: str) -> str:
        """Create an empty run directory, and say where."""
        path = self.run(container_id)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
        return path

    def remove_files(self, container_id: str) -> None:
        """Remove the durable directory; missing is fine.

        It gets another name first: who still compresses a segment of its log, or notes how far it
        was delivered, would put a file where everything has just been removed.
        """
        path = self.files(container_id)
        if not path.endswith(_REMOVED):  # else one that a crash has left in the middle of this
            with suppress(OSError):  # it is not there, or one of that name is
                os.rename(path, path + _REMOVED)
            shutil.rmtree(path + _REMOVED, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)
