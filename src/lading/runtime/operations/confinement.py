"""Walls that few specs ask for: security modules' profiles, and a Landlock fence."""

from __future__ import annotations

import os
import stat

from lading.kernel import landlock, lsm, safepath
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.operations.step import Child


class SetAppArmor(Operation):
    __slots__ = ("profile",)

    def __init__(self, profile: str) -> None:
        self.profile = profile

    def describe(self) -> str:
        return f"set apparmor profile {self.profile}"

    def execute(self, child: Child) -> None:
        lsm.set_apparmor_on_exec(self.profile)


class SetSelinux(Operation):
    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def describe(self) -> str:
        return f"set selinux label {self.label}"

    def execute(self, child: Child) -> None:
        lsm.set_selinux_on_exec(self.label)


class LabelKeys(Operation):
    """Keyrings that are made from here on; execve forgets it."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def describe(self) -> str:
        return f"label keyrings {self.label}"

    def execute(self, child: Child) -> None:
        lsm.set_selinux_key_create(self.label)


class Fence(Operation):
    """linux.landlock, ours: {"paths": [{"path", "access"}], "bind": [port], "connect": [port]}.

    Paths are looked up in the container's root; one that is missing is left out.
    """

    __slots__ = ("asked",)

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        for rule in asked.get("paths") or []:
            landlock.rights_of(rule.get("access") or "")

    def describe(self) -> str:
        rules = " ".join(f"{rule['path']}={rule['access']}" for rule in self.asked["paths"])
        return f"fence by landlock: {rules}"

    def execute(self, child: Child) -> None:
        ports = "bind" in self.asked or "connect" in self.asked
        fence = landlock.Fence(ports=ports)
        for rule in self.asked.get("paths") or []:
            try:
                place = safepath.open_in_root(child.root, rule["path"], os.O_PATH)
            except (FileNotFoundError, NotADirectoryError):
                continue
            is_directory = stat.S_ISDIR(os.fstat(place).st_mode)
            fence.allow(place, rule["access"], is_directory=is_directory)
            os.close(place)
        for key in ("bind", "connect"):
            for port in self.asked.get(key) or []:
                fence.allow_port(port, bind=key == "bind", connect=key == "connect")
        fence.restrict_self()
