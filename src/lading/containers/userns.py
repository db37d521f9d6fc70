"""Whose ids a container has: --userns and --userns-remap become a map of ids, or None: the host's.

    mode                  who is root inside
    "" (nothing said)     what the engine was told with --userns-remap; without it the host's root
    host                  the host's root
    auto[:size=N]         nobody on the host: a range of its own, from create to removal
    private               the range of --userns-remap; without it as auto
    keep-id[:uid=N,gid=N] as auto, but these ids are the same inside and outside

On disk everything has the ids of inside: image layers are shared, and what the container and its
volumes hold looks the same whatever its range is; id-mapped mounts translate (`IdMap`). Pure, but
for `Users`, which knows what is being created, and `open_users`, which reads the host's tables.
"""

import grp
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from msgspec import Struct

from lading.errors import InvalidArgument, NotSupported
from lading.kernel import namespaces, subids
from lading.kernel.subids import Mapping, Range
from lading.wire.host_config import HostConfig

DEFAULT_SIZE = 65536  # ids 0 to 65535: with `nobody`, 65534
LARGEST_SIZE = 1 << 24
OVERFLOW = 65534  # /proc/sys/kernel/overflowuid, as every distribution has it
POOL = "lading"  # whose lines in /etc/subuid and /etc/subgid containers get ranges from
DOCKERS = "dockremap"  # the user of dockerd's --userns-remap=default
POOL_SIZE = 256 * DEFAULT_SIZE


class BadUserMode(InvalidArgument):
    """invalid USER mode: {0}"""


class NoPool(NotSupported):
    """--userns={0} takes its ids from a pool, and there is none: add a line such as \
"lading:1000000:16777216" to both /etc/subuid and /etc/subgid"""


class PoolExhausted(NotSupported):
    """no {0} free ids are left in the pool of user namespaces (the lines of "lading" in \
/etc/subuid and /etc/subgid)"""


class NoRanges(NotSupported):
    """can't create ID mappings: no {1} ranges found for {0} (/etc/{1})"""


class NoSuchUser(InvalidArgument):
    """--userns-remap: no such {0}: {1}"""


class OneForAll(NotSupported):
    """--userns={0} needs an engine that is root: this one has one user namespace for all"""


class Privileged(InvalidArgument):
    """privileged mode is incompatible with user namespaces.  You must run the container in the \
host namespace when running privileged mode"""


class SharesNetwork(InvalidArgument):
    """cannot share the host's network namespace when user namespaces are enabled"""


class SharesPids(InvalidArgument):
    """cannot share the host PID namespace when user namespaces are enabled"""


class IdMap(Struct, frozen=True, array_like=True):
    """The ids of one container."""

    uids: list[Mapping]
    gids: list[Mapping]

    @property
    def root(self) -> tuple[int, int]:
        """Who its root is on the host."""
        return outside(self.uids, 0), outside(self.gids, 0)


class Mode(NamedTuple):
    """A mode that was understood."""

    kind: str  # "", host, auto, private, keep-id
    size: int = DEFAULT_SIZE
    uid: int = 0
    gid: int = 0


def parse(text: str) -> Mode:
    """Raises BadUserMode."""
    kind, colon, rest = text.partition(":")
    options = dict.fromkeys(("size", "uid", "gid"), 0)
    allowed = {"auto": ("size",), "keep-id": ("size", "uid", "gid")}.get(kind, ())
    if kind not in ("", "host", "auto", "private", "keep-id") or (colon and not allowed):
        raise BadUserMode(text)
    for word in rest.split(",") if colon else ():
        name, _, value = word.partition("=")
        if name not in allowed or not (value.isascii() and value.isdigit()):
            raise BadUserMode(text)
        options[name] = int(value)
    size = options["size"] or DEFAULT_SIZE
    if size > LARGEST_SIZE or max(options["uid"], options["gid"]) >= size:
        raise BadUserMode(text)
    if kind == "keep-id" and not (options["uid"] and options["gid"]):
        raise BadUserMode(f"{text} (keep-id:uid=N,gid=N says which, and neither may be root)")
    return Mode(kind, size, options["uid"], options["gid"])


def outside(mappings: Iterable[Mapping], number: int) -> int:
    """The id on the host; what is not mapped is nobody's: the kernel's overflow id."""
    for first, there, count in mappings:
        if first <= number < first + count:
            return there + number - first
    return OVERFLOW


def inside(mappings: Iterable[Mapping], number: int) -> int:
    """The id in the container."""
    return outside([(there, first, count) for first, there, count in mappings], number)


def refuse_host_namespaces(host: HostConfig) -> None:
    """What root in a user namespace has no right to, in dockerd's order and words (moby:
    daemon_unix.go, verifyPlatformContainerSettings).
    """
    if host.privileged:
        raise Privileged
    if host.network_mode == "host":
        raise SharesNetwork
    if host.pid_mode == "host":
        raise SharesPids


class Users:
    """Gives containers their ids. `remap`: of the engine, None without --userns-remap."""

    def __init__(
        self,
        remap: IdMap | None,
        pool_uids: list[Range],
        pool_gids: list[Range],
        *,
        is_nested: bool = False,
    ) -> None:
        self.remap = remap
        self._is_nested = is_nested  # the engine is in a user namespace: it cannot map mounts
        self._uids, self._gids = pool_uids, pool_gids
        self._pending: list[IdMap] = []  # of containers whose row is being written

    @contextmanager
    def chosen(
        self, host: HostConfig, taken: Iterable[IdMap | None], joined: Iterable[IdMap | None]
    ) -> Iterator[IdMap | None]:
        """`choose`, and nobody else gets these ids until the end of the block.

        `joined` are those of containers whose namespaces it joins: only who has their ids may.
        """
        theirs = list(joined)
        found = None
        if theirs and self.is_mapped(host):
            refuse_host_namespaces(host)
            found = theirs[0]
        if found is None:
            found = self.choose(host, [*taken, *self._pending])
        pending = [found] if found else []
        self._pending += pending
        try:
            yield found
        finally:
            for one in pending:
                self._pending.remove(one)

    def is_mapped(self, host: HostConfig) -> bool:
        """Whether it gets a user namespace. Raises BadUserMode."""
        kind = parse(host.userns_mode).kind
        return kind != "host" and (kind != "" or self.remap is not None)

    def choose(self, host: HostConfig, taken: Iterable[IdMap | None]) -> IdMap | None:
        """The ids of a new container; `taken` are those of all that exist.

        Raises BadUserMode, NoPool, PoolExhausted, Privileged, SharesNetwork, SharesPids.
        """
        if not self.is_mapped(host):
            return None
        mode = parse(host.userns_mode)
        if self._is_nested:
            raise OneForAll(mode.kind)
        refuse_host_namespaces(host)
        if self.remap and mode.kind in ("", "private"):
            return self.remap
        if not (self._uids and self._gids):
            raise NoPool(mode.kind)
        maps = [one for one in taken if one is not None]
        if self.remap:
            maps.append(self.remap)
        uid = self._find(mode.size, self._uids, [m for one in maps for m in one.uids])
        gid = self._find(mode.size, self._gids, [m for one in maps for m in one.gids])
        return IdMap(_around(uid, mode.size, mode.uid), _around(gid, mode.size, mode.gid))

    def _find(self, size: int, pool: list[Range], taken: list[Mapping]) -> int:
        found = first_gap(size, pool, [(there, count) for _, there, count in taken])
        if found is None:
            raise PoolExhausted(size)
        return found


def open_users(remap: str) -> Users:
    """What /etc says. Raises NoRanges, NoSuchUser, and with `default` what writing there raises."""
    if namespaces.in_user_namespace():
        if remap:
            raise OneForAll(remap)
        return Users(None, [], [], is_nested=True)
    pools = [subids.read(path, POOL) for path in (subids.SUBUID, subids.SUBGID)]
    if remap == "default" and not subids.read(subids.SUBUID, DOCKERS):
        for path, pool in zip((subids.SUBUID, subids.SUBGID), pools, strict=True):
            if not pool:
                subids.add(path, POOL, POOL_SIZE)
        pools = [subids.read(path, POOL) for path in (subids.SUBUID, subids.SUBGID)]
        remap = POOL
    elif remap == "default":
        remap = DOCKERS
    return Users(_remap(remap) if remap else None, *pools)


def _remap(text: str) -> IdMap:
    """user, user:group; names or numbers."""
    user, _, group = text.partition(":")
    user_names, group_names = _user(user), _group(group) if group else _user(user)
    uids = subids.spread(subids.read(subids.SUBUID, *user_names), DEFAULT_SIZE)
    gids = subids.spread(subids.read(subids.SUBGID, *group_names), DEFAULT_SIZE)
    for found, file, name in ((uids, "subuid", user), (gids, "subgid", group or user)):
        if not found:
            raise NoRanges(name, file)
    return IdMap(uids, gids)


def _user(text: str) -> tuple[str, ...]:
    """How /etc/subuid may call the user: by name and number. A name may have a range alone."""
    try:
        entry = pwd.getpwuid(int(text)) if text.isdigit() else pwd.getpwnam(text)
    except KeyError:
        if text.isdigit():
            raise NoSuchUser("user", text) from None
        return (text,)
    return entry.pw_name, str(entry.pw_uid)


def _group(text: str) -> tuple[str, ...]:
    try:
        entry = grp.getgrgid(int(text)) if text.isdigit() else grp.getgrnam(text)
    except KeyError:
        if text.isdigit():
            raise NoSuchUser("group", text) from None
        return (text,)
    return entry.gr_name, str(entry.gr_gid)


def first_gap(size: int, pool: Iterable[Range], taken: Iterable[Range]) -> int | None:
    """The first of `size` ids in a row in the pool that are not taken."""
    used = sorted(taken)
    for start, count in pool:
        at = start
        for first, length in used:
            if first + length <= at:
                continue
            if at + size <= first:
                break
            at = first + length
        if at + size <= start + count:
            return at
    return None


def _around(first: int, size: int, kept: int) -> list[Mapping]:
    """`size` ids from 0 on to those from `first` on; `kept`, unless 0, is the host's own."""
    if not kept:
        return [(0, first, size)]
    after = (kept + 1, first + kept + 1, size - kept - 1)
    return [(0, first, kept), (kept, kept, 1), *([after] if after[2] else [])]
