"""Binds whose files seem to be somebody else's (`uid=`, `gid=`, `idmap=`) in a container with the
host's ids: each gets a user namespace that maps them, as a descriptor. In a container with ids of
its own the starter does it, which maps all else there, too.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

from lading.containers.oci_spec import Bind
from lading.containers.userns import IdMap
from lading.errors import InvalidArgument
from lading.runtime.parent_mounts import parse_option
from lading.runtime.planning.errors import BadSpec

Make = Callable[[IdMap, int | None], Awaitable[tuple[int, int]]]


class NoMapping(InvalidArgument):
    """mount {0}: idmap without ids needs a container with a user namespace"""


class BadMapping(InvalidArgument):
    """mount {0}: {1}"""


async def give_users(
    binds: Sequence[Bind], descriptors: list[int], make: Make, lent: ExitStack
) -> list[Bind]:
    """The binds, those that are to be mapped with the index of a descriptor that is appended.

    Raises NoMapping, BadMapping, NoUserNamespace. `lent` closes the descriptors.
    """
    found = []
    for bind in binds:
        word = next((o for o in bind.options if o.removeprefix("r").startswith("idmap")), "")
        if word:
            users, network = await make(_ids(bind, word), None)
            os.close(network)
            lent.callback(os.close, users)
            bind = bind._replace(users=len(descriptors))
            descriptors.append(users)
        found.append(bind)
    return found


def _ids(bind: Bind, word: str) -> IdMap:
    _, equals, text = word.partition("=")
    if not equals:
        raise NoMapping(bind.destination)
    try:
        uids, gids = parse_option(text, {})
    except BadSpec as error:
        raise BadMapping(bind.destination, error) from error
    if not (uids and gids):
        raise BadMapping(bind.destination, "uids and gids go together")
    return IdMap(uids, gids)
