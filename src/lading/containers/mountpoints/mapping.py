"""Binds whose files seem to be somebody else's: `-v SOURCE:TARGET:uid=33`, or `idmap=...` in full.

An id-mapped mount takes its mapping from a user namespace, which a helper of ours makes, for an
engine never forks. In a container that has a user namespace the runtime maps its binds itself.
man 2 mount_setattr, MOUNT_ATTR_IDMAP.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

from lading.containers.oci_spec import Bind
from lading.containers.userns import IdMap
from lading.errors import NotSupported
from lading.kernel import mount
from lading.runtime.operations.sources import clone_source
from lading.runtime.parent_mounts import parse_option

MakeNamespaces = Callable[[IdMap, int | None], Awaitable[tuple[int, int]]]


class CannotMap(NotSupported):
    """{0} cannot be id-mapped: {1} (does its file system support that?)"""


async def trees(
    binds: Sequence[Bind], make_namespaces: MakeNamespaces, lent: ExitStack
) -> dict[str, int]:
    """Detached mounts of the binds that are mapped, by destination; `lent` closes them.

    Raises BadSpec, CannotMap.
    """
    found = {}
    for bind in binds:
        words = [option for option in bind.options if option.startswith("idmap=")]
        if not words:
            continue
        uids, gids = parse_option(words[0].removeprefix("idmap="), {})
        users, netns = await make_namespaces(IdMap(uids, gids), None)
        try:
            tree = await asyncio.to_thread(_mapped, bind, users)
        finally:
            os.close(users)
            os.close(netns)
        lent.callback(os.close, tree)
        found[bind.destination] = tree
    return found


def _mapped(bind: Bind, users: int) -> int:
    tree = clone_source(bind.source, bind.subpath, recursive="rbind" in bind.options)
    try:
        mount.mount_setattr(tree, set=mount.MOUNT_ATTR_IDMAP, userns=users)
    except OSError as error:
        os.close(tree)
        raise CannotMap(bind.source, os.strerror(error.errno or 0).lower()) from error
    return tree
