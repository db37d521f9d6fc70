"""Cgroups of containers that do not run: of a monitor and an engine that were killed together.

A monitor removes its container's group, and the engine does when a monitor could not. What is left
when both are gone has no run directory any more that tells of it: it is found by looking.
"""

import os
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from typing import NamedTuple

from lading.containers.layout import Layout
from lading.kernel.cgroup import Cgroup, Hierarchies


class Group(NamedTuple):
    """A group in one tree."""

    path: str  # from the root of the tree
    directory: str
    container_id: str


def find(layout: Layout, trees: Hierarchies) -> Iterator[Group]:
    """The groups of containers where they are unless one names a parent of its own."""
    parent = os.path.dirname(layout.cgroup("x"))
    for mount in sorted({*trees.v1.values(), *([trees.v2] if trees.v2 else [])}):
        with suppress(FileNotFoundError, NotADirectoryError):
            for name in os.listdir(mount + parent):
                if container_id := layout.container_of(name):
                    yield Group(f"{parent}/{name}", f"{mount}{parent}/{name}", container_id)


def stray(
    layout: Layout, trees: Hierarchies, *, running: Set[str], is_known: Callable[[str], bool]
) -> Iterator[Group]:
    """Those of containers that do not run. Below a parent that was named there may be others'."""
    is_shared = bool(layout.cgroup_parent) and not layout.uses_systemd
    for group in find(layout, trees):
        if group.container_id not in running and (not is_shared or is_known(group.container_id)):
            yield group


def end(path: str) -> None:
    """Kill what is in a group, and remove it from all trees. Raises OSError."""
    group = Cgroup(path)
    group.kill()
    group.remove()
