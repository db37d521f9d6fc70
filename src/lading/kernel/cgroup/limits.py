"""Which file of which tree takes each limit, and writing them all: create and update.

A limit goes to v1 where its controller is mounted there, else to the v2 tree. So a hybrid host
whose v2 tree has some of the controllers works too.
"""

from __future__ import annotations

import errno

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.cgroup import counters, setting, v1, v2
from lading.kernel.cgroup.hierarchy import read_text
from lading.kernel.cgroup.setting import ControllerMissing

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lading.kernel.cgroup.hierarchy import Hierarchies
    from lading.kernel.cgroup.setting import Setting

V2_NAMES = {"blkio": "io"}  # the others are called the same, or are not there


class UnifiedOnV1(InvalidArgument):
    """invalid configuration: cannot use unified on cgroup v1"""


class BadUnifiedName(InvalidArgument):
    """unified resource "{0}" must be {1}"""


class UnifiedUnavailable(NotSupported):
    """unified resource "{0}" can't be set: controller "{1}" not available"""


class UnifiedRefused(InvalidArgument):
    """unable to set unified resource "{0}": {1}"""


class MemoryBelowUsage(InvalidArgument):
    """rejecting {0} limit {1} <= usage {2}"""


def settings(resources: Mapping[str, Any], trees: Hierarchies) -> list[Setting]:
    """What to write for these resources, in order; without device rules and `unified`."""
    listed: list[Setting] = []
    for name, of_v1 in v1.CONTROLLERS.items():
        of_v2 = v2.CONTROLLERS.get(V2_NAMES.get(name, name))
        if name not in trees.v1 and trees.is_unified():
            listed += of_v2(resources) if of_v2 else []
            continue
        asked = of_v1(resources)
        if asked and name not in trees.v1 and V2_NAMES.get(name, name) in trees.v2_controllers():
            asked = of_v2(resources) if of_v2 else asked
        listed += asked
    return listed


def unsettable(resources: Mapping[str, Any], trees: Hierarchies) -> list[str]:
    """What was asked and these trees have no limit for, as sentences for the user."""
    return v2.unsettable(resources) if trees.is_unified() else v1.unsettable(resources)


def apply(
    resources: Mapping[str, Any], trees: Hierarchies, path: str, *, is_new: bool = False
) -> list[str]:
    """Set limits of the group at `path`; what is not asked stays. Returns what was ignored.

    Raises InvalidArgument or NotSupported; what was set before the refused limit stays.
    """
    listed = settings(resources, trees)
    if not is_new:
        check_before_update(resources, trees, path)
        listed = in_safe_order(listed, trees, path)
    ignored = setting.apply(listed, place(trees, path))
    _apply_unified(resources.get("unified") or {}, trees, path)
    return ignored + unsettable(resources, trees)


def wanted_of_v2(resources: Mapping[str, Any], trees: Hierarchies) -> set[str]:
    """The controllers that the v2 tree must give a group: all; on a hybrid host those asked."""
    there = trees.v2_controllers()
    if trees.is_unified():
        return set(v2.HANDED_DOWN) & there
    names = {file.partition(".")[0] for file in resources.get("unified") or {}}
    for name, of_v1 in v1.CONTROLLERS.items():
        if name not in trees.v1 and of_v1(resources):
            names.add(V2_NAMES.get(name, name))
    return names & there


def place(trees: Hierarchies, path: str) -> Callable[[str], str]:
    """The group's directory for a controller."""

    def directory(controller: str) -> str:
        if controller in trees.v1:
            return trees.v1[controller] + path
        if trees.v2 is not None and (
            trees.is_unified() or controller in ("cgroup", *trees.v2_controllers())
        ):
            return trees.v2 + path
        raise ControllerMissing(controller, controller)

    return directory


def in_safe_order(listed: list[Setting], trees: Hierarchies, path: str) -> list[Setting]:
    """Raise v1's memory+swap before memory: at no time may memory be above memory+swap."""
    both = [each for each in listed if each.file == v1.MEMORY_AND_SWAP]
    if not both or not any(each.file == v1.MEMORY for each in listed):
        return listed
    now, wanted = counters.number(f"{trees.v1['memory']}{path}/{v1.MEMORY_AND_SWAP}"), both[0].value
    if now is None or 0 <= int(wanted) <= now:
        return listed
    return [*both, *(each for each in listed if each is not both[0])]


def check_before_update(resources: Mapping[str, Any], trees: Hierarchies, path: str) -> None:
    """v2 kills where v1 refuses a limit below what is used; `checkBeforeUpdate` asks first."""
    asked = resources.get("memory") or {}
    if not asked.get("checkBeforeUpdate") or "memory" in trees.v1 or trees.v2 is None:
        return
    usage = counters.number(f"{trees.v2}{path}/memory.current")
    if usage is None:
        return
    for field, name in (("swap", "memory+swap"), ("limit", "memory")):
        limit = asked.get(field) or 0
        if 0 < limit <= usage:
            raise MemoryBelowUsage(name, limit, usage)


def _apply_unified(unified: Mapping[str, str], trees: Hierarchies, path: str) -> None:
    """What the user says in v2's own words, a value's lines one by one."""
    for file, value in unified.items():
        if "/" in file:
            raise BadUnifiedName(file, "a file name (no slashes)")
        controller, dot, _ = file.partition(".")
        if not dot:
            raise BadUnifiedName(file, "in the form CONTROLLER.PARAMETER")
        try:
            directory = place(trees, path)(controller)
        except ControllerMissing:
            raise UnifiedOnV1 from None
        if controller in trees.v1:
            raise UnifiedOnV1
        for line in value.splitlines():
            _set_unified(directory, file, line)


def _set_unified(directory: str, file: str, value: str) -> None:
    try:
        setting.write(f"{directory}/{file}", value)
    except OSError as error:
        controller = file.partition(".")[0]
        there = read_text(f"{directory}/cgroup.controllers").split()
        missing = error.errno in (errno.ENOENT, errno.EPERM, errno.EACCES)
        if missing and controller not in (*there, "cgroup"):
            raise UnifiedUnavailable(file, controller) from error
        raise UnifiedRefused(file, setting.refused(f"{directory}/{file}", value, error)) from error
