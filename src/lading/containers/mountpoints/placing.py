"""From a container's mounts to what the runtime mounts: paths of the host, options, layers.

Sources are looked at here, at each start: a missing one of -v is made, and propagation to or from
the host needs a mount that takes part in it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lading.containers import selinux
from lading.containers.mountpoints import modes
from lading.containers.mountpoints.record import MountRecord
from lading.containers.oci_spec import Bind
from lading.errors import InvalidArgument, NotFound, SystemFault
from lading.kernel import safepath
from lading.kernel import selinux as kernel


class MissingSource(InvalidArgument):
    """invalid mount config for type "bind": bind source path does not exist: {0}"""


class MissingSubpath(NotFound):
    """cannot access path {0}/{1}: {2}"""


class NotShared(SystemFault):
    """path {0} is mounted on {1} but it is not a shared{2} mount"""


class NotForced(InvalidArgument):
    """mount {0}: read-only by force needs a recursive bind with propagation rprivate"""


class Places(NamedTuple):
    """What places depend on: paths of volumes by name, and how to find an image's layers."""

    volumes: Mapping[str, str]
    layers: Callable[[str], list[str]]  # chain id -> trees, top first


def binds(mounts: Sequence[MountRecord], places: Places, *, are_mapped: bool = False) -> list[Bind]:
    """What the runtime binds, outer places first. Raises NotForced.

    `are_mapped`: the container has a user namespace, and in its volumes it sees its own ids.
    """
    return [_bind(mount, places, are_mapped) for mount in mounts if mount.type != "tmpfs"]


def _bind(mount: MountRecord, places: Places, are_mapped: bool) -> Bind:
    if mount.type == "image":
        layers = tuple(places.layers(mount.chain_id))
        return Bind(
            f"image {mount.source}",
            mount.destination,
            ("ro",),
            subpath=mount.subpath,
            layers=layers,
        )
    kind = "rbind" if mount.is_recursive else "bind"
    if mount.type == "volume":
        access = ("ro", "rro") if mount.is_read_only else ()
        options = (kind, "rprivate", *access, *(["idmap"] if are_mapped else []))
        return Bind(places.volumes[mount.name], mount.destination, options, subpath=mount.subpath)
    options = (kind, mount.propagation or "rprivate", *_access(mount))
    if mount.idmap:
        options = (*options, _idmap(mount, are_mapped))
    return Bind(mount.source, mount.destination, options)


def _access(mount: MountRecord) -> tuple[str, ...]:
    if not mount.is_read_only:
        return ()  # no "rw": it would open what the host has mounted read-only
    if mount.reach == "forced" and not (
        mount.is_recursive and mount.propagation in ("", "rprivate")
    ):
        raise NotForced(mount.destination)
    if mount.reach == "top" or not mount.is_recursive:
        return ("ro",)
    return ("ro", "rro")


def settled(mount: MountRecord, data_root: str) -> MountRecord:
    """A bind that holds our own data is a slave: mounts of ours must not be kept alive by it.

    So dockerd does. Only where nothing else was asked.
    """
    is_around = f"{data_root}/".startswith(mount.source.rstrip("/") + "/")
    if mount.type == "bind" and is_around and mount.propagation in ("", "rprivate"):
        return replace(mount, propagation="rslave", is_slave_of_ours=True)
    return mount


def _idmap(mount: MountRecord, are_mapped: bool) -> str:
    """`idmap=...` as the runtime takes it; `uid=1,gid=2` shows the source's owner as those.

    In a user namespace these are its ids, which "@" stands for.
    """
    if mount.idmap.startswith("idmap="):
        return mount.idmap
    status = os.stat(mount.source)
    asked = dict(word.split("=") for word in mount.idmap.split(","))
    uid, gid = int(asked.get("uid", status.st_uid)), int(asked.get("gid", status.st_gid))
    at = "@" if are_mapped else ""
    return f"idmap=uids={at}{status.st_uid}-{uid}-1;gids={at}{status.st_gid}-{gid}-1"


def prepare(mounts: Sequence[MountRecord], places: Places) -> None:
    """Before a start: make missing sources that may be made, and look at all others.

    Raises MissingSource, MissingSubpath, NotShared.
    """
    for mount in mounts:
        if mount.type == "bind":
            _prepare_source(mount)
            _check_propagation(mount)
        elif mount.type == "volume" and mount.subpath:
            _check_subpath(places.volumes[mount.name], mount.subpath)


def relabel(mounts: Sequence[MountRecord], places: Places, mount_label: str) -> None:
    """Give the sources of `:z` and `:Z` their SELinux label. Raises NotAllowed, RelabelFailed."""
    for mount in mounts:
        if mount.type not in ("bind", "volume"):
            continue
        words = mount.mode.split(",")
        if any(word in words for word in modes.LABELS):
            label = mount_label if "Z" in words else selinux.shared(mount_label)
            source = mount.source if mount.type == "bind" else places.volumes[mount.name]
            kernel.relabel(source, label)


def _prepare_source(mount: MountRecord) -> None:
    if os.path.exists(mount.source):
        return
    if not mount.makes_source:
        raise MissingSource(mount.source)
    os.makedirs(mount.source, 0o755, exist_ok=True)


def _check_subpath(volume: str, subpath: str) -> None:
    """A clear word now; the runtime opens it again, below a descriptor of the volume."""
    root = os.open(volume, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(safepath.openat2(root, subpath, os.O_PATH, resolve=safepath.RESOLVE_BENEATH))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise MissingSubpath(volume, subpath, reason) from error
    finally:
        os.close(root)


def _check_propagation(mount: MountRecord) -> None:
    """Mounts travel only where the source's own mount is shared (or a slave, for slaves)."""
    wanted = mount.propagation.removeprefix("r")
    if wanted not in ("shared", "slave") or mount.is_slave_of_ours:
        return
    point, fields = mount_of(os.path.realpath(mount.source))
    if any(field.startswith("shared:") for field in fields):
        return
    if wanted == "slave" and any(field.startswith("master:") for field in fields):
        return
    raise NotShared(mount.source, point, " or slave" if wanted == "slave" else "")


def mount_of(path: str) -> tuple[str, list[str]]:
    """The mount that a path is on: its point, and its optional fields (`shared:7`). man 5
    proc_pid_mountinfo.
    """
    found: tuple[str, list[str]] = ("/", [])
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            words = line.split(" ")
            point = words[4]
            is_above = f"{path}/".startswith(point.rstrip("/") + "/")
            if is_above and len(point) >= len(found[0]):
                found = point, words[6 : words.index("-")]
    return found
